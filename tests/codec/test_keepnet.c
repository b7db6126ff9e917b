#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../base/seed.h"
#include "base/clock.h"
#include "codec/json_text.h"
#include "codec/keepnet.h"
#include "codec/record_rows.h"

static const struct row_given given = {{[KEEPNET_COMPANY_ID] = {(const uint8_t *)"7", 1}}};

static int take(const char *body, struct record_batch *batch, struct err *err)
{
	struct record_parser *parser = record_parser_new(), *events = record_parser_new();
	const struct record_rows rows = {ROW_FORMAT_KEEPNET, &given, events};
	int rc = record_parse_rows(parser, &rows, span_str(body), 0, 10, NULL, NULL, batch, err);

	record_parser_free(parser);
	record_parser_free(events);
	return rc;
}

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

/* The row of the first record; with its NUL. */
static void row_of(const struct row_table *t, const struct record_batch *batch, struct buf *to)
{
	buf_reset(to);
	row_put_json(t, &given, record_at(batch, 0), to);
	buf_put_u8(to, 0);
	assert_true(buf_ok(to));
}

static void assert_becomes(const char *row, const char *expected)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;

	if (take(row, &batch, &err) < 0)
		fail_msg("%s: %s", row, err.message);
	row_of(&keepnet_row, &batch, &out);
	assert_string_equal((const char *)out.p, expected);
	buf_release(&out);
	record_batch_release(&batch);
}

static void assert_same(const char *row)
{
	assert_becomes(row, row);
}

/* The record of a row, with its NUL. */
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

static void assert_refused(const char *row, const char *field, const char *message)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	assert_true(take(row, &batch, &err) < 0);
	assert_string_equal(err.field, field);
	if (!strstr(err.message, message))
		fail_msg("%s is not in %s", message, err.message);
	record_batch_release(&batch);
}

#define ROW(id, user, old_value, new_value, operation, time)                                                           \
	"{\"resourceId\":" id ",\"userName\":" user ",\"entityResourceId\":\"xC5k\",\"entityName\":\"SystemUser\","    \
	"\"oldValue\":" old_value ",\"newValue\":" new_value ",\"operation\":" operation ",\"ip\":\"10.20.12.85\","    \
	"\"userAgent\":\"Mozilla/5.0\",\"auditDescription\":null,\"logDate\":" time "}"
#define CHANGE "\"[{\\\"PropertyName\\\":\\\"Email\\\",\\\"OldValue\\\":\\\"a\\\",\\\"NewValue\\\":\\\"b\\\"}]\""
#define TIME   "\"2022-01-29T13:40:45.2323091Z\""

static void test_keepnet__row_comes_out_as_it_went_in(void **state)
{
	(void)state;
	assert_same(ROW("\"lveGT1ZwCkmn\"", "\"Harold Finch\"", CHANGE, "null", "\"Update\"", TIME));
	assert_same(ROW("\"a\"", "null", CHANGE, "\"{\\\"Email\\\":\\\"b\\\"}\"", "\"Update\"", TIME));
	assert_same(ROW("\"a\"", "\"\"", "null", "\"{ \\\"z\\\": 1.50, \\\"a\\\": 2 }\"", "\"Create\"", TIME));
	assert_same(ROW("\"a\"", "\"x\"", "\"\"", "\"\"", "\"create_many\"", "\"2022-01-29T13:40:45\""));
	assert_same(ROW("\"a\"", "\"x\"", "\"no json\"", "\"[1,2]\"", "\"\"", "\"2022-01-29 13:40:45+01:00\""));
	assert_same(ROW("\"a\"", "\"x\"", "\"{\\\"a\\\":1,\\\"a\\\":2}\"", "\"null\"", "null", TIME));
	assert_same(ROW("\"a\"", "\"x\"", "\"[]\"", "\"{}\"", "\"Login\"", "\"2022-01-29T13:40:45.232309Z\""));
}

