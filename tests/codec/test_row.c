#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/seed.h"
#include "codec/carbon_black.h"
#include "codec/json_text.h"
#include "codec/record_rows.h"

static const struct row_given given = {{[CARBON_BLACK_ORG_KEY] = {(const uint8_t *)"acme", 4},
					[CARBON_BLACK_ORG_NAME] = {(const uint8_t *)"Acme Inc", 8}}};

/* The records of a body of rows. */
static int take(const char *body, struct record_batch *batch, struct err *err)
{
	struct record_parser *parser = record_parser_new(), *events = record_parser_new();
	const struct record_rows rows = {ROW_FORMAT_CARBON_BLACK, &given, events};
	int rc = record_parse_rows(parser, &rows, span_str(body), 0, 10, NULL, NULL, batch, err);

	record_parser_free(parser);
	record_parser_free(events);
	return rc;
}

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

/* What becomes of one row, in a table's shape. */
static void assert_becomes(const struct row_table *t, const char *row, const char *expected)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;

	if (take(row, &batch, &err) < 0)
		fail_msg("%s: %s", row, err.message);
	row_put_json(t, &given, record_at(&batch, 0), &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_release(&out);
	record_batch_release(&batch);
}

static void assert_same(const struct row_table *t, const char *row)
{
	assert_becomes(t, row, row);
}

static void assert_event(const char *row, const char *part)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct span record;

	assert_int_equal(take(row, &batch, NULL), 0);
	record = record_at(&batch, 0);
	if (!memmem(record.p, record.len, part, strlen(part)))
		fail_msg("%s is not in %.*s", part, (int)record.len, (const char *)record.p);
	record_batch_release(&batch);
}

#define ROW(ip, actor, url, description, flagged, verbose, time)                                                       \
	"{\"org_key\":\"acme\",\"actor_ip\":" ip ",\"actor\":" actor ",\"request_url\":" url                           \
	",\"description\":" description ",\"flagged\":" flagged ",\"verbose\":" verbose ",\"create_time\":" time "}"
#define USUAL                                                                                                          \
	ROW("\"10.0.0.1\"", "\"ada@acme.org\"", "null", "\"Logged in successfully\"", "false", "false",                \
	    "\"2024-04-17T19:18:37.480Z\"")

static void test_row__comes_out_as_it_went_in(void **state)
{
	assert_same(&carbon_black_row, USUAL);
	assert_same(&carbon_black_row, ROW("null", "\"ABC\"", "\"https://x/y?z\"", "\"Login failed\"", "true", "true",
					   "\"2024-04-17T19:18:37.000Z\""));
	assert_same(&carbon_black_row,
		    ROW("\"\"", "\"\"", "\"\"", "\"\"", "false", "false", "\"1969-12-31T23:59:59.999Z\""));
	assert_same(
		&carbon_black_row,
		"{\"org_key\":\"acme\",\"actor_ip\":null,\"actor\":null,\"request_url\":null,\"description\":null,"
		"\"flagged\":null,\"verbose\":\"no\",\"create_time\":\"2024-04-17T19:18:37Z\",\"a\":[1,{\"b\":null}],"
		"\"z\":\"\"}");
	assert_same(&carbon_black_row, "{\"org_key\":\"other\",\"actor_ip\":7,\"actor\":{\"a\":1},\"request_url\":[],"
				       "\"description\":true,\"flagged\":1,\"verbose\":0,\"create_time\":"
				       "\"2024-04-17T19:18:37.123456+02:00\"}");
}

static void test_row__of_the_older_interface_comes_out_as_it_went_in(void **state)
{
	assert_same(&carbon_black_v3_row,
		    "{\"requestUrl\":null,\"eventTime\":1529332687006,\"eventId\":\"37075c01730511e89504c9ba022c3fbf\","
		    "\"loginName\":\"bs@carbonblack.com\",\"orgName\":\"example.org\",\"flagged\":false,\"clientIp\":"
		    "\"192.0.2.3\",\"verbose\":false,\"description\":\"Logged in successfully\"}");
	assert_same(
		&carbon_black_v3_row,
		"{\"requestUrl\":\"/x\",\"eventTime\":-1,\"eventId\":\"1\",\"loginName\":null,\"orgName\":\"Acme Inc\","
		"\"flagged\":true,\"clientIp\":null,\"verbose\":true,\"description\":null,\"new\":1}");
}

