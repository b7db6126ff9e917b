#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/record.h"
#include "event_sample.h"
#include "naive_record.h"

static void put_rebuilt(const struct shape *shape, const struct span *holes, struct buf *to)
{
	for (uint32_t h = 0; h < shape->hole_count; h++) {
		buf_put_span(to, shape->literal[h]);
		buf_put_span(to, holes[h]);
	}
	buf_put_span(to, shape->literal[shape->hole_count]);
}

static void check_rebuilt(const struct shape_set *s, uint32_t number, const struct span *holes, struct span record)
{
	struct buf to = BUF_INIT;

	put_rebuilt(shape_set_get(s, number), holes, &to);
	must(to.p);
	assert_true(span_eq(buf_span(&to), record));
	buf_release(&to);
}

/* The holes are what yyjson finds: same paths, kinds and texts. */
static void check_against_twin(const struct shape_set *s, uint32_t number, const struct span *holes, struct span record)
{
	const struct shape *shape = shape_set_get(s, number);
	struct naive x = {0};

	naive_record(&x, record, 0);
	naive_sort(&x);
	assert_int_equal(shape->hole_count, x.count);
	for (uint32_t h = 0; h < shape->hole_count; h++) {
		const struct shape_column *c = shape_set_column(s, shape->column[h]);
		size_t at = naive_find(&x, c->path, c->is_string);

		assert_true(at < x.count);
		assert_true(span_eq(naive_text(&x, &x.value[at]), holes[h]));
	}
	naive_release(&x);
}

static uint32_t cut(struct shape_set *s, struct span record)
{
	struct span holes[RECORD_VALUES_MAX];
	uint32_t number;

	assert_int_equal(shape_cut(s, record, &number, holes), 0);
	check_rebuilt(s, number, holes, record);
	return number;
}

static uint32_t cut_text(struct shape_set *s, const char *record)
{
	return cut(s, span_str(record));
}

/* ---- random records ---- */

static void random_records(struct rng *r, size_t n, struct record_batch *batch)
{
	struct record_parser *p = record_parser_new();
	struct buf event = BUF_INIT;

	while (batch->count < n) {
		buf_reset(&event);
		put_random_event(r, &event);
		(void)!record_parse(p, buf_span(&event), 1700000000000000, batch, NULL);
	}
	buf_release(&event);
	record_parser_free(p);
}

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

static void test_shape__cuts_and_rebuilds_random_records(void **state)
{
	struct rng r = seeded_rng();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct shape_set *s = shape_set_new();
	struct span holes[RECORD_VALUES_MAX];
	uint32_t *number;

	(void)state;
	random_records(&r, 1000, &batch);
	number = xarray(batch.count, sizeof(*number));
	for (size_t i = 0; i < 2 * batch.count; i++) {
		struct span record = record_at(&batch, i % batch.count);
		uint32_t n;
		int rc = shape_cut(s, record, &n, holes);

		if (rc == E_QUOTA && shape_set_column_count(s) == SHAPE_COLUMNS_MAX) {
			number[i % batch.count] = UINT32_MAX;
			continue;
		}
		assert_int_equal(rc, 0);
		check_rebuilt(s, n, holes, record);
		check_against_twin(s, n, holes, record);
		if (i < batch.count)
			number[i] = n;
		else
			assert_int_equal(n, number[i - batch.count]);
	}
	free(number);
	shape_set_free(s);
	record_batch_release(&batch);
}

/* Any bytes are cut so that they can be put together again, or refused; and the set goes on. */
static void test_shape__takes_any_bytes(void **state)
{
	struct rng r = seeded_rng();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct shape_set *s = shape_set_new();
	struct span holes[RECORD_VALUES_MAX];

	(void)state;
	random_records(&r, 60, &batch);
	for (int i = 0; i < 6000; i++) {
		struct span from = record_at(&batch, pick(&r, batch.count));
		size_t len = pick(&r, 3) ? from.len : pick(&r, from.len + 1);
		uint8_t *copy = try_alloc(len ? len : 1);
		uint32_t n;
		int rc;

		assert_non_null(copy);
		memcpy(copy, from.p, len);
		for (uint64_t k = pick(&r, 4); k > 0 && len; k--)
			copy[pick(&r, len)] = (uint8_t) "\"\\{}[],:a\0"[pick(&r, 10)];
		rc = shape_cut(s, span_of(copy, len), &n, holes);
		assert_true(rc == 0 || rc == E_CORRUPT || rc == E_QUOTA);
		if (rc == 0)
			check_rebuilt(s, n, holes, span_of(copy, len));
		free(copy);
	}
	for (size_t i = 0; i < 10; i++)
		assert_int_not_equal(shape_cut(s, record_at(&batch, i), &(uint32_t){0}, holes), E_CORRUPT);
	shape_set_free(s);
	record_batch_release(&batch);
}

