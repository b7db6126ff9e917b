#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/timestamp.h"
#include "event_sample.h"

static void test_timestamp__reads_rfc3339(void **state)
{
	static const struct {
		const char *text;
		const char *canonical;
	} cases[] = {
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
		{"2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.500000Z"},
		{"2026-11-21t10:00:00.123456789z", "2026-11-21T10:00:00.123456Z"},
		{"2026-11-21 10:00:00.1+01:30", "2026-11-21T08:30:00.100000Z"},
		{"2026-11-21T10:00:00-00:00", "2026-11-21T10:00:00.000000Z"},
		{"2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00.000000Z"},
		{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
		{"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"},
		{"2016-12-31T23:59:60.5+00:00", "2016-12-31T23:59:59.999999Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"},
		{"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"},
		{"0001-01-02T00:00:00+23:59", "0001-01-01T00:01:00.000000Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t text[TIMESTAMP_LEN];
		int64_t us, again;

		assert_true(timestamp_parse(span_str(cases[i].text), &us));
		timestamp_format(us, text);
		assert_memory_equal(text, cases[i].canonical, TIMESTAMP_LEN);
		assert_true(timestamp_parse_canonical(text, &again));
		assert_int_equal(us, again);
	}
}

static void test_timestamp__refuses_what_is_none(void **state)
{
	static const char *const cases[] = {
		"",
		"2026-11-21",
		"2026-11-21T10:00:00",
		"2026-11-21T10:00Z",
		"2026-11-21T10:00:00.Z",
		"2026-11-21T10:00:00.1234567890Z",
		"2026-11-21T10:00:00+01",
		"2026-11-21T10:00:00+0100",
		"2026-11-21T10:00:00+24:00",
		"2026-11-21T10:00:00+01:60",
		"2026-11-21T10:00:00Z ",
		" 2026-11-21T10:00:00Z",
		"2026-11-21X10:00:00Z",
		"2026-11-21T10:00:00x",
		"2026/11/21T10:00:00Z",
		"2026-13-21T10:00:00Z",
		"2026-00-21T10:00:00Z",
		"2026-11-31T10:00:00Z",
		"2026-11-00T10:00:00Z",
		"2026-02-29T10:00:00Z",
		"1900-02-29T10:00:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T10:60:00Z",
		"2026-11-21T10:00:61Z",
		"0000-12-31T23:59:59Z",
		"0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"2O26-11-21T10:00:00Z",
		"-026-11-21T10:00:00Z",
		"2026-1 -21T10:00:00Z",
	};
	int64_t us = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (timestamp_parse(span_str(cases[i]), &us))
			fail_msg("taken: %s", cases[i]);
		assert_int_equal(us, 42);
	}
}

/* Days by counting years and months one by one. */
static int64_t naive_us(int year, int month, int day, int64_t us_of_day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t n = 0;

	for (int y = 1; y < year; y++)
		n += 365 + ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
	for (int m = 1; m < month; m++)
		n += days[m - 1] + (m == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0));
	n += day - 1;
	return (n - 719162) * 86400000000LL + us_of_day;
}

static void test_timestamp__agrees_with_counting(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int year = pick(&r, 4) ? 1 + (int)pick(&r, 9999) : 100 * (1 + (int)pick(&r, 99));
		int month = 1 + (int)pick(&r, 12), day = 1 + (int)pick(&r, 31);
		int64_t us_of_day = (int64_t)pick(&r, 86400000000ULL), us = 0;
		uint8_t back[TIMESTAMP_LEN];
		char text[64];
		bool is_day = naive_us(year, month, day, 0) <
			      (month == 12 ? naive_us(year + 1, 1, 1, 0) : naive_us(year, month + 1, 1, 0));
		int64_t s = us_of_day / 1000000;

		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year, month, day, (int)(s / 3600),
			 (int)(s / 60 % 60), (int)(s % 60), (int)(us_of_day % 1000000));
		assert_int_equal(timestamp_parse_canonical((const uint8_t *)text, &us), is_day);
		assert_int_equal(timestamp_parse(span_str(text), &us), is_day);
		if (!is_day)
			continue;
		assert_int_equal(us, naive_us(year, month, day, us_of_day));
		timestamp_format(us, back);
		assert_memory_equal(back, text, TIMESTAMP_LEN);
	}
}

static void test_timestamp__canonical_is_only_that(void **state)
{
	static const char right[] = "2026-11-21T10:00:00.000000Z";
	int64_t us;

	(void)state;
	assert_true(timestamp_parse_canonical((const uint8_t *)right, &us));
	for (size_t i = 0; i < TIMESTAMP_LEN; i++)
		for (int c = 0; c < 256; c++) {
			uint8_t text[TIMESTAMP_LEN], back[TIMESTAMP_LEN];

			memcpy(text, right, sizeof(text));
			text[i] = (uint8_t)c;
			if (!timestamp_parse_canonical(text, &us))
				continue;
			timestamp_format(us, back);
			assert_memory_equal(back, text, sizeof(text));
		}
}

static void test_timestamp__formats_both_ends(void **state)
{
	uint8_t text[TIMESTAMP_LEN];

	(void)state;
	timestamp_format(TIMESTAMP_MIN_US, text);
	assert_memory_equal(text, "0001-01-01T00:00:00.000000Z", sizeof(text));
	timestamp_format(TIMESTAMP_MAX_US, text);
	assert_memory_equal(text, "9999-12-31T23:59:59.999999Z", sizeof(text));
	timestamp_format(-1, text);
	assert_memory_equal(text, "1969-12-31T23:59:59.999999Z", sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamp__reads_rfc3339),
		cmocka_unit_test(test_timestamp__refuses_what_is_none),
		cmocka_unit_test(test_timestamp__agrees_with_counting),
		cmocka_unit_test(test_timestamp__canonical_is_only_that),
		cmocka_unit_test(test_timestamp__formats_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
