#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_clock__walls_and_ticks(void **state)
{
	const int64_t year_2020_us = 1577836800000000;
	int64_t mono = clock_mono_ns();
	int64_t cpu = clock_cpu_ns();
	volatile unsigned spin = 0;

	assert_true(clock_wall_us() > year_2020_us);
	assert_true(clock_wall_us() < year_2020_us * 4);
	while (clock_mono_ns() - mono < 5000000)
		spin++;
	assert_true(clock_cpu_ns() > cpu);
	assert_true(clock_cpu_ns() - cpu < 1000000000);
}

static void test_clock__stands_still_for_tests(void **state)
{
	clock_set_for_test(1234567);
	assert_int_equal(clock_wall_us(), 1234567);
	assert_int_equal(clock_wall_us(), 1234567);
	clock_set_for_test(0);
	assert_true(clock_wall_us() > 1234567);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock__walls_and_ticks),
		cmocka_unit_test(test_clock__stands_still_for_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
