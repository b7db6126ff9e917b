#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../base/seed.h"
#include "codec/html_text.h"
#include "codec/json_text.h"
#include "codec/kore.h"
#include "codec/record_rows.h"

static const struct row_given given = {{[KORE_ACCOUNT_ID] = {(const uint8_t *)"ac-1", 4}}};

static int take(const char *body, struct record_batch *batch, struct err *err)
{
	struct record_parser *parser = record_parser_new(), *events = record_parser_new();
	const struct record_rows rows = {ROW_FORMAT_KORE, &given, events};
	int rc = record_parse_rows(parser, &rows, span_str(body), 0, 10, NULL, NULL, batch, err);

	record_parser_free(parser);
	record_parser_free(events);
	return rc;
}

static struct span record_of(const struct record_batch *b)
{
	return span_of(b->bytes.p + b->refs[0].off, b->refs[0].len);
}

static void assert_becomes(const struct row_table *t, const char *row, const char *expected)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;

	if (take(row, &batch, &err) < 0)
		fail_msg("%s: %s", row, err.message);
	row_put_json(t, &given, record_of(&batch), &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_release(&out);
	record_batch_release(&batch);
}

static void assert_same(const struct row_table *t, const char *row)
{
	assert_becomes(t, row, row);
}

static const char usual[] =
	"{\"parentIds\":[],\"_id\":\"67584fc8a16721a7bb876d3b\",\"entity\":\"nlprules\",\"action\":\"update\","
	"\"userId\":\"u-6fd26567-2b99-5265-9b69-54fba448d26f\",\"accountId\":\"ac-a16b8603-4c4d-57b7-a6e2-"
	"ddf53fee4efb\","
	"\"entityId\":\"66a389b40e9b336c5e6edb19\",\"delta\":{\"from\":{},\"to\":{\"name\":\"Answer rule - 67\"}},"
	"\"htmlText\":\"Update business rule <b>Answer rule - 67</b>\",\"userName\":\"John Doe\","
	"\"emailId\":\"john.doe@example.com\",\"keywords\":\"\",\"cOn\":\"2024-12-10T14:27:20.286Z\",\"__v\":0}";

#define ROW(delta, html, more)                                                                                         \
	"{\"parentIds\":[\"a\"],\"_id\":\"1\",\"entity\":\"role\",\"action\":\"x\",\"userId\":null,\"accountId\":"     \
	"\"ac-1\",\"entityId\":\"\",\"delta\":" delta ",\"htmlText\":" html ",\"userName\":7,\"emailId\":[],"          \
	"\"keywords\":\"k\",\"cOn\":\"2024-12-10T14:27:20Z\",\"__v\":1" more "}"

static void test_kore__rows_come_out_as_they_went_in(void **state)
{
	assert_same(&kore_row, usual);
	assert_same(&kore_row, ROW("{\"from\":{\"a\":1},\"to\":{}}", "\"a &amp; b\"", ",\"new\":{\"x\":[null]}"));
	assert_same(&kore_row, ROW("{\"from\":null,\"to\":{}}", "null", ""));
	assert_same(&kore_row, ROW("[]", "\"<i>it</i> &lt;b&gt;\"", ""));
	assert_same(&kore_xo_row, "{\"timestampValue\":1733840840286,\"Date/"
				  "Time\":\"2024-12-10T14:27:20.286Z\",\"Description\":\"User <b>\","
				  "\"Name\":\"Logout\",\"Category\":\"Login/Logout\",\"AuditLogId\":\"al-1\"}");
}

static void test_kore__html_is_made_safe(void **state)
{
	assert_becomes(&kore_row, ROW("[]", "\"<script>alert(1)</script><b onclick=x>y</b><b>z</b>\"", ""),
		       ROW("[]", "\"&lt;script&gt;alert(1)&lt;/script&gt;&lt;b onclick=x&gt;y</b><b>z</b>\"", ""));
	assert_becomes(&kore_row, ROW("[]", "\"<img src=x onerror=y> a & b\"", ""),
		       ROW("[]", "\"&lt;img src=x onerror=y&gt; a &amp; b\"", ""));
}

