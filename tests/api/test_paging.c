/* Places of clients that page by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "api/limits.h"
#include "api/paging.h"

static const struct span one = {(const uint8_t *)"one", 3};
static const struct span two = {(const uint8_t *)"two", 3};

/* The page from `start` to `next` of a ledger of `size` was answered; its last record has the number `next`. */
static void answered(struct paging *p, struct span binding, uint64_t size, uint64_t start, uint64_t next)
{
	const struct paging_place place = {.size = size, .total = size, .next = next, .after = next};

	paging_put(p, binding, start, &place);
}

static void assert_near(struct paging *p, struct span binding, uint64_t start, uint64_t size, uint64_t next)
{
	struct paging_place place;

	assert_true(paging_near(p, binding, start, &place));
	assert_int_equal(place.size, size);
	assert_int_equal(place.next, next);
	assert_int_equal(place.after, next == 0 ? UINT64_MAX : next);
}

static void test_paging__goes_on_where_it_was(void **state)
{
	struct paging *p = paging_new();
	struct paging_place place;

	(void)state;
	assert_false(paging_near(p, one, 10, &place));
	assert_false(paging_find(p, one, 10, &place));
	answered(p, one, 100, 0, 10);
	assert_near(p, one, 10, 100, 10);
	assert_false(paging_near(p, two, 10, &place));
	assert_true(paging_find(p, one, 10, &place));
	assert_int_equal(place.after, 10);
	assert_true(paging_find(p, one, 20, &place));
	assert_int_equal(place.after, UINT64_MAX);
	assert_int_equal(place.size, 100);
	paging_free(p);
}

static void test_paging__counts_from_the_last_place_before(void **state)
{
	struct paging *p = paging_new();

	(void)state;
	answered(p, one, 100, 20, 30);
	assert_near(p, one, 20, 100, 0);
	answered(p, one, 100, 0, 10);
	assert_near(p, one, 20, 100, 10);
	assert_near(p, one, 90, 100, 30);
	assert_near(p, one, 30, 100, 30);
	paging_free(p);
}

static void test_paging__keeps_to_the_records_of_the_newest(void **state)
{
	struct paging *p = paging_new();

	(void)state;
	answered(p, one, 100, 0, 10);
	answered(p, one, 100, 10, 20);
	answered(p, one, 200, 0, 10);
	assert_near(p, one, 10, 200, 10);
	assert_near(p, one, 40, 200, 10);
	assert_near(p, one, 20, 100, 20); /* who is there goes on */
	paging_free(p);
}

static void test_paging__may_be_asked_for_a_page_again(void **state)
{
	struct paging *p = paging_new();

	(void)state;
	for (uint64_t start = 0; start < 1000; start += 10)
		answered(p, one, 5000, start, start + 10);
	for (uint64_t k = 0; k < PAGING_PLACES_MAX; k++)
		assert_near(p, one, 1000 - 10 * k, 5000, 1000 - 10 * k);
	assert_near(p, one, 1000 - 10 * PAGING_PLACES_MAX, 5000, 0);
	paging_free(p);
}

static void test_paging__of_one_leaves_room_to_others(void **state)
{
	struct paging *p = paging_new();
	struct paging_place place;
	char name[16];

	(void)state;
	answered(p, two, 7, 0, 5);
	for (uint64_t start = 0; start < 10u * PAGINGS_MAX; start += 10)
		answered(p, one, 5000, start, start + 10);
	assert_near(p, two, 5, 7, 5);
	for (unsigned i = 0; i < PAGINGS_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		answered(p, span_str(name), i, 0, 1);
	}
	assert_false(paging_near(p, two, 5, &place));
	assert_near(p, SPAN_LIT("0"), 1, 0, 1);
	paging_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paging__goes_on_where_it_was),
		cmocka_unit_test(test_paging__counts_from_the_last_place_before),
		cmocka_unit_test(test_paging__keeps_to_the_records_of_the_newest),
		cmocka_unit_test(test_paging__may_be_asked_for_a_page_again),
		cmocka_unit_test(test_paging__of_one_leaves_room_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
