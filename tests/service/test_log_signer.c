/*
 * The signer over a store on a disk in memory: what it publishes is signed, is of the records, and never takes back
 * what it has published, whatever happens to the disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "service/limits.h"
#include "service/log_signer.h"
#include "store/store_priv.h"
#include "store_model.h"
#include "temp_folder.h"

#define MAIN   1u /* the ledger's number; the model counts from 0 */
#define SELF   2u
#define ORIGIN "log.example/log/acme/main"

#define SEEN_MAX 4096

struct world {
	char folder[TEMP_FOLDER_MAX]; /* of control.db */
	struct control *control;
	struct model m;
	struct rng r;
	struct log_signer *signer;
	const char *host;
	const char *state;
	struct checkpoint seen[SEEN_MAX]; /* published, of MAIN; origin and extensions are not kept */
	size_t seen_count;
};

static struct world w;

/* ---- life ---- */

static int give_key(void *user, uint32_t ledger, struct key *ret, struct err *err)
{
	memset(ret->b, (int)(ledger + 7), sizeof(ret->b)); /* the model's */
	return 0;
}

static int wrap_key(void *user, uint32_t ledger, uint8_t ret[KEY_WRAPPED_LEN], struct err *err)
{
	memset(ret, 1, KEY_WRAPPED_LEN);
	return 0;
}

static int try_start(struct err *err)
{
	struct log_signer_config config = {.io = w.m.io,
					   .store = w.m.store,
					   .control = w.control,
					   .key = give_key,
					   .host = w.host,
					   .state = w.state,
					   .no_thread = true};

	return log_signer_start(&config, &w.signer, err);
}

static void start(void)
{
	struct err err = ERR_INIT;

	if (try_start(&err) < 0)
		fail_msg("%s", err.message);
}

static void stop(void)
{
	w.signer = log_signer_stop(w.signer);
	model_close(&w.m);
}

static void restart(void)
{
	stop();
	model_open(&w.m);
	start();
}

static int set_up(void **state)
{
	struct control_org org = {.org_key = "acme", .name = "Acme", .created_us = 1};

	w = (struct world){.host = "log.example", .state = "/state"};
	rng_init(&w.r, model_seed());
	if (temp_folder_make(w.folder) < 0 || control_open(w.folder, &w.control, NULL) < 0 ||
	    control_org_create(w.control, &org, wrap_key, NULL, NULL) < 0)
		return -1;
	model_init(&w.m, simdisk_new(rng_next(&w.r)));
	model_open(&w.m);
	start();
	return 0;
}

static int tear_down(void **state)
{
	stop();
	model_release(&w.m);
	assert_int_equal(simdisk_open_count(w.m.disk), 0);
	simdisk_free(w.m.disk);
	control_close(w.control);
	return temp_folder_remove(w.folder);
}

/* ---- what it says ---- */

static struct note_vkey vkey_in_use(uint32_t ledger)
{
	struct log_key *keys = NULL;
	struct note_vkey vkey;
	struct err err = ERR_INIT;
	size_t count = 0;

	assert_int_equal(log_signer_keys(w.signer, ledger, &keys, &count, &err), 0);
	assert_true(count > 0 && keys[count - 1].retired_us == 0);
	vkey = keys[count - 1].vkey;
	log_keys_free(keys, count);
	return vkey;
}

/* The published checkpoint, whose signature is checked. */
static struct checkpoint checkpoint_of(uint32_t ledger)
{
	struct note_vkey vkey = vkey_in_use(ledger);
	struct buf note = BUF_INIT;
	struct checkpoint c;
	struct err err = ERR_INIT;
	struct note n;
	uint64_t size;