static void assert_event(const char *row, const char *part)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct span record;

	assert_int_equal(take(row, &batch, NULL), 0);
	record = record_of(&batch);
	if (!memmem(record.p, record.len, part, strlen(part)))
		fail_msg("%s is not in %.*s", part, (int)record.len, (const char *)record.p);
	record_batch_release(&batch);
}

static void test_kore__rows_become_native_events(void **state)
{
	assert_event(usual, "\"description\":\"Update business rule Answer rule - 67\"");
	assert_event(usual, "\"after\":{\"name\":\"Answer rule - 67\"}");
	assert_event(usual, "\"entity\":{\"id\":\"66a389b40e9b336c5e6edb19\",\"type\":\"nlprules\"}");
	assert_event(usual, "\"actor\":{\"email\":\"john.doe@example.com\",\"id\":\"u-");
	assert_event("{\"timestampValue\":1,\"Name\":\"Logout\",\"Category\":\"Login/Logout\"}",
		     "{\"action\":\"Logout\",\"category\":\"Login/Logout\",");
	assert_event("{}", "{\"action\":\"audit\",");
}

static void test_kore__what_is_no_row_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{"[7]", ""},
		{"{\"cOn\":\"yesterday\"}", "cOn"},
		{"{\"cOn\":1}", "cOn"},
		{"{\"timestampValue\":\"1\"}", "timestampValue"},
		{"{\"timestampValue\":1.5}", "timestampValue"},
		{"{\"timestampValue\":18446744073709551615}", "timestampValue"},
		{"{\"htmlText\":[\"<script>\"]}", "htmlText"},
		{"{\"htmlText\":{\"a\":\"<script>\"}}", "htmlText"},
		{"{\"a\":1,\"a\":2}", "a"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record_batch batch = RECORD_BATCH_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(take(cases[i][0], &batch, &err), E_INVALID);
		assert_string_equal(err.field, cases[i][1]);
		assert_int_equal(batch.count, 0);
		record_batch_release(&batch);
	}
}

static void assert_shows(const char *event, const char *expected)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf out = BUF_INIT;

	assert_int_equal(record_parse(parser, span_str(event), 0, &batch, NULL), 0);
	row_put_json(&kore_row, &given, record_of(&batch), &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_release(&out);
	record_batch_release(&batch);
	record_parser_free(parser);
}

#define NATIVE(delta, html)                                                                                            \
	"{\"parentIds\":[\"w\"],\"_id\":\"000000000000000000000000\",\"entity\":\"role\",\"action\":\"delete\","       \
	"\"userId\":null,\"accountId\":\"ac-1\",\"entityId\":\"r\",\"delta\":" delta ",\"htmlText\":" html             \
	",\"userName\":null,\"emailId\":null,\"keywords\":\"\",\"cOn\":\"2026-01-31T12:00:00.123Z\",\"__v\":0}"

/* A native event's row: its id is the event's first digits, its description escaped. What it says was kept of a row may
 * be anything, and a page makes a text of a list, too. */
static void test_kore__shows_native_events(void **state)
{
	assert_shows("{\"action\":\"delete\",\"entity\":{\"type\":\"role\",\"id\":\"r\",\"parents\":[\"w\"]},"
		     "\"description\":\"<b>\\\"&\",\"before\":{\"a\":1},\"time\":\"2026-01-31T12:00:00.123999Z\"}",
		     NATIVE("{\"from\":{\"a\":1},\"to\":{}}", "\"&lt;b&gt;&quot;&amp;\""));
	assert_shows(
		"{\"action\":\"delete\",\"entity\":{\"type\":\"role\",\"id\":\"r\",\"parents\":[\"w\"]},"
		"\"attributes\":{\"kore\":{\"htmlText\":[\"<script>\"]}},\"time\":\"2026-01-31T12:00:00.123999Z\"}",
		NATIVE("{\"from\":{},\"to\":{}}", "\"delete\""));
}

/* ---- properties ---- */

