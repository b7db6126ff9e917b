/* Regular expressions: what is read off them, their limits, and threads that share one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/thread.h"
#include "naive.h"
#include "query/match_priv.h"
#include "query/regex_priv.h"

#define PICK(rng, list) ((list)[rng_below(rng, sizeof(list) / sizeof((list)[0]))])

/* Pieces of patterns, with all that changes what other pieces mean. */
static const char *const pieces[] = {
	"a",          "b",         "ab",       "K",      "s",           "kiss",   "\xc3\xa4", "\xe2\x84\xaa",
	"\\.",        "\\\\",      "\\/",      "-",      "\"",          " ",      "#",        "\t",
	".",          "\\d",       "\\w",      "\\b",    "\\B",         "\\s",    "\\S",      "\\x61",
	"\\x{e4}",    "\\n",       "\\e",      "\\R",    "\\X",         "\\h",    "\\1",      "\\g{1}",
	"*",          "+",         "?",        "*?",     "++",          "{2}",    "{0,1}",    "{1,}",
	"{,2}",       "{",         "}",        "]",      "^",           "$",      "|",        "(",
	")",          "(?:",       "(?=",      "(?!",    "(?<=",        "(?<n>",  "(?i)",     "(?x)",
	"(?i:",       "(?-i)",     "(?#x)",    "(?>",    "(?|",         "(?1)",   "(?R)?",    "(*ACCEPT)",
	"[ab]",       "[^b]",      "[]a]",     "[^]b]",  "[[:alpha:]]", "[a\\]]", "[\\d]",    "[a-b]",
	"[\\Qa]\\E]", "\\Qa*b\\E", "\\E",      "\\p{L}", "\\N{U+61}",   "\\K",    "\\A",      "\\z",
	"\\Z",        "\\G",       "\\o{141}", "\\cA",   "(a)",         "(b|)",   "((a)b)?",
};
static const char *const texts[] = {
	"a",        "b", "ab", "k", "K", "s",  "S", "A", "B",  "\xc3\xa4", "\xc3\x84", "\xe2\x84\xaa",
	"\xc5\xbf", ".", "\\", "/", "-", "\"", " ", "#", "\t", "\n",       "1",        "*",
	"{",        "}", "]",  "x", "e", "d",  ",2"};

static void put_some(struct rng *rng, const char *const *list, size_t count, uint64_t most, struct buf *to)
{
	for (uint64_t k = rng_below(rng, most + 1); k > 0; k--)
		buf_put_str(to, list[rng_below(rng, count)]);
}

static bool is_in(struct span text, struct span part, bool any_case)
{
	for (size_t at = 0; at + part.len <= text.len; at++) {
		size_t same = 0;

		while (same < part.len) {
			uint8_t a = text.p[at + same], b = part.p[same];

			if (any_case && a >= 'A' && a <= 'Z')
				a |= 0x20;
			if (any_case && b >= 'A' && b <= 'Z')
				b |= 0x20;
			if (a != b)
				break;
			same++;
		}
		if (same == part.len)
			return true;
	}
	return false;
}

/* Whatever matches holds what was read off the pattern. Only patterns that compile are read. */
static void test_regex__reads_what_every_match_holds(void **state)
{
	struct rng rng = seeded_rng(__func__);
	unsigned matched = 0, told = 0;

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		struct buf pattern = BUF_INIT, literal = BUF_INIT, text = BUF_INIT;
		bool any_case = rng_below(&rng, 2);
		int error;
		size_t offset;
		pcre2_code *code;

		put_some(&rng, pieces, sizeof(pieces) / sizeof(pieces[0]), 8, &pattern);
		buf_put_str(&pattern, PICK(&rng, texts));
		code = pcre2_compile(pattern.p, pattern.len, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error,
				     &offset, NULL);
		if (code)
			regex__literal(buf_span(&pattern), any_case, &literal);
		for (unsigned i = 0; code && literal.len && i < 40; i++) {
			buf_reset(&text);
			put_some(&rng, texts, sizeof(texts) / sizeof(texts[0]), 12, &text);
			if (!naive_regex(buf_span(&pattern), any_case, buf_span(&text)))
				continue;
			matched++;
			if (!is_in(buf_span(&text), buf_span(&literal), any_case))
				fail_msg("/%.*s/ matches %.*s without %.*s", (int)pattern.len, (char *)pattern.p,
					 (int)text.len, (char *)text.p, (int)literal.len, (char *)literal.p);
		}
		told += literal.len > 0;
		pcre2_code_free(code);
		buf_release(&pattern);
		buf_release(&literal);
		buf_release(&text);
	}
	assert_true(told > 1000 && matched > 1000);
}

static void assert_reads(const char *pattern, bool any_case, const char *expected)
{
	struct buf literal = BUF_INIT;

	regex__literal(span_str(pattern), any_case, &literal);
	buf_put_u8(&literal, 0);
	assert_string_equal((char *)literal.p, expected);
	buf_release(&literal);
}

