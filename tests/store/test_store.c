/*
 * The store as a whole: its folder, damage and what stays readable, verify, the limits on memory and journal, and many
 * threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/mem.h"
#include "store/segment_layout.h"
#include "store/store_priv.h"
#include "store_model.h"

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
	model_release(&m);
	assert_int_equal(simdisk_open_count(m.disk), 0);
	simdisk_free(m.disk);
	return 0;
}

static void append_and_seal(unsigned ledger, size_t rows)
{
	struct err err = ERR_INIT;

	assert_int_equal(model_append_to(&m, &r, ledger, rows), 0);
	assert_int_equal(store_seal(m.store, &err), 0);
}

/* ---- the folder ---- */

static void test_store__is_opened_by_one_process(void **state)
{
	struct model other = m;
	struct err err = ERR_INIT;

	assert_int_equal(model_try_open(&other, &err), E_LOCKED);
	assert_string_equal(err.field, "/data/lock");
	model_close(&m);
	model_open(&m);
}

static void test_store__lists_ledgers_with_records(void **state)
{
	struct err err = ERR_INIT;
	uint32_t *numbers;
	size_t count;

	append_and_seal(2, 5);
	assert_int_equal(model_append_to(&m, &r, 0, 5), 0);
	model_close(&m);
	model_open(&m); /* which makes all four */
	assert_int_equal(store_ledgers(m.store, &numbers, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(numbers[0], 1);
	assert_int_equal(numbers[1], 3);
	free(numbers);
}

/* The node's own key is there. */
static int refuse_key(void *user, uint32_t ledger, struct key *ret_key, struct err *err)
{
	memset(ret_key->b, 7, sizeof(ret_key->b));
	if (ledger == STORE_NODE)
		return 0;
	return err_set(err, E_CRYPTO, "no key for ledger %u", ledger);
}

static void test_store__needs_the_keys_of_what_it_reads(void **state)
{
	struct store_config config = {.io = m.io, .folder = m.folder, .key = refuse_key, .no_threads = true};
	struct ledger *l;
	struct store *s;
	struct err err = ERR_INIT;

	append_and_seal(0, 5);
	model_close(&m);
	assert_int_equal(store_open(&config, &s, &err), 0); /* segments are opened when they are needed */
	assert_int_equal(store_ledger(s, 1, &l, &err), E_CRYPTO);
	store_close(s);
	model_open(&m);
	assert_int_equal(model_append_to(&m, &r, 0, 5), 0);
	model_close(&m);
	assert_int_equal(store_open(&config, &s, &err), E_CRYPTO); /* the journal is read at once */
	model_open(&m);
}

struct file_names {
	char path[64][96];
	size_t count;
	const char *with;
};

static void note_file(void *user, const char *path, uint64_t size)
{
	struct file_names *f = user;

	assert_true(f->count < 64);
	if (strstr(path, f->with))
		snprintf(f->path[f->count++], sizeof(f->path[0]), "%s", path);
}

static struct file_names files_with(const char *part)
{
	struct file_names f = {.count = 0, .with = part};

	simdisk_each(m.disk, note_file, &f);
	return f;
}

static void copy_file(const char *from, const char *to)
{
	struct span bytes = simdisk_bytes(m.disk, from);
	struct buf copy = BUF_INIT;

	buf_put_span(&copy, bytes);
	simdisk_put(m.disk, to, buf_span(&copy));
	buf_release(&copy);
}

static void test_store__the_wider_of_two_files_wins(void **state)
{
	struct err err = ERR_INIT;

	for (int i = 0; i < 8; i++)
		append_and_seal(0, 10);
	copy_file("/data/segments/1/30-40.seg", "/kept");
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_true(simdisk_exists(m.disk, "/data/segments/1/0-80.seg"));
	assert_false(simdisk_exists(m.disk, "/data/segments/1/30-40.seg"));
	model_close(&m);
	copy_file("/kept", "/data/segments/1/30-40.seg");
	simdisk_put(m.disk, "/data/segments/1/80-90.seg.tmp", SPAN_LIT("half a file"));
	model_open(&m);
	assert_false(simdisk_exists(m.disk, "/data/segments/1/30-40.seg"));
	assert_false(simdisk_exists(m.disk, "/data/segments/1/80-90.seg.tmp"));
	model_verify(&m);
}

static void expect_refusal(const char *field)
{
	struct err err = ERR_INIT;

	assert_int_equal(model_try_open(&m, &err), E_CORRUPT);
	assert_string_equal(err.field, field);
}

static void test_store__a_missing_file_is_noticed(void **state)
{
	for (int i = 0; i < 3; i++)
		append_and_seal(0, 10);
	model_close(&m);
	copy_file("/data/segments/1/10-20.seg", "/kept");
	simdisk_remove(m.disk, "/data/segments/1/10-20.seg");
	expect_refusal("1/20-30.seg");
	copy_file("/kept", "/data/segments/1/5-15.seg");
	expect_refusal("1/5-15.seg");
	simdisk_remove(m.disk, "/data/segments/1/5-15.seg");
	copy_file("/kept", "/data/segments/1/10-20.seg");
	model_open(&m);
}

/* ---- damage ---- */

static void test_store__a_damaged_segment_leaves_the_rest_readable(void **state)
{
	struct buf record = BUF_INIT;
	struct store_figures f;
	struct err err = ERR_INIT;
	struct snapshot *s;
	uint64_t records;

	for (int i = 0; i < 3; i++)
		append_and_seal(0, 10);
	model_close(&m);
	simdisk_cut(m.disk, "/data/segments/1/10-20.seg", 100);
	assert_int_equal(model_try_open(&m, &err), 0);
	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &s, &err), 0);
	assert_int_equal(s->size, 30);
	assert_int_equal(s->segment_count, 2);
	assert_int_equal(s->damaged_count, 1);
	assert_int_equal(s->damaged[0].first, 10);
	assert_int_equal(s->damaged[0].next, 20);
	assert_int_equal(snapshot_record(s, 9, &record, &err), 0);
	assert_int_equal(snapshot_record(s, 10, &record, &err), E_CORRUPT);
	assert_int_equal(snapshot_record(s, 20, &record, &err), 0);
	store_figures(m.store, &f);
	assert_int_equal(f.damaged, 1);
	assert_int_equal(model_append_to(&m, &r, 0, 5), 0); /* the tree behind it is known */
	assert_int_equal(store_verify(m.store, NULL, NULL, NULL, &records, &err), E_CORRUPT);
	snapshot_free(s);
	buf_release(&record);
}

