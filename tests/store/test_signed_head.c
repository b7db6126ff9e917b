/* Signed heads: the last one of each ledger holds, whatever happens to the journal's files, and to the power. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/signed_head_priv.h"
#include "store/store_priv.h"
#include "store_model.h"

static struct model m;
static struct rng r;

static int open_model(void **state)
{
	rng_init(&r, model_seed());
	model_init(&m, simdisk_new(1));
	model_open(&m);
	return 0;
}

static int close_model(void **state)
{
	model_release(&m);
	simdisk_free(m.disk);
	return 0;
}

/* A head whose root and note tell its size and time. */
static struct signed_head head_of(uint64_t size, int64_t signed_us, char note[64])
{
	struct signed_head h = {.size = size, .signed_us = signed_us};

	memset(h.root.b, (int)(size % 251), SHA256_LEN);
	snprintf(note, 64, "note of %llu at %lld", (unsigned long long)size, (long long)signed_us);
	h.note = span_str(note);
	return h;
}

static int put(size_t ledger, uint64_t size, int64_t signed_us)
{
	struct store_head head = {.ledger = model_ledger(&m, ledger)};
	struct err err = ERR_INIT;
	char note[64];

	head.head = head_of(size, signed_us, note);
	return store_put_heads(m.store, &head, 1, &err);
}

/* The ledger's head is this one; size 0: it has none. */
static void check(size_t ledger, uint64_t size, int64_t signed_us)
{
	struct buf note = BUF_INIT;
	struct signed_head got, want;
	struct err err = ERR_INIT;
	char text[64];

	assert_int_equal(ledger_signed_head(model_ledger(&m, ledger), &got, &note, &err), size > 0);
	if (size > 0) {
		want = head_of(size, signed_us, text);
		assert_int_equal(got.size, want.size);
		assert_int_equal(got.signed_us, want.signed_us);
		assert_memory_equal(got.root.b, want.root.b, SHA256_LEN);
		assert_true(span_eq(got.note, want.note));
	}
	buf_release(&note);
}

static void reopen(void)
{
	model_close(&m);
	model_open(&m);
}

static void test_signed_head__the_last_one_is_there_after_a_restart(void **state)
{
	check(0, 0, 0);
	assert_int_equal(put(0, 5, 100), 0);
	assert_int_equal(put(1, 7, 101), 0);
	assert_int_equal(put(0, 9, 102), 0);
	for (int i = 0; i < 2; i++) {
		check(0, 9, 102);
		check(1, 7, 101);
		check(2, 0, 0);
		reopen();
	}
}

/* Carrying over may write an older head behind a newer one. */
static void test_signed_head__the_larger_then_the_later_one_holds(void **state)
{
	assert_int_equal(put(0, 9, 100), 0);
	assert_int_equal(put(0, 5, 200), 0);
	check(0, 9, 100);
	assert_int_equal(put(0, 9, 150), 0);
	assert_int_equal(put(0, 9, 120), 0);
	check(0, 9, 150);
	reopen();
	check(0, 9, 150);
}

static void test_signed_head__many_go_into_one_commit(void **state)
{
	struct store_head heads[MODEL_LEDGERS];
	char note[MODEL_LEDGERS][64];
	struct err err = ERR_INIT;
	uint64_t before = journal_commits(m.store->journal);

	for (size_t i = 0; i < MODEL_LEDGERS; i++)
		heads[i] = (struct store_head){model_ledger(&m, i), head_of(i + 1, 50, note[i])};
	assert_int_equal(store_put_heads(m.store, heads, MODEL_LEDGERS, &err), 0);
	assert_int_equal(journal_commits(m.store->journal), before + 1);
	for (size_t i = 0; i < MODEL_LEDGERS; i++)
		check(i, i + 1, 50);
	assert_int_equal(store_put_heads(m.store, NULL, 0, &err), 0);
}

/* The journal's files go, one after the other, and the heads stay. */
static void test_signed_head__outlives_its_journal_file(void **state)
{
	struct err err = ERR_INIT;

	assert_int_equal(put(2, 3, 10), 0);
	for (int i = 1; i <= 4; i++) {
		assert_int_equal(put(0, (uint64_t)i, i), 0);
		assert_int_equal(model_append_to(&m, &r, 0, 300), 0);
		assert_int_equal(store_seal(m.store, &err), 0);
		assert_false(simdisk_exists(m.disk, "/data/journal/1.jnl"));
		if (i % 2)
			reopen();
		check(0, (uint64_t)i, i);
		check(2, 3, 10);
	}
}

