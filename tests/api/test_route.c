#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/param.h"
#include "api/route.h"

static void check(const char *method, const char *path, enum route_id expected)
{
	struct route_match m;

	assert_int_equal(route_find(method, path, &m, NULL), 0);
	assert_int_equal(m.route->id, expected);
}

/* The path of a pattern, with "0123" for each hole. */
static void fill_pattern(const char *pattern, char path[128])
{
	size_t at = 0;

	for (; *pattern; pattern++) {
		if (*pattern == '{') {
			at += (size_t)snprintf(path + at, 128 - at, "0123");
			pattern = strchr(pattern, '}');
		} else {
			path[at++] = *pattern;
		}
	}
	path[at] = '\0';
}

static void test_route__finds_every_row_of_its_table(void **state)
{
	struct route_match m;
	char path[128];

	for (int i = 0; i < ROUTE_COUNT; i++) {
		const struct route *r = route_get((enum route_id)i);

		assert_int_equal(r->id, i);
		assert_non_null(r->handle);
		fill_pattern(r->path, path);
		check(method_name(r->method), path, (enum route_id)i);
		assert_int_equal(route_find(method_name(r->method), path, &m, NULL), 0);
		assert_int_equal(m.id.len, strchr(r->path, '{') ? 4 : 0);
	}
	assert_int_equal(route_find("GET", "/v1/events/0123", &m, NULL), 0);
	assert_int_equal(m.route->id, ROUTE_EVENT);
	assert_true(span_eq_str(m.id, "0123"));
	check("HEAD", "/v1/events", ROUTE_EVENTS_SEARCH);
	check("GET", "/v1/events/around", ROUTE_EVENT);
	check("HEAD", "/v1/events/around/around", ROUTE_EVENT_AROUND);
}

static void test_route__a_star_takes_the_rest(void **state)
{
	static const char *const bad[] = {"/log/acme/main/tile/", "/log/acme/tile/0/000", "/log//main/checkpoint",
					  "/log/acme/main/checkpoint/", "/log/acme/main"};
	struct route_match m;

	assert_int_equal(route_find("GET", "/log/acme/main/tile/0/x001/000.p/7", &m, NULL), 0);
	assert_int_equal(m.route->id, ROUTE_LOG_TILE);
	assert_true(span_eq_str(m.hole[0], "acme") && span_eq_str(m.hole[1], "main"));
	assert_true(span_eq_str(m.hole[2], "0/x001/000.p/7"));
	assert_int_equal(route_find("GET", "/log/acme/main/tile/entries/x001/000", &m, NULL), 0);
	assert_int_equal(m.route->id, ROUTE_LOG_ENTRIES);
	assert_true(span_eq_str(m.hole[2], "x001/000"));
	check("HEAD", "/log/acme/self/checkpoint", ROUTE_LOG_CHECKPOINT);
	assert_int_equal(route_find("POST", "/log/acme/self/vkey", &m, NULL), E_METHOD);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(route_find("GET", bad[i], &m, NULL), E_NOT_FOUND);
}

static void test_route__refuses_unknown_paths(void **state)
{
	static const char *const bad[] = {"/",
					  "",
					  "/v1",
					  "/v1/event",
					  "/v1/events/",
					  "/v1/events/a/b",
					  "/v1/eventsx",
					  "/healthz/",
					  "//v1/events",
					  "/V1/events",
					  "/v1/events/a/around/",
					  "/v1/events//around",
					  "/v1/events/a/b/around",
					  "/v1/events/a/aroun",
					  "/v1/events/around/"};
	struct route_match m;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(route_find("GET", bad[i], &m, &err), E_NOT_FOUND);
	assert_null(m.route);
}

static void test_route__says_which_methods_there_are(void **state)
{
	struct route_match m;
	struct err err = ERR_INIT;

	assert_int_equal(route_find("PUT", "/v1/events", &m, &err), E_METHOD);
	assert_non_null(strstr(m.allow, "GET, HEAD"));
	assert_non_null(strstr(m.allow, "POST"));
	assert_non_null(strstr(err.message, "PUT"));
	assert_int_equal(route_find("POST", "/healthz", &m, NULL), E_METHOD);
	assert_string_equal(m.allow, "GET, HEAD");
	assert_int_equal(route_find("DELETE", "/metrics", &m, NULL), E_METHOD);
	assert_int_equal(route_find("OPTIONS", "/v1/events/1", &m, NULL), E_METHOD);
}