	if (log_signer_checkpoint(w.signer, ledger, &note, &size, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(checkpoint_open(buf_span(&note), &vkey, 1, &n, &c, &err), 0);
	assert_int_equal(c.size, size);
	assert_int_equal(c.extensions.len, 0);
	c.origin = c.extensions = span_of(NULL, 0);
	buf_release(&note);
	return c;
}

/* Takes a look at what is published of MAIN, for check_history. */
static struct checkpoint look(void)
{
	struct checkpoint c = checkpoint_of(MAIN);

	assert_true(w.seen_count < SEEN_MAX);
	w.seen[w.seen_count++] = c;
	return c;
}

/* Everything that was ever published is of the records there are now. */
static void check_history(void)
{
	const struct model_records *sure = &w.m.expected[0].sure;
	struct sha256 *leaves = xarray(sure->count + 1, sizeof(*leaves));
	struct digest *d = digest_new();
	const uint8_t *at = sure->bytes.p;

	for (size_t i = 0; i < sure->count; i++) {
		digest_leaf(d, span_of(at, sure->len[i]), &leaves[i]);
		at += sure->len[i];
	}
	for (size_t i = 0; i < w.seen_count; i++) {
		struct merkle_frontier f;
		struct sha256 root;

		merkle_init(&f);
		assert_true(w.seen[i].size <= sure->count);
		assert_true(i == 0 || w.seen[i].size >= w.seen[i - 1].size);
		assert_int_equal(merkle_append_leaves(&f, d, leaves, w.seen[i].size, NULL, NULL), 0);
		merkle_root(&f, d, &root);
		assert_memory_equal(root.b, w.seen[i].root.b, SHA256_LEN);
	}
	digest_free(d);
	free(leaves);
}

static void append(size_t rows)
{
	assert_int_equal(model_append_to(&w.m, &w.r, 0, rows), 0);
}

static void pass(void)
{
	struct err err = ERR_INIT;

	if (log_signer_pass(w.signer, &err) < 0)
		fail_msg("%s", err.message);
}

/* ---- signing ---- */

static void test_log_signer__signs_what_has_grown(void **state)
{
	struct log_figures f;

	assert_int_equal(look().size, 0); /* the empty tree, signed because it was asked for */
	append(5);
	log_signer_figures(w.signer, &f);
	assert_int_equal(f.checkpoints, 1);
	assert_int_equal(look().size, 0);
	pass();
	assert_int_equal(look().size, 5);
	pass(); /* nothing has grown */
	log_signer_figures(w.signer, &f);
	assert_int_equal(f.checkpoints, 2);
	assert_int_equal(f.unsigned_logs, 0);
	for (int i = 0; i < 20; i++) {
		append(1 + rng_below(&w.r, 500));
		pass();
		assert_int_equal(look().size, w.m.expected[0].sure.count);
	}
	check_history();
}

static void test_log_signer__goes_on_after_a_restart(void **state)
{
	struct note_vkey before = vkey_in_use(MAIN);
	struct err err = ERR_INIT;

	for (int i = 0; i < 10; i++) {
		append(1 + rng_below(&w.r, 300));
		if (i % 3)
			pass();
		if (i % 4 == 0)
			assert_int_equal(store_seal(w.m.store, &err), 0);
		look();
		restart();
		look(); /* before any pass: what was published is still */
		assert_int_equal(log_signer_ready(w.signer, &err), 0);
	}
	pass();
	assert_int_equal(look().size, w.m.expected[0].sure.count);
	assert_int_equal(vkey_in_use(MAIN).id, before.id);
	check_history();
}

static void test_log_signer__each_ledger_has_a_log_and_key_of_its_own(void **state)
{
	append(3);
	pass();
	assert_string_equal(vkey_in_use(MAIN).name, ORIGIN);
	assert_string_equal(vkey_in_use(SELF).name, "log.example/log/acme/self");
	assert_memory_not_equal(vkey_in_use(MAIN).public_key, vkey_in_use(SELF).public_key, NOTE_PUBLIC_LEN);
	assert_int_equal(checkpoint_of(MAIN).size, 3);
	assert_int_equal(checkpoint_of(SELF).size, 0);
}

static void test_log_signer__a_log_of_another_name_is_another_log(void **state)
{
	struct note_vkey before = vkey_in_use(MAIN);

	append(3);
	pass();
	look();
	w.host = "other.example";
	restart();
	assert_int_equal(look().size, 3);
	assert_string_equal(vkey_in_use(MAIN).name, "other.example/log/acme/main");
	assert_memory_not_equal(vkey_in_use(MAIN).public_key, before.public_key, NOTE_PUBLIC_LEN);
	append(3);
	pass();
	look();
	check_history();
}

static void test_log_signer__refuses_names_that_are_none(void **state)
{
	static const char *const bad[] = {"", "a b", "a+b", "a\n"};
	char longest[LOG_HOST_MAX + 2];
	struct err err = ERR_INIT;

	w.signer = log_signer_stop(w.signer);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w.host = bad[i];
		assert_int_equal(try_start(&err), E_INVALID);
	}
	memset(longest, 'h', sizeof(longest));
	longest[LOG_HOST_MAX + 1] = '\0';
	w.host = longest;
	assert_int_equal(try_start(&err), E_INVALID);
	longest[LOG_HOST_MAX] = '\0';
	start();
	assert_int_equal(checkpoint_of(MAIN).size, 0);
}

static void test_log_signer__can_be_waited_for(void **state)
{
	struct err err = ERR_INIT;

	append(4);
	assert_int_equal(log_signer_wait(w.signer, MAIN, 4, 1, &err), E_TIMEOUT);
	pass();
	assert_int_equal(log_signer_wait(w.signer, MAIN, 4, 1, &err), 0);
	assert_int_equal(log_signer_wait(w.signer, MAIN, 5, 1, &err), E_TIMEOUT);
}

/* ---- keys ---- */

/* What was told of a change of keys, and what to answer. */
struct told {
	struct note_vkey before, after;
	unsigned count;
	int rc;
};

static int on_rotate(void *user, const struct note_vkey *before, const struct note_vkey *after, struct err *err)
{
	struct told *t = user;

	t->before = *before;
	t->after = *after;
	t->count++;
	return t->rc < 0 ? err_set(err, t->rc, "it cannot be recorded") : 0;
}

static int rotate(struct told *told, bool *ret_is_changed, struct err *err)
{
	return log_signer_rotate(w.signer, MAIN, told ? on_rotate : NULL, told, ret_is_changed, err);
}

/* Before the new key is anywhere, so that who cannot tell keeps it from happening. */
static void test_log_signer__a_change_of_keys_is_told_first(void **state)
{
	struct note_vkey before = vkey_in_use(MAIN);
	struct told told = {.rc = E_NO_SPACE};
	struct checkpoint seen;
	struct err err = ERR_INIT;
	bool is_changed = true;

	append(4);
	pass();
	seen = look();
	assert_int_equal(rotate(&told, &is_changed, &err), E_NO_SPACE);
	assert_false(is_changed);
	assert_int_equal(told.count, 1);
	assert_memory_equal(vkey_in_use(MAIN).public_key, before.public_key, NOTE_PUBLIC_LEN);
	assert_memory_equal(look().root.b, seen.root.b, SHA256_LEN);
	restart();
	assert_memory_equal(vkey_in_use(MAIN).public_key, before.public_key, NOTE_PUBLIC_LEN);

	told.rc = 0;
	assert_int_equal(rotate(&told, &is_changed, &err), 0);
	assert_true(is_changed);
	assert_int_equal(told.count, 2);
	assert_memory_equal(told.before.public_key, before.public_key, NOTE_PUBLIC_LEN);
	assert_memory_equal(vkey_in_use(MAIN).public_key, told.after.public_key, NOTE_PUBLIC_LEN);
	look();
	check_history();
}

static void test_log_signer__a_change_of_keys_is_signed_by_both(void **state)
{
	struct log_key *keys = NULL;
	struct err err = ERR_INIT;
	bool is_changed;
	size_t count = 0;

	append(4);
	pass();
	look();
	append(2);
	assert_int_equal(rotate(NULL, &is_changed, &err), 0);
	assert_int_equal(look().size, 6);
	assert_int_equal(rotate(NULL, &is_changed, &err), 0); /* nothing has grown */
	restart();
	assert_int_equal(look().size, 6);
	assert_int_equal(log_signer_keys(w.signer, MAIN, &keys, &count, &err), 0);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++) {
		uint64_t signers = 0;
		struct checkpoint c;
		struct note n;

		assert_string_equal(keys[i].vkey.name, ORIGIN);
		assert_int_equal(keys[i].retired_us == 0, i == 2);
		if (i == 0) {
			assert_string_equal(keys[i].handover, "");
			continue;
		}
		for (size_t k = i - 1; k <= i; k++) { /* each alone bears it out */
			assert_int_equal(note_open(span_str(keys[i].handover), &keys[k].vkey, 1, &n, &signers, &err),
					 0);
			assert_int_equal(checkpoint_parse(n.text, &c, &err), 0);
			assert_int_equal(c.size, 6);
		}
		assert_int_equal(n.signature_count, 2);
	}
	append(1);
	pass();
	assert_int_equal(look().size, 7);
	log_keys_free(keys, count);
	check_history();
}

