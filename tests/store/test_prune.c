/*
 * Removing the front of a ledger: what is left reads, proves and goes on as if nothing had happened, and whatever call
 * fails and whenever power is lost, a file is there whole or gone, and its hashes with the one that is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/prune.h"
#include "store/store_priv.h"
#include "store/tree.h"
#include "store_model.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)
#define BEGIN  ((int64_t)1700000000000000)
#define ROWS   300u
#define ALL    UINT64_MAX
#define LIVES  12

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
	assert_int_equal(simdisk_open_count(m.disk), 0);
	simdisk_free(m.disk);
	return 0;
}

static void reopen(void)
{
	model_close(&m);
	model_open(&m);
}

/* Files of ROWS records each, a day apart. */
static void make_files(size_t count)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < count; i++) {
		clock_set_for_test(BEGIN + (int64_t)(m.expected[0].sure.count / ROWS) * DAY_US);
		assert_int_equal(model_append_to(&m, &r, 0, ROWS), 0);
		assert_int_equal(ledger_seal(model_ledger(&m, 0), &err), 0);
	}
}

struct listing {
	size_t segments;
	size_t hashes;
	uint64_t segment_bytes;
	uint64_t hash_bytes;
};

static void count_file(void *user, const char *path, uint64_t size)
{
	struct listing *l = user;

	if (strncmp(path, "/data/segments/1/", 17) != 0)
		return;
	if (strstr(path, ".seg")) {
		l->segments++;
		l->segment_bytes += size;
	} else if (strstr(path, ".hashes")) {
		l->hashes++;
		l->hash_bytes += size;
	}
}

static struct listing list_files(struct simdisk *disk)
{
	struct listing l = {0};

	simdisk_each(disk, count_file, &l);
	return l;
}

/* ---- what is left ---- */

static void test_prune__removes_whole_files_and_keeps_the_tree(void **state)
{
	struct store_figures before, after;

	make_files(6);
	store_figures(m.store, &before);
	assert_int_equal(model_prune(&m, 0, 3 * ROWS + 1), 0);
	assert_int_equal(ledger_first(model_ledger(&m, 0)), 3 * ROWS);
	store_figures(m.store, &after);
	assert_int_equal(after.segment_count, before.segment_count - 3);
	assert_true(after.segment_bytes < before.segment_bytes);
	assert_int_equal(after.pruned, 3 * ROWS);
	assert_int_equal(list_files(m.disk).segments, 3);
	assert_int_equal(list_files(m.disk).hashes, 1);
	for (int round = 0; round < 2; round++) {
		model_compare(&m);
		model_verify(&m);
		reopen();
	}
	assert_int_equal(model_append_to(&m, &r, 0, 10), 0);
	model_compare(&m);
	assert_int_equal(model_prune(&m, 0, 5 * ROWS), 0);
	assert_int_equal(model_prune(&m, 0, 4 * ROWS), 0); /* nothing is left to do */
	assert_int_equal(list_files(m.disk).hashes, 2);
	reopen();
	model_verify(&m);
}

static void test_prune__costs_an_eighth_of_a_byte_a_record(void **state)
{
	make_files(40);
	assert_int_equal(model_prune(&m, 0, ALL), 0);
	assert_int_equal(list_files(m.disk).segments, 0);
	assert_true(list_files(m.disk).hash_bytes <= 40 * ROWS / 8 + 512);
}

static void test_prune__leaves_the_head_alone(void **state)
{
	make_files(2);
	assert_int_equal(model_append_to(&m, &r, 0, 50), 0);
	assert_int_equal(model_prune(&m, 0, ALL), 0);
	assert_int_equal(ledger_first(model_ledger(&m, 0)), 2 * ROWS);
	model_compare(&m);
	reopen();
	model_compare(&m);
	model_verify(&m);
}

