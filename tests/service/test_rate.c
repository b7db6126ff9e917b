#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/seed.h"
#include "service/limits.h"
#include "service/rate_table.h"

#define S INT64_C(1000000000)

/* The slow twin: tokens times 1e9, filled by `rate` a nanosecond; exact. */
struct twin {
	__int128 level;
	int64_t at_ns;
};

static void twin_fill(struct twin *t, uint32_t rate, int64_t now_ns)
{
	t->level += (__int128)(now_ns - t->at_ns) * rate;
	t->at_ns = now_ns;
	if (t->level > (__int128)rate * S)
		t->level = (__int128)rate * S;
}

static bool twin_take(struct twin *t, uint32_t rate, uint64_t count, int64_t now_ns)
{
	uint64_t least = count < rate ? count : rate;

	twin_fill(t, rate, now_ns);
	if (t->level < (__int128)least * S)
		return false;
	t->level -= (__int128)count * S;
	return true;
}

/* Rates whose tokens are whole nanoseconds agree with the twin on every single decision. */
static void test_rate__decides_as_the_slow_twin(void **state)
{
	static const uint32_t rates[] = {1, 2, 4, 5, 8, 10, 100, 1000, 5000, 100000, RATE_MAX};
	struct rng rng = seeded_rng(__func__);

	for (int round = 0; round < 200; round++) {
		uint32_t rate = rates[rng_below(&rng, sizeof(rates) / sizeof(rates[0]))];
		int64_t now_ns = 1 + (int64_t)rng_below(&rng, 1u << 30);
		struct twin t = {(__int128)rate * S, now_ns};
		struct rate_bucket b = {0};

		for (int i = 0; i < 200; i++) {
			uint64_t count = rng_below(&rng, 8) == 0 ? rng_below(&rng, 4 * rate + 1) : rng_below(&rng, 3);
			bool may = rate_has(&b, rate, count, now_ns);

			assert_int_equal(twin_take(&t, rate, count, now_ns), may);
			if (may)
				rate_take(&b, rate, count, now_ns);
			assert_int_equal(rate_left(&b, rate, now_ns), t.level < 0 ? 0 : (uint32_t)(t.level / S));
			now_ns += (int64_t)rng_below(&rng, (uint64_t)(rng_below(&rng, 2) ? 2 * S / rate : S));
		}
	}
}

/* Whatever the rate: a full bucket has as many as it says, and over a long time no more come through. */
static void test_rate__lets_through_what_it_says(void **state)
{
	static const uint32_t rates[] = {1, 3, 7, 9, 11, 13, 60, 333, 999, 12345, 700001};

	for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
		uint32_t rate = rates[k];
		struct rate_bucket b = {0};
		uint64_t taken = 0;

		while (rate_has(&b, rate, 1, S)) {
			rate_take(&b, rate, 1, S);
			taken++;
		}
		assert_in_range(taken, rate, rate + rate / 100);
		assert_int_equal(rate_left(&b, rate, S), 0);
		assert_int_equal(rate_full_s(&b, S), 1);
		assert_int_equal(rate_wait_s(&b, rate, 1, S), 1);
		assert_true(rate_has(&b, rate, rate, 2 * S + S / 50));
	}
}

static void test_rate__a_batch_beyond_the_bucket_is_owed(void **state)
{
	struct rate_bucket b = {0};

	assert_true(rate_has(&b, 100, 1000, S));
	rate_take(&b, 100, 1000, S);
	assert_int_equal(rate_left(&b, 100, S), 0);
	assert_int_equal(rate_full_s(&b, S), 10);
	assert_int_equal(rate_wait_s(&b, 100, 1, S), 10); /* nine and a hundredth */
	assert_false(rate_has(&b, 100, 1, 10 * S));
	assert_true(rate_has(&b, 100, 1, 10 * S + S / 100));
	assert_false(rate_has(&b, 100, 101, 10 * S));
	assert_true(rate_has(&b, 100, UINT64_MAX, 11 * S));
	rate_take(&b, 100, UINT64_MAX, 11 * S);
	assert_int_equal(rate_full_s(&b, 11 * S), 86400);
}

static void test_rate_table__takes_from_all_or_none(void **state)
{
	struct rate_table *t = rate_table_new();
	struct rate_claim c[] = {{.name = 1, .rate = 10, .count = 1}, {.name = 2, .rate = 3, .count = 1}, {.rate = 0}};

	for (int i = 0; i < 3; i++)
		assert_true(rate_table_take(t, c, 3, S));
	assert_int_equal(c[0].left, 7);
	assert_int_equal(c[1].left, 0);
	assert_false(rate_table_take(t, c, 3, S));
	assert_int_equal(c[0].left, 7);
	assert_int_equal(c[0].wait_s, 0);
	assert_int_equal(c[1].wait_s, 1);
	assert_true(rate_table_take(t, c, 3, S + S / 3));
	assert_null(rate_table_free(t));
}

/* However many names come, the table stays as large, and who is there keeps to their limit. */
static void test_rate_table__is_bounded_and_keeps_the_emptiest(void **state)
{
	struct rate_table *t = rate_table_new();
	struct rng rng = seeded_rng(__func__);
	struct rate_claim held = {.name = rng_next(&rng), .rate = 100, .count = 100};
	bool may = rate_table_take(t, &held, 1, S);

	assert_true(may);
	for (uint64_t i = 0; i < 4 * RATE_SETS * RATE_WAYS; i++) {
		struct rate_claim c = {.name = rng_next(&rng), .rate = 100, .count = 1};

		assert_true(rate_table_take(t, &c, 1, S));
	}
	held.count = 1;
	assert_false(rate_table_take(t, &held, 1, S));
	rate_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate__decides_as_the_slow_twin),
		cmocka_unit_test(test_rate__lets_through_what_it_says),
		cmocka_unit_test(test_rate__a_batch_beyond_the_bucket_is_owed),
		cmocka_unit_test(test_rate_table__takes_from_all_or_none),
		cmocka_unit_test(test_rate_table__is_bounded_and_keeps_the_emptiest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