static void test_row__of_one_interface_comes_out_of_the_other(void **state)
{
	assert_becomes(
		&carbon_black_row,
		"{\"requestUrl\":null,\"eventTime\":1529332687006,\"eventId\":\"37075c01730511e89504c9ba022c3fbf\","
		"\"loginName\":\"bs@carbonblack.com\",\"orgName\":\"x\",\"flagged\":false,\"clientIp\":"
		"\"192.0.2.3\",\"verbose\":false,\"description\":\"Logged in successfully\"}",
		ROW("\"192.0.2.3\"", "\"bs@carbonblack.com\"", "null", "\"Logged in successfully\"", "false", "false",
		    "\"2018-06-18T14:38:07.006Z\""));
}

static void test_row__becomes_a_native_event(void **state)
{
	assert_event(USUAL, "{\"action\":\"login\",\"actor\":{\"email\":\"ada@acme.org\",\"id\":\"ada@acme.org\"},"
			    "\"context\":{\"ip\":\"10.0.0.1\"},\"description\":\"Logged in successfully\",");
	assert_event("{\"flagged\":true}", "\"outcome\":{\"type\":\"failure\"}");
	assert_event("{\"verbose\":true}", "\"severity\":\"verbose\"");
	assert_event("{\"description\":\"Updated connector X\"}", "\"action\":\"update\"");
	assert_event("{\"description\":\"Loginfailed\"}", "\"action\":\"audit\"");
	assert_event("{\"request_url\":\"/a\"}", "\"context\":{\"url\":\"/a\"}");
}

static void assert_refused(const char *row, const char *field)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(take(row, &batch, &err), E_INVALID);
	assert_string_equal(err.field, field);
	assert_int_equal(batch.count, 0);
	record_batch_release(&batch);
}

static void test_row__that_is_none_is_refused(void **state)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	assert_refused("[7]", "");
	assert_refused("{\"create_time\":\"yesterday\"}", "create_time");
	assert_refused("{\"create_time\":null}", "create_time");
	assert_refused("{\"eventTime\":\"1\"}", "eventTime");
	assert_refused("{\"eventTime\":1.5}", "eventTime");
	assert_refused("{\"eventTime\":18446744073709551615}", "eventTime");
	assert_refused("{\"eventTime\":1,\"create_time\":\"2024-04-17T19:18:37.480Z\"}", "eventTime");
	assert_refused("{\"actor\":\"a\",\"loginName\":\"b\"}", "loginName");
	assert_int_equal(take("[{\"actor\":\"a\"},\n {\"eventTime\":\"x\"}]", &batch, &err), E_INVALID);
	assert_int_equal(err.position, 1);
	assert_int_equal(err.offset, 17);
	record_batch_release(&batch);
}

/* ---- the property ---- */

static void put_random_string(struct rng *rng, struct buf *to)
{
	static const char *const pieces[] = {
		"a", "<b>&amp;</b>",     "\"",        "\\",       "\n", "\x01", "\xc3\xa4", "=1+1", "@",
		",", "\xf0\x9f\x98\x80", "</script>", "' OR 1=1", " "};
	struct buf text = BUF_INIT;

	for (uint64_t n = rng_next(rng) % 6; n > 0; n--)
		buf_put_str(&text, pieces[rng_next(rng) % (sizeof(pieces) / sizeof(pieces[0]))]);
	json_text_string(to, buf_span(&text));
	buf_release(&text);
}

static void put_random_value(struct rng *rng, struct buf *to)
{
	static const char *const others[] = {"null", "true", "false",          "0",         "-17",
					     "[]",   "{}",   "[1,\"x\",null]", "{\"k\":{}}"};

	if (rng_next(rng) % 4 > 0)
		put_random_string(rng, to);
	else
		buf_put_str(to, others[rng_next(rng) % (sizeof(others) / sizeof(others[0]))]);
}

