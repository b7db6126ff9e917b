#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "codec/time_text.h"
#include "codec/timestamp.h"

#define SECOND 1000000LL
#define NOW    (1790000000LL * SECOND)

static void check(const char *text, int64_t expected)
{
	int64_t us = 0;

	assert_int_equal(time_text_parse(span_str(text), NOW, &us, NULL), 0);
	assert_int_equal(us, expected);
}

static void test_time_text__reads_every_form(void **state)
{
	check("now", NOW);
	check("now-30s", NOW - 30 * SECOND);
	check("now-5m", NOW - 300 * SECOND);
	check("now-2h", NOW - 7200 * SECOND);
	check("now-7d", NOW - 7 * 86400 * SECOND);
	check("now-1w", NOW - 7 * 86400 * SECOND);
	check("now+1d", NOW + 86400 * SECOND);
	check("1970-01-02", 86400 * SECOND);
	check("1970-02", 31 * 86400 * SECOND);
	check("1971", 365 * 86400 * SECOND);
	check("1970-01-01T00:00:01Z", SECOND);
	check("1970-01-01T01:00:00.5+01:00", SECOND / 2);
}

static void check_period(const char *text, const char *first, const char *next)
{
	int64_t from, to, expected;

	assert_true(time_text_period(span_str(text), NOW, &from, &to));
	assert_true(timestamp_parse(span_str(first), &expected));
	assert_int_equal(from, expected);
	assert_true(timestamp_parse(span_str(next), &expected));
	assert_int_equal(to, expected);
}

static void test_time_text__knows_how_long_a_time_lasts(void **state)
{
	int64_t from, to;

	(void)state;
	check_period("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
	check_period("2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
	check_period("2026-09", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z");
	check_period("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
	check_period("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
	check_period("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000001Z");
	assert_true(time_text_period(SPAN_LIT("now-1s"), NOW, &from, &to));
	assert_int_equal(from, NOW - SECOND);
	assert_int_equal(to, from + 1);
	for (int k = 0; k < 3; k++) {
		static const char *const last[] = {"9999", "9999-12", "9999-12-31"};

		assert_true(time_text_calendar(span_str(last[k]), &from, &to));
		assert_int_equal(to, TIMESTAMP_MAX_US + 1);
	}
	assert_false(time_text_calendar(SPAN_LIT("now"), &from, &to));
	assert_false(time_text_calendar(SPAN_LIT("2026-13"), &from, &to));
	assert_false(time_text_calendar(SPAN_LIT("0000"), &from, &to));
	assert_false(time_text_calendar(SPAN_LIT("2026/11"), &from, &to));
}

static void test_time_text__refuses_the_rest(void **state)
{
	static const char *const bad[] = {"",
					  "now-",
					  "now7d",
					  "now-d",
					  "now-7",
					  "now-7y",
					  "now--7d",
					  "Now",
					  "2026-13-01",
					  "2026-02-30",
					  "2026-1-1",
					  "yesterday",
					  "now-7dd",
					  "now- 7d",
					  "now-99999999999999999999s",
					  "now-4000000d",
					  "now+9999999w"};
	struct err err = ERR_INIT;
	int64_t us = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(time_text_parse(span_str(bad[i]), NOW, &us, &err), E_INVALID);
	assert_int_equal(us, 77);
	assert_non_null(strstr(err.message, "RFC 3339"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_text__reads_every_form),
		cmocka_unit_test(test_time_text__knows_how_long_a_time_lasts),
		cmocka_unit_test(test_time_text__refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