static void test_keepnet__row_becomes_a_native_event(void **state)
{
	(void)state;
	assert_event(ROW("\"id1\"", "\"Harold\"", CHANGE, "null", "\"UpdateMany\"", TIME),
		     "{\"action\":\"update_many\",\"actor\":{\"name\":\"Harold\"},\"after\":{\"Email\":\"b\"},"
		     "\"attributes\":{\"keepnet\":{\"logDate\":\"2022-01-29T13:40:45.2323091Z\",\"newValue\":null,"
		     "\"resourceId\":\"id1\"}},\"before\":{\"Email\":\"a\"},\"context\":{\"ip\":\"10.20.12.85\","
		     "\"user_agent\":\"Mozilla/5.0\"},\"entity\":{\"id\":\"xC5k\",\"type\":\"SystemUser\"},");
	assert_event(ROW("null", "null", "null", "\"{\\\"b\\\":1,\\\"a\\\":[]}\"", "\"Create\"", TIME),
		     "\"after\":{\"a\":[],\"b\":1}");
}

static void test_keepnet__names_have_no_case(void **state)
{
	(void)state;
	assert_event("{\"USERNAME\":\"Ada\",\"Operation\":\"Create\",\"IP\":\"::1\"}",
		     "{\"action\":\"create\",\"actor\":{\"name\":\"Ada\"},\"context\":{\"ip\":\"::1\"},");
}

static void test_keepnet__producers_have_their_members(void **state)
{
	static const char event[] =
		"{\"application\":\"Phishing\",\"module\":\"Campaign\",\"url\":\"https://x/"
		"y\",\"clientIp\":\"10.0.0.1\","
		"\"username\":\"ada\",\"email\":\"ada@x.org\",\"logMessage\":\"Made it\",\"correlationId\":\"c-1\","
		"\"browserInfo\":\"curl\",\"extraLogMessage\":\"more\",\"action\":\"Create\",\"duration\":\"12\","
		"\"parameter\":null,\"changeSet\":" CHANGE "}";

	(void)state;
	assert_event(event, "{\"action\":\"create\",\"actor\":{\"email\":\"ada@x.org\",\"name\":\"ada\"},"
			    "\"after\":{\"Email\":\"b\"},\"attributes\":{\"keepnet\":{\"duration\":\"12\","
			    "\"extraLogMessage\":\"more\",\"newValue\":null,\"parameter\":null}},"
			    "\"before\":{\"Email\":\"a\"},\"category\":\"Campaign\",\"context\":{\"ip\":\"10.0.0.1\","
			    "\"request_id\":\"c-1\",\"service\":\"Phishing\",\"url\":\"https://x/y\","
			    "\"user_agent\":\"curl\"},\"description\":\"Made it\",");
}

static void test_keepnet__row_that_is_none_is_refused(void **state)
{
	struct buf deep = BUF_INIT;

	(void)state;
	assert_refused("[7]", "", "a row is an object");
	assert_refused("{\"userName\":7}", "userName", "a string or null");
	assert_refused("{\"ip\":\"a\",\"clientIp\":null}", "clientIp", "twice");
	assert_refused("{\"logDate\":\"yesterday\"}", "logDate", "RFC 3339");
	assert_refused("{\"logDate\":\"\"}", "logDate", "RFC 3339");
	buf_put_str(&deep, "{\"newValue\":\"");
	for (int i = 0; i < 65; i++)
		buf_put_str(&deep, "[");
	for (int i = 0; i < 65; i++)
		buf_put_str(&deep, "]");
	buf_put_str(&deep, "\"}");
	buf_put_u8(&deep, 0);
	assert_refused((const char *)deep.p, "newValue", "nested deeper than 64");
	memmove(deep.p + 13, deep.p + 14, deep.len - 14); /* one bracket less on each side */
	deep.p[13 + 64 + 64] = '"';
	deep.p[13 + 64 + 65] = '}';
	deep.p[13 + 64 + 66] = 0;
	assert_event((const char *)deep.p, "\"newValue\":\"[[[[");
	buf_release(&deep);
}

