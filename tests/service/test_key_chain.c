/*
 * The keys of a data folder: which master key opens it, what a wrong one does (nothing), changing it at any moment of
 * which the power may go, and that no event can be read without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/mem.h"
#include "base/thread.h"
#include "control/ledger_epoch.h"
#include "service/offline.h"
#include "service/service.h"
#include "simdisk.h"
#include "temp_folder.h"

#define PATH_LEN  512
#define TOKEN_MAX 128
#define OTHER_KEY "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"
#define WORD      "Mississippi"

static char folder[TEMP_FOLDER_MAX];

static int set_up(void **state)
{
	return temp_folder_make(folder);
}

static int tear_down(void **state)
{
	return temp_folder_remove(folder);
}

static const char *in_folder(const char *name)
{
	static char path[4][PATH_LEN];
	static int at;

	at = (at + 1) % 4;
	snprintf(path[at], PATH_LEN, "%s/%s", folder, name);
	return path[at];
}

/* ---- a service ---- */

static int try_open(struct io *io, const char *source, struct service **ret, struct err *err)
{
	struct service_config config = {.io = io, .folder = folder, .url = "http://test:1", .master_key = source};
	bool is_first;

	*err = (struct err)ERR_INIT;
	*ret = NULL;
	return service_open(&config, ret, &is_first, err);
}

static struct service *open_must(const char *source)
{
	struct service *s;
	struct err err;

	if (try_open(&io_posix, source, &s, &err) < 0)
		fail_msg("%s", err.message);
	return s;
}

struct waiter {
	struct mutex mu;
	struct cond done;
	bool is_done;
};

static void on_done(struct ledger_append *a)
{
	struct waiter *w = a->user;

	mutex_lock(&w->mu);
	w->is_done = true;
	cond_signal(&w->done);
	mutex_unlock(&w->mu);
}

static struct principal first_principal(struct service *s)
{
	char text[1024], token[TOKEN_MAX];
	FILE *f = fopen(in_folder("bootstrap.json"), "r");
	struct principal who;
	const char *at;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strstr(text, "\"stele_");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"%127[^\"]\"", token), 1);
	assert_int_equal(service_authenticate(s, span_str(token), &who, NULL), 0);
	return who;
}

static void append_events(struct service *s, unsigned count)
{
	struct principal who = first_principal(s);
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct waiter w = {.is_done = false};
	struct ledger_append a = {.batch = &batch, .done = on_done, .user = &w, .err = ERR_INIT};
	struct buf text = BUF_INIT;

	for (unsigned i = 0; i < count; i++)
		buf_printf(&text, "{\"action\":\"" WORD "\",\"description\":\"over the " WORD " %u\"}\n", i);
	assert_int_equal(record_parse_body(parser, buf_span(&text), RECORD_BODY_AUTO, 1000000, EVENTS_MAX, NULL, NULL,
					   &batch, NULL),
			 0);
	mutex_init(&w.mu);
	cond_init(&w.done);
	service_append(s, &who, &a);
	mutex_lock(&w.mu);
	while (!w.is_done)
		cond_wait(&w.done, &w.mu);
	mutex_unlock(&w.mu);
	assert_int_equal(a.rc, 0);
	cond_release(&w.done);
	mutex_release(&w.mu);
	buf_release(&text);
	record_batch_release(&batch);
	record_parser_free(parser);
}

/* A folder with 40 events in segments and 20 in the journal. */
static void make_folder(const char *source)
{
	struct service *s = open_must(source);

	append_events(s, 40);
	assert_int_equal(service_seal(s, NULL), 0);
	append_events(s, 20);
	service_close(s);
}

static void count_fault(void *user, const struct err *err)
{
	++*(int *)user;
}

static struct offline offline_with(const char *source)
{
	return (struct offline){.io = &io_posix, .folder = folder, .master_key = source};
}

#define EVENTS 60 /* that make_folder appends */

