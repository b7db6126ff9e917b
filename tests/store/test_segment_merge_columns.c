#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_parts.h"

static void test_segment_merge__takes_columns_stored_in_different_ways(void **state)
{
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < 3 * BLOCK_ROWS_MAX; i++) {
		unsigned part = i / BLOCK_ROWS_MAX, v = (unsigned)rng_next(&r);

		buf_reset(&event);
		buf_printf(&event,
			   "{\"action\":\"x\",\"attributes\":{\"a\":\"%u\",\"b\":\"k%u-%x\",\"c\":%u,\"d\":\"%08x\"}}",
			   part == 1 ? v : v % 50, part == 0 ? v % 9 : v, part == 2 ? v % 3 : v, v % (i + 1),
			   part ? v : v % 7);
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	check_merged(&s, &r, true);
	buf_release(&event);
	sample_release(&s);
}

static void test_segment_merge__takes_maps_that_contradict(void **state)
{
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < 3 * BLOCK_ROWS_MAX; i++) {
		unsigned part = i / BLOCK_ROWS_MAX, id = (unsigned)pick(&r, 200), name = part == 1 ? id / 2 + 7 : id;

		if (part == 2)
			name = (unsigned)pick(&r, 100);
		buf_reset(&event);
		buf_printf(&event,
			   "{\"action\":\"a%u\",\"actor\":{\"id\":\"u%u\",\"name\":\"n%u\",\"email\":\"e%u\"}%s}",
			   part == 2 ? name % 5 : id % 5, id, name, part == 0 ? id / 3 : name / 3,
			   id % 3      ? ",\"category\":\"c1\""
			   : part == 1 ? ",\"type\":\"t\",\"category\":\"c2\""
				       : "");
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	check_merged(&s, &r, true);
	buf_release(&event);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_merge__takes_columns_stored_in_different_ways),
		cmocka_unit_test(test_segment_merge__takes_maps_that_contradict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
