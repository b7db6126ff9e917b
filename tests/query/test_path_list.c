#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "query/path_list.h"

static void check(const char *text, uint32_t count, const char *const *texts, const char *const *paths)
{
	struct path_list l;
	struct err err = ERR_INIT;

	assert_int_equal(path_list_parse(span_str(text), &l, &err), 0);
	assert_int_equal(l.count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(span_eq_str(l.item[i].text, texts[i]));
		assert_true(span_eq_str(l.item[i].path, paths[i]));
	}
	path_list_release(&l);
}

static void test_path_list__reads_paths(void **state)
{
	check("action", 1, (const char *[]){"action"}, (const char *[]){"action"});
	check(" actor.id , time", 2, (const char *[]){"actor.id", "time"}, (const char *[]){"actor\x1fid", "time"});
	check("attributes.\"a.b, c\\\"d\".e,x", 2, (const char *[]){"attributes.\"a.b, c\\\"d\".e", "x"},
	      (const char *[]){"attributes\x1f"
			       "a.b, c\\\"d\x1f"
			       "e",
			       "x"});
	check("@timestamp,k8s.io/name", 2, (const char *[]){"@timestamp", "k8s.io/name"},
	      (const char *[]){"@timestamp", "k8s\x1fio/name"});
}

static void test_path_list__says_where_it_does_not(void **state)
{
	static const struct {
		const char *text;
		int64_t offset;
	} bad[] = {{"", 0},   {",", 0},        {"a,", 2},   {"a,,b", 2}, {"a b", 2},   {"a..b", 0},
		   {".a", 0}, {"a.", 0},       {"\"\"", 0}, {"a:b", 0},  {"a,\"b", 2}, {"a,b(c)", 2},
		   {"  ", 2}, {"a, b . c", 5}, {"a,*", 2},  {"a;b", 0}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct path_list l;
		struct err err = ERR_INIT;

		assert_int_equal(path_list_parse(span_str(bad[i].text), &l, &err), E_SYNTAX);
		assert_int_equal(err.offset, bad[i].offset);
		assert_non_null(strstr(err.message, "expected a path"));
	}
}

static void test_path_list__has_its_limits(void **state)
{
	char text[2 * (PATHS_MAX + 1) + 1] = "";
	static char longest[QUERY_BYTES_MAX + 2];
	struct path_list l;

	for (size_t i = 0; i < PATHS_MAX; i++)
		memcpy(text + 2 * i, "a,", 3);
	text[2 * PATHS_MAX - 1] = '\0';
	assert_int_equal(path_list_parse(span_str(text), &l, NULL), 0);
	assert_int_equal(l.count, PATHS_MAX);
	path_list_release(&l);
	memcpy(text + 2 * PATHS_MAX - 1, ",a", 3);
	assert_int_equal(path_list_parse(span_str(text), &l, NULL), E_TOO_LARGE);
	memset(longest, 'a', QUERY_BYTES_MAX + 1);
	assert_int_equal(path_list_parse(span_str(longest), &l, NULL), E_TOO_LARGE);
	longest[QUERY_BYTES_MAX] = '\0';
	assert_int_equal(path_list_parse(span_str(longest), &l, NULL), 0);
	path_list_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_list__reads_paths),
		cmocka_unit_test(test_path_list__says_where_it_does_not),
		cmocka_unit_test(test_path_list__has_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