static void test_prune__goes_on_when_all_files_are_gone(void **state)
{
	struct ledger *l;
	struct snapshot *s;
	struct err err = ERR_INIT;

	make_files(3);
	assert_int_equal(store_seal(m.store, &err), 0); /* the journal is empty */
	assert_int_equal(model_prune(&m, 0, ALL), 0);
	model_compare(&m);
	clock_set_for_test(BEGIN - DAY_US); /* a clock set back must not be seen */
	reopen();
	l = model_ledger(&m, 0);
	assert_int_equal(ledger_size(l), 3 * ROWS);
	assert_int_equal(model_append_to(&m, &r, 0, 5), 0);
	assert_int_equal(ledger_snapshot(l, &s, &err), 0);
	assert_int_equal(s->received_max, BEGIN + 2 * DAY_US);
	snapshot_free(s);
	model_compare(&m);
	model_verify(&m);
	reopen();
	model_verify(&m);
}

static void test_prune__says_that_a_record_has_expired(void **state)
{
	struct ledger *l = model_ledger(&m, 0);
	struct buf record = BUF_INIT;
	struct err err = ERR_INIT;
	uint8_t id[ID_TEXT_LEN];
	struct snapshot *s;
	uint64_t index = 0;

	make_files(2);
	ledger_ids(l, 5, 1, id);
	assert_int_equal(model_prune(&m, 0, ROWS), 0);
	assert_true(ledger_index_of_id(l, span_of(id, sizeof(id)), &index));
	assert_int_equal(index, 5);
	assert_int_equal(ledger_snapshot(l, &s, &err), 0);
	assert_int_equal(snapshot_record(s, index, &record, &err), E_NOT_FOUND);
	assert_non_null(strstr(err.message, "record 5 has expired: retention removed the records before 300"));
	assert_int_equal(snapshot_record(s, ROWS, &record, &err), 0);
	assert_int_equal(snapshot_record(s, 2 * ROWS, &record, &err), E_NOT_FOUND);
	assert_non_null(strstr(err.message, "there is no record"));
	buf_release(&record);
	snapshot_free(s);
}

static void test_prune__lets_snapshots_read_on(void **state)
{
	struct buf record = BUF_INIT;
	struct err err = ERR_INIT;
	struct snapshot *s;

	make_files(3);
	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &s, &err), 0);
	assert_int_equal(model_prune(&m, 0, 2 * ROWS), 0);
	assert_int_equal(s->first, 0);
	for (uint64_t i = 0; i < 3 * ROWS; i++)
		assert_int_equal(snapshot_record(s, i, &record, &err), 0);
	buf_release(&record);
	snapshot_free(s);
}

/* ---- proofs ---- */

static void test_prune__proves_what_is_left(void **state)
{
	struct ledger *l = model_ledger(&m, 0);
	struct sha256 roots[8], root, leaf;
	uint64_t sizes[8];
	struct merkle_proof proof;
	struct digest *d = digest_new();
	struct err err = ERR_INIT;
	struct snapshot *s;
	struct tree *t;

	for (int i = 0; i < 8; i++) {
		make_files(1);
		assert_int_equal(ledger_root(l, &sizes[i], &roots[i], &err), 0);
	}
	assert_int_equal(model_prune(&m, 0, 2 * ROWS), 0);
	assert_int_equal(model_prune(&m, 0, 5 * ROWS), 0); /* 1500 = 5 * 256 + 220 */
	assert_int_equal(ledger_snapshot(l, &s, &err), 0);
	t = tree_new(s);
	for (uint64_t i = 5 * ROWS; i < 8 * ROWS; i++) {
		if (tree_prove_inclusion(t, i, 8 * ROWS, &proof, &err) < 0)
			fail_msg("%llu: %s", (unsigned long long)i, err.message);
		assert_int_equal(tree_leaves(t, i, 1, &leaf, &err), 0);
		assert_true(merkle_verify_inclusion(d, i, 8 * ROWS, &leaf, proof.hash, proof.count, &roots[7]));
	}
	for (int i = 4; i < 8; i++) { /* from the mark on */
		assert_int_equal(tree_root(t, sizes[i], &root, &err), 0);
		assert_memory_equal(&root, &roots[i], sizeof(root));
		assert_int_equal(tree_prove_consistency(t, sizes[i], 8 * ROWS, &proof, &err), 0);
		assert_true(merkle_verify_consistency(d, sizes[i], 8 * ROWS, proof.hash, proof.count, &roots[i],
						      &roots[7]));
	}
	assert_int_equal(tree_root(t, 1280, &root, &err), 0); /* full groups that are gone */
	assert_int_equal(tree_leaves(t, 5 * ROWS - 1, 1, &leaf, &err), E_NOT_FOUND);
	assert_int_equal(tree_root(t, 2 * ROWS, &root, &err), E_NOT_FOUND);
	assert_non_null(strstr(err.message, "retention removed the records before 1500"));
	tree_free(t);
	snapshot_free(s);
	digest_free(d);
}