static void test_regex__reads_the_longest_literal(void **state)
{
	(void)state;
	assert_reads("abc", false, "abc");
	assert_reads("ab.cde\\d", false, "cde");
	assert_reads("abc?", false, "ab");
	assert_reads("abc+d", false, "abc");
	assert_reads("ab\xc3\xa4*", false, "ab");
	assert_reads("(xyz)ab", false, "ab");
	assert_reads("^a\\.b$", false, "a.b");
	assert_reads("a[b]]c", false, "]c");
	assert_reads("abc|d", false, "");
	assert_reads("^.*$", false, "");
	assert_reads("(?i)abc", false, "");
	assert_reads("abc\\Qd\\E", false, "");
	assert_reads("desks", true, "de");
	assert_reads("a\xc3\xa4"
		     "bcd",
		     true, "bcd");
	assert_reads("ab{2}c", false, "a");
}

/* ---- matching ---- */

static struct query *parse(const char *text)
{
	struct query *q = NULL;

	assert_int_equal(query_parse(span_str(text), 0, &q, NULL), 0);
	return q;
}

static void test_regex__gives_up_openly(void **state)
{
	static const char record[] = "{\"action\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}";
	static const char *const patterns[] = {"action:/^(a|aa)+$/", "action:/(*NO_JIT)^(a|aa)+$/", "action:/^(a+)+$/i",
					       "action:/(a?){40}a{60}$/"};

	(void)state;
	for (size_t k = 0; k < sizeof(patterns) / sizeof(patterns[0]); k++) {
		struct query *q = parse(patterns[k]);
		struct match_scratch scratch = {0};
		struct err err = ERR_INIT;

		assert_int_equal(match__check(&scratch, &err), 0);
		assert_false(match__record(query_root(q), span_str(record), &scratch));
		if (match__check(&scratch, &err) != E_TOO_LARGE)
			fail_msg("%s: %s", patterns[k], err.message);
		assert_non_null(strstr(err.message, "too many steps"));
		assert_non_null(strstr(err.message, "20000"));
		assert_string_equal(err.field, "query");
		assert_false(match__record(query_root(q), SPAN_LIT("{\"action\":\"aa\"}"), &scratch)); /* it stays so */
		match__release(&scratch);
		assert_false(query_matches(query_root(q), span_str(record)));
		assert_true(query_matches(query_root(q), SPAN_LIT("{\"action\":\"aa\"}")) == (k != 3));
		query_free(q);
	}
}

static void test_regex__takes_values_as_they_are(void **state)
{
	static const char record[] = "{\"action\":\"a\\\"b\\\\c\\n\xc3\xa4\",\"attributes\":{\"e\":\"\",\"f\":\"foo\","
				     "\"n\":12.5,\"t\":true,\"z\":null}}";
	static const char *const yes[] = {"action:/a\"b\\\\c\\n\xc3\xa4/",
					  "/^a\"/",
					  "action:/\xc3\x84$/i",
					  "attributes.e:/^$/",
					  "attributes.n:/^12[.]5$/",
					  "attributes.t:/^true$/",
					  "attributes.f:/f(x|[^x]|).+?o_*+|zzz/",
					  "/./"};
	static const char *const no[] = {"action:/nn/", "attributes.z:/null/", "attributes.z:/^/", "action:/\xc3\x84/",
					 "b.c:/./"};

	(void)state;
	for (size_t k = 0; k < sizeof(yes) / sizeof(yes[0]); k++) {
		struct query *q = parse(yes[k]);

		if (!query_matches(query_root(q), span_str(record)))
			fail_msg("%s", yes[k]);
		query_free(q);
	}
	for (size_t k = 0; k < sizeof(no) / sizeof(no[0]); k++) {
		struct query *q = parse(no[k]);

		if (query_matches(query_root(q), span_str(record)))
			fail_msg("%s", no[k]);
		query_free(q);
	}
}

/* Bytes that are no UTF-8 match nothing and break nothing. */
static void test_regex__survives_what_is_no_text(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct query *q = parse("a:/(\\w+)\\s*\xc3\xa4?/i");
	struct match_scratch scratch = {0};

	(void)state;
	for (unsigned k = 0; k < 5000; k++) {
		size_t len = rng_below(&rng, 40);
		uint8_t *p = malloc(len + 1);

		fill_random(&rng, p, len);
		match__string(query_root(q), span_of(p, len), &scratch);
		free(p);
	}
	assert_int_equal(match__check(&scratch, NULL), 0);
	match__release(&scratch);
	query_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regex__reads_what_every_match_holds),
		cmocka_unit_test(test_regex__reads_the_longest_literal),
		cmocka_unit_test(test_regex__gives_up_openly),
		cmocka_unit_test(test_regex__takes_values_as_they_are),
		cmocka_unit_test(test_regex__survives_what_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
