/* Exports in all formats, and jobs on a disk that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "crypto/digest.h"
#include "service/export_job.h"
#include "service/log.h"
#include "service/proof_priv.h"
#include "service/service.h"
#include "simdisk.h"
#include "temp_folder.h"

#define EVENTS        3000u
#define TOKEN_MAX_LEN 128

/* A service whose control data is in a folder of its own and whose files are on a disk in memory. */
struct world {
	char folder[TEMP_FOLDER_MAX];
	struct simdisk *disk;
	uint32_t keep_s;
	uint64_t bytes_max;
	struct service *service;
	struct principal who;
};

static struct world w;

static void open_service(void)
{
	struct service_config config = {.io = simdisk_io(w.disk),
					.folder = w.folder,
					.url = "http://test:1",
					.export_keep_s = w.keep_s,
					.export_bytes_max = w.bytes_max};
	char path[TEMP_FOLDER_MAX + 32], token[TOKEN_MAX_LEN];
	struct err err = ERR_INIT;
	struct span text;
	bool is_first;
	const char *at;

	if (service_open(&config, &w.service, &is_first, &err) < 0)
		fail_msg("%s", err.message);
	snprintf(path, sizeof(path), "%s/bootstrap.json", w.folder);
	text = simdisk_bytes(w.disk, path);
	at = memmem(text.p, text.len, "\"stele_", 7);
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"%127[^\"]\"", token), 1);
	assert_int_equal(service_authenticate(w.service, span_str(token), &w.who, NULL), 0);
}

static int set_up(void **state)
{
	struct io *io;

	w = (struct world){.disk = simdisk_new(1)};
	io = simdisk_io(w.disk);
	if (temp_folder_make(w.folder) < 0 || io->mkdir(io, "/tmp", 0700) < 0 || io->sync_folder(io, "/") < 0)
		return -1;
	open_service();
	return 0;
}

static int tear_down(void **state)
{
	w.service = service_close(w.service);
	assert_int_equal(simdisk_open_count(w.disk), 0);
	simdisk_free(w.disk);
	return temp_folder_remove(w.folder);
}

/* ---- events ---- */

struct waiter {
	struct mutex mu;
	struct cond cond;
	bool is_done;
};

static void on_done(struct ledger_append *a)
{
	struct waiter *waiter = a->user;

	mutex_lock(&waiter->mu);
	waiter->is_done = true;
	cond_signal(&waiter->cond);
	mutex_unlock(&waiter->mu);
}

static void append_events(uint32_t count)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct waiter waiter = {.is_done = false};
	struct ledger_append a = {.batch = &batch, .done = on_done, .user = &waiter, .err = ERR_INIT};
	struct buf text = BUF_INIT;

	for (uint32_t i = 0; i < count; i++)
		buf_printf(&text, "{\"action\":\"%s\",\"actor\":{\"name\":\"=cmd,%u\"},\"attributes\":{\"n\":%u}}\n",
			   i % 3 ? "update" : "delete", i, i);
	assert_int_equal(record_parse_body(parser, buf_span(&text), RECORD_BODY_AUTO, 1790000000000000, EVENTS_MAX,
					   NULL, NULL, &batch, NULL),
			 0);
	mutex_init(&waiter.mu);
	cond_init(&waiter.cond);
	service_append(w.service, &w.who, &a);
	mutex_lock(&waiter.mu);
	while (!waiter.is_done)
		cond_wait(&waiter.cond, &waiter.mu);
	mutex_unlock(&waiter.mu);
	assert_int_equal(a.rc, 0);
	cond_release(&waiter.cond);
	mutex_release(&waiter.mu);
	record_batch_release(&batch);
	record_parser_free(parser);
	buf_release(&text);
}

