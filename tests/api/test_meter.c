#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/meter.h"

#define NS_PER_MS 1000000

static struct meter meter;
static struct meter_counts before, now;

static struct meter_change change(const struct route *route)
{
	struct meter_change c;

	meter_read(&meter, &now);
	meter_change(&before, &now, route ? (size_t)route->id : ROUTE_COUNT, &c);
	return c;
}

static void test_meter__tells_what_was_between_two_readings(void **state)
{
	const struct route *search = route_get(ROUTE_SEARCH);
	struct meter_change c;

	meter_answer(&meter, search, 200, 40 * NS_PER_MS);
	meter_read(&meter, &before);
	c = change(search);
	assert_int_equal(c.count, 0);
	assert_true(c.p50_ms == 0 && c.p99_ms == 0);
	for (int i = 0; i < 96; i++)
		meter_answer(&meter, search, 200, 2 * NS_PER_MS);
	for (int i = 0; i < 3; i++)
		meter_answer(&meter, search, 503, 90 * NS_PER_MS);
	meter_answer(&meter, search, 404, INT64_C(60000) * NS_PER_MS);
	c = change(search);
	assert_string_equal(c.method, "POST");
	assert_string_equal(c.path, "/v1/search");
	assert_int_equal(c.count, 100);
	assert_int_equal(c.failed, 3);
	assert_true(c.p50_ms > 1 && c.p50_ms < 2.5);
	assert_true(c.p95_ms > c.p50_ms && c.p95_ms <= 2.5);
	assert_true(c.p99_ms > 50 && c.p99_ms <= 100);
	c = change(NULL);
	assert_string_equal(c.path, "other");
	assert_int_equal(c.count, 0);
}

/* What took longer than the last bound is said to have taken as long as that. */
static void test_meter__says_no_more_than_it_knows(void **state)
{
	struct meter_change c;

	meter_read(&meter, &before);
	meter_answer(&meter, NULL, 200, INT64_C(3600000) * NS_PER_MS);
	c = change(NULL);
	assert_int_equal(c.count, 1);
	assert_true(c.p50_ms == 5000 && c.p99_ms == 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meter__tells_what_was_between_two_readings),
		cmocka_unit_test(test_meter__says_no_more_than_it_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
