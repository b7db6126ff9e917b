/*
 * A ledger: numbers, ids, received times, idempotency, snapshots, sealing and merging, with the store as it is opened
 * without threads, so that each step is taken by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/store_priv.h"
#include "store_model.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

static struct model m;
static struct rng r;

static int open_model(void **state)
{
	rng_init(&r, 1);
	model_init(&m, simdisk_new(1));
	model_open(&m);
	return 0;
}

static int close_model(void **state)
{
	clock_set_for_test(0);
	model_release(&m);
	simdisk_free(m.disk);
	return 0;
}

static void reopen(void)
{
	model_close(&m);
	model_open(&m);
}

/* ---- appending ---- */

static void test_ledger__numbers_without_gaps(void **state)
{
	for (int i = 0; i < 30; i++)
		assert_int_equal(model_append(&m, &r, 4, 600), 4);
	model_compare(&m);
	model_verify(&m);
	reopen();
	model_append(&m, &r, 4, 600);
	model_compare(&m);
}

static void test_ledger__fills_in_ids_and_received(void **state)
{
	struct ledger *l = model_ledger(&m, 0);
	struct buf record = BUF_INIT;
	struct err err = ERR_INIT;
	uint8_t id[ID_TEXT_LEN];
	struct record_ref ref;
	struct snapshot *s;

	clock_set_for_test(1700000000123456);
	assert_int_equal(model_append_to(&m, &r, 0, 3), 0);
	assert_int_equal(ledger_snapshot(l, &s, &err), 0);
	assert_int_equal(s->received_max, 1700000000123456);
	assert_int_equal(snapshot_record(s, 2, &record, &err), 0);
	assert_int_equal(record_check(buf_span(&record), &ref, &err), 0);
	ledger_ids(l, 2, 1, id);
	assert_memory_equal(record.p + ref.id_off, id, ID_TEXT_LEN);
	assert_memory_equal(record.p + ref.received_off, "2023-11-14T22:13:20.123456Z", TIMESTAMP_LEN);
	assert_int_equal(snapshot_record(s, 3, &record, &err), E_NOT_FOUND);
	buf_release(&record);
	snapshot_free(s);
}

static int64_t received_now(void)
{
	struct err err = ERR_INIT;
	struct snapshot *s;
	int64_t received;

	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &s, &err), 0);
	received = s->received_max;
	snapshot_free(s);
	return received;
}

static void test_ledger__received_never_goes_back(void **state)
{
	struct err err = ERR_INIT;

	clock_set_for_test(1700000000000000);
	model_append_to(&m, &r, 0, 2);
	clock_set_for_test(1600000000000000);
	model_append_to(&m, &r, 0, 2);
	assert_int_equal(received_now(), 1700000000000000);
	reopen();
	model_append_to(&m, &r, 0, 2);
	assert_int_equal(received_now(), 1700000000000000);
	assert_int_equal(ledger_seal(model_ledger(&m, 0), &err), 0);
	reopen();
	model_append_to(&m, &r, 0, 2);
	assert_int_equal(received_now(), 1700000000000000);
}

static void test_ledger__a_snapshot_stays_as_it_is(void **state)
{
	struct err err = ERR_INIT;
	struct buf before = BUF_INIT;
	struct buf after = BUF_INIT;
	struct snapshot *s;

	model_append_to(&m, &r, 0, 100);
	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &s, &err), 0);
	assert_int_equal(snapshot_record(s, 99, &before, &err), 0);
	model_append_to(&m, &r, 0, 900);
	assert_int_equal(store_seal(m.store, &err), 0);
	assert_int_equal(s->size, 100);
	assert_int_equal(snapshot_record(s, 99, &after, &err), 0);
	assert_true(span_eq(buf_span(&before), buf_span(&after)));
	assert_int_equal(snapshot_record(s, 100, &after, &err), E_NOT_FOUND);
	snapshot_free(s);
	buf_release(&before);
	buf_release(&after);
}

/* ---- idempotency ---- */

struct keyed {
	struct ledger_append a; /* first */
	struct record_batch batch;
	struct mutex mutex;
	struct cond done;
	bool is_done;
};

static void on_keyed(struct ledger_append *a)
{
	struct keyed *k = (struct keyed *)a;

	mutex_lock(&k->mutex);
	k->is_done = true;
	cond_signal(&k->done);
	mutex_unlock(&k->mutex);
}

static void start_keyed(struct keyed *k, unsigned ledger, const char *key, uint64_t fingerprint)
{
	*k = (struct keyed){.batch = RECORD_BATCH_INIT};
	mutex_init(&k->mutex);
	cond_init(&k->done);
	model_batch(&m, &r, 2, &k->batch);
	k->a.batch = &k->batch;
	k->a.idempotency_key = span_str(key);
	k->a.fingerprint = fingerprint;
	k->a.done = on_keyed;
	ledger_append(model_ledger(&m, ledger), &k->a);
}

