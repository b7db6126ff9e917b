/* Trees that are put together: they print as parsed ones do, and are held to the same limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/json_text.h"
#include "query/query_build.h"

static void assert_prints(const struct query *q, const char *expected)
{
	struct buf print = BUF_INIT, again = BUF_INIT;
	struct query *parsed = NULL;

	query_print(q, &print);
	assert_int_equal(query_parse(buf_span(&print), 0, &parsed, NULL), 0);
	query_print(parsed, &again);
	assert_true(span_eq(buf_span(&print), buf_span(&again)));
	buf_put_u8(&print, 0);
	assert_string_equal((const char *)print.p, expected);
	buf_release(&print);
	buf_release(&again);
	query_free(parsed);
}

static struct query_node *exact(struct query *q, const char *path, const char *value)
{
	return query_exact(q, path, span_str(value));
}

static void assert_built(struct query *q, struct query_node *root, const char *expected)
{
	assert_int_equal(query_set_root(q, root, NULL), 0);
	assert_prints(q, expected);
	query_free(q);
}

static void test_query_build__matches_all_at_first(void **state)
{
	struct query *q = query_new();

	assert_prints(q, "*");
	query_free(q);
}

static void test_query_build__joins(void **state)
{
	struct query *q = query_new();
	struct query_node *values[] = {exact(q, "actor.id", "a \"b\" \\"), exact(q, "actor.id", "*")};
	struct query_node *inner[] = {query_or(q, values, 2), exact(q, "x", "")};
	struct query_node *outer[] = {query_or(q, inner, 2), query_not(q, query_exists(q, "actor.email"))};
	struct query_node *both[] = {query_and(q, outer, 2), query_times(q, "time", 0, INT64_MAX)};

	assert_built(q, query_and(q, both, 2),
		     "(actor.id:=\"a \\\"b\\\" \\\\\" OR actor.id:=\"*\" OR x:=\"\") NOT actor.email:* "
		     "time:[1970-01-01T00:00:00.000000Z TO *]");
}

static void test_query_build__has_no_nodes_of_nothing(void **state)
{
	struct query *q = query_new();

	assert_built(q, query_and(q, NULL, 0), "*");
	q = query_new();
	assert_built(q, query_or(q, NULL, 0), "NOT *");
	q = query_new();
	assert_built(q, query_words(q, "description", SPAN_LIT("--")), "NOT *");
	q = query_new();
	assert_built(q, query_words(q, "description", SPAN_LIT("Logged  in")), "description:\"logged  in\"");
	q = query_new();
	assert_built(q, query_words(q, "", SPAN_LIT("x")), "\"x\"");
}

static void test_query_build__matches_as_it_says(void **state)
{
	static const char record[] = "{\"action\":\"a\",\"actor\":{\"id\":\"u*\"},\"description\":\"Logged in\"}";
	struct query *q = query_new();

	assert_true(query_matches(exact(q, "actor.id", "u*"), span_str(record)));
	assert_false(query_matches(exact(q, "actor.id", "u"), span_str(record)));
	assert_true(query_matches(query_words(q, "description", SPAN_LIT("logged IN")), span_str(record)));
	assert_true(query_matches(query_exists(q, "actor.id"), span_str(record)));
	assert_false(query_matches(query_none(q), span_str(record)));
	query_free(q);
}

/* "who" is either of two members. */
static struct query_node *change_who(struct query *q, const struct query_node *leaf, void *user)
{
	struct query_node *either[2];

	++*(int *)user;
	if (!query_leaf_is(leaf, "who.is"))
		return NULL;
	either[0] = query_leaf_at(q, leaf, "actor.id");
	either[1] = query_leaf_at(q, leaf, "actor.name");
	return query_or(q, either, 2);
}

static void assert_changes(const char *text, int leaves, const char *expected)
{
	struct query *q = NULL;
	int count = 0;

	assert_int_equal(query_parse(span_str(text), 0, &q, NULL), 0);
	assert_int_equal(query_change(q, change_who, &count, NULL), 0);
	assert_int_equal(count, leaves);
	assert_prints(q, expected);
	query_free(q);
}

static void test_query_build__changes_leaves(void **state)
{
	assert_changes("who.is:a*", 1, "actor.id:\"a\"* OR actor.name:\"a\"*");
	assert_changes("x OR who.is:(a OR NOT b)", 3,
		       "\"x\" OR actor.id:\"a\" OR actor.name:\"a\" OR NOT (actor.id:\"b\" OR actor.name:\"b\")");
	assert_changes("who:a whoXis:b who.is.c:d", 3, "who:\"a\" whoXis:\"b\" who.is.c:\"d\"");
}