/* What a search yields, one record a line. */
static void naive_export(const char *query, bool newest_first, struct buf *to)
{
	struct search_params params = {
		.query = span_str(query), .limit = PAGE_MAX, .oldest_first = !newest_first, .total = SEARCH_TOTAL_NONE};
	struct page page = PAGE_INIT;
	const uint8_t *at;

	assert_int_equal(service_search(w.service, &w.who, &params, &page, NULL), 0);
	at = page.records.p;
	for (uint32_t i = 0; i < page.count; i++) {
		buf_put(to, at, page.len[i]);
		buf_put_u8(to, '\n');
		at += page.len[i];
	}
	page_release(&page);
}

static void export_all(const struct export_params *params, size_t step, struct buf *to)
{
	struct export_spec spec;
	struct export *x = NULL;
	int rc = 0;

	assert_int_equal(export_resolve(&w.who, params, &spec, NULL), 0);
	assert_int_equal(export_open(w.service, w.who.org, &spec, &x, NULL), 0);
	while (rc == 0) {
		size_t before = to->len;

		rc = export_produce(x, step, to, NULL);
		assert_true(rc >= 0);
		if (params->format != EXPORT_ZIP)
			assert_true(to->len - before <= step + 4096);
	}
	export_close(x);
}

/* ---- formats ---- */

static void test_export__ndjson_is_what_a_search_yields(void **state)
{
	static const size_t steps[] = {1, 1000, 1 << 20};

	append_events(EVENTS);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct export_params params = {
			.format = EXPORT_NDJSON, .query = SPAN_LIT("action:delete"), .newest_first = i % 2 == 1};
		struct buf want = BUF_INIT, got = BUF_INIT;

		naive_export("action:delete", params.newest_first, &want);
		export_all(&params, steps[i], &got);
		assert_true(span_eq(buf_span(&got), buf_span(&want)));
		buf_release(&want);
		buf_release(&got);
	}
}

static void test_export__given_up_in_the_middle_leaves_nothing(void **state)
{
	append_events(EVENTS);
	for (int format = 0; format < EXPORT_FORMAT_COUNT; format++) {
		struct export_params params = {.format = (enum export_format)format};
		struct export_spec spec;
		struct export *x = NULL;
		struct buf got = BUF_INIT;

		assert_int_equal(export_resolve(&w.who, &params, &spec, NULL), 0);
		assert_int_equal(export_open(w.service, w.who.org, &spec, &x, NULL), 0);
		assert_true(export_produce(x, 100, &got, NULL) >= 0); /* few records are an archive in one piece */
		export_close(x);
		assert_int_equal(export_open(w.service, w.who.org, &spec, &x, NULL), 0);
		export_close(x);
		buf_release(&got);
	}
}

/* The next file of this name in an archive. */
static void read_entry(struct archive *a, const char *name, struct buf *to)
{
	struct archive_entry *entry;
	uint8_t piece[4096];
	la_ssize_t n;

	do
		assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
	while (strcmp(archive_entry_pathname(entry), name) != 0);
	while ((n = archive_read_data(a, piece, sizeof(piece))) > 0)
		buf_put(to, piece, (size_t)n);
	assert_int_equal(n, 0);
}

static void assert_holds(const struct buf *text, const char *part)
{
	must(text->p);
	assert_non_null(memmem(text->p, text->len, part, strlen(part)));
}