static void test_store__a_damaged_last_segment_stops_its_ledger_only(void **state)
{
	struct err err = ERR_INIT;
	struct snapshot *s;
	struct sha256 root;
	uint64_t size;

	append_and_seal(0, 10);
	append_and_seal(0, 10);
	assert_int_equal(model_append_to(&m, &r, 0, 5), 0); /* in the journal */
	model_close(&m);
	simdisk_cut(m.disk, "/data/segments/1/10-20.seg", 100);
	assert_int_equal(model_try_open(&m, &err), 0);
	assert_int_equal(ledger_root(model_ledger(&m, 0), &size, &root, &err), E_CORRUPT);
	assert_int_equal(model_append_to(&m, &r, 0, 5), E_IO);
	assert_int_equal(model_append_to(&m, &r, 1, 5), 0);
	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &s, &err), 0);
	assert_int_equal(s->segment_count, 1);
	assert_int_equal(s->damaged[0].first, 10);
	snapshot_free(s);
	assert_int_equal(store_seal(m.store, &err), 0); /* what is in the journal stays there */
	assert_int_equal(files_with(".jnl").count, 3);  /* and so does what was written after it */
}

static void count_fault(void *user, const struct err *err)
{
	assert_int_not_equal(err->message[0], 0);
	(*(size_t *)user)++;
}