static void test_param__refuses_what_a_resource_does_not_take(void **state)
{
	struct params p = {0};
	struct err err = ERR_INIT;
	uint64_t allowed = PARAM_BIT(QUERY) | PARAM_BIT(LIMIT);

	assert_int_equal(param_add(&p, allowed, SPAN_LIT("query"), SPAN_LIT("a:b"), &err), 0);
	assert_int_equal(param_add(&p, allowed, SPAN_LIT("ids"), SPAN_LIT("true"), &err), E_INVALID);
	assert_string_equal(err.field, "ids");
	assert_non_null(strstr(err.message, "query, limit"));
	err = (struct err)ERR_INIT;
	assert_int_equal(param_add(&p, allowed, SPAN_LIT("query"), SPAN_LIT("c"), &err), E_INVALID);
	assert_non_null(strstr(err.message, "twice"));
	assert_int_equal(param_add(&p, allowed, SPAN_LIT("limit"), SPAN_LIT("1\xff"), &err), E_INVALID);
	assert_int_equal(param_add(&p, allowed, SPAN_LIT("limit\0x"), SPAN_LIT("1"), &err), E_INVALID);
	assert_false(param_is_given(&p, PARAM_LIMIT));
}

static void test_param__lists_as_many_as_a_message_holds(void **state)
{
	struct params p = {0};
	struct err err = ERR_INIT;

	assert_int_equal(param_add(&p, UINT64_MAX, SPAN_LIT("qeury"), SPAN_LIT(""), &err), E_INVALID);
	assert_non_null(strstr(err.message, "this resource takes query, from"));
	assert_true(strlen(err.message) < ERR_MESSAGE_MAX);
	assert_int_equal(param_add(&p, UINT64_MAX, SPAN_LIT("description"), SPAN_LIT("x"), NULL), 0);
	assert_true(param_is_given(&p, PARAM_DESCRIPTION));
	assert_false(param_is_given(&p, PARAM_QUERY));
}

static int number_of(struct span text, uint32_t *ret)
{
	struct params p = {.given = PARAM_BIT(LIMIT)};

	p.value[PARAM_LIMIT] = text;
	return param_number(&p, PARAM_LIMIT, 1, 10000, 100, ret, NULL);
}

static void test_param__reads_numbers_at_and_past_their_limits(void **state)
{
	static const char *const bad[] = {"",    "0",   "10001", "-1",   "+1",
					  "1.0", "1e3", " 1",    "0x10", "99999999999999999999"};
	struct params none = {0};
	uint32_t n = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(number_of(span_str(bad[i]), &n), E_INVALID);
	assert_int_equal(n, 7);
	assert_int_equal(number_of(SPAN_LIT("1"), &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(number_of(SPAN_LIT("10000"), &n), 0);
	assert_int_equal(n, 10000);
	assert_int_equal(param_number(&none, PARAM_LIMIT, 1, 10000, 100, &n, NULL), 0);
	assert_int_equal(n, 100);
}

static void test_param__reads_words(void **state)
{
	static const char *const words[] = {"newest", "oldest", NULL};
	struct params p = {.given = PARAM_BIT(ORDER) | PARAM_BIT(IDS)};
	struct err err = ERR_INIT;
	bool flag = true;
	int word = 9;

	p.value[PARAM_ORDER] = SPAN_LIT("oldest");
	p.value[PARAM_IDS] = SPAN_LIT("false");
	assert_int_equal(param_word(&p, PARAM_ORDER, words, 0, &word, NULL), 0);
	assert_int_equal(word, 1);
	assert_int_equal(param_bool(&p, PARAM_IDS, true, &flag, NULL), 0);
	assert_false(flag);
	p.value[PARAM_ORDER] = SPAN_LIT("old");
	assert_int_equal(param_word(&p, PARAM_ORDER, words, 0, &word, &err), E_INVALID);
	assert_non_null(strstr(err.message, "newest, oldest"));
	p.value[PARAM_IDS] = SPAN_LIT("1");
	assert_int_equal(param_bool(&p, PARAM_IDS, true, &flag, NULL), E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route__finds_every_row_of_its_table),
		cmocka_unit_test(test_route__a_star_takes_the_rest),
		cmocka_unit_test(test_route__refuses_unknown_paths),
		cmocka_unit_test(test_route__says_which_methods_there_are),
		cmocka_unit_test(test_param__refuses_what_a_resource_does_not_take),
		cmocka_unit_test(test_param__lists_as_many_as_a_message_holds),
		cmocka_unit_test(test_param__reads_numbers_at_and_past_their_limits),
		cmocka_unit_test(test_param__reads_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
