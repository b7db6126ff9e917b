#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/reader.h"
#include "seed.h"

static struct reader reader_lit(const char *s, size_t len)
{
	return reader_of(span_of(s, len));
}

static void test_reader__reads_fields_in_order(void **state)
{
	struct reader r = reader_lit("\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08rest", 19);

	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_true(reader_u64(&r) == 0x08090a0b0c0d0e0f);
	assert_true(span_eq_str(reader_bytes(&r, 4), "rest"));
	assert_false(r.failed);
	assert_int_equal(reader_left(&r), 0);
}

/* Each read, one byte short: 0, failed, at the end, and so it stays. */
static void test_reader__fails_past_the_end(void **state)
{
	struct reader u8 = reader_lit("", 0);
	struct reader u16 = reader_lit("a", 1);
	struct reader u32 = reader_lit("abc", 3);
	struct reader u64 = reader_lit("abcdefg", 7);
	struct reader bytes = reader_lit("abc", 3);

	assert_int_equal(reader_u8(&u8), 0);
	assert_int_equal(reader_u16(&u16), 0);
	assert_int_equal(reader_u32(&u32), 0);
	assert_true(reader_u64(&u64) == 0);
	assert_int_equal(reader_bytes(&bytes, SIZE_MAX).len, 0);
	assert_true(u8.failed && u16.failed && u32.failed && u64.failed && bytes.failed);
	assert_int_equal(reader_left(&u64), 0);
	assert_int_equal(reader_u8(&u64), 0);
	assert_true(u64.failed);
}

static void test_reader__takes_an_empty_span(void **state)
{
	struct reader r = reader_of(span_of(NULL, 0));

	assert_int_equal(reader_bytes(&r, 0).len, 0);
	assert_false(r.failed);
	assert_int_equal(reader_varint(&r), 0);
	assert_true(r.failed);
}

static void test_reader__reads_back_varints(void **state)
{
	struct rng rng = seeded_rng(__func__);

	for (int i = 0; i < 20000; i++) {
		uint64_t v = rng_next(&rng) >> rng_below(&rng, 64);
		struct buf b = BUF_INIT;
		struct reader r;

		if (i < 64)
			v = ((uint64_t)1 << i) - (uint64_t)(i & 1);
		if (i == 64)
			v = UINT64_MAX;
		buf_put_varint(&b, v);
		assert_int_equal(b.len, v < 2 ? 1 : (63 - __builtin_clzll(v)) / 7 + 1);
		r = reader_of(buf_span(&b));
		assert_true(reader_varint(&r) == v);
		assert_false(r.failed);
		assert_int_equal(reader_left(&r), 0);
		for (size_t cut = 0; cut < b.len; cut++) {
			r = reader_of(span_of(b.p, cut));
			assert_true(reader_varint(&r) == 0);
			assert_true(r.failed);
		}
		buf_release(&b);
	}
}

static void assert_varint(const char *bytes, size_t len, uint64_t value, bool failed)
{
	struct reader r = reader_lit(bytes, len);

	assert_true(reader_varint(&r) == value);
	assert_int_equal(r.failed, failed);
	if (failed)
		assert_int_equal(reader_left(&r), 0);
}

static void test_reader__refuses_varints_over_64_bits(void **state)
{
	assert_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, false);
	assert_varint("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, (uint64_t)1 << 63, false);
	assert_varint("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10, 0, true);
	assert_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, 0, true);
	assert_varint("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x00", 11, 0, true);
	assert_varint("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, 0, true);
}

static void test_span__orders_by_bytes_then_length(void **state)
{
	assert_true(span_cmp(SPAN_LIT("a"), SPAN_LIT("b")) < 0);
	assert_true(span_cmp(SPAN_LIT("a"), SPAN_LIT("ab")) < 0);
	assert_true(span_cmp(SPAN_LIT("\xff"), SPAN_LIT("a")) > 0);
	assert_int_equal(span_cmp(SPAN_LIT(""), span_of(NULL, 0)), 0);
	assert_true(span_starts_with(SPAN_LIT("abc"), SPAN_LIT("ab")));
	assert_false(span_starts_with(SPAN_LIT("a"), SPAN_LIT("ab")));
	assert_true(span_eq(span_from(SPAN_LIT("abc"), 3), span_of(NULL, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader__reads_fields_in_order),
		cmocka_unit_test(test_reader__fails_past_the_end),
		cmocka_unit_test(test_reader__takes_an_empty_span),
		cmocka_unit_test(test_reader__reads_back_varints),
		cmocka_unit_test(test_reader__refuses_varints_over_64_bits),
		cmocka_unit_test(test_span__orders_by_bytes_then_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
