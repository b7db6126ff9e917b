/*
 * Checking a store while it is in use: all of it is looked at, damage is found and nothing sound is called damaged,
 * whatever merges, seals and prunes meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/thread.h"
#include "store/store_check.h"
#include "store/store_priv.h"
#include "store_model.h"

#define ROWS 300u

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

static void make_files(size_t count)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(model_append_to(&m, &r, 0, ROWS), 0);
		assert_int_equal(ledger_seal(model_ledger(&m, 0), &err), 0);
	}
}

struct watching {
	unsigned faults;
	struct err first;
	uint64_t bytes;
	uint64_t pieces;
	uint64_t end_after; /* pieces; 0: never */
};

static void on_fault(void *user, const struct err *err)
{
	struct watching *w = user;

	if (w->faults++ == 0)
		w->first = *err;
}

static int on_piece(void *user, uint64_t bytes)
{
	struct watching *w = user;

	w->bytes += bytes;
	return ++w->pieces == w->end_after ? E_CLOSED : 0;
}

static struct store_check begin(struct watching *w)
{
	return (struct store_check){.found = on_fault, .pace = on_piece, .user = w};
}

/* Everything of the store; returns how many records. */
static uint64_t check_all(struct watching *w)
{
	struct store_check journal = begin(w);
	struct err err = ERR_INIT;
	uint64_t records = 0;
	uint64_t number = 0;
	int rc;

	for (size_t i = 0; i < MODEL_LEDGERS; i++) {
		struct store_check c = begin(w);

		do {
			rc = ledger_check(model_ledger(&m, i), &c, &err);
		} while (rc > 0);
		assert_int_equal(rc, 0);
		records += c.records;
	}
	do {
		rc = store_check_journal(m.store, &journal, &number, &err);
	} while (rc > 0);
	assert_int_equal(rc, 0);
	return records;
}

static void test_check__reads_all_of_a_sound_store(void **state)
{
	struct watching w = {0};
	struct store_figures f;
	struct err err = ERR_INIT;

	make_files(4);
	assert_int_equal(model_append_to(&m, &r, 0, 700), 0); /* two images and a tail */
	while (ledger__build_one(model_ledger(&m, 0), &err) > 0)
		continue;
	assert_int_equal(model_append_to(&m, &r, 2, 20), 0);
	assert_int_equal(check_all(&w), 4 * ROWS + 720);
	assert_int_equal(w.faults, 0);
	store_figures(m.store, &f);
	assert_true(w.bytes > f.segment_bytes / 2);
	assert_int_equal(f.block_misses + f.block_hits, 0); /* past the cache */
	assert_int_equal(f.block_bytes, 0);
	assert_int_equal(model_prune(&m, 0, 2 * ROWS), 0);
	assert_int_equal(check_all(&w), 2 * ROWS + 720);
	assert_int_equal(w.faults, 0);
}

/* Damage behind the store's back, while it has the file open. */
static void test_check__finds_damage_anywhere_in_a_file(void **state)
{
	char name[] = "/data/segments/1/300-600.seg";
	uint64_t size;

	make_files(3);
	size = simdisk_bytes(m.disk, name).len;
	for (uint64_t at = 0; at < size; at += 1 + size / 60) {
		struct watching w = {0};

		simdisk_flip_bit(m.disk, name, at, (unsigned)(at % 8));
		check_all(&w);
		simdisk_flip_bit(m.disk, name, at, (unsigned)(at % 8));
		if (w.faults != 1)
			fail_msg("%u faults for byte %llu", w.faults, (unsigned long long)at);
		assert_true(w.first.code == E_CORRUPT || w.first.code == E_UNSUPPORTED);
		assert_string_equal(w.first.field, "1/300-600.seg");
	}
	for (uint64_t cut = 0; cut < size; cut += 1 + size / 10) {
		struct buf whole = BUF_INIT;
		struct watching w = {0};

		buf_put_span(&whole, simdisk_bytes(m.disk, name));
		simdisk_cut(m.disk, name, cut);
		check_all(&w);
		assert_int_equal(w.faults, 1);
		simdisk_put(m.disk, name, buf_span(&whole));
		buf_release(&whole);
	}
}

static void test_check__finds_a_file_that_is_missing(void **state)
{
	struct watching w = {0};

	make_files(3);
	simdisk_remove(m.disk, "/data/segments/1/300-600.seg");
	check_all(&w);
	assert_int_equal(w.faults, 1);
	assert_int_equal(w.first.code, E_NOT_FOUND);
	assert_string_equal(w.first.field, "1/300-600.seg");
}

static void test_check__finds_damage_in_the_journal(void **state)
{
	struct watching w = {0};
	struct err err = ERR_INIT;

	assert_int_equal(model_append_to(&m, &r, 0, 50), 0);
	assert_int_equal(model_append_to(&m, &r, 0, 50), 0);
	simdisk_flip_bit(m.disk, "/data/journal/1.jnl", 300, 2);
	check_all(&w);
	assert_int_equal(w.faults, 1);
	assert_non_null(strstr(w.first.field, "1.jnl"));
	simdisk_flip_bit(m.disk, "/data/journal/1.jnl", 300, 2);
	w = (struct watching){0};
	check_all(&w);
	assert_int_equal(w.faults, 0);
	assert_int_equal(store_seal(m.store, &err), 0);
	check_all(&w);
	assert_int_equal(w.faults, 0);
}

