/* The language: trees, errors, limits, and every example of its documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <yyjson.h>

#include "base/mem.h"
#include "codec/record.h"
#include "query/query.h"

#define NOW_US (INT64_C(1795305600) * 1000000) /* 2026-11-22 */

static struct query *parse(const char *text)
{
	struct query *q = NULL;
	struct err err = ERR_INIT;

	if (query_parse(span_str(text), NOW_US, &q, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return q;
}

static void assert_prints(const char *text, const char *normal)
{
	struct query *q = parse(text);
	struct buf print = BUF_INIT;

	query_print(q, &print);
	buf_put_u8(&print, 0);
	assert_string_equal((const char *)print.p, normal);
	buf_release(&print);
	query_free(q);
}

/* Narrowing is what parentheses around both are; and what matches all changes nothing. */
static void test_query__narrows_by_another(void **state)
{
	static const char *const texts[] = {"*",   "a",          "a b",         "a OR b",   "-a",      "-(a b)",
					    "f:*", "a (b OR c)", "f:>5 g:/x/i", "x:=\"y\"", "a (b -c)"};
	enum { COUNT = sizeof(texts) / sizeof(texts[0]) };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t k = 0; k < COUNT; k++) {
			char *both = xformat("(%s) (%s)", texts[i], texts[k]);
			struct query *by = parse(texts[i]), *q = parse(texts[k]);
			struct query *twin = parse(i == 0 ? texts[k] : k == 0 ? texts[i] : both);
			struct buf print = BUF_INIT, due = BUF_INIT;

			query_narrow(q, by);
			query_print(q, &print);
			query_print(twin, &due);
			assert_true(span_eq(buf_span(&print), buf_span(&due)));
			buf_release(&print);
			buf_release(&due);
			query_free(twin);
			query_free(q);
			query_free(by);
			free(both);
		}
	}
}

static void test_query__narrows_by_nothing(void **state)
{
	struct query *q = parse("a b");
	const struct query_node *root = query_root(q);

	(void)state;
	query_narrow(q, NULL);
	assert_ptr_equal(query_root(q), root);
	query_free(q);
}