/* ---- old copies ---- */

/* Goes back to a copy of the data folder; the state folder stays as it is. */
static void restore(struct simdisk *old)
{
	struct span heads = simdisk_bytes(w.m.disk, "/state/heads");

	w.signer = log_signer_stop(w.signer);
	simdisk_put(old, "/state/heads", heads);
	model_close(&w.m);
	simdisk_free(w.m.disk);
	w.m.disk = old;
	w.m.io = simdisk_io(old);
}

/* The model must forget what the copy does not have. */
static void forget_from(size_t count)
{
	struct model_records *sure = &w.m.expected[0].sure;
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += sure->len[i];
	sure->bytes.len = bytes;
	sure->count = count;
}

static void check_refused(void)
{
	struct buf note = BUF_INIT;
	struct err err = ERR_INIT;
	struct log_figures f;
	bool is_changed;
	uint64_t size;

	assert_int_equal(log_signer_pass(w.signer, &err), E_CONFLICT);
	assert_int_equal(log_signer_ready(w.signer, &err), E_CONFLICT);
	assert_non_null(strstr(err.message, "acme/main"));
	assert_int_equal(log_signer_refusal(w.signer, MAIN, &err), E_CONFLICT);
	assert_int_equal(log_signer_refusal(w.signer, SELF, &err), 0);
	assert_int_equal(log_signer_checkpoint(w.signer, MAIN, &note, &size, &err), E_CONFLICT);
	assert_int_equal(rotate(NULL, &is_changed, &err), E_CONFLICT);
	assert_int_equal(log_signer_wait(w.signer, MAIN, 1, 1000, &err), E_CONFLICT);
	log_signer_figures(w.signer, &f);
	assert_int_equal(f.refused, 1);
	assert_int_equal(f.checkpoints, 0);
	assert_int_equal(note.len, 0);
	buf_release(&note);
	assert_int_equal(checkpoint_of(SELF).size, 0); /* others' logs go on */
}