static void test_check__finds_damaged_hashes(void **state)
{
	struct watching w = {0};

	make_files(3);
	assert_int_equal(model_prune(&m, 0, ROWS), 0);
	simdisk_flip_bit(m.disk, "/data/segments/1/0-300.hashes", 90, 1);
	check_all(&w);
	assert_int_equal(w.faults, 1);
	assert_string_equal(w.first.field, "1/0-300.hashes");
	simdisk_flip_bit(m.disk, "/data/segments/1/0-300.hashes", 90, 1);
}

/* Records of another ledger's history: every checksum is right, the tree is not. */
static void test_check__finds_a_file_of_another_history(void **state)
{
	struct buf other = BUF_INIT;
	struct simdisk *disk = simdisk_new(2);
	struct watching w = {0};
	struct model twin;
	struct err err = ERR_INIT;

	make_files(3);
	model_init(&twin, disk);
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
	check_all(&w);
	assert_true(w.faults >= 1);
	assert_string_equal(w.first.field, "1/300-600.seg");
}

static void test_check__can_be_ended_and_taken_up(void **state)
{
	struct watching w = {.end_after = 5};
	struct store_check c = begin(&w);
	struct err err = ERR_INIT;
	struct store_check again;
	int rc;

	make_files(6);
	do {
		rc = ledger_check(model_ledger(&m, 0), &c, &err);
	} while (rc > 0);
	assert_int_equal(rc, E_CLOSED);
	assert_true(c.position < 6 * ROWS);
	again = begin(&w);
	again.position = c.position;
	do {
		rc = ledger_check(model_ledger(&m, 0), &again, &err);
	} while (rc > 0);
	assert_int_equal(rc, 0);
	assert_int_equal(c.records + again.records, 6 * ROWS);
	assert_int_equal(w.faults, 0);
}

/* The files become others between the steps. */
static void test_check__goes_on_over_merges(void **state)
{
	for (unsigned steps = 0; steps < MERGE_FAN_IN + 2; steps++) {
		struct watching w = {0};
		struct store_check c = begin(&w);
		struct err err = ERR_INIT;
		int rc = 1;

		make_files(MERGE_FAN_IN);
		for (unsigned i = 0; i < steps && rc > 0; i++)
			rc = ledger_check(model_ledger(&m, 0), &c, &err);
		assert_int_equal(store_merge(m.store, &err), 0);
		if (steps == 3)
			assert_int_equal(model_prune(&m, 0, ROWS * MERGE_FAN_IN), 0);
		while (rc > 0)
			rc = ledger_check(model_ledger(&m, 0), &c, &err);
		assert_int_equal(rc, 0);
		assert_int_equal(w.faults, 0);
		assert_int_equal(c.position, m.expected[0].sure.count);
	}
}

/* A segment whose predecessor is damaged is still checked, all but its place in the tree. */
static void test_check__finds_damage_behind_damage(void **state)
{
	struct watching w = {0};
	uint64_t size;

	make_files(4);
	simdisk_cut(m.disk, "/data/segments/1/300-600.seg", 10);
	size = simdisk_bytes(m.disk, "/data/segments/1/600-900.seg").len;
	check_all(&w);
	assert_int_equal(w.faults, 1);
	simdisk_flip_bit(m.disk, "/data/segments/1/600-900.seg", size / 3, 4);
	w = (struct watching){0};
	check_all(&w);
	assert_int_equal(w.faults, 2);
	simdisk_flip_bit(m.disk, "/data/segments/1/600-900.seg", size / 3, 4);
}

/* ---- with threads ---- */

struct checker {
	struct watching w;
	_Atomic bool is_done;
	unsigned passes;
};

static void *run_checks(void *arg)
{
	struct checker *x = arg;

	while (!atomic_load(&x->is_done)) {
		check_all(&x->w);
		x->passes++;
	}
	return NULL;
}

static void test_check__finds_nothing_while_all_moves(void **state)
{
	struct checker x = {.is_done = false};
	struct thread thread;
	struct err err = ERR_INIT;

	model_close(&m);
	m.with_threads = true;
	model_open(&m);
	thread_start(&thread, "check", run_checks, &x);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(model_append(&m, &r, 4, 600), 4);
		if (i % 4 == 0)
			assert_int_equal(store_seal(m.store, &err), 0);
		if (i % 10 == 9)
			assert_int_equal(model_prune(&m, 0, m.expected[0].sure.count / 2), 0);
	}
	atomic_store(&x.is_done, true);
	thread_join(&thread);
	if (x.w.faults > 0)
		fail_msg("%s (%s)", x.w.first.message, x.w.first.field);
	assert_true(x.passes > 0);
	model_compare(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_model, close_model)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_check__reads_all_of_a_sound_store),   TEST(test_check__finds_damage_anywhere_in_a_file),
		TEST(test_check__finds_a_file_that_is_missing), TEST(test_check__finds_damage_in_the_journal),
		TEST(test_check__finds_damaged_hashes),         TEST(test_check__finds_a_file_of_another_history),
		TEST(test_check__can_be_ended_and_taken_up),    TEST(test_check__goes_on_over_merges),
		TEST(test_check__finds_damage_behind_damage),   TEST(test_check__finds_nothing_while_all_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