static void test_query__has_one_normal_form(void **state)
{
	(void)state;
	assert_prints("", "*");
	assert_prints(" \t\r\n ", "*");
	assert_prints("*", "*");
	assert_prints("id:*", "*");
	assert_prints("Foo-Bar", "\"foo-bar\"");
	assert_prints("foo*", "\"foo\"*");
	assert_prints("\"a \\\" \\\\ b\"", "\"a \\\" \\\\ b\"");
	assert_prints("a b AND c", "\"a\" \"b\" \"c\"");
	assert_prints("a (b (c d))", "\"a\" \"b\" \"c\" \"d\"");
	assert_prints("a OR (b OR c)", "\"a\" OR \"b\" OR \"c\"");
	assert_prints("a b OR c d", "\"a\" \"b\" OR \"c\" \"d\"");
	assert_prints("a (b OR c)", "\"a\" (\"b\" OR \"c\")");
	assert_prints("-a NOT b -(c d) NOT(e OR f)", "NOT \"a\" NOT \"b\" NOT (\"c\" \"d\") NOT (\"e\" OR \"f\")");
	assert_prints("--a", "NOT NOT \"a\"");
	assert_prints("a.b:c", "a.b:\"c\"");
	assert_prints("\"a\".\"b c\":d", "a.\"b c\":\"d\"");
	assert_prints("a.\"\":d", "a.\"\":\"d\"");
	assert_prints("\"-a\".\"/b\":d", "\"-a\".\"/b\":\"d\"");
	assert_prints("\"x\\\"y\\\\z\":d", "\"x\\\"y\\\\z\":\"d\"");
	assert_prints("a:*", "a:*");
	assert_prints("a:=B", "a:=\"B\"");
	assert_prints("a:=\"\"", "a:=\"\"");
	assert_prints("a:(b OR =C *)", "a:\"b\" OR a:=\"C\" a:*");
	assert_prints("a:(b -(c OR d))", "a:\"b\" NOT (a:\"c\" OR a:\"d\")");
	assert_prints("and:x or not AND:y NOT:z", "and:\"x\" \"or\" \"not\" AND:\"y\" NOT:\"z\"");
	assert_prints("a:-5", "a:\"-5\"");
	assert_prints("UP*ted", "up*ted");
	assert_prints("a:**B**?c*", "a:*b*?c*");
	assert_prints("a:foo**", "a:\"foo\"*");
	assert_prints("a:** **", "a:* *");
	assert_prints("a:=B*?", "a:=B*?");
	assert_prints("a:=\"B*\"", "a:=\"B*\"");
	assert_prints("/a\\/b\\\\/i a:/ \\(\"/", "/a\\/b\\\\/i a:/ \\(\"/");
	assert_prints("a:>5 a:<=-1e3", "a:{5 TO *] a:[* TO -1e3]");
	assert_prints("a:{ 1   TO 2.50 }", "a:{1 TO 2.50}");
	assert_prints("a:[* TO *]", "a:*");
	assert_prints("a:{* TO 7}", "a:[* TO 7}");
	assert_prints("a:[B TO \"1 \\\" 2\"}", "a:[\"b\" TO \"1 \\\" 2\"}");
	assert_prints("a:10.1.2.3/8", "a:[10.0.0.0 TO 10.255.255.255]");
	assert_prints("a:2001:DB8:0::1", "a:[2001:db8::1 TO 2001:db8::1]");
	assert_prints("a:::ffff:1.2.3.4", "a:[1.2.3.4 TO 1.2.3.4]");
	assert_prints("a:>10.0.0.1", "a:{10.0.0.1 TO 255.255.255.255]");
	assert_prints("a:<fe80::", "a:[:: TO fe80::}");
	assert_prints("time:2026", "time:[2026-01-01T00:00:00.000000Z TO 2027-01-01T00:00:00.000000Z}");
	assert_prints("a:>=now-1d", "a:[2026-11-21T00:00:00.000000Z TO *]");
	assert_prints("a:<=now", "a:[* TO 2026-11-22T00:00:00.000001Z}");
	assert_prints("a:>9999-12-31", "a:{9999-12-31T23:59:59.999999Z TO *]");
	assert_prints("a:<=9999-12-31", "a:[* TO 9999-12-31T23:59:59.999999Z]");
	assert_prints("received:(* OR >2026-11)", "* OR received:[2026-12-01T00:00:00.000000Z TO *]");
	assert_prints("time:[* TO *]", "time:[* TO *]");
	assert_prints("id:4E15AE9F6D0EA55915C77814FF5228F8", "id:=\"4e15ae9f6d0ea55915c77814ff5228f8\"");
}

static void test_query__fills_leaves(void **state)
{
	struct query *q = parse("x \xc3\x89TE-9.zz.user*");
	const struct query_node *n = query_root(q)->child[1];

	(void)state;
	assert_int_equal(n->kind, QUERY_PHRASE);
	assert_int_equal(n->column, 3);
	assert_int_equal(n->word_count, 4);
	assert_true(span_eq_str(n->word[0], "\xc3\xa9te"));
	assert_true(span_eq_str(n->word[3], "user"));
	assert_true(n->last_is_prefix);
	assert_true(span_eq_str(n->needle, "user"));
	assert_int_equal(n->form.len, 0);
	query_free(q);
	q = parse("a.\"b\x1f\\\"\":=\"c\\\"d\"");
	n = query_root(q);
	assert_true(span_eq_str(n->path, "a\x1f"
					 "b\\u001f\\\""));
	assert_true(span_eq_str(n->value, "c\"d"));
	assert_true(span_eq_str(n->needle, "c\\\"d"));
	query_free(q);
}

