#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_parts.h"

static void test_segment_merge__equals_the_concatenation(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct sample s;
		size_t odd = 0;

		sample_start(&s, pick(&r, 2) * pick(&r, 3 * BLOCK_ROWS_MAX));
		sample_events(&s, &r, 1 + pick(&r, 1200), (unsigned)pick(&r, 30));
		sample_number(&s, &r, pick(&r, 2) * 40);
		for (size_t i = 0; i < s.count; i++)
			odd += s.is_odd[i];
		assert_int_equal(check_merged(&s, &r, pick(&r, 2)), odd);
		sample_release(&s);
	}
}

static void test_segment_merge__carries_full_blocks(void **state)
{
	struct rng r = seeded_rng();
	struct sample s;

	(void)state;
	sample_start(&s, BLOCK_ROWS_MAX - 1);
	sample_events(&s, &r, 2 * BLOCK_ROWS_MAX + 10, 0);
	sample_number(&s, &r, 4000);
	check_merged(&s, &r, true);
	sample_release(&s);
}

static void test_segment_merge__carries_full_blocks_anywhere(void **state)
{
	struct rng r = seeded_rng();
	struct merkle_frontier before = frontier_before(5), frontier = before;
	struct segment *part[4];
	struct segment *merged;
	struct sample s;

	(void)state;
	sample_start(&s, 5);
	sample_events(&s, &r, 2 * BLOCK_ROWS_MAX + 8, 0);
	sample_number(&s, &r, 0);
	part[0] = sample_build(&s, 0, 3, &frontier);
	part[1] = sample_build(&s, 3, BLOCK_ROWS_MAX, &frontier);
	part[2] = sample_build(&s, 3 + BLOCK_ROWS_MAX, BLOCK_ROWS_MAX, &frontier);
	part[3] = sample_build(&s, 3 + 2 * BLOCK_ROWS_MAX, 5, &frontier);
	merged = merge_run(part, 4);
	assert_int_equal(segment_block_count(merged), 4);
	check_segment(&s, merged, &before);
	check_ends(merged);
	segment_unref(merged);
	for (size_t k = 0; k < 4; k++)
		segment_unref(part[k]);
	sample_release(&s);
}

static void test_segment_merge__keeps_false_hits_rare(void **state)
{
	struct rng r = seeded_rng();
	struct parts *p = xalloc(sizeof(*p));
	uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
	unsigned hits = 0;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	sample_events(&s, &r, BLOCK_ROWS_MAX + 2000, 0);
	sample_number(&s, &r, 0);
	build_parts(&s, &r, true, p);
	merge_at_random(p, &r);
	for (int i = 0; i < 4000; i++) {
		assert_int_equal(segment_lookup(p->segment[0], rng_next(&r), blocks, NULL), 0);
		hits += blocks[0] != 0;
	}
	assert_true(hits < 40); /* about one in a thousand is meant */
	segment_unref(p->segment[0]);
	free(p);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_merge__equals_the_concatenation),
		cmocka_unit_test(test_segment_merge__carries_full_blocks),
		cmocka_unit_test(test_segment_merge__carries_full_blocks_anywhere),
		cmocka_unit_test(test_segment_merge__keeps_false_hits_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