static void put_random_time(struct rng *rng, struct buf *to)
{
	static const char *const others[] = {"2024-02-29T00:00:00Z", "2024-02-29 00:00:00.1+05:30",
					     "0001-01-01T00:00:00.000Z"};
	uint64_t n = rng_next(rng);

	if (n % 8 == 0)
		buf_printf(to, "\"%s\"", others[n / 8 % 3]);
	else
		buf_printf(to, "\"20%02u-%02u-%02uT%02u:%02u:%02u.%03uZ\"", (unsigned)(n % 100),
			   (unsigned)(n / 7 % 12 + 1), (unsigned)(n / 11 % 28 + 1), (unsigned)(n / 13 % 24),
			   (unsigned)(n / 17 % 60), (unsigned)(n / 19 % 60), (unsigned)(n / 23 % 1000));
}

/* In the order in which the table has the members, and those that are kept behind them, in theirs. */
static void put_random_row(struct rng *rng, struct buf *to)
{
	static const char *const names[] = {"org_key",     "actor_ip", "actor",  "request_url",
					    "description", "flagged",  "verbose"};

	buf_reset(to);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_printf(to, "%s\"%s\":", i > 0 ? "," : "{", names[i]);
		put_random_value(rng, to);
	}
	buf_put_str(to, ",\"create_time\":");
	put_random_time(rng, to);
	for (int name = 'a'; name < 'e'; name++) {
		if (rng_next(rng) % 4 > 0)
			continue;
		buf_printf(to, ",\"%c\":", name);
		put_random_value(rng, to);
	}
	buf_put_str(to, "}");
	buf_put_u8(to, 0);
}

static void test_row__any_comes_out_as_it_went_in(void **state)
{
	struct rng rng = seeded_rng("row");
	struct buf row = BUF_INIT;

	for (int i = 0; i < 5000; i++) {
		put_random_row(&rng, &row);
		assert_same(&carbon_black_row, (const char *)row.p);
	}
	buf_release(&row);
}

static void test_row__shows_native_events(void **state)
{
	static const char event[] = "{\"action\":\"role.create\",\"actor\":{\"id\":\"u-1\",\"name\":\"Ada\"},"
				    "\"context\":{\"ip\":\"10.1.2.3\"},"
				    "\"time\":\"2026-01-31T12:00:00.123999Z\",\"outcome\":{\"type\":\"success\"},"
				    "\"attributes\":{\"carbon_black\":7}}";
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf out = BUF_INIT, scratch = BUF_INIT;

	assert_int_equal(record_parse(parser, span_str(event), 0, &batch, NULL), 0);
	row_put_json(&carbon_black_row, &given, record_at(&batch, 0), &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, ROW("\"10.1.2.3\"", "\"Ada\"", "null", "\"role.create\"", "false",
						     "false", "\"2026-01-31T12:00:00.123Z\""));
	buf_reset(&out);
	row_put_csv_head(&carbon_black_row, &out, &scratch);
	row_put_csv(&carbon_black_row, &given, record_at(&batch, 0), &out, &scratch);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p,
			    "org_key,actor_ip,actor,request_url,description,flagged,verbose,create_time\r\n"
			    "acme,10.1.2.3,Ada,,role.create,false,false,2026-01-31T12:00:00.123Z\r\n");
	buf_release(&out);
	buf_release(&scratch);
	record_batch_release(&batch);
	record_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row__comes_out_as_it_went_in),
		cmocka_unit_test(test_row__of_the_older_interface_comes_out_as_it_went_in),
		cmocka_unit_test(test_row__of_one_interface_comes_out_of_the_other),
		cmocka_unit_test(test_row__becomes_a_native_event),
		cmocka_unit_test(test_row__that_is_none_is_refused),
		cmocka_unit_test(test_row__any_comes_out_as_it_went_in),
		cmocka_unit_test(test_row__shows_native_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