/* ---- merging ---- */

static void test_prune__merges_behind_the_mark(void **state)
{
	struct err err = ERR_INIT;

	make_files(MERGE_FAN_IN + 2);
	assert_int_equal(model_prune(&m, 0, 2 * ROWS), 0);
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_int_equal(list_files(m.disk).segments, 1);
	model_compare(&m);
	reopen();
	model_verify(&m);
	assert_int_equal(model_prune(&m, 0, 5 * ROWS), 0); /* no whole file lies before it */
	assert_int_equal(ledger_first(model_ledger(&m, 0)), 2 * ROWS);
	assert_int_equal(model_prune(&m, 0, ALL), 0);
	model_verify(&m);
}

static void test_prune__bounds_what_a_merge_spans(void **state)
{
	struct err err = ERR_INIT;

	ledger_set_merge_span_us(model_ledger(&m, 0), 3 * DAY_US);
	make_files(24);
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_in_range(list_files(m.disk).segments, 6, 9); /* of four days each, and a few that are not due */
	for (size_t i = 0; i < model_ledger(&m, 0)->file_count; i++) {
		const struct part *p = &model_ledger(&m, 0)->parts[i];

		assert_true(p->has_times && p->received_max - p->received_min <= 3 * DAY_US);
	}
	reopen();
	ledger_set_merge_span_us(model_ledger(&m, 0), 0);
	make_files(2);
	assert_int_equal(store_merge(m.store, &err), 0);
	assert_true(list_files(m.disk).segments < MERGE_FAN_IN);
	model_verify(&m);
}

/* A merge whose last step failed may have left a file over the mark. */
static void test_prune__removes_what_a_failed_merge_left(void **state)
{
	make_files(3);
	assert_int_equal(model_prune(&m, 0, ROWS), 0);
	model_close(&m);
	simdisk_put(m.disk, "/data/segments/1/0-600.seg", SPAN_LIT("half"));
	simdisk_put(m.disk, "/data/segments/1/0-300.seg", SPAN_LIT("old"));
	model_open(&m);
	assert_false(simdisk_exists(m.disk, "/data/segments/1/0-600.seg"));
	assert_false(simdisk_exists(m.disk, "/data/segments/1/0-300.seg"));
	model_verify(&m);
}

static void test_prune__refuses_a_file_over_the_mark_that_is_needed(void **state)
{
	struct err err = ERR_INIT;

	make_files(3);
	assert_int_equal(model_prune(&m, 0, ROWS), 0);
	model_close(&m);
	simdisk_put(m.disk, "/data/segments/1/0-1000.seg", SPAN_LIT("?"));
	assert_int_equal(model_try_open(&m, &err), E_CORRUPT);
	assert_string_equal(err.field, "1/0-1000.seg");
	assert_true(simdisk_exists(m.disk, "/data/segments/1/0-1000.seg"));
	simdisk_remove(m.disk, "/data/segments/1/0-1000.seg");
	model_open(&m);
}

/* ---- what may go ---- */

static void test_expiry__finds_files_whose_records_are_all_older(void **state)
{
	struct ledger *l = model_ledger(&m, 0);
	struct ledger_expiry x;
	struct err err = ERR_INIT;
	struct sha256 root;
	uint64_t size;

	assert_int_equal(ledger_expiry(l, INT64_MAX, &x, &err), 0);
	assert_int_equal(x.segments, 0);
	make_files(3);
	assert_int_equal(ledger_root(l, &size, &root, &err), 0);
	make_files(2);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(ledger_expiry(l, BEGIN, &x, &err), 0);
		assert_int_equal(x.next, 0);
		assert_int_equal(ledger_expiry(l, BEGIN + 2 * DAY_US + 1, &x, &err), 0);
		assert_int_equal(x.first, 0);
		assert_int_equal(x.next, 3 * ROWS);
		assert_int_equal(x.segments, 3);
		assert_true(x.bytes > 0);
		assert_int_equal(x.received_min, BEGIN);
		assert_int_equal(x.received_max, BEGIN + 2 * DAY_US);
		assert_memory_equal(&x.root, &root, sizeof(root));
		assert_false(x.is_blocked);
		reopen();
		l = model_ledger(&m, 0);
	}
	assert_int_equal(model_prune(&m, 0, x.next), 0);
	assert_int_equal(ledger_expiry(l, INT64_MAX, &x, &err), 0);
	assert_int_equal(x.first, 3 * ROWS);
	assert_int_equal(x.segments, 2);
}