/* `told` rotations are events of their own. */
static void assert_sound_with(const char *source, unsigned told)
{
	struct offline o = offline_with(source);
	struct err err = ERR_INIT;
	uint64_t records;
	int faults = 0;

	if (offline_verify(&o, count_fault, &faults, &records, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(faults, 0);
	assert_int_equal(records, EVENTS + told);
}

static void assert_sound(const char *source)
{
	assert_sound_with(source, 0);
}

/* ---- the folder's bytes ---- */

static void put_file(struct buf *to, const char *path)
{
	uint8_t part[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	buf_put_str(to, path);
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_put(to, part, (size_t)n);
	close(fd);
}

static void put_folder(struct buf *to, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		char *below = xformat("%s/%s", path, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.' && entries[i]->d_type == DT_DIR)
			put_folder(to, below);
		else if (entries[i]->d_type == DT_REG)
			put_file(to, below);
		free(below);
		free(entries[i]);
	}
	free(entries);
}

static void image_of_folder(struct buf *to)
{
	buf_reset(to);
	put_folder(to, folder);
	assert_true(buf_ok(to));
}

static void keep_control(struct buf *to)
{
	uint8_t *p = NULL;
	size_t len;

	assert_int_equal(durable_read(&io_posix, in_folder("control.db"), UINT32_MAX, &p, &len, NULL), 0);
	buf_put(to, p, len);
	free(p);
}

static void put_back_control(const struct buf *kept)
{
	struct span bytes = buf_span(kept);

	assert_int_equal(access(in_folder("control.db-wal"), F_OK), -1);
	assert_int_equal(durable_write(&io_posix, in_folder("control.db"), &bytes, 1, 0600, NULL), 0);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void read_text(const char *path, char text[80])
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, 79, f);
	text[n] = '\0';
	fclose(f);
}

/* ---- tests ---- */

static void test_key_chain__a_wrong_key_is_said_and_touches_nothing(void **state)
{
	static const struct {
		const char *source;
		int rc;
		const char *says;
	} cases[] = {
		{NULL, E_NOT_FOUND, "there is no master key"},
		{"env:STELE_TEST_MASTER", E_CRYPTO, "the master key is not the one"},
		{"env:STELE_TEST_NOTHING", E_NOT_FOUND, "the environment has no STELE_TEST_NOTHING"},
		{"command:echo " OTHER_KEY, E_CRYPTO, "nothing was changed"},
		{"command:false", E_IO, "ended with status 1"},
		{"command:echo no key", E_CRYPTO, "is not a master key"},
		{"master.key", E_INVALID, "file:PATH"},
	};
	struct buf before = BUF_INIT, after = BUF_INIT;

	make_folder(NULL);
	assert_int_equal(rename(in_folder("master.key"), in_folder("../stele-test-key")), 0);
	assert_int_equal(setenv("STELE_TEST_MASTER", OTHER_KEY, 1), 0);
	image_of_folder(&before);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct offline o = offline_with(cases[i].source);
		struct store_figures figures;
		struct service *s;
		struct err err;
		uint64_t count;
		int faults = 0;

		assert_int_equal(try_open(&io_posix, cases[i].source, &s, &err), cases[i].rc);
		if (!strstr(err.message, cases[i].says))
			fail_msg("%s", err.message);
		assert_int_equal(offline_verify(&o, count_fault, &faults, &count, &err), cases[i].rc);
		assert_int_equal(faults, 0);
		assert_int_equal(offline_seal(&o, &figures, &err), cases[i].rc);
		assert_int_equal(offline_rotate(&o, "command:echo " OTHER_KEY, &count, &err), cases[i].rc);
		image_of_folder(&after);
		assert_true(span_eq(buf_span(&before), buf_span(&after)));
	}
	assert_int_equal(rename(in_folder("../stele-test-key"), in_folder("master.key")), 0);
	assert_sound(NULL);
	buf_release(&before);
	buf_release(&after);
}

static void test_key_chain__the_key_may_be_anywhere(void **state)
{
	char *source;

	assert_int_equal(setenv("STELE_TEST_MASTER", OTHER_KEY, 1), 0);
	make_folder("env:STELE_TEST_MASTER");
	assert_int_equal(access(in_folder("master.key"), F_OK), -1);
	assert_sound("command:echo " OTHER_KEY);
	write_text(in_folder("elsewhere"), OTHER_KEY "\n");
	source = xformat("file:%s", in_folder("elsewhere"));
	assert_sound(source);
	free(source);
}

/* The nth time, from `old` to `new`; afterwards the old one is of no use, unless it was a file and the new one is in
 * its place. */
static void rotate(unsigned nth, const char *old, const char *new)
{
	struct offline o = offline_with(old);
	struct err err = ERR_INIT;
	struct service *s;
	uint64_t count;

	if (offline_rotate(&o, new, &count, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(count, 4 + 1 + 1);          /* two ledgers of each of two orgs, an epoch, the node */
	assert_sound_with(new ? new : old, 2 * nth); /* both orgs are told */
	if (new)
		assert_int_equal(try_open(&io_posix, old, &s, &err), E_CRYPTO);
}

static void test_key_chain__rotates_from_anywhere_to_anywhere(void **state)
{
	char *second = xformat("file:%s/second", folder);
	char before[80], after[80];

	make_folder(NULL);
	read_text(in_folder("master.key"), before);
	rotate(1, NULL, NULL);
	read_text(in_folder("master.key"), after);
	assert_string_not_equal(before, after);
	assert_int_equal(access(in_folder("master.key.next"), F_OK), -1);
	rotate(2, NULL, "command:echo " OTHER_KEY);
	rotate(3, "command:echo " OTHER_KEY, second);
	rotate(4, second, NULL);
	rotate(5, second, "command:echo " OTHER_KEY);
	free(second);
}

static void test_key_chain__does_not_rotate_in_vain(void **state)
{
	struct offline o = offline_with(NULL);
	char *same = xformat("file:%s/master.key", folder);
	struct err err = ERR_INIT;
	struct service *s;
	uint64_t count;

	make_folder(NULL);
	assert_int_equal(offline_rotate(&o, same, &count, &err), E_INVALID);
	assert_sound(NULL);
	assert_int_equal(setenv("STELE_TEST_MASTER", OTHER_KEY, 1), 0);
	assert_int_equal(offline_rotate(&o, "env:STELE_TEST_MASTER", &count, &err), 0);
	o.master_key = "env:STELE_TEST_MASTER";
	assert_int_equal(offline_rotate(&o, NULL, &count, &err), E_INVALID); /* where would it go? */
	s = open_must("env:STELE_TEST_MASTER");
	assert_int_equal(offline_rotate(&o, "command:echo " OTHER_KEY, &count, &err), E_LOCKED);
	service_close(s);
	free(same);
}

/* The power goes at each call of a rotation in place, as done and as not done: the folder opens as it did before,
 * under one key or the other. Each time from the same folder, of which control.db is a real file. */
static void test_key_chain__a_rotation_may_die_at_any_step(void **state)
{
	struct simdisk *first = simdisk_new(1);
	struct io *io = simdisk_io(first);
	struct buf control = BUF_INIT;
	struct service *s;
	struct err err;
	bool was_reached = true;

	assert_int_equal(io->mkdir(io, "/tmp", 0700), 0);
	assert_int_equal(io->sync_folder(io, "/"), 0);
	if (try_open(io, NULL, &s, &err) < 0)
		fail_msg("%s", err.message);
	service_close(s);
	simdisk_put(first, in_folder("control.db"), SPAN_LIT("is looked for there"));
	keep_control(&control);
	for (uint64_t n = 1; was_reached; n++) {
		for (int is_done = 0; is_done < 2; is_done++) {
			struct simdisk *sd = simdisk_copy(first);
			struct offline o = {.io = simdisk_io(sd), .folder = folder};
			struct rng rng;
			uint64_t count;

			rng_init(&rng, n);
			simdisk_fail(sd, (struct simdisk_fault){.nth = n, .done = is_done, .persists = true});
			(void)!offline_rotate(&o, NULL, &count, &err);
			was_reached = simdisk_failed(sd);
			simdisk_crash(sd, &rng);
			if (try_open(o.io, NULL, &s, &err) < 0)
				fail_msg("call %llu: %s", (unsigned long long)n, err.message);
			service_close(s);
			assert_int_equal(simdisk_open_count(sd), 0);
			simdisk_free(sd);
			put_back_control(&control);
		}
	}
	buf_release(&control);
	simdisk_free(first);
}

/* A folder of before there was a node's key gets one when it is opened. */
static void test_key_chain__an_older_folder_gets_what_it_lacks(void **state)
{
	struct offline o = offline_with(NULL);
	struct key key, again;

	make_folder(NULL);
	assert_int_equal(offline_node_key(&o, &key, NULL), 0);
	service_close(open_must(NULL));
	assert_int_equal(offline_node_key(&o, &again, NULL), 0);
	assert_memory_equal(&key, &again, sizeof(key));
}

static void test_key_chain__no_word_of_an_event_is_in_the_folder(void **state)
{
	struct buf image = BUF_INIT;

	make_folder(NULL);
	image_of_folder(&image);
	assert_true(image.len > 10000);
	assert_null(memmem(image.p, image.len, WORD, strlen(WORD)));
	assert_null(memmem(image.p, image.len, "over the", 8));
	assert_non_null(memmem(image.p, image.len, "STELESEG", 8));
	assert_non_null(memmem(image.p, image.len, "STELEJNL", 8));
	buf_release(&image);
}

static void keep_fault(void *user, const struct err *err)
{
	*(struct err *)user = *err;
}

/* As if the epochs had begun long ago. */
static void make_epochs_old(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in_folder("control.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE ledger_epochs SET created = 0", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What retention does: from then on the files of the epoch are of no use, also those somebody kept. */
static void test_key_chain__a_destroyed_epoch_cannot_be_read(void **state)
{
	struct offline o = offline_with(NULL);
	struct err fault = ERR_INIT, err = ERR_INIT;
	struct control *c = NULL;
	struct control_epoch e;
	uint64_t records;
	uint32_t count;

	make_folder(NULL);
	assert_int_equal(control_open(folder, &c, NULL), 0);
	assert_int_equal(control_epoch_find(c, 1, 39, &e, NULL), 0);
	assert_int_equal(e.epoch, 1);
	assert_int_equal(e.first, 0);
	assert_int_equal(control_epoch_destroy(c, 1, 40, &count, NULL), 0);
	assert_int_equal(count, 0); /* it is the newest: more may come under it */
	control_close(c);
	assert_sound(NULL);
	assert_int_equal(control_open(folder, &c, NULL), 0);
	assert_int_equal(control_ledger_set_epoch_seconds(c, 1, 86400, NULL), 0);
	control_close(c);
	make_epochs_old();
	assert_int_equal(offline_seal(&o, &(struct store_figures){0}, &err), 0); /* 20 more begin another epoch */
	assert_int_equal(control_open(folder, &c, NULL), 0);
	assert_int_equal(control_epoch_find(c, 1, 40, &e, NULL), 0);
	assert_int_equal(e.epoch, 2);
	assert_int_equal(e.first, 40);
	assert_int_equal(control_epoch_destroy(c, 1, 40, &count, NULL), 0);
	assert_int_equal(count, 1);
	control_close(c);
	assert_int_equal(offline_verify(&o, keep_fault, &fault, &records, &err), E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "it was destroyed"));
	assert_string_equal(fault.field, "1/0-40.seg");
	assert_int_equal(records, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_key_chain__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wrong_key_is_said_and_touches_nothing), TEST(the_key_may_be_anywhere),
		TEST(rotates_from_anywhere_to_anywhere),       TEST(does_not_rotate_in_vain),
		TEST(a_rotation_may_die_at_any_step),          TEST(an_older_folder_gets_what_it_lacks),
		TEST(no_word_of_an_event_is_in_the_folder),    TEST(a_destroyed_epoch_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