static void wait_keyed(struct keyed *k)
{
	mutex_lock(&k->mutex);
	while (!k->is_done)
		cond_wait(&k->done, &k->mutex);
	mutex_unlock(&k->mutex);
	cond_release(&k->done);
	mutex_release(&k->mutex);
	record_batch_release(&k->batch);
}

static struct ledger_append append_keyed(unsigned ledger, const char *key, uint64_t fingerprint)
{
	struct keyed k;

	start_keyed(&k, ledger, key, fingerprint);
	wait_keyed(&k);
	return k.a;
}

static void check_replayed(const struct ledger_append *a, const struct ledger_append *first)
{
	assert_int_equal(a->rc, 0);
	assert_true(a->replayed);
	assert_int_equal(a->first, first->first);
	assert_int_equal(a->count, 2);
	assert_int_equal(a->received_us, first->received_us);
}

static void close_quietly(void)
{
	model_close(&m);
	assert_int_equal(model_try_open(&m, NULL), 0);
}

static void test_ledger__a_key_is_used_once(void **state)
{
	struct ledger_append first = append_keyed(0, "k1", 7);
	struct ledger_append a = append_keyed(0, "k1", 7);

	assert_int_equal(first.rc, 0);
	assert_false(first.replayed);
	check_replayed(&a, &first);
	assert_int_equal(append_keyed(0, "k1", 8).rc, E_CONFLICT);
	assert_false(append_keyed(0, "k2", 7).replayed);
	assert_false(append_keyed(1, "k1", 7).replayed); /* another ledger's key is another key */
	assert_int_equal(ledger_size(model_ledger(&m, 0)), 4);
}

static void test_ledger__keys_survive_restart_and_trim(void **state)
{
	struct ledger_append first = append_keyed(0, "k1", 7);
	struct ledger_append a;
	struct err err = ERR_INIT;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_seal(m.store, &err), 0); /* the file with the key goes */
		close_quietly();
		a = append_keyed(0, "k1", 7);
		check_replayed(&a, &first);
	}
	assert_int_equal(ledger_size(model_ledger(&m, 0)), 2);
}

static void test_ledger__a_key_is_forgotten_after_a_day(void **state)
{
	struct err err = ERR_INIT;

	clock_set_for_test(1700000000000000);
	assert_int_equal(append_keyed(0, "k1", 7).rc, 0);
	clock_set_for_test(1700000000000000 + DAY_US - 1);
	assert_true(append_keyed(0, "k1", 7).replayed);
	clock_set_for_test(1700000000000000 + DAY_US);
	assert_false(append_keyed(0, "k1", 8).replayed);
	assert_int_equal(store_seal(m.store, &err), 0);
	close_quietly();
	assert_true(append_keyed(0, "k1", 8).replayed);
}

static void test_ledger__a_second_request_waits_for_the_first(void **state)
{
	struct keyed k[6];
	size_t added = 0;

	simdisk_set_sync_delay(m.disk, 20000);
	for (size_t i = 0; i < 6; i++)
		start_keyed(&k[i], 0, "k1", i == 5);
	for (size_t i = 0; i < 6; i++)
		wait_keyed(&k[i]);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(k[i].a.rc, 0);
		assert_int_equal(k[i].a.first, 0);
		added += !k[i].a.replayed;
	}
	assert_int_equal(added, 1);
	assert_int_equal(k[5].a.rc, E_CONFLICT);
	assert_int_equal(ledger_size(model_ledger(&m, 0)), 2);
}

static void test_ledger__a_key_of_a_failed_append_is_free_again(void **state)
{
	struct keyed k[3];

	simdisk_set_sync_delay(m.disk, 20000);
	simdisk_fail(m.disk, (struct simdisk_fault){.nth = 1, .kinds = SIMDISK_SYNC});
	for (size_t i = 0; i < 3; i++)
		start_keyed(&k[i], 0, "k1", 7);
	for (size_t i = 0; i < 3; i++) {
		wait_keyed(&k[i]);
		assert_int_equal(k[i].a.rc, E_IO);
		assert_int_not_equal(k[i].a.err.message[0], 0);
	}
	assert_true(model_resume(&m));
	assert_false(append_keyed(0, "k1", 7).replayed);
	assert_int_equal(ledger_size(model_ledger(&m, 0)), 2);
}

static void test_ledger__a_long_key_is_refused(void **state)
{
	char key[IDEMPOTENCY_KEY_MAX + 2];

	memset(key, 'k', sizeof(key));
	key[IDEMPOTENCY_KEY_MAX + 1] = '\0';
	assert_int_equal(append_keyed(0, key, 7).rc, E_TOO_LARGE);
	key[IDEMPOTENCY_KEY_MAX] = '\0';
	assert_int_equal(append_keyed(0, key, 7).rc, 0);
}