static void put_random_html(struct rng *rng, struct buf *to)
{
	static const char *const pieces[] = {"a",     "<b>",    "</b>", "&amp;",    "&",  "<",
					     ">",     "\"",     "'",    "<br>",     "</", "<script",
					     "&#39;", "&quot;", "\n",   "\xc3\xa4", "<b", "amp;"};

	for (uint64_t n = rng_next(rng) % 8; n > 0; n--)
		buf_put_str(to, pieces[rng_next(rng) % (sizeof(pieces) / sizeof(pieces[0]))]);
}

static void test_kore__clean_html_stays_and_text_comes_back(void **state)
{
	struct rng rng = seeded_rng("kore");

	for (int i = 0; i < 20000; i++) {
		struct buf html = BUF_INIT, clean = BUF_INIT, again = BUF_INIT, escaped = BUF_INIT, text = BUF_INIT;

		put_random_html(&rng, &html);
		html_clean(&clean, buf_span(&html));
		html_clean(&again, buf_span(&clean));
		assert_true(span_eq(buf_span(&clean), buf_span(&again)));
		html_escape(&escaped, buf_span(&html));
		html_to_text(&text, buf_span(&escaped));
		assert_true(span_eq(buf_span(&text), buf_span(&html)));
		for (size_t k = 0; k < clean.len; k++) /* no '<' but of a plain element */
			if (clean.p[k] == '<')
				assert_true(strchr("b/iesucp", clean.p[k + 1]) &&
					    memchr(clean.p + k, '>', clean.len - k));
		buf_release(&html);
		buf_release(&clean);
		buf_release(&again);
		buf_release(&escaped);
		buf_release(&text);
	}
}

static void put_random_value(struct rng *rng, struct buf *to)
{
	static const char *const others[] = {"null",
					     "true",
					     "7",
					     "[]",
					     "{}",
					     "[\"x\",null]",
					     "{\"from\":{},\"to\":{\"a\":1}}",
					     "\"\"",
					     "\"a \\u0001 \\\" \xf0\x9f\x98\x80\"",
					     "\"=1+1\"",
					     "0",
					     "{\"from\":1}"};

	buf_put_str(to, others[rng_next(rng) % (sizeof(others) / sizeof(others[0]))]);
}

/* Text, or what is none but holds none either. */
static void put_random_html_text(struct rng *rng, struct buf *to)
{
	static const char *const others[] = {"null", "true", "7", "\"\"", "\"a <b>\\\"</b>\"", "\"&amp;\""};

	buf_put_str(to, others[rng_next(rng) % (sizeof(others) / sizeof(others[0]))]);
}

static void test_kore__any_row_comes_out_as_it_went_in(void **state)
{
	static const char *const names[] = {"parentIds", "_id",   "entity",   "action",   "userId",  "accountId",
					    "entityId",  "delta", "htmlText", "userName", "emailId", "keywords"};
	struct rng rng = seeded_rng("kore rows");
	struct buf row = BUF_INIT;

	for (int i = 0; i < 5000; i++) {
		buf_reset(&row);
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			buf_printf(&row, "%s\"%s\":", k ? "," : "{", names[k]);
			if (strcmp(names[k], "htmlText") == 0)
				put_random_html_text(&rng, &row);
			else
				put_random_value(&rng, &row);
		}
		buf_put_str(&row, ",\"cOn\":\"2024-12-10T14:27:20.286Z\",\"__v\":");
		put_random_value(&rng, &row);
		buf_put_str(&row, "}");
		buf_put_u8(&row, 0);
		assert_same(&kore_row, (const char *)row.p);
	}
	buf_release(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kore__rows_come_out_as_they_went_in),
		cmocka_unit_test(test_kore__html_is_made_safe),
		cmocka_unit_test(test_kore__rows_become_native_events),
		cmocka_unit_test(test_kore__what_is_no_row_is_refused),
		cmocka_unit_test(test_kore__shows_native_events),
		cmocka_unit_test(test_kore__clean_html_stays_and_text_comes_back),
		cmocka_unit_test(test_kore__any_row_comes_out_as_it_went_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