/* A bit flipped anywhere in a segment or the journal is found by verify, or opening refuses. */
static void test_store__verify_finds_flipped_bits(void **state)
{
	uint64_t seed = model_seed();
	struct simdisk *good = m.disk;
	struct file_names f;

	append_and_seal(0, 300);
	assert_int_equal(model_append_to(&m, &r, 0, 40), 0);
	assert_int_equal(model_append_to(&m, &r, 1, 40), 0);
	model_close(&m);
	f = files_with("/data/");
	rng_init(&r, seed);
	for (int i = 0; i < 150; i++) {
		const char *path = f.path[rng_below(&r, f.count)];
		struct err err = ERR_INIT;
		size_t faults = 0;
		uint64_t records;
		uint64_t size;
		int rc;

		m.disk = simdisk_copy(good);
		m.io = simdisk_io(m.disk);
		size = simdisk_bytes(m.disk, path).len;
		if (size > 0)
			simdisk_flip_bit(m.disk, path, rng_below(&r, size), (unsigned)rng_below(&r, 8));
		rc = model_try_open(&m, &err);
		if (rc == 0)
			rc = store_verify(m.store, NULL, count_fault, &faults, &records, &err);
		if (rc == 0 && size > 0) /* only the last commit can be torn */
			assert_true(strstr(path, ".jnl") && records >= 340);
		assert_int_equal(faults > 0, m.store && rc < 0);
		model_close(&m);
		simdisk_free(m.disk);
	}
	m.disk = good;
	m.io = simdisk_io(good);
}

/* ---- encryption ---- */

/* The bytes of the ledger's nth segment as files were before they were encrypted. */
static void plain_of(unsigned ledger, size_t n, struct buf *to)
{
	struct err err = ERR_INIT;
	struct snapshot *s;

	assert_int_equal(ledger_snapshot(model_ledger(&m, ledger), &s, &err), 0);
	assert_true(n < s->segment_count);
	assert_int_equal(segment_merge(&s->segments[n], 1, model_ledger(&m, ledger)->id_key, to, &err), 0);
	snapshot_free(s);
}

static unsigned flags_of(const char *path)
{
	return simdisk_bytes(m.disk, path).p[10];
}

static void test_store__plain_files_stay_readable_and_become_encrypted(void **state)
{
	struct buf plain[8] = {BUF_INIT};
	struct err err = ERR_INIT;
	char path[64];

	for (size_t i = 0; i < 8; i++)
		append_and_seal(0, 10);
	for (size_t i = 0; i < 8; i++)
		plain_of(0, i, &plain[i]);
	model_close(&m);
	for (size_t i = 0; i < 8; i += 2) { /* every other one */
		snprintf(path, sizeof(path), "/data/segments/1/%zu-%zu.seg", 10 * i, 10 * i + 10);
		assert_int_equal(flags_of(path), SEGMENT_F_ENCRYPTED);
		simdisk_put(m.disk, path, buf_span(&plain[i]));
		assert_int_equal(flags_of(path), 0);
	}
	model_open(&m);
	model_verify(&m);
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_int_equal(flags_of("/data/segments/1/0-80.seg"), SEGMENT_F_ENCRYPTED);
	model_compare(&m);
	model_verify(&m);
	for (size_t i = 0; i < 8; i++)
		buf_release(&plain[i]);
}

static void find_words(void *user, const char *path, uint64_t size)
{
	struct span bytes = simdisk_bytes(m.disk, path);
	const char *const *word = user;

	for (; *word; word++)
		if (bytes.len && memmem(bytes.p, bytes.len, *word, strlen(*word)))
			fail_msg("'%s' is in %s", *word, path);
}

static void test_store__no_word_is_on_the_disk(void **state)
{
	const char *words[] = {"action", "\"id\"", "received", "description", NULL};
	struct err err = ERR_INIT;

	for (int i = 0; i < 9; i++)
		append_and_seal(0, 300);
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_int_equal(model_append_to(&m, &r, 0, 3), 0); /* so few that the journal does not compress them */
	simdisk_each(m.disk, find_words, words);
	model_close(&m);
	simdisk_each(m.disk, find_words, words);
}

