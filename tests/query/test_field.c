/* Names of fields: what is read, what is refused, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "query/field.h"

static void check(const char *text, const char *path, uint32_t names)
{
	struct buf printed = BUF_INIT;
	struct field f, again;

	assert_int_equal(field_parse(span_str(text), &f, NULL), 0);
	assert_true(span_eq_str(f.path, path));
	assert_int_equal(f.name_count, names);
	field_print(f.path, &printed);
	assert_int_equal(field_parse(buf_span(&printed), &again, NULL), 0);
	assert_true(span_eq(f.path, again.path));
	field_release(&f);
	field_release(&again);
	buf_release(&printed);
}

static void test_field__reads_paths_as_queries_have_them(void **state)
{
	(void)state;
	check("action", "action", 1);
	check("actor.id",
	      "actor\x1f"
	      "id",
	      2);
	check("attributes.\"a.b\".c",
	      "attributes\x1f"
	      "a.b\x1f"
	      "c",
	      3);
	check("\"with space\"", "with space", 1);
	check("a.\"\"", "a\x1f", 2);
	check("a.\"\".b",
	      "a\x1f\x1f"
	      "b",
	      3);
	check("\"quo\\\"te\\\\\"", "quo\\\"te\\\\", 1);
	check("\"-dash\".$ref.x@y/z", "-dash\x1f$ref\x1fx@y/z", 3);
	check("id", "id", 1);
}

static void refuse(const char *text, int64_t offset)
{
	struct err err = ERR_INIT;
	struct field f;

	assert_int_equal(field_parse(span_str(text), &f, &err), E_SYNTAX);
	assert_int_equal(err.offset, offset);
}

static void test_field__says_where_a_name_is_wrong(void **state)
{
	(void)state;
	refuse("", 0);
	refuse("\"\"", 0);
	refuse(".a", 0);
	refuse("a.", 2);
	refuse("a..b", 2);
	refuse("a b", 1);
	refuse("a:", 1);
	refuse("a.\"open", 2);
	refuse("a,b", 1);
}

static void refuse_list(const char *text, uint32_t max, int code, const char *says)
{
	struct field_list l;
	struct err err = ERR_INIT;

	assert_int_equal(field_list_parse(span_str(text), max, &l, &err), code);
	assert_non_null(strstr(err.message, says));
}

static void test_field__reads_lists(void **state)
{
	struct field_list l;

	(void)state;
	assert_int_equal(field_list_parse(SPAN_LIT("action,actor.id,\"a,b\""), 3, &l, NULL), 0);
	assert_int_equal(l.count, 3);
	assert_true(span_eq_str(l.field[2].path, "a,b"));
	field_list_release(&l);
	refuse_list("a,b,c,d", 3, E_TOO_LARGE, "at most 3 fields");
	refuse_list("a,b", 1, E_INVALID, "only one");
	refuse_list("a,b,a", 3, E_INVALID, "the field 'a' is named twice");
	refuse_list("a,", 3, E_SYNTAX, "at byte 2");
	refuse_list("time", 3, E_INVALID, "/v1/histogram");
	refuse_list("received", 3, E_INVALID, "/v1/histogram");
	refuse_list("a,id", 3, E_INVALID, "'id'");
}

static void put_names(struct buf *to, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		buf_put_str(to, k ? ".a" : "a");
}

static void test_field__has_limits(void **state)
{
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct field f;

	(void)state;
	put_names(&text, FIELD_NAMES_MAX);
	assert_int_equal(field_parse(buf_span(&text), &f, NULL), 0);
	assert_int_equal(f.name_count, FIELD_NAMES_MAX);
	field_release(&f);
	buf_put_str(&text, ".a");
	assert_int_equal(field_parse(buf_span(&text), &f, &err), E_TOO_LARGE);
	buf_reset(&text);
	while (text.len <= QUERY_BYTES_MAX)
		buf_put_u8(&text, 'a');
	assert_int_equal(field_parse(buf_span(&text), &f, &err), E_TOO_LARGE);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field__reads_paths_as_queries_have_them),
		cmocka_unit_test(test_field__says_where_a_name_is_wrong),
		cmocka_unit_test(test_field__reads_lists),
		cmocka_unit_test(test_field__has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