static void test_export__zip_says_what_it_holds(void **state)
{
	struct export_params params = {
		.format = EXPORT_ZIP, .query = SPAN_LIT("action:delete"), .from = SPAN_LIT("2026-01-01")};
	struct buf zip = BUF_INIT, events = BUF_INIT, manifest = BUF_INIT, want = BUF_INIT;
	struct archive *a = archive_read_new();
	struct digest *digest = digest_new();
	struct sha256 hash;
	char hex[2 * SHA256_LEN + 1], part[128];

	append_events(EVENTS);
	export_all(&params, 4096, &zip);
	naive_export("action:delete", false, &want);
	archive_read_support_format_zip(a);
	must(zip.p);
	assert_int_equal(archive_read_open_memory(a, zip.p, zip.len), ARCHIVE_OK);
	read_entry(a, "events.ndjson", &events);
	read_entry(a, "manifest.json", &manifest);
	assert_true(span_eq(buf_span(&events), buf_span(&want)));
	digest_sha256(digest, buf_span(&want), &hash);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash.b[i]);
	snprintf(part, sizeof(part), "\"sha256\": \"%s\"", hex);
	assert_holds(&manifest, part);
	snprintf(part, sizeof(part), "\"count\": %u,\n    \"bytes\": %zu,", EVENTS / 3, want.len);
	assert_holds(&manifest, part);
	assert_holds(&manifest, "\"ledger_size\": 3000,");
	assert_holds(&manifest, "\"first\": {\"index\": 0, \"time\": \"20");
	assert_holds(&manifest, "\"last\": {\"index\": 2997, \"time\": \"20");
	assert_holds(&manifest, "\"from\": \"2026-01-01T00:00:00.000000Z\",");
	assert_holds(&manifest, "\"to\": null,");
	digest_free(digest);
	archive_read_free(a);
	buf_release(&zip);
	buf_release(&events);
	buf_release(&manifest);
	buf_release(&want);
}

/* ---- jobs ---- */

/* The key in use may be another one when the bundle gets its verifier key. */
static void test_export__a_checkpoint_goes_with_the_key_that_signed_it(void **state)
{
	struct buf note = BUF_INIT, vkey = BUF_INIT;
	struct note_vkey key, before;
	struct checkpoint head;
	struct note n;
	struct err err = ERR_INIT;

	append_events(10);
	memset(&before, 0, sizeof(before));
	for (int round = 0; round < 3; round++) {
		buf_reset(&note);
		assert_int_equal(service__log_head(w.service, w.who.org, LEDGER_MAIN, 10, 10000, &note, &head, &err),
				 0);
		for (int late = 0; late < 2; late++) {
			buf_reset(&vkey);
			assert_int_equal(
				service__log_vkey(w.service, w.who.org, LEDGER_MAIN, buf_span(&note), &vkey, &err), 0);
			assert_int_equal(note_vkey_parse(span_of(vkey.p, vkey.len - 1), &key, &err), 0);
			assert_int_equal(note_open(buf_span(&note), &key, 1, &n, NULL, &err), 0);
			assert_memory_not_equal(key.public_key, before.public_key, NOTE_PUBLIC_LEN);
			if (late == 0)
				assert_int_equal(service_log_rotate(w.service, &w.who, LEDGER_MAIN, &err), 0);
		}
		before = key; /* of two that have signed a change, the new one is named */
	}
	buf_reset(&note);
	buf_put_str(
		&note,
		"other.example/log/default/main\n1\nAAAA\n\n\xe2\x80\x94 other.example/log/default/main AAAAAAAA\n");
	assert_int_equal(service__log_vkey(w.service, w.who.org, LEDGER_MAIN, buf_span(&note), &vkey, &err),
			 E_NOT_FOUND);
	buf_release(&note);
	buf_release(&vkey);
}

static struct control_export_job create(enum export_format format)
{
	struct export_params params = {.format = format};
	struct export_view v;
	struct err err = ERR_INIT;

	if (service_export_create(w.service, &w.who, &params, &v, &err) < 0)
		fail_msg("%s", err.message);
	return v.job;
}