/* ---- limits ---- */

static void reopen_with_threads(uint64_t head_raw_bytes_max, uint64_t journal_bytes_max)
{
	model_close(&m);
	m.with_threads = true;
	m.head_raw_bytes_max = head_raw_bytes_max;
	m.journal_bytes_max = journal_bytes_max;
	model_open(&m);
}

static void test_store__appends_wait_for_room(void **state)
{
	uint64_t most = 0;

	reopen_with_threads(1u << 16, 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(model_append(&m, &r, 16, 300), 16);
		mutex_lock(&m.store->memory.mutex);
		if (m.store->memory.admitted > most)
			most = m.store->memory.admitted;
		mutex_unlock(&m.store->memory.mutex);
	}
	assert_true(most < (1u << 16) + 300 * 400);
	model_compare(&m);
}

static void test_store__a_large_journal_is_sealed(void **state)
{
	struct store_figures f;

	reopen_with_threads(0, 1u << 18);
	for (int i = 0; i < 60; i++)
		assert_int_equal(model_append(&m, &r, 16, 100), 16);
	do {
		store_figures(m.store, &f);
	} while (f.journal_bytes > (1u << 18) + (1u << 17));
	assert_true(f.seals > 0);
	model_compare(&m);
	model_verify(&m);
}

/* The file ends in the middle of a batch, and of a journal frame: the rest of it is read from the journal. */
static void test_store__a_batch_may_be_sealed_in_part(void **state)
{
	struct store_figures f;
	struct err err = ERR_INIT;

	reopen_with_threads(0, 0);
	assert_int_equal(model_append_to(&m, &r, 0, HEAD_IMAGES_MAX * MERKLE_GROUP - 50), 0);
	assert_int_equal(model_append_to(&m, &r, 0, 400), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(model_append_to(&m, &r, 1, 200), 0);
	while (!simdisk_exists(m.disk, "/data/segments/1/0-4096.seg")) /* the other ledger may be sealed first */
		usleep(1000);
	do {
		store_figures(m.store, &f);
	} while (f.seals == 0);
	assert_int_equal(store__trim(m.store, &err), 0);
	model_close(&m);
	model_open(&m);
	model_verify(&m);
}

static void test_store__a_failed_seal_is_tried_again(void **state)
{
	struct store_figures f;
	struct err err = ERR_INIT;

	reopen_with_threads(0, 0);
	simdisk_fail(m.disk, (struct simdisk_fault){.nth = 1, .kinds = SIMDISK_RENAME, .persists = true});
	assert_int_equal(model_append_to(&m, &r, 0, HEAD_IMAGES_MAX * MERKLE_GROUP), 0);
	while (store_background(m.store, &err) == 0)
		;
	assert_int_not_equal(err.message[0], 0);
	simdisk_heal(m.disk);
	do {
		store_figures(m.store, &f);
	} while (f.head_records > 0 || store_background(m.store, &err) < 0);
	model_compare(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_model, close_model)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_store__is_opened_by_one_process),
		TEST(test_store__lists_ledgers_with_records),
		TEST(test_store__needs_the_keys_of_what_it_reads),
		TEST(test_store__the_wider_of_two_files_wins),
		TEST(test_store__a_missing_file_is_noticed),
		TEST(test_store__a_damaged_segment_leaves_the_rest_readable),
		TEST(test_store__a_damaged_last_segment_stops_its_ledger_only),
		TEST(test_store__verify_finds_flipped_bits),
		TEST(test_store__plain_files_stay_readable_and_become_encrypted),
		TEST(test_store__no_word_is_on_the_disk),
		TEST(test_store__appends_wait_for_room),
		TEST(test_store__a_large_journal_is_sealed),
		TEST(test_store__a_batch_may_be_sealed_in_part),
		TEST(test_store__a_failed_seal_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