static void test_query_build__keeps_to_the_limit(void **state)
{
	struct query *q = query_new();
	struct query_node *nodes[QUERY_TERMS_MAX + 1];
	struct err err = ERR_INIT;

	for (size_t i = 0; i <= QUERY_TERMS_MAX; i++)
		nodes[i] = exact(q, "a", "b");
	assert_int_equal(query_set_root(q, query_or(q, nodes, QUERY_TERMS_MAX + 1), &err), E_TOO_LARGE);
	assert_non_null(strstr(err.message, "512"));
	assert_prints(q, "*");
	assert_int_equal(query_set_root(q, query_or(q, nodes, QUERY_TERMS_MAX), NULL), 0);
	query_free(q);
}

static bool holds(const char *text, struct span wanted)
{
	struct query *q = query_new();
	struct buf record = BUF_INIT;
	struct query_node *n = NULL;
	bool found;

	buf_put_str(&record, "{\"action\":\"a\",\"description\":");
	json_text_string(&record, span_str(text));
	buf_put_u8(&record, '}');
	assert_int_equal(query_holds(q, "description", wanted, &n, NULL), 0);
	found = query_matches(n, buf_span(&record));
	buf_release(&record);
	query_free(q);
	return found;
}

static void test_query_build__finds_parts_of_texts(void **state)
{
	static const char marks[] = "a\\Q.*+?[](){}|^$/\\E#-\n\t\"'`~!@%&=,;:<>_b";

	for (size_t from = 0; from < sizeof(marks) - 1; from++)
		for (size_t len = 1; from + len < sizeof(marks); len++)
			assert_true(holds(marks, span_of(marks + from, len)));
	assert_true(holds("Über ÄRZTE", SPAN_LIT("äRz")));
	assert_true(holds("x", SPAN_LIT("")));
	assert_false(holds("ab", SPAN_LIT("a.")));
	assert_false(holds("ab", SPAN_LIT("abc")));
}

static void test_query_build__shares_the_limits_of_expressions(void **state)
{
	struct query *q = query_new();
	struct query_node *n;
	struct err err = ERR_INIT;
	struct buf large = BUF_INIT;

	for (uint32_t i = 0; i < PATTERN_BYTES_MAX + 1; i++)
		buf_put_u8(&large, '.');
	assert_int_equal(query_holds(q, "a", buf_span(&large), &n, &err), E_TOO_LARGE);
	large.len--;
	assert_int_equal(query_holds(q, "a", buf_span(&large), &n, &err), 0);
	for (uint32_t i = 1; i < REGEX_COUNT_MAX; i++)
		assert_int_equal(query_holds(q, "a", SPAN_LIT("b"), &n, NULL), 0);
	assert_int_equal(query_holds(q, "a", SPAN_LIT("b"), &n, &err), E_TOO_LARGE);
	assert_non_null(strstr(err.message, "16"));
	assert_int_equal(query_holds(q, "a", SPAN_LIT("\xff"), &n, &err), E_INVALID);
	buf_release(&large);
	query_free(q);
}

static void test_query_build__compares_texts(void **state)
{
	static const char record[] = "{\"action\":\"a\",\"actor\":{\"name\":\"Ada-Byron\"},\"description\":\"--\"}";
	struct query *q = query_new();

	assert_true(query_matches(query_same(q, "actor.name", SPAN_LIT("ADA-byron")), span_str(record)));
	assert_false(query_matches(query_same(q, "actor.name", SPAN_LIT("ada byron")), span_str(record)));
	assert_false(query_matches(query_same(q, "actor.name", SPAN_LIT("ada")), span_str(record)));
	assert_true(query_matches(query_same(q, "description", SPAN_LIT("--")), span_str(record)));
	assert_true(query_matches(query_before(q, "actor.name", SPAN_LIT("B"), false), span_str(record)));
	assert_false(query_matches(query_before(q, "actor.name", SPAN_LIT("ada-byron"), false), span_str(record)));
	assert_true(query_matches(query_before(q, "actor.name", SPAN_LIT("ada-byron"), true), span_str(record)));
	assert_true(query_matches(query_behind(q, "actor.name", SPAN_LIT("ada"), false), span_str(record)));
	assert_false(query_matches(query_behind(q, "actor.id", SPAN_LIT(""), true), span_str(record)));
	assert_built(q, query_behind(q, "a", SPAN_LIT("\"B"), false), "a:{\"\\\"b\" TO *]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_build__matches_all_at_first),
		cmocka_unit_test(test_query_build__joins),
		cmocka_unit_test(test_query_build__has_no_nodes_of_nothing),
		cmocka_unit_test(test_query_build__matches_as_it_says),
		cmocka_unit_test(test_query_build__changes_leaves),
		cmocka_unit_test(test_query_build__keeps_to_the_limit),
		cmocka_unit_test(test_query_build__finds_parts_of_texts),
		cmocka_unit_test(test_query_build__shares_the_limits_of_expressions),
		cmocka_unit_test(test_query_build__compares_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