static void test_keepnet__secrets_are_masked_on_their_way_in(void **state)
{
	(void)state;
	assert_becomes(
		ROW("\"a\"", "null",
		    "\"[{\\\"PropertyName\\\":\\\"PasswordHash\\\",\\\"OldValue\\\":\\\"AQA\\\",\\\"NewValue\\\":"
		    "\\\"***\\\"}]\"",
		    "\"{\\\"securitystamp\\\": {\\\"a\\\":1}, \\\"n\\\": 1}\"", "\"Update\"", TIME),
		ROW("\"a\"", "null",
		    "\"[{\\\"PropertyName\\\":\\\"PasswordHash\\\",\\\"OldValue\\\":\\\"********\\\","
		    "\\\"NewValue\\\":\\\"***\\\"}]\"",
		    "\"{\\\"securitystamp\\\":\\\"********\\\",\\\"n\\\":1}\"", "\"Update\"", TIME));
}

/* As many members as an event may send in a string: each is looked at once. */
static void test_keepnet__many_members_in_a_string_cost_little(void **state)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf row = BUF_INIT;
	int64_t start_ns;

	(void)state;
	buf_put_str(&row, "{\"newValue\":\"{");
	for (int i = 0; i < 100000; i++)
		buf_put_str(&row, i > 0 ? ",\\\"a\\\":1" : "\\\"a\\\":1");
	buf_put_str(&row, "}\"}");
	buf_put_u8(&row, 0);
	start_ns = clock_cpu_ns();
	assert_int_equal(take((const char *)row.p, &batch, NULL), E_TOO_LARGE);
	assert_true(clock_cpu_ns() - start_ns < 5 * INT64_C(1000000000));
	buf_release(&row);
	record_batch_release(&batch);
}

/* ---- native events ---- */

static void assert_shows(const struct row_table *t, const char *event, const char *expected)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf out = BUF_INIT;

	assert_int_equal(record_parse(parser, span_str(event), 0, &batch, NULL), 0);
	row_of(t, &batch, &out);
	assert_string_equal((const char *)out.p, expected);
	buf_release(&out);
	record_batch_release(&batch);
	record_parser_free(parser);
}

#define ID "\"00000000000000000000000000000000\""