static void test_signed_head__a_large_note_is_kept_whole(void **state)
{
	struct store_head heads[40];
	struct buf big = BUF_INIT;
	struct buf note = BUF_INIT;
	struct signed_head got;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < HEAD_NOTE_MAX; i++)
		buf_put_u8(&big, (uint8_t)('a' + i % 26));
	for (size_t i = 0; i < 40; i++) {
		heads[i] = (struct store_head){model_ledger(&m, 0), {.size = i + 1, .note = buf_span(&big)}};
		heads[i].head.signed_us = 1;
	}
	assert_int_equal(store_put_heads(m.store, heads, 40, &err), 0); /* more than a frame holds */
	reopen();
	assert_int_equal(ledger_signed_head(model_ledger(&m, 0), &got, &note, &err), 1);
	assert_int_equal(got.size, 40);
	assert_true(span_eq(got.note, buf_span(&big)));
	buf_release(&note);
	buf_release(&big);
}

static void test_signed_head__refuses_payloads_that_are_none(void **state)
{
	struct buf p = BUF_INIT;
	struct err err = ERR_INIT;

	buf_put_u32(&p, 1);
	buf_put_u64(&p, 5);
	buf_put(&p, "0123456789abcdef0123456789abcdef", SHA256_LEN);
	buf_put_u64(&p, 77);
	buf_put_u32(&p, 4);
	buf_put_str(&p, "note");
	for (size_t len = 0; len < p.len; len++)
		assert_int_equal(signed_head__load(m.store, span_of(p.p, len), 1, 1, &err), E_CORRUPT);
	check(0, 0, 0);
	assert_int_equal(signed_head__load(m.store, buf_span(&p), 2, 1, &err), E_CORRUPT);
	assert_int_equal(signed_head__load(m.store, buf_span(&p), 0, 1, &err), E_CORRUPT);
	assert_int_equal(signed_head__load(m.store, buf_span(&p), 1, 1, &err), 0);
	buf_release(&p);
}

/* Lives that end at any call, with power lost or not: a head that was put is there, or a later one. */
static void test_signed_head__survives_power_losses(void **state)
{
	uint64_t sure = 0, tried = 0;

	for (int life = 0; life < 60; life++) {
		struct simdisk_fault fault = {.nth = 1 + rng_below(&r, 40), .kinds = SIMDISK_CHANGES, .persists = true};
		struct signed_head got = {.size = 0};
		struct buf note = BUF_INIT;
		struct err err = ERR_INIT;

		fault.done = rng_below(&r, 2);
		simdisk_fail(m.disk, fault);
		for (int i = 0; i < 6; i++) {
			if (rng_below(&r, 3) == 0)
				(void)model_append_to(&m, &r, 0, 1 + rng_below(&r, 300));
			if (rng_below(&r, 3) == 0 && store_seal(m.store, &err) < 0)
				assert_int_not_equal(err.code, E_CORRUPT);
			tried++;
			if (put(0, tried, (int64_t)tried) == 0)
				sure = tried;
		}
		if (rng_below(&r, 3) == 0)
			simdisk_heal(m.disk);
		model_close(&m);
		simdisk_crash(m.disk, &r);
		model_open(&m);
		assert_true(ledger_signed_head(model_ledger(&m, 0), &got, &note, &err) >= 0);
		assert_true(got.size >= sure && got.size <= tried);
		sure = got.size;
		buf_release(&note);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signed_head__the_last_one_is_there_after_a_restart, open_model,
						close_model),
		cmocka_unit_test_setup_teardown(test_signed_head__the_larger_then_the_later_one_holds, open_model,
						close_model),
		cmocka_unit_test_setup_teardown(test_signed_head__many_go_into_one_commit, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_signed_head__outlives_its_journal_file, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_signed_head__a_large_note_is_kept_whole, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_signed_head__refuses_payloads_that_are_none, open_model,
						close_model),
		cmocka_unit_test_setup_teardown(test_signed_head__survives_power_losses, open_model, close_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