static void test_shape__tells_kinds_apart_behind_equal_literals(void **state)
{
	static const char *const record[] = {"{\"a\":1}",
					     "{\"a\":\"1\"}",
					     "{\"a\":{\"b\":1}}",
					     "{\"a\":{}}",
					     "{\"a\":[{\"b\":\"}\"}]}",
					     "{\"a\":{\"b\":{}}}",
					     "{\"a\":null}",
					     "{\"\":1}",
					     "{\"a\":{\"\":\"\"}}"};
	const uint32_t shape[] = {0, 1, 2, 0, 0, 2, 0, 3, 4};
	struct shape_set *s = shape_set_new();

	(void)state;
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(record) / sizeof(record[0]); i++)
			assert_int_equal(cut_text(s, record[i]), shape[i]);
	assert_int_equal(shape_set_count(s), 5);
	shape_set_free(s);
}

static void test_shape__names_paths_unmistakably(void **state)
{
	struct shape_set *s = shape_set_new();
	static const char inside[] = {'a', SHAPE_PATH_SEP, 'b', 0}, unnamed[] = {SHAPE_PATH_SEP, 0};
	const char *const path[] = {inside, "a.b", "", unnamed, "a\\\"", "a\\u0001"};

	(void)state;
	cut_text(s, "{\"\":{\"\":1},\"a\":{\"b\":1},\"a.b\":1,\"a\\\"\":1,\"a\\u0001\":1}");
	cut_text(s, "{\"\":1}");
	assert_int_equal(shape_set_column_count(s), 6);
	for (size_t k = 0; k < 6; k++) {
		uint32_t column;

		assert_int_equal(shape_set_add_column(s, span_str(path[k]), false, &column), 0);
		assert_true(column < 6);
	}
	assert_int_equal(shape_set_column_count(s), 6);
	shape_set_free(s);
}

static void test_shape__refuses_what_is_no_record(void **state)
{
	static const char *const text[] = {"",
					   "{",
					   "{}",
					   "[]",
					   "{\"a\"}",
					   "{\"a\":}",
					   "{\"a\":1",
					   "{\"a\":\"1}",
					   "{\"a\":1}x",
					   "{\"a\":1,}",
					   "{\"a\":[}",
					   "{\"a\":{}",
					   "{,\"a\":1}",
					   "{\"a\":1}}",
					   "{\"a\":\"\\\"}",
					   "{\"a\":1,\"a\":2}"};
	struct shape_set *s = shape_set_new();
	struct span holes[RECORD_VALUES_MAX];
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (strcmp(text[i], "{\"a\":}") != 0) /* an empty value is nonsense that does no harm */
			assert_int_equal(shape_cut(s, span_str(text[i]), &n, holes), E_CORRUPT);
	cut_text(s, "{\"a\":1}");
	shape_set_free(s);
}

/* ---- quotas ---- */

static void put_subset(struct buf *to, unsigned bits, unsigned names)
{
	buf_reset(to);
	buf_put_str(to, "{\"z\":1");
	for (unsigned k = 0; k < names; k++)
		if (bits >> k & 1)
			buf_printf(to, ",\"m%u\":%u", k, bits);
	buf_put_str(to, "}");
}

static void test_shape__stops_at_the_most_shapes(void **state)
{
	struct shape_set *s = shape_set_new();
	struct span holes[RECORD_VALUES_MAX];
	struct buf record = BUF_INIT;
	uint32_t n;

	(void)state;
	for (unsigned i = 0; i < SHAPE_MAX; i++) {
		put_subset(&record, i, 15);
		assert_int_equal(cut(s, buf_span(&record)), i);
	}
	for (int round = 0; round < 2; round++) {
		put_subset(&record, SHAPE_MAX, 15);
		assert_int_equal(shape_cut(s, buf_span(&record), &n, holes), E_QUOTA);
		put_subset(&record, 77, 15);
		assert_int_equal(cut(s, buf_span(&record)), 77);
	}
	assert_int_equal(shape_set_count(s), SHAPE_MAX);
	buf_release(&record);
	shape_set_free(s);
}

/* Names never seen before, one record after the other, until the set refuses; returns how many records it took. */
static unsigned fill_with_names(struct shape_set *s, unsigned names, unsigned name_len)
{
	struct span holes[RECORD_VALUES_MAX];
	struct buf record = BUF_INIT;
	unsigned i = 0;
	int rc = 0;

	for (; rc == 0 && i < 1000000; i++) {
		uint32_t n;

		buf_reset(&record);
		buf_put_str(&record, "{");
		for (unsigned k = 0; k < names; k++)
			buf_printf(&record, "%s\"%0*u\":1", k ? "," : "", (int)name_len, i * names + k);
		buf_put_str(&record, "}");
		rc = shape_cut(s, buf_span(&record), &n, holes);
	}
	assert_int_equal(rc, E_QUOTA);
	buf_release(&record);
	return i - 1;
}