static void test_idempotency__the_oldest_keys_go_first(void **state)
{
	struct idempotency *t = idempotency_new(100);
	struct buf kept = BUF_INIT;

	for (uint32_t i = 0; i < 250; i++) {
		struct idempotency_use use = {.fingerprint = i, .received_us = i, .sequence = i};

		memcpy(use.key, &i, sizeof(i));
		idempotency_load(t, &use);
	}
	assert_int_equal(idempotency_collect(t, 1000, 0, &kept), 100);
	assert_int_equal(kept.len, 100 * IDEMPOTENCY_USE_LEN);
	assert_int_equal(kept.p[0], 150);
	buf_reset(&kept);
	assert_int_equal(idempotency_collect(t, 160, 0, &kept), 10);
	idempotency_carried(t, 160, 2000);
	assert_int_equal(idempotency_collect(t, 160, 0, &kept), 0);
	idempotency_free(t);
	buf_release(&kept);
}

/* ---- sealing ---- */

static size_t count_files(unsigned ledger)
{
	return model_ledger(&m, ledger)->file_count;
}

static void test_ledger__seals_and_frees_the_journal(void **state)
{
	struct store_figures f;
	struct err err = ERR_INIT;

	for (int i = 0; i < 20; i++)
		model_append(&m, &r, 4, 300);
	store_figures(m.store, &f);
	assert_true(f.head_records > 0 && f.journal_bytes > m.journal_file_bytes);
	assert_int_equal(store_seal(m.store, &err), 0);
	store_figures(m.store, &f);
	assert_int_equal(f.head_records, 0);
	assert_int_equal(f.head_bytes, 0);
	assert_true(f.journal_bytes < m.journal_file_bytes / 4);
	assert_true(f.segment_bytes > 0);
	model_compare(&m);
	reopen();
	model_verify(&m);
}

/* Whatever a failed seal left on the disk, the next one gets through. */
static void test_ledger__seals_after_any_failed_call(void **state)
{
	for (int is_done = 0; is_done < 2; is_done++) {
		bool has_failed = true;

		for (uint64_t nth = 1; has_failed; nth++) {
			struct err err = ERR_INIT;

			assert_int_equal(model_append_to(&m, &r, 0, 20), 0);
			simdisk_fail(m.disk, (struct simdisk_fault){.nth = nth, .done = is_done});
			has_failed = ledger_seal(model_ledger(&m, 0), &err) < 0;
			simdisk_heal(m.disk);
			assert_int_equal(ledger_seal(model_ledger(&m, 0), &err), 0);
		}
	}
	reopen();
	model_verify(&m);
}

static void test_ledger__an_idle_ledger_holds_no_file_open(void **state)
{
	struct err err = ERR_INIT;
	size_t before = simdisk_open_count(m.disk);

	model_append(&m, &r, 8, 300);
	assert_int_equal(store_seal(m.store, &err), 0);
	assert_int_equal(simdisk_open_count(m.disk), before);
	assert_true(sizeof(struct ledger) < 1024);
}

static void test_ledger__too_many_open_files_are_closed(void **state)
{
	size_t before = simdisk_open_count(m.disk);
	struct err err = ERR_INIT;
	struct snapshot *s;

	assert_int_equal(model_append_to(&m, &r, 0, 20), 0);
	assert_int_equal(store_seal(m.store, &err), 0);
	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &s, &err), 0);
	snapshot_free(s);
	assert_int_equal(m.store->open_files, 1);
	assert_int_equal(simdisk_open_count(m.disk), before + 1);
	m.store->open_files += SEGMENTS_OPEN_MAX; /* as if there were so many */
	assert_int_equal(ledger_snapshot(model_ledger(&m, 1), &s, &err), 0);
	snapshot_free(s);
	assert_int_equal(m.store->open_files, SEGMENTS_OPEN_MAX);
	assert_int_equal(simdisk_open_count(m.disk), before);
	model_compare(&m);
}

/* Short and full blocks, in files cut anywhere, are one ledger after all merges. */
static void test_ledger__merges_keep_every_record(void **state)
{
	struct store_figures f;
	struct err err = ERR_INIT;

	for (int i = 0; i < 40; i++) {
		model_append_to(&m, &r, 0, rng_below(&r, 500) + 1);
		if (rng_below(&r, 2))
			assert_int_equal(ledger_seal(model_ledger(&m, 0), &err), 0);
	}
	assert_true(count_files(0) >= MERGE_FAN_IN);
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_true(count_files(0) < 2 * MERGE_FAN_IN);
	store_figures(m.store, &f);
	assert_true(f.merges > 0);
	model_compare(&m);
	model_verify(&m);
	reopen();
	model_verify(&m);
}

