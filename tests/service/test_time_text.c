#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "service/time_text.h"

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
	check("1970-01-01T00:00:01Z", SECOND);
	check("1970-01-01T01:00:00.5+01:00", SECOND / 2);
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
		cmocka_unit_test(test_time_text__refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