/* Text, where the fault is, and what the message says. */
static const struct {
	const char *text;
	int offset;
	const char *says;
} faults[] = {
	{"(", 1, "expected a term"},
	{"()", 1, "expected a term"},
	{")", 0, "expected a term"},
	{"a)", 1, "no '(' is open"},
	{"(a", 0, "expected a ')'"},
	{"(a)b", 3, "expected a blank"},
	{"a(b)", 1, "expected a blank"},
	{"\"a\"b", 3, "expected a blank"},
	{"a\"b\"", 1, "expected a blank"},
	{"a \"b", 2, "closing quote"},
	{"a AND", 5, "expected a term"},
	{"a OR", 4, "expected a term"},
	{"OR a", 0, "expected a term: AND and OR"},
	{"a AND OR b", 6, "expected a term: AND and OR"},
	{"a NOT", 2, "expected a term after NOT"},
	{"a - b", 2, "right after '-'"},
	{"a -", 2, "right after '-'"},
	{"(-)", 2, "expected a term"},
	{"a:", 2, "expected a value right after ':'"},
	{"a: b", 2, "expected a value right after ':'"},
	{"(a:)", 3, "expected a value right after ':'"},
	{"a:=", 3, "expected a value after '='"},
	{"a:=\"b\"*", 6, "expected a blank"},
	{"=a", 0, "expected a field before '='"},
	{":a", 0, "expected a field before this ':'"},
	{"a[0]:b", 4, "expected a field before this ':'"},
	{"\"\":b", 0, "no word"},
	{"a:(b:c)", 4, "no field within"},
	{"a:(b", 2, "expected a ')'"},
	{"...", 0, "no word"},
	{"a:\"-\"", 0, "no word"},
	{"time:x", 5, "expected a time: 2026"},
	{"a received:x", 11, "expected a time: 2026"},
	{"time:=", 6, "expected a time"},
	{"time:/a/", 5, "expected a time"},
	{"time:[a TO now]", 6, "expected a time"},
	{"time:[now TO 10:00]", 13, "expected a time"},
	{"time:>1e3", 6, "expected a time"},
	{"time:2026*", 5, "expected a time"},
	{"id:abc", 0, "32 hexadecimal digits"},
	{"id:4e15ae9f6d0ea55915c77814ff5228fg", 0, "32 hexadecimal digits"},
	{"id:4e15ae9f6d0ea55915c77814ff5228f8*", 0, "32 hexadecimal digits"},
	{"id:[1 TO 2]", 3, "32 hexadecimal digits"},
	{"id:/a/", 3, "32 hexadecimal digits"},
	{"id:4*e", 0, "32 hexadecimal digits"},
	{"/a", 0, "expected a regular expression, /"},
	{"b //", 2, "expected a regular expression, /"},
	{"a:/b\\/", 2, "expected a regular expression, /"},
	{"a:/b/g", 5, "expected a blank"},
	{"a:/usr/bin", 7, "expected a blank"},
	{"a:/(b/", 2, "expected a regular expression: missing closing parenthesis"},
	{"a:/\\C/", 2, "expected a regular expression: "},
	{"a:/\xff/", 2, "expected a regular expression: UTF-8"},
	{"[1 TO 2]", 0, "expected a field before a range"},
	{"b <5", 2, "expected a field before a range"},
	{"a:[1 TO 2", 9, "expected a ']' or '}'"},
	{"a:[1 TO 2)", 9, "expected a ']' or '}'"},
	{"a:[1 to 2]", 5, "expected '[low TO high]'"},
	{"a:[1 TO2]", 5, "expected '[low TO high]'"},
	{"a:[TO 2]", 6, "expected '[low TO high]'"},
	{"a:[]", 3, "expected '[low TO high]'"},
	{"a:[", 3, "expected '[low TO high]'"},
	{"a:[1 TO ]", 8, "expected '[low TO high]'"},
	{"a:[1 TO \"2]", 8, "closing quote"},
	{"a:[1 TO b]", 8, "expected two numbers, two times"},
	{"a:[now TO 10.0.0.1]", 10, "expected two numbers, two times"},
	{"a:[b* TO c]", 3, "expected no '*' or '?'"},
	{"a:[1 TO 2]b", 10, "expected a blank"},
	{"a:>", 3, "to compare with"},
	{"a:>=", 4, "to compare with"},
	{"a:>(b)", 3, "to compare with"},
	{"a:<*", 3, "expected no '*' or '?'"},
	{"a:>+5", 3, "put other text in quotes"},
	{"a:>05", 3, "put other text in quotes"},
	{"a:>2026-02-30", 3, "put other text in quotes"},
	{"a:>now-1y", 3, "put other text in quotes"},
	{"a:10.0.0.0/33", 2, "expected a network"},
	{"a:10.0.0.256/8", 2, "expected a network"},
	{"300.0.0.0/8", 0, "expected a network"},
	{"a:fe80::/129", 2, "expected a network"},
	{"a:(fe80::g)", 7, "no field within"},
};