static void test_log_signer__an_old_copy_is_refused(void **state)
{
	struct simdisk *old;

	append(100);
	pass();
	old = simdisk_copy(w.m.disk);
	append(50);
	pass();
	look();
	restore(old);
	forget_from(100);
	model_open(&w.m);
	start();
	check_refused();
	restart();
	check_refused();
}

/* The copy has grown past what was signed, with other records. */
static void test_log_signer__another_history_is_refused(void **state)
{
	struct simdisk *old;
	struct err err = ERR_INIT;

	append(100);
	pass();
	old = simdisk_copy(w.m.disk);
	append(50);
	pass();
	restore(old);
	forget_from(100);
	model_open(&w.m);
	append(70);
	start();
	assert_int_equal(log_signer_ready(w.signer, &err), 0); /* its size alone tells nothing */
	check_refused();
}

/* Without the state folder an old copy cannot be told from the present: nothing contradicts it. */
static void test_log_signer__without_state_the_copy_goes_on(void **state)
{
	struct simdisk *old;

	append(100);
	pass();
	old = simdisk_copy(w.m.disk);
	append(50);
	pass();
	restore(old);
	forget_from(100);
	w.state = NULL;
	model_open(&w.m);
	start();
	append(1);
	pass();
	assert_int_equal(look().size, 101);
}

static void test_log_signer__a_state_folder_is_of_one_data_folder(void **state)
{
	struct simdisk *other = simdisk_new(5);
	struct err err = ERR_INIT;

	append(10);
	pass();
	restore(other);
	forget_from(0);
	model_open(&w.m);
	assert_int_equal(try_start(&err), E_CONFLICT);
	assert_non_null(strstr(err.message, "/state/heads"));
	simdisk_remove(w.m.disk, "/state/heads");
	start();
	assert_int_equal(checkpoint_of(MAIN).size, 0);
}

