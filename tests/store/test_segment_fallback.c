/*
 * When the columns of a block do not give its records back, the records are stored whole. No encoder is known to fail
 * so, therefore the check is this file's own: a program's functions come before those of the libraries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_parts.h"
#include "store/gather.h"

static unsigned checks_to_fail;
static unsigned checks;

bool gather_check(const struct gather *g)
{
	(void)g;
	checks++;
	return checks > checks_to_fail;
}

static void test_segment__stores_records_whole_when_columns_fail(void **state)
{
	struct rng r = seeded_rng();
	struct merkle_frontier before = frontier_before(100), frontier = before;
	struct segment *part[2], *merged;
	struct sample s;

	(void)state;
	sample_start(&s, 100);
	sample_events(&s, &r, 300, 5);
	sample_number(&s, &r, 0);
	checks = 0;
	checks_to_fail = 1;
	part[0] = sample_build(&s, 0, 200, &frontier);
	assert_int_equal(checks, 2);
	part[1] = sample_build(&s, 200, 100, &frontier);
	assert_int_equal(check_segment(&s, part[0], &before), 200);
	check_counts(&s, part[0]);
	checks = 0;
	merged = merge_run(part, 2); /* its block fails as well */
	assert_int_equal(check_segment(&s, merged, &before), 300);
	check_counts(&s, merged);
	segment_unref(merged);
	checks_to_fail = 0;
	merged = merge_run(part, 2); /* what was stored whole gets columns again */
	assert_int_equal(check_segment(&s, merged, &before), 0);
	check_counts(&s, merged);
	segment_unref(merged);
	segment_unref(part[0]);
	segment_unref(part[1]);
	sample_release(&s);
}

/* A full block that holds records whole is carried over as it is, and no dictionary counts its values. */
static void test_segment__carries_records_stored_whole(void **state)
{
	struct rng r = seeded_rng();
	struct merkle_frontier frontier = frontier_before(0);
	struct segment *part[2], *merged;
	struct sample s;
	struct block *b;

	(void)state;
	sample_start(&s, 0);
	sample_events(&s, &r, BLOCK_ROWS_MAX + 300, 0);
	sample_number(&s, &r, 0);
	checks = 0;
	checks_to_fail = 1;
	part[0] = sample_build(&s, 0, BLOCK_ROWS_MAX, &frontier);
	part[1] = sample_build(&s, BLOCK_ROWS_MAX, 300, &frontier);
	merged = merge_run(part, 2);
	b = sample_open_block(merged, 0);
	assert_int_equal(check_block_columns(&s, b), BLOCK_ROWS_MAX);
	check_block_records(&s, b);
	block_close(b);
	check_counts(&s, merged);
	segment_unref(merged);
	segment_unref(part[0]);
	segment_unref(part[1]);
	sample_release(&s);
}

static void test_segment__fails_when_whole_records_fail_too(void **state)
{
	struct rng r = seeded_rng();
	struct segment_merkle merkle = {.frontier = frontier_before(3)};
	struct buf to = BUF_INIT;
	struct err err = ERR_INIT;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	sample_events(&s, &r, 3, 0);
	sample_number(&s, &r, 0);
	buf_put_str(&to, "kept");
	checks = 0;
	checks_to_fail = 2;
	assert_int_equal(segment_build(7, sample_key, 0, s.record, 3, &merkle, &to, &err), E_INTERNAL);
	assert_true(span_eq_str(buf_span(&to), "kept"));
	buf_release(&to);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment__stores_records_whole_when_columns_fail),
		cmocka_unit_test(test_segment__carries_records_stored_whole),
		cmocka_unit_test(test_segment__fails_when_whole_records_fail_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
