/* Substring search against its twin, and what values match, on records made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../base/seed.h"
#include "query/match_priv.h"

static size_t find_slowly(struct span text, size_t from, struct span needle)
{
	for (size_t at = from; at + needle.len <= text.len; at++) {
		size_t same = 0;

		while (same < needle.len && (text.p[at + same] | 0x20) == (needle.p[same] | 0x20))
			same++;
		if (same == needle.len)
			return at;
	}
	return SIZE_MAX;
}

/* Texts of few different bytes, in memory of just their length, so that a sanitizer sees every read outside. */
static void test_match__finds_what_its_twin_finds(void **state)
{
	struct rng rng = seeded_rng(__func__);
	unsigned found = 0;

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		size_t len = rng_below(&rng, 80), needle_len = rng_below(&rng, len > 6 ? 6 : len + 2);
		uint8_t *p = malloc(len + !len), needle[8];
		size_t from = rng_below(&rng, 4) ? 0 : rng_below(&rng, len + 2), at;

		for (size_t i = 0; i < len; i++)
			p[i] = "abAB"[rng_below(&rng, 4)];
		for (size_t i = 0; i < needle_len; i++)
			needle[i] = "ab"[rng_below(&rng, 2)];
		at = find_slowly(span_of(p, len), from, span_of(needle, needle_len));
		assert_int_equal(match__find_at(span_of(p, len), from, span_of(needle, needle_len)), at);
		if (from == 0)
			assert_int_equal(match__find(span_of(p, len), span_of(needle, needle_len)), at != SIZE_MAX);
		found += at != SIZE_MAX;
		free(p);
	}
	assert_true(found > 1000 && found < 19000);
}

/* Values back to back, some empty: those with the needle, and no needle across two. */
static void test_match__finds_the_next_value(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 3000; k++) {
		uint32_t count = 1 + (uint32_t)rng_below(&rng, 40), offset[42] = {0},
			 from = (uint32_t)rng_below(&rng, count);
		struct span needle = span_of("abba", 1 + rng_below(&rng, 4));
		uint8_t text[41 * 12];
		uint32_t next;

		for (uint32_t i = 0; i < count; i++) {
			offset[i + 1] = offset[i] + (uint32_t)rng_below(&rng, 12);
			for (uint32_t at = offset[i]; at < offset[i + 1]; at++)
				text[at] = "abAB"[rng_below(&rng, 4)];
		}
		next = match__next_value(text, offset, from, count, needle);
		for (uint32_t i = from; i < next; i++)
			assert_int_equal(find_slowly(span_of(text, offset[i + 1]), offset[i], needle), SIZE_MAX);
		if (next < count)
			assert_int_not_equal(find_slowly(span_of(text, offset[next + 1]), offset[next], needle),
					     SIZE_MAX);
		assert_int_equal(match__next_value(text, offset, from, count, span_of(NULL, 0)), from);
	}
}

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
		cmocka_unit_test(test_match__finds_what_its_twin_finds),
		cmocka_unit_test(test_match__finds_the_next_value),
		cmocka_unit_test(test_match__looks_into_escapes),
		cmocka_unit_test(test_match__goes_through_arrays),
		cmocka_unit_test(test_match__leaves_out_what_the_server_adds),
		cmocka_unit_test(test_match__survives_what_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