static void test_keepnet__native_events_are_rows(void **state)
{
	static const char event[] =
		"{\"action\":\"UPDATE\",\"time\":\"2026-01-31T12:00:00.5Z\",\"actor\":{\"id\":\"42\",\"email\":\"a@x\"}"
		","
		"\"entity\":{\"type\":\"role\",\"name\":\"Auditor\"},\"before\":{\"a\":1,\"b\":[true],\"c\":\"x\","
		"\"password\":\"old\"},\"after\":{\"a\":1,\"b\":null,\"d\":{\"ApiKey\":\"k\"},\"password\":\"new\"}}";

	(void)state;
	assert_shows(&keepnet_row, event,
		     "{\"resourceId\":" ID ",\"userName\":\"a@x\",\"entityResourceId\":null,\"entityName\":\"role\","
		     "\"oldValue\":\"[{\\\"PropertyName\\\":\\\"b\\\",\\\"OldValue\\\":\\\"[true]\\\",\\\"NewValue\\\":"
		     "null},"
		     "{\\\"PropertyName\\\":\\\"c\\\",\\\"OldValue\\\":\\\"x\\\",\\\"NewValue\\\":null},"
		     "{\\\"PropertyName\\\":\\\"d\\\",\\\"OldValue\\\":null,\\\"NewValue\\\":"
		     "\\\"{\\\\\\\"ApiKey\\\\\\\":\\\\\\\"********\\\\\\\"}\\\"},"
		     "{\\\"PropertyName\\\":\\\"password\\\",\\\"OldValue\\\":\\\"********\\\",\\\"NewValue\\\":\\\"***"
		     "*****\\\"}]\","
		     "\"newValue\":\"{\\\"a\\\":1,\\\"b\\\":null,\\\"d\\\":{\\\"ApiKey\\\":\\\"********\\\"},"
		     "\\\"password\\\":\\\"********\\\"}\",\"operation\":\"Update\",\"ip\":null,\"userAgent\":null,"
		     "\"auditDescription\":null,\"logDate\":\"2026-01-31T12:00:00.500000Z\"}");
	assert_shows(&keepnet_own_row, event,
		     "{\"logId\":" ID ",\"userId\":42,\"logDate\":\"2026-01-31T12:00:00.500000Z\","
		     "\"entityResourceId\":null,\"entityName\":\"role\",\"companyId\":7,\"operation\":\"Update\","
		     "\"oldValue\":\"[{\\\"PropertyName\\\":\\\"b\\\",\\\"OldValue\\\":\\\"[true]\\\",\\\"NewValue\\\":"
		     "null},"
		     "{\\\"PropertyName\\\":\\\"c\\\",\\\"OldValue\\\":\\\"x\\\",\\\"NewValue\\\":null},"
		     "{\\\"PropertyName\\\":\\\"d\\\",\\\"OldValue\\\":null,\\\"NewValue\\\":"
		     "\\\"{\\\\\\\"ApiKey\\\\\\\":\\\\\\\"********\\\\\\\"}\\\"},"
		     "{\\\"PropertyName\\\":\\\"password\\\",\\\"OldValue\\\":\\\"********\\\",\\\"NewValue\\\":\\\"***"
		     "*****\\\"}]\","
		     "\"newValue\":\"{\\\"a\\\":1,\\\"b\\\":null,\\\"d\\\":{\\\"ApiKey\\\":\\\"********\\\"},"
		     "\\\"password\\\":\\\"********\\\"}\"}");
}

static void test_keepnet__bare_events_are_rows(void **state)
{
	(void)state;
	assert_shows(&keepnet_own_row,
		     "{\"action\":\"login\",\"time\":\"2026-01-31T12:00:00Z\",\"actor\":{\"id\":\"007\"}}",
		     "{\"logId\":" ID ",\"userId\":0,\"logDate\":\"2026-01-31T12:00:00.000000Z\","
		     "\"entityResourceId\":null,\"entityName\":null,\"companyId\":7,\"operation\":\"login\","
		     "\"oldValue\":null,\"newValue\":null}");
}

/* ---- any row ---- */

static void put_random_text(struct rng *rng, struct buf *to)
{
	static const char *const parts[] = {"a",    "Ü", "\xf0\x9f\x98\x80", "\"", "\\", "\n", "<b>", "=1+1", "*", "{",
					    "\x01", "b", "\xee\x80\x80"};

	for (uint64_t n = rng_below(rng, 5); n > 0; n--)
		buf_put_str(to, parts[rng_below(rng, sizeof(parts) / sizeof(parts[0]))]);
}

static void put_random_string(struct rng *rng, struct buf *to)
{
	struct buf text = BUF_INIT;

	put_random_text(rng, &text);
	json_text_string(to, buf_span(&text));
	buf_release(&text);
}

static void put_random_json(struct rng *rng, unsigned depth, struct buf *to)
{
	static const char *const scalars[] = {"null", "true", "0", "-1.5e3", "12345678901234567890", "1.0", "\"\""};
	uint64_t kind = rng_below(rng, depth > 3 ? 2 : 5);

	if (kind == 0) {
		buf_put_str(to, scalars[rng_below(rng, sizeof(scalars) / sizeof(scalars[0]))]);
	} else if (kind == 1) {
		put_random_string(rng, to);
	} else {
		const char *separator = kind == 2 ? "[" : "{";

		for (uint64_t n = 1 + rng_below(rng, 3); n > 0; n--) {
			buf_put_str(to, separator);
			separator = rng_below(rng, 4) ? "," : " , ";
			if (kind != 2)
				put_random_string(rng, to);
			buf_put_str(to, kind != 2 ? ":" : "");
			put_random_json(rng, depth + 1, to);
		}
		buf_put_str(to, kind == 2 ? "]" : "}");
	}
}

