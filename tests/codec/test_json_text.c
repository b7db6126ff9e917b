#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "codec/json_text.h"
#include "event_sample.h"

static void assert_double(uint64_t bits, const char *want)
{
	struct buf text = BUF_INIT;
	double value;

	memcpy(&value, &bits, 8);
	json_text_double(&text, value);
	buf_put_u8(&text, 0);
	assert_string_equal((const char *)text.p, want);
	buf_release(&text);
}

/* RFC 8785, appendix B. */
static void test_json_text__double_vectors(void **state)
{
	(void)state;
	assert_double(0x0000000000000000, "0");
	assert_double(0x8000000000000000, "0");
	assert_double(0x0000000000000001, "5e-324");
	assert_double(0x8000000000000001, "-5e-324");
	assert_double(0x7fefffffffffffff, "1.7976931348623157e+308");
	assert_double(0xffefffffffffffff, "-1.7976931348623157e+308");
	assert_double(0x4340000000000000, "9007199254740992");
	assert_double(0xc340000000000000, "-9007199254740992");
	assert_double(0x4430000000000000, "295147905179352830000");
	assert_double(0x44b52d02c7e14af5, "9.999999999999997e+22");
	assert_double(0x44b52d02c7e14af6, "1e+23");
	assert_double(0x44b52d02c7e14af7, "1.0000000000000001e+23");
	assert_double(0x444b1ae4d6e2ef4e, "999999999999999700000");
	assert_double(0x444b1ae4d6e2ef4f, "999999999999999900000");
	assert_double(0x444b1ae4d6e2ef50, "1e+21");
	assert_double(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7");
	assert_double(0x3eb0c6f7a0b5ed8d, "0.000001");
	assert_double(0x41b3de4355555553, "333333333.3333332");
	assert_double(0x41b3de4355555554, "333333333.33333325");
	assert_double(0x41b3de4355555555, "333333333.3333333");
	assert_double(0x41b3de4355555556, "333333333.3333334");
	assert_double(0x41b3de4355555557, "333333333.33333343");
	assert_double(0xbecbf647612f3696, "-0.0000033333333333333333");
	assert_double(0x43143ff3c1cb0959, "1424953923781206.2");
}

static void test_json_text__double_layouts(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {{1, "1"},
		     {10, "10"},
		     {1.5, "1.5"},
		     {0.1, "0.1"},
		     {1e-6, "0.000001"},
		     {1e-7, "1e-7"},
		     {1.25e-7, "1.25e-7"},
		     {1e20, "100000000000000000000"},
		     {1e21, "1e+21"},
		     {1.5e300, "1.5e+300"},
		     {-2.5, "-2.5"},
		     {1e17, "100000000000000000"},
		     {123456, "123456"},
		     {1e-10, "1e-10"},
		     {100.25, "100.25"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bits;

		memcpy(&bits, &cases[i].value, 8);
		assert_double(bits, cases[i].text);
	}
}

/* The significant digits of `text`, without zeros at either end. */
static size_t digits_of(const char *text, char *to)
{
	size_t n = 0;

	for (; *text && *text != 'e'; text++)
		if (*text >= '0' && *text <= '9' && (n || *text != '0'))
			to[n++] = *text;
	while (n && to[n - 1] == '0')
		n--;
	to[n] = '\0';
	return n;
}

/* No fewer digits read back as the same number, and of as many these are the nearest. */
static void test_json_text__double_is_shortest_and_nearest(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct buf text = BUF_INIT;
		uint64_t bits = pick(&r, 3) ? rng_next(&r) : rng_next(&r) & 0xfff0000000000000;
		char digits[40], other_digits[40], other[40];
		double value;
		size_t n;

		memcpy(&value, &bits, 8);
		if (!isfinite(value) || value == 0)
			continue;
		json_text_double(&text, value);
		assert_in_range(text.len, 1, 25);
		buf_put_u8(&text, 0);
		assert_true(strtod((const char *)text.p, NULL) == value);
		n = digits_of((const char *)text.p, digits);
		if (n > 1) {
			snprintf(other, sizeof(other), "%.*e", (int)n - 2, value);
			assert_true(strtod(other, NULL) != value);
		}
		snprintf(other, sizeof(other), "%.*e", (int)n - 1, value);
		if (strtod(other, NULL) == value) {
			digits_of(other, other_digits);
			assert_string_equal(digits, other_digits);
		}
		buf_release(&text);
	}
}

static void naive_escape(struct buf *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (c == '"' || c == '\\')
			buf_printf(to, "\\%c", c);
		else if (c == '\b')
			buf_put_str(to, "\\b");
		else if (c == '\f')
			buf_put_str(to, "\\f");
		else if (c == '\n')
			buf_put_str(to, "\\n");
		else if (c == '\r')
			buf_put_str(to, "\\r");
		else if (c == '\t')
			buf_put_str(to, "\\t");
		else if (c < 0x20)
			buf_printf(to, "\\u%04x", c);
		else
			buf_put_u8(to, c);
	}
}

static void assert_escapes(struct span text)
{
	struct buf want = BUF_INIT, have = BUF_INIT, back = BUF_INIT;

	naive_escape(&want, text);
	json_text_escape(&have, text);
	assert_int_equal(have.len, want.len);
	if (want.len)
		assert_memory_equal(have.p, want.p, want.len);
	json_text_unescape(&back, buf_span(&have));
	assert_int_equal(back.len, text.len);
	if (text.len)
		assert_memory_equal(back.p, text.p, text.len);
	buf_reset(&want);
	json_text_string(&want, text);
	assert_int_equal(want.len, have.len + 2);
	assert_int_equal(want.p[0], '"');
	assert_int_equal(want.p[want.len - 1], '"');
	buf_release(&want);
	buf_release(&have);
	buf_release(&back);
}

/* Each text in memory of exactly its size, so that the sanitizer sees a read past its end. */
static void test_json_text__escapes_as_the_naive_one(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int i = 0; i < 4000; i++) {
		size_t len = pick(&r, pick(&r, 10) ? 70 : 3000);
		uint64_t rarity = 1 + pick(&r, 40);
		uint8_t *p = malloc(len ? len : 1);

		for (size_t k = 0; k < len; k++)
			p[k] = (uint8_t)(pick(&r, rarity) ? 0x20 + pick(&r, 224) : pick(&r, 0x60));
		assert_escapes(span_of(p, len));
		free(p);
	}
	for (int c = 0; c < 256; c++) {
		uint8_t one = (uint8_t)c;

		assert_escapes(span_of(&one, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_text__double_vectors),
		cmocka_unit_test(test_json_text__double_layouts),
		cmocka_unit_test(test_json_text__double_is_shortest_and_nearest),
		cmocka_unit_test(test_json_text__escapes_as_the_naive_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