/* Sealing file by file of random sizes: the number of files stays logarithmic, and nothing is too large. */
static void test_merger__keeps_few_files(void **state)
{
	struct merge_file files[400];
	uint64_t merged_rows = 0;
	uint64_t all_rows = 0;
	size_t count = 0;

	for (int i = 0; i < 5000; i++) {
		size_t at;
		size_t n;

		files[count] = (struct merge_file){.rows = rng_below(&r, 10) == 0 ? 131072 : rng_below(&r, 3000) + 1};
		all_rows += files[count++].rows;
		while (merger__pick(files, count, 0, &at, &n)) {
			uint64_t sum = 0;

			assert_true(n >= 2 && at + n <= count);
			for (size_t k = at; k < at + n; k++)
				sum += files[k].rows;
			assert_true(sum <= SEGMENT_ROWS_MAX);
			merged_rows += sum;
			files[at].rows = sum;
			memmove(&files[at + 1], &files[at + n], (count - at - n) * sizeof(files[0]));
			count -= n - 1;
		}
		assert_true(count < 40 + all_rows / (SEGMENT_ROWS_MAX / 4));
	}
	assert_true(merged_rows < 8 * all_rows); /* a record is rewritten at most once a class */
}

static void test_merger__leaves_damaged_files_alone(void **state)
{
	struct merge_file files[] = {{10}, {10}, {10}, {10}, {0}, {10}, {10}, {10}, {10}};
	size_t at;
	size_t n;

	assert_false(merger__pick(files, 9, 0, &at, &n));
	files[4].rows = 10;
	assert_true(merger__pick(files, 9, 0, &at, &n));
	assert_int_equal(at, 0);
	assert_int_equal(n, MERGE_FAN_IN);
}

/* Files of a day each, merged under a span: none reaches further, and there are not many more than must be. */
static void test_merger__keeps_to_the_span(void **state)
{
	const int64_t span = 1000;
	struct merge_file files[400];
	size_t count = 0;
	int64_t now = 0;
	size_t at;
	size_t n;

	for (int i = 0; i < 3000; i++) {
		int64_t from = now;

		now += (int64_t)rng_below(&r, 40);
		files[count++] = (struct merge_file){rng_below(&r, 3000) + 1, from, now};
		while (merger__pick(files, count, span, &at, &n)) {
			assert_true(n >= 2 && at + n <= count);
			for (size_t k = at + 1; k < at + n; k++)
				files[at].rows += files[k].rows;
			files[at].received_max = files[at + n - 1].received_max;
			assert_true(files[at].received_max - files[at].received_min <= span);
			memmove(&files[at + 1], &files[at + n], (count - at - n) * sizeof(files[0]));
			count -= n - 1;
		}
		assert_true(count < 40 + 4 * (size_t)(now / span));
	}
}

static void test_part__names_are_decimal_and_exact(void **state)
{
	static const char *const bad[] = {"01-2.seg", "0-0.seg", "5-4.seg", "1-2",      "1-2.seg.tmp",
					  "-2.seg",   "1-.seg",  "1-2.SEG", "+1-2.seg", "18446744073709551616-2.seg"};
	char name[PART_NAME_MAX];
	uint64_t first;
	uint64_t next;

	part__name(4294967295u, 0, UINT64_MAX / 10 - 1, name);
	assert_string_equal(name, "4294967295/0-1844674407370955160.seg");
	assert_true(part__parse_name(strchr(name, '/') + 1, &first, &next));
	assert_int_equal(first, 0);
	assert_int_equal(next, UINT64_MAX / 10 - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(part__parse_name(bad[i], &first, &next));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_model, close_model)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ledger__numbers_without_gaps),
		TEST(test_ledger__fills_in_ids_and_received),
		TEST(test_ledger__received_never_goes_back),
		TEST(test_ledger__a_snapshot_stays_as_it_is),
		TEST(test_ledger__a_key_is_used_once),
		TEST(test_ledger__keys_survive_restart_and_trim),
		TEST(test_ledger__a_key_is_forgotten_after_a_day),
		TEST(test_ledger__a_second_request_waits_for_the_first),
		TEST(test_ledger__a_key_of_a_failed_append_is_free_again),
		TEST(test_ledger__a_long_key_is_refused),
		TEST(test_idempotency__the_oldest_keys_go_first),
		TEST(test_ledger__seals_and_frees_the_journal),
		TEST(test_ledger__seals_after_any_failed_call),
		TEST(test_ledger__an_idle_ledger_holds_no_file_open),
		TEST(test_ledger__too_many_open_files_are_closed),
		TEST(test_ledger__merges_keep_every_record),
		TEST(test_merger__keeps_few_files),
		TEST(test_merger__leaves_damaged_files_alone),
		TEST(test_merger__keeps_to_the_span),
		TEST(test_part__names_are_decimal_and_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