static void test_log_signer__a_damaged_state_is_said(void **state)
{
	static const char *const bad[] = {"",
					  "stele signed heads v2\n",
					  "stele signed heads v1\n",
					  "stele signed heads v1\nnode",
					  "stele signed heads v1\nnode \n1 2 3\n",
					  "stele signed heads v1\nledger\n"};
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct span whole;

	append(10);
	pass();
	w.signer = log_signer_stop(w.signer);
	buf_put_span(&text, simdisk_bytes(w.m.disk, "/state/heads"));
	whole = buf_span(&text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		simdisk_put(w.m.disk, "/state/heads", span_str(bad[i]));
		assert_true(try_start(&err) < 0);
		assert_non_null(strstr(err.message, "/state/heads"));
	}
	for (size_t len = 0; len < whole.len; len++) {
		simdisk_put(w.m.disk, "/state/heads", span_of(whole.p, len));
		if (try_start(&err) == 0) { /* cut between two lines */
			assert_int_equal(whole.p[len - 1], '\n');
			w.signer = log_signer_stop(w.signer);
		}
	}
	simdisk_put(w.m.disk, "/state/heads", whole);
	start();
	buf_release(&text);
}

/* ---- disks that fail ---- */

/* Nothing is published that is not durable: what was seen before the power went is there after it, or extended. */
static void test_log_signer__publishes_what_is_durable(void **state)
{
	for (int life = 0; life < 25; life++) {
		struct simdisk_fault fault = {.nth = 1 + rng_below(&w.r, 60), .kinds = SIMDISK_CHANGES};
		struct err err = ERR_INIT;
		bool is_changed;

		fault.persists = rng_below(&w.r, 3) > 0;
		fault.done = rng_below(&w.r, 2);
		simdisk_fail(w.m.disk, fault);
		for (int i = 0; i < 8; i++) {
			(void)model_append_to(&w.m, &w.r, 0, 1 + rng_below(&w.r, 100));
			if (rng_below(&w.r, 5) == 0)
				assert_int_not_equal(store_seal(w.m.store, &err), E_CORRUPT);
			if (rng_below(&w.r, 5) == 0)
				assert_int_not_equal(rotate(NULL, &is_changed, &err), E_CONFLICT);
			assert_int_not_equal(log_signer_pass(w.signer, &err), E_CONFLICT);
			if (w.seen_count > 0 || w.m.expected[0].sure.count > 0) {
				struct buf note = BUF_INIT;
				uint64_t size;

				if (log_signer_checkpoint(w.signer, MAIN, &note, &size, &err) == 0)
					look();
				buf_release(&note);
			}
			if (rng_below(&w.r, 4) == 0)
				(void)model_resume(&w.m);
		}
		stop();
		simdisk_crash(w.m.disk, &w.r);
		model_open(&w.m);
		check_history();
		start();
		assert_int_equal(log_signer_ready(w.signer, &err), 0);
		pass();
		look();
		check_history();
	}
}

/* A damaged segment keeps the tree from being proved: nothing is signed, and that is no refusal. */
static void test_log_signer__damage_is_no_refusal(void **state)
{
	struct log_figures f;
	struct err err = ERR_INIT;

	append(300);
	pass();
	look();
	assert_int_equal(ledger_seal(model_ledger(&w.m, 0), &err), 0);
	append(5);
	stop();
	simdisk_flip_bit(w.m.disk, "/data/segments/1/0-300.seg", 3, 1);
	simdisk_flip_bit(w.m.disk, "/data/segments/1/0-300.seg",
			 simdisk_bytes(w.m.disk, "/data/segments/1/0-300.seg").len - 3, 1);
	if (model_try_open(&w.m, &err) < 0)
		fail_msg("%s", err.message);
	start();
	assert_int_equal(log_signer_ready(w.signer, &err), 0);
	log_signer_figures(w.signer, &f);
	assert_int_equal(f.refused, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_log_signer__##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(signs_what_has_grown),
		TEST(goes_on_after_a_restart),
		TEST(each_ledger_has_a_log_and_key_of_its_own),
		TEST(a_log_of_another_name_is_another_log),
		TEST(refuses_names_that_are_none),
		TEST(can_be_waited_for),
		TEST(a_change_of_keys_is_told_first),
		TEST(a_change_of_keys_is_signed_by_both),
		TEST(an_old_copy_is_refused),
		TEST(another_history_is_refused),
		TEST(without_state_the_copy_goes_on),
		TEST(a_state_folder_is_of_one_data_folder),
		TEST(a_damaged_state_is_said),
		TEST(publishes_what_is_durable),
		TEST(damage_is_no_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