static void test_shape__stops_at_the_most_columns(void **state)
{
	struct shape_set *s = shape_set_new();

	(void)state;
	cut_text(s, "{\"a\":1}");
	assert_int_equal(fill_with_names(s, 100, 10), (SHAPE_COLUMNS_MAX - 1) / 100);
	assert_int_equal(shape_set_column_count(s), SHAPE_COLUMNS_MAX);
	cut_text(s, "{\"a\":2}");
	shape_set_free(s);
}

/* Literals as long as the format allows: memory is bounded where numbers of shapes and columns are not reached yet. */
static void test_shape__stops_at_the_most_bytes(void **state)
{
	struct shape_set *s = shape_set_new();
	struct span holes[RECORD_VALUES_MAX];
	struct buf record = BUF_INIT;
	size_t bytes = 0;
	uint32_t n;
	int rc = 0;

	(void)state;
	cut_text(s, "{\"a\":1}");
	for (unsigned i = 1; rc == 0 && i < SHAPE_MAX; i++) {
		buf_reset(&record);
		buf_put_str(&record, "{");
		for (unsigned k = 0; k < 14; k++)
			buf_printf(&record, "%s\"%02u%0*u\":1", k ? "," : "", k, 4000, (i >> k & 1) + 2 * k);
		buf_put_str(&record, "}");
		rc = shape_cut(s, buf_span(&record), &n, holes);
		bytes += record.len;
	}
	assert_int_equal(rc, E_QUOTA);
	assert_true(bytes < 2 * SHAPE_BYTES_MAX);
	cut_text(s, "{\"a\":2}");
	buf_release(&record);
	shape_set_free(s);
}

/* ---- sets made from others ---- */

static void test_shape__a_copied_set_gives_the_same_numbers(void **state)
{
	struct rng r = seeded_rng();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct shape_set *s = shape_set_new(), *copy = shape_set_new();

	(void)state;
	random_records(&r, 100, &batch);
	for (size_t i = 0; i < batch.count; i++)
		cut(s, record_at(&batch, i));
	for (uint32_t c = 0; c < shape_set_column_count(s); c++) {
		const struct shape_column *def = shape_set_column(s, c);
		uint32_t column;

		assert_int_equal(shape_set_add_column(copy, def->path, def->is_string, &column), 0);
		assert_int_equal(column, c);
	}
	for (int round = 0; round < 2; round++) {
		for (uint32_t k = 0; k < shape_set_count(s); k++) {
			const struct shape *shape = shape_set_get(s, k);
			uint32_t n;

			assert_int_equal(shape_set_add(copy, shape->column, shape->literal, shape->hole_count, &n), 0);
			assert_int_equal(n, k);
		}
	}
	for (size_t i = 0; i < batch.count; i++)
		assert_int_equal(cut(copy, record_at(&batch, i)), cut(s, record_at(&batch, i)));
	assert_int_equal(shape_set_count(copy), shape_set_count(s));
	shape_set_free(s);
	shape_set_free(copy);
	record_batch_release(&batch);
}

static void test_shape__refuses_a_column_twice(void **state)
{
	struct shape_set *s = shape_set_new();
	const struct span literal[3] = {SPAN_LIT("{\"a\":"), SPAN_LIT(",\"a\":"), SPAN_LIT("}")};
	uint32_t column[2], n;

	(void)state;
	assert_int_equal(shape_set_add_column(s, SPAN_LIT("a"), false, &column[0]), 0);
	column[1] = column[0];
	assert_int_equal(shape_set_add(s, column, literal, 2, &n), E_CORRUPT);
	assert_int_equal(shape_set_add(s, column, literal, 1, &n), 0);
	assert_int_equal(shape_set_count(s), 1);
	shape_set_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape__cuts_and_rebuilds_random_records),
		cmocka_unit_test(test_shape__takes_any_bytes),
		cmocka_unit_test(test_shape__tells_kinds_apart_behind_equal_literals),
		cmocka_unit_test(test_shape__names_paths_unmistakably),
		cmocka_unit_test(test_shape__refuses_what_is_no_record),
		cmocka_unit_test(test_shape__stops_at_the_most_shapes),
		cmocka_unit_test(test_shape__stops_at_the_most_columns),
		cmocka_unit_test(test_shape__stops_at_the_most_bytes),
		cmocka_unit_test(test_shape__a_copied_set_gives_the_same_numbers),
		cmocka_unit_test(test_shape__refuses_a_column_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