static void test_query__says_where_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(faults) / sizeof(faults[0]); k++) {
		struct query *q = NULL;
		struct err err = ERR_INIT;
		char column[32];

		assert_int_equal(query_parse(span_str(faults[k].text), NOW_US, &q, &err), E_SYNTAX);
		assert_null(q);
		snprintf(column, sizeof(column), "column %d: ", faults[k].offset + 1);
		if (err.offset != faults[k].offset || !strstr(err.message, faults[k].says) ||
		    strncmp(err.message, column, strlen(column)) != 0)
			fail_msg("%s: at %d: %s", faults[k].text, (int)err.offset, err.message);
	}
}

static void test_query__counts_columns_in_characters(void **state)
{
	struct query *q = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(query_parse(SPAN_LIT("\xc3\xa9\xc3\xa9 )"), NOW_US, &q, &err), E_SYNTAX);
	assert_int_equal(err.offset, 5);
	assert_non_null(strstr(err.message, "column 4: "));
}

static int parse_repeated(const char *head, const char *part, unsigned times, const char *tail)
{
	struct buf text = BUF_INIT;
	struct query *q = NULL;
	int rc;

	buf_put_str(&text, head);
	for (unsigned k = 0; k < times; k++)
		buf_put_str(&text, part);
	buf_put_str(&text, tail);
	rc = query_parse(buf_span(&text), NOW_US, &q, NULL);
	query_free(q);
	buf_release(&text);
	return rc;
}

