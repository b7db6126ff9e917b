#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/form.h"
#include "base/buf.h"
#include "base/mem.h"

/* Parses a copy of `text`, which lives until the next call, of its exact size, so that reading past it is found. */
static int parse(const char *text, size_t len, struct form *ret, struct err *err)
{
	static uint8_t *copy;

	free(copy);
	copy = xalloc(len ? len : 1);
	memcpy(copy, text, len);
	*err = (struct err)ERR_INIT;
	return form_parse(copy, len, ret, err);
}

static int parse_text(const char *text, struct form *ret, struct err *err)
{
	return parse(text, strlen(text), ret, err);
}

static void assert_field(const struct form *f, size_t i, const char *name, const char *value)
{
	assert_true(i < f->count);
	assert_true(span_eq_str(f->field[i].name, name));
	assert_true(span_eq_str(f->field[i].value, value));
}

static void test_form__decodes_names_and_values(void **state)
{
	struct form f;
	struct err err;

	assert_int_equal(parse_text("a=b+c&%61%62=%2B%26%3D&x&y=&=z&n=%C3%A4&d=a=b", &f, &err), 0);
	assert_int_equal(f.count, 7);
	assert_field(&f, 0, "a", "b c");
	assert_field(&f, 1, "ab", "+&=");
	assert_field(&f, 2, "x", "");
	assert_field(&f, 3, "y", "");
	assert_field(&f, 4, "", "z");
	assert_field(&f, 5, "n", "\xc3\xa4");
	assert_field(&f, 6, "d", "a=b");
	assert_int_equal(parse_text("", &f, &err), 0);
	assert_int_equal(f.count, 0);
	assert_int_equal(parse_text("&&a=1&", &f, &err), 0);
	assert_int_equal(f.count, 1);
}

static void test_form__says_where_it_is_wrong(void **state)
{
	static const char *const bad[] = {"a=1&b=%",   "a=1&b=%4",  "a=1&b=%4g", "a=1&b=%g4",      "a=1&%=1",
					  "a=1&b=%00", "a=1&b=%ff", "a=1&%c3=1", "a=1&b=%ed%a0%80"};
	struct form f;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(parse_text(bad[i], &f, &err), E_SYNTAX);
		assert_int_equal(err.offset, 4);
	}
	assert_int_equal(parse("a=b\0c", 5, &f, &err), E_SYNTAX);
}

static void test_form__takes_as_many_fields_as_the_limit(void **state)
{
	struct buf text = BUF_INIT;
	struct form f;
	struct err err;

	for (unsigned i = 0; i < FORM_FIELDS_MAX; i++)
		buf_put_str(&text, "a=b&");
	assert_int_equal(parse((const char *)text.p, text.len, &f, &err), 0);
	assert_int_equal(f.count, FORM_FIELDS_MAX);
	buf_put_str(&text, "a");
	assert_int_equal(parse((const char *)text.p, text.len, &f, &err), E_TOO_LARGE);
	assert_non_null(strstr(err.message, "32"));
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form__decodes_names_and_values),
		cmocka_unit_test(test_form__says_where_it_is_wrong),
		cmocka_unit_test(test_form__takes_as_many_fields_as_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