/* No call fails any more, and what failed has been got over. */
static void heal(void)
{
	const struct timespec pause = {0, 2000000};

	simdisk_heal(w.disk);
	for (int i = 0; i < 10000; i++) {
		if (service_ready(w.service, NULL) == 0)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("writes stay refused");
}

/* False: it could not be told of in the self ledger, and so was not made. */
static bool try_create(enum export_format format, struct control_export_job *ret)
{
	struct export_params params = {.format = format};
	struct export_view v;
	size_t count;
	struct export_view *list;

	if (service_export_create(w.service, &w.who, &params, &v, NULL) == 0) {
		*ret = v.job;
		return true;
	}
	assert_int_equal(service_export_list(w.service, &w.who, &list, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_not_equal(list[i].job.state, EXPORT_QUEUED);
		export_view_release(&list[i]);
	}
	free(list);
	return false;
}

/* Waits until the job has ended. */
static struct control_export_job wait_for(const char *id)
{
	const struct timespec pause = {0, 2000000};
	struct export_view v;

	for (int i = 0; i < 10000; i++) {
		assert_int_equal(service_export_get(w.service, &w.who, span_str(id), &v, NULL), 0);
		if (v.job.state != EXPORT_QUEUED && v.job.state != EXPORT_RUNNING)
			return v.job;
		export_view_release(&v);
		nanosleep(&pause, NULL);
	}
	fail_msg("an export does not end");
	return v.job;
}

static void count_file(void *user, const char *path, uint64_t size_bytes)
{
	size_t *count = user;

	*count += strstr(path, "/exports/") != NULL;
}

static size_t file_count(void)
{
	size_t count = 0;

	simdisk_each(w.disk, count_file, &count);
	return count;
}

static void read_file(const char *id, struct buf *to)
{
	struct export_file f;

	assert_int_equal(service_export_file(w.service, &w.who, span_str(id), &f, NULL), 0);
	assert_int_equal(export_file_read(&f, 0, f.size_bytes, to, NULL), 0);
	assert_int_equal(export_file_read(&f, 1, f.size_bytes, to, NULL), E_IO);
	export_file_close(&f);
}

static void test_export__a_job_keeps_its_file_durably(void **state)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	struct control_export_job made, done;
	char path[160];

	append_events(EVENTS);
	naive_export("", false, &want);
	made = create(EXPORT_NDJSON);
	done = wait_for(made.id);
	assert_int_equal(done.state, EXPORT_DONE);
	assert_int_equal(done.records, EVENTS);
	assert_int_equal(done.bytes, want.len);
	snprintf(path, sizeof(path), "%s/exports/%s.ndjson", w.folder, made.id);
	assert_true(simdisk_is_durable(w.disk, path));
	read_file(made.id, &got);
	assert_true(span_eq(buf_span(&got), buf_span(&want)));
	control_export_job_release(&made);
	control_export_job_release(&done);
	buf_release(&want);
	buf_release(&got);
}

static void assert_no_space(const struct control_export_job *ended)
{
	assert_int_equal(ended->state, EXPORT_FAILED);
	assert_string_equal(ended->error_code, "no_space");
	assert_true(strlen(ended->error) > 10);
	assert_null(strstr(ended->error, w.folder));
	assert_int_equal(file_count(), 0);
}

static void test_export__a_full_disk_fails_the_job_and_leaves_nothing(void **state)
{
	struct control_export_job made, ended;
	bool has_failed = false;

	append_events(EVENTS);
	/* The first writes are those of the event; others may come between them and the file. */
	for (uint64_t n = 1; !has_failed && n < 10; n++) {
		simdisk_fail(w.disk, (struct simdisk_fault){.nth = n, .kinds = SIMDISK_PWRITE, .error = ENOSPC});
		if (try_create(EXPORT_CSV, &made)) {
			ended = wait_for(made.id);
			has_failed = ended.state == EXPORT_FAILED;
			if (has_failed)
				assert_no_space(&ended);
			else
				assert_int_equal(service_export_delete(w.service, &w.who, span_str(made.id), NULL), 0);
			control_export_job_release(&made);
			control_export_job_release(&ended);
		}
		heal();
	}
	assert_true(has_failed);
	simdisk_set_capacity(w.disk, 500u << 20); /* less than is left to the events */
	made = create(EXPORT_CSV);
	ended = wait_for(made.id);
	assert_no_space(&ended);
	control_export_job_release(&made);
	control_export_job_release(&ended);
	simdisk_set_capacity(w.disk, UINT64_MAX);
	made = create(EXPORT_CSV);
	ended = wait_for(made.id);
	assert_int_equal(ended.state, EXPORT_DONE);
	control_export_job_release(&made);
	control_export_job_release(&ended);
}

/* Whichever call fails: the job is done and its file is whole, or it failed and there is none, or it was not made. */
static void test_export__any_call_may_fail(void **state)
{
	struct buf want = BUF_INIT;
	bool has_failed = true;

	append_events(EVENTS);
	naive_export("", false, &want);
	for (uint64_t n = 1; has_failed && n < 200; n++) {
		struct control_export_job made, ended;
		struct buf got = BUF_INIT;

		simdisk_fail(w.disk, (struct simdisk_fault){.nth = n, .kinds = SIMDISK_CHANGES});
		if (!try_create(EXPORT_NDJSON, &made)) {
			heal();
			continue;
		}
		ended = wait_for(made.id);
		has_failed = simdisk_failed(w.disk);
		heal();
		if (ended.state == EXPORT_DONE) {
			read_file(made.id, &got);
			assert_true(span_eq(buf_span(&got), buf_span(&want)));
			assert_int_equal(service_export_delete(w.service, &w.who, span_str(made.id), NULL), 0);
		} else {
			assert_int_equal(ended.state, EXPORT_FAILED);
			assert_int_equal(service_export_file(w.service, &w.who, span_str(made.id), NULL, NULL),
					 E_NOT_FOUND);
		}
		if (file_count() > 0) { /* a removal that failed is made up for at the next start */
			service_close(w.service);
			open_service();
		}
		assert_int_equal(file_count(), 0);
		control_export_job_release(&made);
		control_export_job_release(&ended);
		buf_release(&got);
	}
	assert_false(has_failed);
	buf_release(&want);
}

static void test_export__files_have_a_bound_and_a_time(void **state)
{
	struct export_params params = {.format = EXPORT_NDJSON};
	struct control_export_job made, ended;
	struct export_view v;
	struct err err = ERR_INIT;

	append_events(EVENTS);
	service_close(w.service);
	w.bytes_max = 100000;
	open_service();
	made = create(EXPORT_NDJSON);
	ended = wait_for(made.id);
	assert_int_equal(ended.state, EXPORT_FAILED);
	assert_string_equal(ended.error_code, "quota");
	assert_int_equal(file_count(), 0);
	control_export_job_release(&made);
	control_export_job_release(&ended);

	service_close(w.service);
	w.bytes_max = 10u << 20;
	w.keep_s = 1;
	open_service();
	made = create(EXPORT_NDJSON);
	ended = wait_for(made.id);
	assert_true(ended.state == EXPORT_DONE || ended.state == EXPORT_EXPIRED);
	service_close(w.service);
	w.bytes_max = (uint64_t)ended.bytes;
	w.keep_s = 3600;
	control_export_job_release(&made);
	control_export_job_release(&ended);
	clock_set_for_test(clock_wall_us() + 10000000);
	open_service();
	assert_int_equal(file_count(), 0);
	made = create(EXPORT_NDJSON);
	ended = wait_for(made.id);
	assert_int_equal(ended.state, EXPORT_DONE);
	assert_int_equal(service_export_create(w.service, &w.who, &params, &v, &err), E_QUOTA);
	assert_non_null(strstr(err.message, "remove some"));
	assert_int_equal(service_export_delete(w.service, &w.who, span_str(made.id), NULL), 0);
	assert_int_equal(service_export_create(w.service, &w.who, &params, &v, &err), 0);
	export_view_release(&v);
	control_export_job_release(&made);
	control_export_job_release(&ended);
	clock_set_for_test(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_export__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ndjson_is_what_a_search_yields),
		TEST(given_up_in_the_middle_leaves_nothing),
		TEST(zip_says_what_it_holds),
		TEST(a_checkpoint_goes_with_the_key_that_signed_it),
		TEST(a_job_keeps_its_file_durably),
		TEST(a_full_disk_fails_the_job_and_leaves_nothing),
		TEST(any_call_may_fail),
		TEST(files_have_a_bound_and_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
