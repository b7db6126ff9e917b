#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "seed.h"

/* xoshiro256** from the state 1, 2, 3, 4, as its authors' code gives it. */
static void test_rng__matches_the_vectors(void **state)
{
	static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
	struct rng rng = {{1, 2, 3, 4}};

	for (int i = 0; i < 4; i++)
		assert_true(rng_next(&rng) == want[i]);
	rng_init(&rng, 0);
	assert_true(rng.s[0] == 0xe220a8397b1dcdaf && rng.s[1] == 0x6e789e6aa1b965f4); /* splitmix64 from 0 */
}

static void test_rng__repeats(void **state)
{
	struct rng a;
	struct rng b;

	rng_init(&a, 42);
	rng_init(&b, 42);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_next(&a) == rng_next(&b));
	rng_init(&b, 43);
	assert_true(rng_next(&a) != rng_next(&b));
}

static void test_rng__is_fair_below(void **state)
{
	struct rng rng = seeded_rng(__func__);
	int counts[6] = {0};
	uint64_t large = ((uint64_t)1 << 63) + 12345;
	int in_upper_half = 0;

	for (int i = 0; i < 60000; i++) {
		counts[rng_below(&rng, 6)]++;
		uint64_t v = rng_below(&rng, large);
		double unit = rng_unit(&rng);

		assert_true(v < large);
		assert_true(unit >= 0 && unit < 1);
		in_upper_half += v >= large / 2;
		assert_true(rng_below(&rng, 1) == 0);
	}
	for (int i = 0; i < 6; i++)
		assert_in_range(counts[i], 10000 - 700, 10000 + 700);
	assert_in_range(in_upper_half, 30000 - 900, 30000 + 900);
}

static void test_rand__fills_all_of_it(void **state)
{
	uint8_t seen[700] = {0};

	/* A byte that is still 0 after twenty fills was not filled. */
	for (int i = 0; i < 20; i++) {
		uint8_t bytes[700];

		rand_bytes(bytes, sizeof(bytes));
		for (size_t j = 0; j < sizeof(bytes); j++)
			seen[j] |= bytes[j];
	}
	assert_null(memchr(seen, 0, sizeof(seen)));
	rand_bytes(seen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rng__matches_the_vectors),
		cmocka_unit_test(test_rng__repeats),
		cmocka_unit_test(test_rng__is_fair_below),
		cmocka_unit_test(test_rand__fills_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
