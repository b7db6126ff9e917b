#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_buf__appends_integers_little_endian(void **state)
{
	struct buf b = BUF_INIT;

	buf_put_u8(&b, 0x01);
	buf_put_u16(&b, 0x0203);
	buf_put_u32(&b, 0x04050607);
	buf_put_u64(&b, 0x08090a0b0c0d0e0f);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 15);
	assert_memory_equal(b.p, "\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08", 15);
	buf_release(&b);
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
}

static void test_buf__grows_and_keeps_its_bytes(void **state)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 100000; i++)
		buf_put_u8(&b, (uint8_t)(i * 7));
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], (uint8_t)(i * 7));
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.cap >= 100000);
	buf_release(&b);
}

static void test_buf__takes_empty_appends(void **state)
{
	struct buf b = BUF_INIT;

	buf_put_span(&b, span_of(NULL, 0));
	buf_put_str(&b, "");
	buf_printf(&b, "%s", "");
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void test_buf__fails_for_good(void **state)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, "kept");
	assert_null(buf_room(&b, SIZE_MAX - 1));
	assert_false(buf_ok(&b));
	buf_put_str(&b, "ignored");
	buf_put_varint(&b, 5);
	buf_printf(&b, "%d", 5);
	assert_null(buf_room(&b, 1));
	assert_false(buf_grow(&b, 1));
	assert_true(span_eq_str(buf_span(&b), "kept"));
	buf_reset(&b);
	buf_put_str(&b, "again");
	assert_true(buf_ok(&b));
	assert_true(span_eq_str(buf_span(&b), "again"));
	buf_release(&b);
}

/* The text is longer, as long and shorter than the room, at every length around the first growths. */
static void test_buf__formats_at_every_room(void **state)
{
	for (int before = 0; before < 140; before++) {
		struct buf b = BUF_INIT;

		for (int i = 0; i < before; i++)
			buf_put_u8(&b, 'x');
		buf_printf(&b, "<%*d>", 61, 42);
		assert_true(buf_ok(&b));
		assert_int_equal(b.len, before + 63);
		assert_int_equal(b.p[before], '<');
		assert_memory_equal(b.p + b.len - 3, "42>", 3);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf__appends_integers_little_endian),
		cmocka_unit_test(test_buf__grows_and_keeps_its_bytes),
		cmocka_unit_test(test_buf__takes_empty_appends),
		cmocka_unit_test(test_buf__fails_for_good),
		cmocka_unit_test(test_buf__formats_at_every_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
