/* What values match, on records made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../base/seed.h"
#include "query/match_priv.h"

static bool matches(const char *query, const char *record)
{
	struct query *q = NULL;
	bool found;

	assert_int_equal(query_parse(span_str(query), 0, &q, NULL), 0);
	found = query_matches(query_root(q), span_str(record));
	query_free(q);
	return found;
}

static void test_match__looks_into_escapes(void **state)
{
	static const char record[] = "{\"action\":\"a\\nb\",\"attributes\":{\"k\\\"\":\"q\\\\z\\u0001w\"}}";

	(void)state;
	assert_true(matches("\"a b\"", record));
	assert_false(matches("nb", record));
	assert_false(matches("u0001w", record));
	assert_true(matches("\"q z w\"", record));
	assert_true(matches("attributes.\"k\\\"\":z", record));
	assert_true(matches("attributes.\"k\\\"\":=\"q\\\\z\x01w\"", record));
}

static void test_match__goes_through_arrays(void **state)
{
	static const char record[] =
		"{\"action\":\"x\",\"attributes\":{\"a\":[[],{},[{\"b\":[1,\"two\",null]},3],{\"c\":"
		"{\"b\":true}}],\"e\":[],\"n\":[null,{\"z\":null}]},\"type\":\"t\"}";

	(void)state;
	assert_true(matches("attributes.a:3", record));
	assert_true(matches("attributes.a.b:two", record));
	assert_true(matches("attributes.a.b:=1", record));
	assert_false(matches("attributes.a.b:3", record));
	assert_true(matches("attributes.a.c.b:true", record));
	assert_false(matches("attributes.a.b:true", record));
	assert_true(matches("attributes.a.b:*", record));
	assert_false(matches("attributes.e:*", record));
	assert_false(matches("attributes.n:*", record));
	assert_false(matches("attributes.n.z:*", record));
	assert_false(matches("attributes.a.b.two:*", record));
	assert_true(matches("type:t", record));
}

static void test_match__leaves_out_what_the_server_adds(void **state)
{
	static const char record[] =
		"{\"action\":\"x\",\"attributes\":{\"id\":\"mine\",\"time\":\"noon\"},\"id\":\"theirs\","
		"\"received\":\"late\",\"time\":\"early\"}";

	(void)state;
	assert_true(matches("mine", record));
	assert_true(matches("noon", record));
	assert_true(matches("attributes.time:noon", record));
	assert_false(matches("theirs OR late OR early", record));
}

/* Bytes that are no record give no crash and no read outside of them. */
static void test_match__survives_what_is_no_record(void **state)
{
	static const char record[] = "{\"a\":[1,{\"b\":\"c\\\"d\"}],\"e\":{\"f\":null}}";
	static const char *const queries[] = {"zz", "a.b:zz", "e.f:*", "a:=zz", "e:*"};
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		size_t len = rng_below(&rng, sizeof(record));
		uint8_t *p = malloc(len + !len);
		struct query *q = NULL;

		memcpy(p, record, len);
		for (unsigned i = 0; len > 0 && i < rng_below(&rng, 4); i++)
			p[rng_below(&rng, len)] = (uint8_t) "{}[]\",:\\n1"[rng_below(&rng, 10)];
		assert_int_equal(query_parse(span_str(queries[k % 5]), 0, &q, NULL), 0);
		query_matches(query_root(q), span_of(p, len));
		query_free(q);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match__looks_into_escapes),
		cmocka_unit_test(test_match__goes_through_arrays),
		cmocka_unit_test(test_match__leaves_out_what_the_server_adds),
		cmocka_unit_test(test_match__survives_what_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
