#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "api/limits.h"
#include "api/recent.h"

static uint32_t add(struct recents *r, const char *key, int64_t now_s)
{
	return recents_add(r, span_str(key), now_s).count;
}

static uint32_t look(struct recents *r, const char *key, int64_t now_s)
{
	return recents_look(r, span_str(key), now_s).count;
}

static void test_recent__counts_until_a_window_ends(void **state)
{
	struct recents *r = recents_new(60, false);

	assert_int_equal(look(r, "a", 1000), 0);
	assert_int_equal(add(r, "a", 1000), 1);
	assert_int_equal(add(r, "a", 1030), 2);
	assert_int_equal(add(r, "b", 1030), 1);
	assert_int_equal(recents_look(r, SPAN_LIT("a"), 1030).ends_s, 1060);
	assert_int_equal(look(r, "a", 1059), 2);
	assert_int_equal(look(r, "a", 1060), 0);
	assert_int_equal(look(r, "b", 1060), 1);
	assert_int_equal(add(r, "a", 1060), 1);
	assert_int_equal(recents_look(r, SPAN_LIT("a"), 1060).ends_s, 1120);
	recents_free(r);
	assert_null(recents_free(NULL));
}

static void test_recent__that_slides_ends_behind_the_last(void **state)
{
	struct recents *r = recents_new(60, true);

	assert_int_equal(add(r, "a", 1000), 1);
	assert_int_equal(add(r, "a", 1059), 2);
	assert_int_equal(recents_look(r, SPAN_LIT("a"), 1100).ends_s, 1119);
	assert_int_equal(look(r, "a", 1118), 2);
	assert_int_equal(look(r, "a", 1119), 0);
	recents_free(r);
}

/* Whoever comes with ever new keys makes the oldest be forgotten, and costs no memory. */
static void test_recent__forgets_what_ends_first(void **state)
{
	struct recents *r = recents_new(60, false);
	unsigned kept = 0;
	char key[16];

	for (unsigned i = 0; i < 4 * RECENT_SETS * RECENT_WAYS; i++) {
		snprintf(key, sizeof(key), "%u", i);
		assert_int_equal(add(r, key, 1000 + i / 1000), 1);
		assert_int_equal(look(r, key, 1000 + i / 1000), 1);
	}
	for (unsigned i = 0; i < RECENT_SETS * RECENT_WAYS; i++) {
		snprintf(key, sizeof(key), "%u", i);
		kept += look(r, key, 1016);
	}
	assert_true(kept < RECENT_SETS * RECENT_WAYS / 2);
	recents_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recent__counts_until_a_window_ends),
		cmocka_unit_test(test_recent__that_slides_ends_behind_the_last),
		cmocka_unit_test(test_recent__forgets_what_ends_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
