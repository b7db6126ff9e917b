/*
 * The store against a disk that loses power or fails calls at any point: whatever was acknowledged is there, once, in
 * order and byte for byte; what was not may be there, whole batches only; trees are those of the records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store_model.h"

#define RUNS 36 /* a second or two */

static uint64_t run_count(void)
{
	const char *text = getenv("STELE_RUNS");

	return text ? strtoull(text, NULL, 10) : RUNS;
}

/* One step of a life. Failures are fine: what they mean is checked when the store is opened next. */
static void step(struct model *m, struct rng *r)
{
	struct err err = ERR_INIT;
	int rc = 0;

	switch (rng_below(r, 12)) {
	case 0:
		rc = store_seal(m->store, &err);
		break;
	case 1:
		rc = store_merge(m->store, &err);
		break;
	case 2:
	case 3:
		rc = ledger_seal(model_ledger(m, rng_below(r, MODEL_LEDGERS)), &err);
		break;
	case 4:
		(void)model_resume(m);
		break;
	default:
		model_append(m, r, rng_below(r, 5) + 1, 400);
		break;
	}
	if (rc < 0)
		assert_int_not_equal(err.message[0], 0);
	assert_int_not_equal(rc, E_CORRUPT);
}

static void live(struct model *m, struct rng *r, size_t steps)
{
	for (size_t i = 0; i < steps; i++)
		step(m, r);
}

static struct simdisk_fault random_fault(struct rng *r)
{
	struct simdisk_fault f = {.nth = rng_below(r, 80) + 1};

	f.kinds = rng_below(r, 4) == 0 ? SIMDISK_ALL : SIMDISK_CHANGES;
	f.done = rng_below(r, 2);
	f.persists = rng_below(r, 3) > 0;
	f.error = rng_below(r, 2) ? 28 /* ENOSPC */ : 5 /* EIO */;
	return f;
}

/* Opens with a fault set, lives, dies; opens again and compares. */
static void one_life(struct model *m, struct rng *r)
{
	struct err err = ERR_INIT;
	bool is_power_loss = rng_below(r, 3) > 0;
	int rc;

	simdisk_fail(m->disk, random_fault(r));
	rc = model_try_open(m, &err);
	assert_int_not_equal(rc, E_CORRUPT);
	if (rc == 0)
		live(m, r, rng_below(r, 14));
	if (!is_power_loss)
		simdisk_heal(m->disk); /* the process ends as it should */
	model_close(m);
	if (is_power_loss)
		simdisk_crash(m->disk, r);
	model_open(m);
	if (rng_below(r, 4) == 0)
		live(m, r, rng_below(r, 4));
	model_close(m);
}

static void run_lives(bool with_threads, uint64_t runs)
{
	uint64_t seed = model_seed();

	for (uint64_t i = 0; i < runs; i++) {
		struct simdisk *disk = simdisk_new(seed + i);
		struct model m;
		struct rng r;

		rng_init(&r, seed + i);
		model_init(&m, disk);
		m.with_threads = with_threads;
		if (rng_below(&r, 2)) { /* so little room that appends wait, and heads and journal are pushed out */
			m.head_raw_bytes_max = 1u << 15;
			m.journal_bytes_max = 1u << 18;
		}
		simdisk_set_short(disk, 7);
		for (int k = 0; k < 5; k++)
			one_life(&m, &r);
		model_open(&m);
		model_verify(&m);
		model_compare(&m);
		model_release(&m);
		assert_int_equal(simdisk_open_count(disk), 0);
		simdisk_free(disk);
	}
}

static void test_recovery__keeps_what_was_acknowledged(void **state)
{
	run_lives(false, run_count());
}

static void test_recovery__keeps_what_was_acknowledged_while_sealing(void **state)
{
	run_lives(true, run_count() / 3);
}

/* A fixed life in which each call fails in turn; the store goes on as it can. */
static bool fail_call(uint64_t nth, bool is_done, uint64_t seed)
{
	struct simdisk *disk = simdisk_new(seed);
	struct err err = ERR_INIT;
	bool has_failed;
	struct model m;
	struct rng r;

	rng_init(&r, 1);
	model_init(&m, disk);
	m.journal_file_bytes = 1u << 14;
	model_open(&m);
	simdisk_fail(disk, (struct simdisk_fault){.nth = nth, .done = is_done});
	for (int i = 0; i < 4; i++) {
		model_append_to(&m, &r, 0, 120);
		(void)model_resume(&m);
		model_append_to(&m, &r, 1, 30);
		(void)model_resume(&m);
		if (store_seal(m.store, &err) == 0 && i == 3)
			assert_int_not_equal(store_merge(m.store, &err), E_CORRUPT);
	}
	has_failed = simdisk_failed(disk);
	simdisk_heal(disk);
	assert_true(model_resume(&m));
	assert_int_equal(model_append_to(&m, &r, 0, 10), 0);
	model_compare(&m);
	model_verify(&m);
	model_close(&m);
	rng_init(&r, seed);
	simdisk_crash(disk, &r);
	model_open(&m);
	model_verify(&m);
	model_release(&m);
	simdisk_free(disk);
	return has_failed;
}

static void test_recovery__goes_on_after_any_failed_call(void **state)
{
	uint64_t seed = model_seed();

	for (int is_done = 0; is_done < 2; is_done++) {
		uint64_t nth = 1;

		while (fail_call(nth, is_done, seed + nth))
			nth++;
		assert_true(nth > 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recovery__keeps_what_was_acknowledged),
		cmocka_unit_test(test_recovery__keeps_what_was_acknowledged_while_sealing),
		cmocka_unit_test(test_recovery__goes_on_after_any_failed_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
