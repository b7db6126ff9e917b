/* Trees that are put together: they print as parsed ones do, and are held to the same limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_build__matches_all_at_first),
		cmocka_unit_test(test_query_build__joins),
		cmocka_unit_test(test_query_build__has_no_nodes_of_nothing),
		cmocka_unit_test(test_query_build__matches_as_it_says),
		cmocka_unit_test(test_query_build__changes_leaves),
		cmocka_unit_test(test_query_build__keeps_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