static void test_expiry__stops_before_damage(void **state)
{
	struct ledger_expiry x;
	struct err err = ERR_INIT;

	make_files(4);
	model_close(&m);
	simdisk_cut(m.disk, "/data/segments/1/300-600.seg", 50);
	assert_int_equal(model_try_open(&m, &err), 0);
	assert_int_equal(ledger_expiry(model_ledger(&m, 0), INT64_MAX, &x, &err), 0);
	assert_int_equal(x.next, ROWS);
	assert_true(x.is_blocked);
	assert_int_equal(ledger_prune(model_ledger(&m, 0), ALL, &x.first, &err), E_CORRUPT);
	assert_int_equal(x.first, 0);
	assert_int_equal(ledger_prune(model_ledger(&m, 0), ROWS, &x.first, &err), 0);
	assert_int_equal(x.first, ROWS);
}

static void test_expiry__knows_how_old_the_head_is(void **state)
{
	struct ledger *l = model_ledger(&m, 0);
	struct err err = ERR_INIT;
	int64_t since;

	make_files(1);
	assert_int_equal(ledger_head_since(l, &since, &err), 0);
	assert_int_equal(since, INT64_MAX);
	clock_set_for_test(BEGIN + 5 * DAY_US);
	assert_int_equal(model_append_to(&m, &r, 0, 5), 0);
	clock_set_for_test(BEGIN + 6 * DAY_US);
	assert_int_equal(model_append_to(&m, &r, 0, 600), 0);
	for (int round = 0; round < 2; round++) { /* raw, then as an image */
		assert_int_equal(ledger_head_since(l, &since, &err), 0);
		assert_int_equal(since, BEGIN + 5 * DAY_US);
		assert_true(ledger__build_one(l, &err) >= 0);
	}
}

/* ---- damage ---- */

static void test_prune__finds_damaged_hashes(void **state)
{
	char name[] = "/data/segments/1/0-600.hashes";
	struct err err = ERR_INIT;
	uint64_t records;
	uint64_t size;

	make_files(3);
	assert_int_equal(model_prune(&m, 0, 2 * ROWS), 0);
	model_close(&m);
	size = simdisk_bytes(m.disk, name).len;
	for (uint64_t at = 0; at < size; at += 13) {
		simdisk_flip_bit(m.disk, name, at, (unsigned)(at % 8));
		assert_int_equal(model_try_open(&m, &err), 0);
		assert_true(store_verify(m.store, NULL, NULL, NULL, &records, &err) < 0);
		assert_string_equal(err.field, "1/0-600.hashes");
		model_close(&m);
		simdisk_flip_bit(m.disk, name, at, (unsigned)(at % 8));
		err = (struct err)ERR_INIT;
	}
	for (uint64_t cut = 0; cut < size; cut += 31) {
		struct buf whole = BUF_INIT;

		buf_put_span(&whole, simdisk_bytes(m.disk, name));
		simdisk_cut(m.disk, name, cut);
		assert_int_equal(model_try_open(&m, &err), 0);
		assert_int_equal(store_verify(m.store, NULL, NULL, NULL, &records, &err), E_CORRUPT);
		model_close(&m);
		simdisk_put(m.disk, name, buf_span(&whole));
		buf_release(&whole);
	}
	simdisk_remove(m.disk, name);
	err = (struct err)ERR_INIT;
	assert_int_equal(model_try_open(&m, &err), E_CORRUPT);
	assert_non_null(strstr(err.message, "records 0 to 599 are missing before 1/600-900.seg"));
	m.pruned[0] = m.pruning[0] = 0;
}

