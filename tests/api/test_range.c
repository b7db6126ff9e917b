#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/range.h"

static void check(const char *header, uint64_t size, enum range_kind kind, uint64_t first, uint64_t len)
{
	struct range r;

	assert_int_equal(range_parse(header, size, &r), kind);
	if (kind == RANGE_NOWHERE)
		return;
	assert_int_equal(r.first, first);
	assert_int_equal(r.len, len);
}

static void test_range__reads_the_three_forms(void **state)
{
	check("bytes=0-0", 10, RANGE_PART, 0, 1);
	check("bytes=2-5", 10, RANGE_PART, 2, 4);
	check("BYTES=2-5", 10, RANGE_PART, 2, 4);
	check("bytes=2-", 10, RANGE_PART, 2, 8);
	check("bytes=9-", 10, RANGE_PART, 9, 1);
	check("bytes=-4", 10, RANGE_PART, 6, 4);
	check("bytes=-40", 10, RANGE_PART, 0, 10);
	check("bytes=0-9", 10, RANGE_PART, 0, 10);
	check("bytes=5-999999999999999999", 10, RANGE_PART, 5, 5);
	check("bytes=5-5000000000", UINT64_C(6000000000), RANGE_PART, 5, UINT64_C(4999999996));
}

static void test_range__sends_all_when_it_does_not_understand(void **state)
{
	static const char *const other[] = {"",
					    "bytes",
					    "bytes=",
					    "bytes=-",
					    "bytes=a-b",
					    "bytes=1-x",
					    "bytes=1-2,",
					    "lines=1-2",
					    "bytes=5-4",
					    "bytes=1-2,4-5",
					    "bytes=1",
					    "bytes= 1-2",
					    "bytes=1-9999999999999999999"};

	check(NULL, 10, RANGE_ALL, 0, 10);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		check(other[i], 10, RANGE_ALL, 0, 10);
}

static void test_range__says_what_lies_nowhere(void **state)
{
	check("bytes=10-", 10, RANGE_NOWHERE, 0, 0);
	check("bytes=10-12", 10, RANGE_NOWHERE, 0, 0);
	check("bytes=-0", 10, RANGE_NOWHERE, 0, 0);
	check("bytes=0-", 0, RANGE_NOWHERE, 0, 0);
	check("bytes=-1", 0, RANGE_NOWHERE, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range__reads_the_three_forms),
		cmocka_unit_test(test_range__sends_all_when_it_does_not_understand),
		cmocka_unit_test(test_range__says_what_lies_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
