#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "service/cursor.h"

static const struct key key = {{1, 2, 3}};
static const struct cursor sample = {true, false, 1234567, 42, INT64_MIN, INT64_MAX, 1790000000000000};

static struct span text_of(const struct cursor *c, struct span binding, char text[CURSOR_TEXT_MAX])
{
	cursor_put(c, &key, binding, text);
	return span_str(text);
}

static void test_cursor__comes_back_as_it_was(void **state)
{
	struct cursor c = {false, true, UINT64_MAX, 0, -5, 7, INT64_MAX};
	char text[CURSOR_TEXT_MAX];
	struct cursor got;
	int64_t now_us = 0;

	assert_int_equal(cursor_get(text_of(&sample, SPAN_LIT("b"), text), &key, SPAN_LIT("b"), &got, NULL), 0);
	assert_true(cursor_now(span_str(text), &now_us) && now_us == sample.now_us && got.now_us == now_us);
	assert_true(got.oldest_first && !got.is_self);
	assert_int_equal(got.size, 1234567);
	assert_int_equal(got.after, 42);
	assert_true(got.from_us == INT64_MIN && got.to_us == INT64_MAX);
	assert_int_equal(cursor_get(text_of(&c, SPAN_LIT(""), text), &key, SPAN_LIT(""), &got, NULL), 0);
	assert_true(!got.oldest_first && got.is_self && got.size == UINT64_MAX && got.from_us == -5);
	assert_false(cursor_now(span_str(text), &now_us)); /* no time of ours */
	assert_false(cursor_now(SPAN_LIT("nonsense"), &now_us));
}

static void test_cursor__is_safe_in_a_url(void **state)
{
	char text[CURSOR_TEXT_MAX];

	text_of(&sample, SPAN_LIT("b"), text);
	assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
			 strlen(text));
}

/* Every change of one character, every cut, and another binding or key are refused. */
static void test_cursor__cannot_be_forged(void **state)
{
	struct key other = {{1, 2, 4}};
	char text[CURSOR_TEXT_MAX];
	struct span s = text_of(&sample, SPAN_LIT("b"), text);
	struct cursor got;

	for (size_t i = 0; i < s.len; i++) {
		char was = text[i];

		for (const char *c = "AZaz09-_ =\x80"; *c; c++) {
			text[i] = *c;
			if (*c != was)
				assert_int_equal(cursor_get(s, &key, SPAN_LIT("b"), &got, NULL), E_INVALID);
		}
		text[i] = was;
		assert_int_equal(cursor_get(span_of(s.p, i), &key, SPAN_LIT("b"), &got, NULL), E_INVALID);
	}
	assert_int_equal(cursor_get(s, &key, SPAN_LIT("B"), &got, NULL), E_INVALID);
	assert_int_equal(cursor_get(s, &other, SPAN_LIT("b"), &got, NULL), E_INVALID);
	assert_int_equal(cursor_get(s, &key, SPAN_LIT("b"), &got, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor__comes_back_as_it_was),
		cmocka_unit_test(test_cursor__is_safe_in_a_url),
		cmocka_unit_test(test_cursor__cannot_be_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