static void test_prune__checks_the_tree_before_it_lets_records_go(void **state)
{
	struct buf other = BUF_INIT;
	struct err err = ERR_INIT;
	struct simdisk *disk = simdisk_new(2);
	struct model twin;
	uint64_t first;

	make_files(2);
	model_close(&m);
	model_init(&twin, disk); /* the same numbers, other records */
	model_open(&twin);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(model_append_to(&twin, &r, 0, ROWS), 0);
		assert_int_equal(ledger_seal(model_ledger(&twin, 0), &err), 0);
	}
	buf_put_span(&other, simdisk_bytes(disk, "/data/segments/1/300-600.seg"));
	model_release(&twin);
	simdisk_free(disk);
	simdisk_put(m.disk, "/data/segments/1/300-600.seg", buf_span(&other));
	buf_release(&other);
	assert_int_equal(model_try_open(&m, &err), 0);
	assert_int_equal(ledger_prune(model_ledger(&m, 0), ALL, &first, &err), E_CORRUPT);
	assert_non_null(strstr(err.message, "is not that of the ones before"));
	assert_int_equal(first, 0);
	assert_int_equal(list_files(m.disk).segments, 2);
}

/* ---- failing calls and lost power ---- */

/* Prunes while call `nth` fails; the store goes on, loses power, and has all or nothing. */
static bool fail_call(uint64_t nth, bool is_done, bool persists)
{
	struct err err = ERR_INIT;
	struct listing files;
	uint64_t first;
	bool has_failed;

	rng_init(&r, nth);
	model_init(&m, simdisk_new(nth));
	model_open(&m);
	make_files(5);
	assert_int_equal(model_append_to(&m, &r, 0, 40), 0);
	simdisk_fail(m.disk, (struct simdisk_fault){.nth = nth, .done = is_done, .persists = persists});
	(void)model_prune(&m, 0, 2 * ROWS);
	has_failed = simdisk_failed(m.disk);
	if (!persists && rng_below(&r, 2)) { /* it goes on */
		simdisk_heal(m.disk);
		model_compare(&m);
		assert_int_equal(store_merge(m.store, &err), 0);
		assert_int_equal(model_prune(&m, 0, 2 * ROWS), 0);
		assert_int_equal(ledger_first(model_ledger(&m, 0)), 2 * ROWS);
	}
	model_close(&m);
	simdisk_crash(m.disk, &r);
	model_open(&m);
	model_verify(&m);
	first = ledger_first(model_ledger(&m, 0));
	files = list_files(m.disk);
	assert_true(first == 0 || first == 2 * ROWS);
	assert_int_equal(files.segments, first == 0 ? 5 : 3);
	assert_int_equal(files.hashes, first > 0);
	m.pruning[0] = first;
	assert_int_equal(model_prune(&m, 0, 4 * ROWS), 0);
	model_compare(&m);
	model_verify(&m);
	assert_int_equal(list_files(m.disk).segments, 1);
	clock_set_for_test(0);
	model_release(&m);
	assert_int_equal(simdisk_open_count(m.disk), 0);
	simdisk_free(m.disk);
	return has_failed;
}

static void test_prune__is_whole_after_any_failed_call(void **state)
{
	for (int way = 0; way < 4; way++) {
		uint64_t nth = 1;

		while (fail_call(nth, way & 1, way & 2))
			nth++;
		assert_true(nth > 15);
	}
}

static void step(void)
{
	struct err err = ERR_INIT;
	size_t i = rng_below(&r, MODEL_LEDGERS);
	int rc = 0;

	switch (rng_below(&r, 10)) {
	case 0:
		rc = store_seal(m.store, &err);
		break;
	case 1:
		rc = store_merge(m.store, &err);
		break;
	case 2:
	case 3:
		rc = ledger_seal(model_ledger(&m, i), &err);
		break;
	case 4:
		(void)model_resume(&m);
		break;
	case 5:
	case 6:
		rc = model_prune(&m, i, rng_below(&r, m.expected[i].sure.count + 1));
		break;
	default:
		model_append(&m, &r, rng_below(&r, 5) + 1, 400);
		break;
	}
	assert_int_not_equal(rc, E_CORRUPT);
}

