#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_parts.h"

static void test_segment_merge__goes_on_when_a_dictionary_is_full(void **state)
{
	enum { ROWS = 256, DISTINCT = 100, LEN = 60000, PARTS = 4 };
	struct rng r = seeded_rng();
	struct merkle_frontier before = frontier_before(0), frontier = before;
	struct segment *part[PARTS], *merged;
	struct buf event = BUF_INIT;
	struct sample s;
	struct block *b;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < PARTS * ROWS; i++) {
		unsigned v = i / ROWS * DISTINCT + (i % ROWS) % DISTINCT;

		buf_reset(&event);
		buf_printf(&event, "{\"action\":\"x\",\"actor\":{\"id\":\"%u\",\"name\":\"%u-", v, v);
		for (unsigned k = 0; k < LEN; k++)
			buf_put_u8(&event, (uint8_t)('a' + k % 7));
		buf_put_str(&event, "\"}}");
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	for (unsigned k = 0; k < PARTS; k++)
		part[k] = sample_build(&s, k * ROWS, ROWS, &frontier);
	merged = merge_run(part, PARTS);
	b = sample_open_block(merged, 0);
	assert_true(DISTINCT * PARTS * LEN > DICT_BYTES_MAX);
	assert_non_null(column_dict(b, "actor\x1fid"));
	assert_null(column_dict(b, "actor\x1fname"));
	check_block_records(&s, b);
	block_close(b);
	assert_int_equal(segment_verify(merged, &before, NULL, NULL), 0);
	segment_unref(merged);
	for (unsigned k = 0; k < PARTS; k++)
		segment_unref(part[k]);
	buf_release(&event);
	sample_release(&s);
}

static void test_segment_merge__carries_blocks_past_a_full_dictionary(void **state)
{
	enum { PARTS = DICT_COUNT_MAX / (BLOCK_ROWS_MAX / 2) + 2 };
	struct rng r = seeded_rng();
	struct merkle_frontier frontier = frontier_before(0);
	struct segment *part[PARTS], *merged;
	struct buf event = BUF_INIT;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < PARTS * BLOCK_ROWS_MAX; i++) {
		buf_reset(&event);
		buf_printf(&event, "{\"action\":\"x\",\"actor\":{\"id\":\"%u\",\"name\":\"n%u\"}}", i / 2, i / 6);
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	for (unsigned k = 0; k < PARTS; k++)
		part[k] = sample_build(&s, k * BLOCK_ROWS_MAX, BLOCK_ROWS_MAX, &frontier);
	merged = merge_run(part, PARTS);
	assert_int_equal(segment_block_count(merged), PARTS);
	for (unsigned k = 0; k < PARTS; k += k == 0 || k + 3 >= PARTS ? 1 : PARTS - 4) {
		struct block *b = sample_open_block(merged, k);

		assert_true((column_dict(b, "actor\x1fid") == NULL) == (k + 2 >= PARTS));
		assert_non_null(column_dict(b, "actor\x1fname"));
		check_block_records(&s, b);
		check_block_columns(&s, b);
		block_close(b);
	}
	segment_unref(merged);
	for (unsigned k = 0; k < PARTS; k++)
		segment_unref(part[k]);
	buf_release(&event);
	sample_release(&s);
}

static void test_segment_merge__stores_raw_what_has_too_many_shapes(void **state)
{
	enum { PARTS = 3, MEMBERS = 16 };
	struct rng r = seeded_rng();
	struct merkle_frontier frontier = frontier_before(0);
	struct segment *part[PARTS], *merged;
	struct buf event = BUF_INIT;
	struct sample s;
	size_t raws = 0;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < PARTS * BLOCK_ROWS_MAX; i++) {
		buf_reset(&event);
		buf_put_str(&event, "{\"action\":\"x\",\"attributes\":{\"z\":1");
		for (unsigned k = 0; k < MEMBERS; k++)
			if (i >> k & 1)
				buf_printf(&event, ",\"m%u\":%u", k, i % 3);
		buf_put_str(&event, "}}");
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	for (unsigned k = 0; k < PARTS; k++)
		part[k] = sample_build(&s, k * BLOCK_ROWS_MAX, BLOCK_ROWS_MAX, &frontier);
	merged = merge_run(part, PARTS);
	for (uint32_t k = 0; k < segment_block_count(merged); k++) {
		struct block *b = sample_open_block(merged, k);
		const struct block_values *raw;

		check_block_records(&s, b);
		assert_int_equal(block_values(b, COLUMN_RAW, &raw, NULL), 0);
		raws += raw ? raw->count : 0;
		block_close(b);
	}
	assert_int_equal(raws, PARTS * BLOCK_ROWS_MAX - (SHAPE_MAX - 1));
	segment_unref(merged);
	for (unsigned k = 0; k < PARTS; k++)
		segment_unref(part[k]);
	buf_release(&event);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_merge__goes_on_when_a_dictionary_is_full),
		cmocka_unit_test(test_segment_merge__carries_blocks_past_a_full_dictionary),
		cmocka_unit_test(test_segment_merge__stores_raw_what_has_too_many_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
