#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/param_json.h"

static const uint64_t allowed = PARAM_BIT(QUERY) | PARAM_BIT(LIMIT) | PARAM_BIT(EXPLAIN) | PARAM_BIT(NETWORKS);

/* Takes `text` in; what it points to lives until the next call. */
static int add(const char *text, size_t len, struct params *ret, struct err *err)
{
	static yyjson_doc *doc;
	char *copy = test_malloc(len + 1); /* so that reading past the end is found */
	int rc;

	yyjson_doc_free(doc);
	doc = NULL;
	memcpy(copy, text, len);
	*ret = (struct params){0};
	*err = (struct err)ERR_INIT;
	rc = param_add_json(ret, allowed, span_of(copy, len), &doc, err);
	test_free(copy);
	if (rc < 0) {
		yyjson_doc_free(doc);
		doc = NULL;
	}
	return rc;
}

static int add_text(const char *text, struct params *ret, struct err *err)
{
	return add(text, strlen(text), ret, err);
}

static void test_param_json__takes_strings_numbers_and_booleans(void **state)
{
	struct params p;
	struct err err;

	assert_int_equal(add_text("{\"query\":\"a:\\\"b\\u00e4\\\"\",\"limit\":17,\"explain\":true}", &p, &err), 0);
	assert_int_equal(p.given, allowed & ~PARAM_BIT(NETWORKS));
	assert_true(span_eq_str(p.value[PARAM_QUERY], "a:\"b\xc3\xa4\""));
	assert_true(span_eq_str(p.value[PARAM_LIMIT], "17"));
	assert_true(span_eq_str(p.value[PARAM_EXPLAIN], "true"));
	assert_int_equal(add_text(" {\"limit\":\"17\",\"explain\":\"false\"} ", &p, &err), 0);
	assert_true(span_eq_str(p.value[PARAM_LIMIT], "17"));
	assert_true(span_eq_str(p.value[PARAM_EXPLAIN], "false"));
	assert_int_equal(add_text("{\"limit\":1e1}", &p, &err), 0);
	assert_true(span_eq_str(p.value[PARAM_LIMIT], "1e1"));
	assert_int_equal(add_text("{\"query\":\"a\\u0000b\"}", &p, &err), 0);
	assert_int_equal(p.value[PARAM_QUERY].len, 3);
	assert_int_equal(add_text("{}", &p, &err), 0);
	assert_int_equal(p.given, 0);
}

static void test_param_json__joins_lists(void **state)
{
	static const char *const lists[][2] = {
		{"{\"networks\":[\"a\",\"bc\" , \"\",\"d\"],\"query\":\"q\"}", "a,bc,,d"},
		{"{\"query\":\"q\",\"networks\":[\"\\u00e4\\n\",\"x\"]}", "\xc3\xa4\n,x"},
		{"{\"networks\":[],\"query\":\"q\"}", ""},
		{"{\"networks\":[\"\"],\"query\":\"q\"}", ""},
		{"{\"networks\":\"a,b\",\"query\":\"q\"}", "a,b"},
	};
	struct params p;
	struct err err;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_int_equal(add_text(lists[i][0], &p, &err), 0);
		assert_true(span_eq_str(p.value[PARAM_NETWORKS], lists[i][1]));
		assert_true(param_is_given(&p, PARAM_NETWORKS));
		assert_true(span_eq_str(p.value[PARAM_QUERY], "q"));
	}
}

static void test_param_json__names_the_member_that_is_wrong(void **state)
{
	static const char *const bad[][2] = {
		{"{\"qeury\":\"a\"}", "qeury"},
		{"{\"ids\":true}", "ids"},
		{"{\"query\":null}", "query"},
		{"{\"query\":[\"a\"]}", "query"},
		{"{\"limit\":{}}", "limit"},
		{"{\"query\":\"a\",\"query\":\"b\"}", "query"},
		{"{\"networks\":[1]}", "networks"},
		{"{\"networks\":[\"a,b\"]}", "networks"},
		{"{\"networks\":[[\"a\"]]}", "networks"},
		{"{\"networks\":[\"a\"],\"networks\":\"b\"}", "networks"},
	};
	struct params p;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(add_text(bad[i][0], &p, &err), E_INVALID);
		assert_string_equal(err.field, bad[i][1]);
	}
}

static void test_param_json__takes_one_object_only(void **state)
{
	static const char *const broken[] = {"",
					     " ",
					     "{",
					     "{\"limit\":}",
					     "{\"limit\":1,}",
					     "{} {}",
					     "{}x",
					     "{'limit':1}",
					     "{\"query\":\"\xff\"}",
					     "{\"limit\":01}",
					     "{\"limit\":NaN}",
					     "{/**/}"};
	static const char *const other[] = {"[]", "1", "\"query\"", "null", "true"};
	struct params p;
	struct err err;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		assert_int_equal(add_text(broken[i], &p, &err), E_SYNTAX);
		assert_true(err.offset >= 0 && err.offset <= (int64_t)strlen(broken[i]));
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_int_equal(add_text(other[i], &p, &err), E_INVALID);
	assert_int_equal(add("{\"limit\":1}\0", 12, &p, &err), E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_param_json__takes_strings_numbers_and_booleans),
		cmocka_unit_test(test_param_json__joins_lists),
		cmocka_unit_test(test_param_json__names_the_member_that_is_wrong),
		cmocka_unit_test(test_param_json__takes_one_object_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