static void test_query__refuses_what_is_past_its_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("", "a", QUERY_BYTES_MAX, ""), 0);
	assert_int_equal(parse_repeated("", "a", QUERY_BYTES_MAX + 1, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("", "a ", QUERY_TERMS_MAX, ""), 0);
	assert_int_equal(parse_repeated("", "a ", QUERY_TERMS_MAX + 1, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("", "-", QUERY_DEPTH_MAX, "a"), 0);
	assert_int_equal(parse_repeated("", "-", QUERY_DEPTH_MAX + 1, "a"), E_TOO_LARGE);
	assert_int_equal(parse_repeated("", "(", QUERY_DEPTH_MAX, "a"), E_SYNTAX);
	assert_int_equal(parse_repeated("", "(", QUERY_DEPTH_MAX + 1, "a"), E_TOO_LARGE);
	assert_int_equal(parse_repeated("((((((((((((((((((((((((((((((((a", ")", QUERY_DEPTH_MAX, ""), 0);
	assert_int_equal(parse_repeated("", "a*b", WILDCARDS_MAX, ""), 0);
	assert_int_equal(parse_repeated("", "a*b", WILDCARDS_MAX + 1, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("a:=", "a*b", WILDCARDS_MAX + 1, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("?", "a", PATTERN_BYTES_MAX - 1, ""), 0);
	assert_int_equal(parse_repeated("?", "a", PATTERN_BYTES_MAX, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("/", "a", PATTERN_BYTES_MAX, "/"), 0);
	assert_int_equal(parse_repeated("/", "a", PATTERN_BYTES_MAX + 1, "/"), E_TOO_LARGE);
	assert_int_equal(parse_repeated("", "/a/ ", REGEX_COUNT_MAX, ""), 0);
	assert_int_equal(parse_repeated("", "/a/ ", REGEX_COUNT_MAX + 1, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("/", "(", REGEX_NEST_MAX, "a/"), E_SYNTAX);
	assert_int_equal(parse_repeated("/", "(", REGEX_NEST_MAX + 1, "a/"), E_TOO_LARGE);
	assert_int_equal(parse_repeated("", "/(a|b|c){1500}/ ", 1, ""), 0);
	assert_int_equal(parse_repeated("", "/(a|b|c){1500}/ ", REGEX_COUNT_MAX, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("/(((a{1000}){1000}){1000})/ ", "", 0, ""), E_TOO_LARGE);
	assert_int_equal(parse_repeated("a ", "(a) ", QUERY_DEPTH_MAX * 2, ""), 0);
}

/* ---- the documentation ---- */

static struct span read_docs(void)
{
	FILE *f = fopen(STELE_DOCS "/query-language.md", "r");
	uint8_t *p = xalloc(1 << 16);
	size_t len;

	assert_non_null(f);
	len = fread(p, 1, (1 << 16) - 1, f);
	fclose(f);
	assert_true(len > 1000 && len < (1 << 16) - 1);
	return span_of(p, len);
}

/* The event of the docs as the server would store it. */
static struct span make_record(struct span docs, struct record_batch *batch)
{
	struct record_parser *parser = record_parser_new();
	const char *from = strstr((const char *)docs.p, "```json\n") + 8;
	yyjson_doc *doc = yyjson_read(from, (size_t)(strstr(from, "```") - from), 0);
	yyjson_mut_doc *copy = yyjson_doc_mut_copy(doc, NULL);
	yyjson_mut_val *root = yyjson_mut_doc_get_root(copy);
	struct err err = ERR_INIT;
	size_t len;
	char *json;

	yyjson_mut_obj_remove_key(root, "id");
	yyjson_mut_obj_remove_key(root, "received");
	json = yyjson_mut_write(copy, 0, &len);
	if (record_parse(parser, span_of(json, len), 0, batch, &err) < 0)
		fail_msg("%s", err.message);
	memcpy(batch->bytes.p + batch->refs[0].received_off,
	       yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "received")), TIMESTAMP_LEN);
	memcpy(batch->bytes.p + batch->refs[0].id_off, yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "id")),
	       RECORD_ID_LEN);
	free(json);
	yyjson_mut_doc_free(copy);
	yyjson_doc_free(doc);
	record_parser_free(parser);
	return span_of(batch->bytes.p, batch->refs[0].len);
}

static const char *answer(struct span text, struct span record)
{
	struct query *q = NULL;
	const char *verdict;

	if (query_parse(text, NOW_US, &q, NULL) < 0)
		return "error";
	verdict = query_matches(query_root(q), record) ? "yes" : "no";
	query_free(q);
	return verdict;
}

/* A row is | `query` | verdict | why |. */
static unsigned check_row(const char *line, struct span record)
{
	const char *from = strchr(line, '`') + 1, *end = strstr(from, "` | "), *says = end + 4;
	const char *verdict;
	size_t len = strcspn(says, " ");

	assert_non_null(end);
	verdict = answer(span_of(from, (size_t)(end - from)), record);
	if (strlen(verdict) != len || memcmp(says, verdict, len) != 0)
		fail_msg("%.*s: %s", (int)strcspn(line, "\n"), line, verdict);
	return 1;
}

static void test_query__does_what_its_documentation_says(void **state)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct span docs = read_docs();
	struct span record = make_record(docs, &batch);
	unsigned rows = 0;

	(void)state;
	for (const char *line = (const char *)docs.p; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (strncmp(line, "| `", 3) == 0)
			rows += check_row(line, record);
	assert_true(rows > 80);
	record_batch_release(&batch);
	free((void *)(uintptr_t)docs.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query__narrows_by_another),
		cmocka_unit_test(test_query__narrows_by_nothing),
		cmocka_unit_test(test_query__has_one_normal_form),
		cmocka_unit_test(test_query__fills_leaves),
		cmocka_unit_test(test_query__says_where_and_what_was_expected),
		cmocka_unit_test(test_query__counts_columns_in_characters),
		cmocka_unit_test(test_query__refuses_what_is_past_its_limits),
		cmocka_unit_test(test_query__does_what_its_documentation_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