static void put_random_changes(struct rng *rng, struct buf *to)
{
	buf_put_u8(to, '[');
	for (uint64_t n = rng_below(rng, 4), i = 0; i < n; i++) {
		buf_put_str(to, i > 0 ? ",{\"PropertyName\":" : "{\"PropertyName\":");
		put_random_string(rng, to);
		buf_put_str(to, ",\"OldValue\":");
		rng_below(rng, 3) ? put_random_string(rng, to) : buf_put_str(to, "null");
		buf_put_str(to, ",\"NewValue\":");
		rng_below(rng, 3) ? put_random_string(rng, to) : buf_put_str(to, "null");
		buf_put_u8(to, '}');
	}
	buf_put_u8(to, ']');
}

/* A cell of text, or of JSON in text. */
static void put_random_cell(struct rng *rng, bool may_be_json, struct buf *to)
{
	struct buf text = BUF_INIT;
	uint64_t kind = rng_below(rng, may_be_json ? 6 : 3);

	if (kind == 0) {
		buf_put_str(to, "null");
		return;
	}
	if (kind < 3)
		put_random_text(rng, &text);
	else if (kind == 3)
		put_random_changes(rng, &text);
	else
		put_random_json(rng, 0, &text);
	json_text_string(to, buf_span(&text));
	buf_release(&text);
}

static void put_random_row(struct rng *rng, struct buf *to)
{
	static const char *const operations[] = {"null",           "\"\"",       "\"Create\"",      "\"delete\"",
						 "\"CreateMany\"", "\"update\"", "\"UPDATE_MANY\"", "\"Sign in\""};
	static const char *const times[] = {"\"2022-01-29T13:40:45.2323091Z\"", "\"2022-01-29T13:40:45\"",
					    "\"2022-01-29T13:40:45.123456Z\"", "\"2022-01-29 13:40:45.1+02:00\""};

	buf_reset(to);
	for (unsigned i = 0; i < KEEPNET_CELL_COUNT; i++) {
		buf_printf(to, "%s\"%s\":", i > 0 ? "," : "{", keepnet_row.cell[i].name);
		if (i == KEEPNET_OPERATION)
			buf_put_str(to, operations[rng_below(rng, 8)]);
		else if (i == KEEPNET_LOG_DATE)
			buf_put_str(to, times[rng_below(rng, 4)]);
		else if (i == KEEPNET_RESOURCE_ID)
			put_random_string(rng, to);
		else
			put_random_cell(rng, i == KEEPNET_OLD_VALUE || i == KEEPNET_NEW_VALUE, to);
	}
	buf_put_str(to, "}");
	buf_put_u8(to, 0);
}

static void test_keepnet__any_row_comes_out_as_it_went_in(void **state)
{
	struct rng rng = seeded_rng("keepnet");
	struct buf row = BUF_INIT;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		put_random_row(&rng, &row);
		assert_same((const char *)row.p);
	}
	buf_release(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keepnet__row_comes_out_as_it_went_in),
		cmocka_unit_test(test_keepnet__row_becomes_a_native_event),
		cmocka_unit_test(test_keepnet__names_have_no_case),
		cmocka_unit_test(test_keepnet__producers_have_their_members),
		cmocka_unit_test(test_keepnet__row_that_is_none_is_refused),
		cmocka_unit_test(test_keepnet__secrets_are_masked_on_their_way_in),
		cmocka_unit_test(test_keepnet__many_members_in_a_string_cost_little),
		cmocka_unit_test(test_keepnet__native_events_are_rows),
		cmocka_unit_test(test_keepnet__bare_events_are_rows),
		cmocka_unit_test(test_keepnet__any_row_comes_out_as_it_went_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