static void one_life(void)
{
	struct err err = ERR_INIT;
	bool is_power_loss = rng_below(&r, 3) > 0;
	int rc;

	simdisk_fail(m.disk, (struct simdisk_fault){.nth = rng_below(&r, 150) + 1,
						    .kinds = rng_below(&r, 2) ? SIMDISK_ALL : SIMDISK_CHANGES,
						    .done = rng_below(&r, 2),
						    .persists = rng_below(&r, 2)});
	rc = model_try_open(&m, &err);
	assert_int_not_equal(rc, E_CORRUPT);
	for (size_t i = rng_below(&r, 20); rc == 0 && i > 0; i--)
		step();
	if (!is_power_loss)
		simdisk_heal(m.disk);
	model_close(&m);
	if (is_power_loss)
		simdisk_crash(m.disk, &r);
	model_open(&m);
	model_close(&m);
}

static void run_lives(bool with_threads)
{
	uint64_t seed = model_seed();

	for (uint64_t i = 0; i < LIVES; i++) {
		rng_init(&r, seed + i);
		model_init(&m, simdisk_new(seed + i));
		m.with_threads = with_threads;
		for (int k = 0; k < 5; k++)
			one_life();
		model_open(&m);
		model_verify(&m);
		model_release(&m);
		assert_int_equal(simdisk_open_count(m.disk), 0);
		simdisk_free(m.disk);
	}
}

static void test_prune__lives_through_crashes(void **state)
{
	run_lives(false);
}

static void test_prune__lives_through_crashes_while_sealing(void **state)
{
	run_lives(true);
}

/* ---- who is told ---- */

struct told {
	uint32_t ledger;
	uint64_t first;
	unsigned count;
};

static void on_pruned(void *user, uint32_t ledger, uint64_t first)
{
	struct told *t = user;

	*t = (struct told){ledger, first, t->count + 1};
}

static int give_key(void *user, uint32_t ledger, struct key *ret_key, struct err *err)
{
	memset(ret_key->b, (int)(ledger + 7), sizeof(ret_key->b));
	return 0;
}

static void test_prune__tells_whoever_asks(void **state)
{
	struct told told = {0};
	struct store_config config = {.io = simdisk_io(m.disk),
				      .folder = "/data",
				      .key = give_key,
				      .pruned = on_pruned,
				      .user = &told,
				      .no_threads = true,
				      .block_rows = MERKLE_GROUP};
	struct err err = ERR_INIT;
	struct ledger *l;
	uint64_t first;

	make_files(2);
	model_close(&m);
	assert_int_equal(store_open(&config, &m.store, &err), 0);
	assert_int_equal(told.count, 0);
	assert_int_equal(store_ledger(m.store, 1, &l, &err), 0);
	assert_int_equal(ledger_prune(l, ROWS, &first, &err), 0);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.first, ROWS);
	assert_int_equal(ledger_prune(l, ROWS, &first, &err), 0);
	assert_int_equal(told.count, 1);
	model_close(&m);
	assert_int_equal(store_open(&config, &m.store, &err), 0);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.ledger, 1);
	assert_int_equal(told.first, ROWS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_model, close_model)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_prune__removes_whole_files_and_keeps_the_tree),
		TEST(test_prune__costs_an_eighth_of_a_byte_a_record),
		TEST(test_prune__leaves_the_head_alone),
		TEST(test_prune__goes_on_when_all_files_are_gone),
		TEST(test_prune__says_that_a_record_has_expired),
		TEST(test_prune__lets_snapshots_read_on),
		TEST(test_prune__proves_what_is_left),
		TEST(test_prune__merges_behind_the_mark),
		TEST(test_prune__bounds_what_a_merge_spans),
		TEST(test_prune__removes_what_a_failed_merge_left),
		TEST(test_prune__refuses_a_file_over_the_mark_that_is_needed),
		TEST(test_expiry__finds_files_whose_records_are_all_older),
		TEST(test_expiry__stops_before_damage),
		TEST(test_expiry__knows_how_old_the_head_is),
		TEST(test_prune__finds_damaged_hashes),
		TEST(test_prune__checks_the_tree_before_it_lets_records_go),
		TEST(test_prune__tells_whoever_asks),
		cmocka_unit_test(test_prune__is_whole_after_any_failed_call),
		cmocka_unit_test(test_prune__lives_through_crashes),
		cmocka_unit_test(test_prune__lives_through_crashes_while_sealing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
