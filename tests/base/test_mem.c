#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"

static void test_mem__zeroes_what_it_says(void **state)
{
	uint8_t *a = xalloc(100);
	uint8_t *b = xarray(10, 10);
	uint8_t *c = try_array(10, 10);

	for (int i = 0; i < 100; i++)
		assert_int_equal(a[i] | b[i] | c[i], 0);
	free(a);
	free(b);
	free(c);
}

static void test_mem__serves_nothing_as_something(void **state)
{
	void *p = try_alloc(0);
	void *q = try_array(0, 8);

	assert_non_null(p);
	assert_non_null(q);
	p = xrealloc(p, 0);
	free(p);
	free(q);
}

static void test_mem__refuses_an_overflow(void **state)
{
	volatile size_t half = SIZE_MAX / 2;

	assert_null(try_array(half, 3));
}

static void test_mem__formats_and_copies(void **state)
{
	char *text = xformat("%s-%d", "node", 7);
	char *copy = xstrdup(text);

	assert_string_equal(copy, "node-7");
	free(text);
	free(copy);
}

static void test_mem__wipes(void **state)
{
	char secret[16] = "0123456789abcde";

	mem_wipe(secret, 8);
	assert_memory_equal(secret,
			    "\0\0\0\0\0\0\0\0"
			    "89abcde",
			    15);
	mem_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem__zeroes_what_it_says),
		cmocka_unit_test(test_mem__serves_nothing_as_something),
		cmocka_unit_test(test_mem__refuses_an_overflow),
		cmocka_unit_test(test_mem__formats_and_copies),
		cmocka_unit_test(test_mem__wipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
