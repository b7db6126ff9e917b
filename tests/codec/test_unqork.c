#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/record_rows.h"
#include "codec/unqork.h"
#include "event_sample.h"

/* As the live interface has it: outcome and context at the root. */
#define LIVE                                                                                                           \
	"{\"date\":\"2025-01-15T10:30:00.000000Z\",\"messageType\":\"system-event\",\"schemaVersion\":\"1.0\","        \
	"\"timestamp\":\"2025-01-15T10:30:00.120Z\",\"eventType\":\"designer-action\",\"category\":\"user-access\","   \
	"\"action\":\"designer-user-login\",\"source\":\"designer-api\",\"tags\":{},\"object\":{\"type\":\"session\"," \
	"\"identifier\":{\"type\":\"name\",\"value\":\"login-session\"},\"attributes\":{\"userId\":"                   \
	"\"admin@example.com\"}},\"outcome\":{\"type\":\"success\"},\"actor\":{\"type\":\"user\",\"identifier\":"      \
	"{\"type\":\"user-id\",\"value\":\"admin@example.com\"},\"attributes\":{}},\"context\":{\"environment\":"      \
	"\"production\",\"sessionId\":\"8a83187f\",\"clientIp\":\"192.0.2.7\",\"protocol\":\"https\",\"host\":"        \
	"\"x.unqork.io\",\"userAgent\":\"Mozilla/5.0\"}}"

/* As the vendor's page has it: all of them in the object, with what there was before a change. */
#define PAGE                                                                                                           \
	"{\"date\":\"2022-12-19T19:46:38.000000Z\",\"messageType\":\"system-event\",\"schemaVersion\":\"1.0\","        \
	"\"timestamp\":\"2022-12-19T19:46:38.001Z\",\"eventType\":\"designer-action\",\"category\":"                   \
	"\"access-management\",\"action\":\"modify-designer-role\",\"source\":\"designer-api\",\"tags\":{},"           \
	"\"object\":{\"type\":\"role\",\"identifier\":{\"type\":\"id\",\"value\":\"r-1\"},\"attributes\":"             \
	"{\"context\":{\"type\":\"a\",\"id\":\"b\"},\"permissions\":{\"styles\":\"write\"}},\"priorAttributes\":"      \
	"{\"permissions\":{\"styles\":\"read\"}},\"outcome\":{\"type\":\"failure\",\"failureReason\":"                 \
	"\"authorization\",\"error\":\"no\"},\"actor\":{\"type\":\"user\",\"identifier\":{\"type\":\"email\","         \
	"\"value\":\"a@b.c\"},\"attributes\":{\"x\":1}},\"context\":{\"clientIp\":\"::1\"}}}"

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

static int take(struct span body, struct record_batch *batch, struct err *err)
{
	struct record_parser *parser = record_parser_new(), *events = record_parser_new();
	const struct row_given given = {{{NULL, 0}}};
	const struct record_rows rows = {ROW_FORMAT_UNQORK, &given, events};
	int rc = record_parse_rows(parser, &rows, body, 0, 10, NULL, NULL, batch, err);

	record_parser_free(parser);
	record_parser_free(events);
	return rc;
}

/* A native event as a record, written into `to`. */
static int make_record(struct span json, struct buf *to)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	int rc = record_parse(parser, json, 0, &batch, NULL);

	if (rc == 0)
		buf_put_span(to, record_at(&batch, 0));
	record_batch_release(&batch);
	record_parser_free(parser);
	return rc;
}

/* Any JSON in its canonical form: equal values have equal texts. */
static void put_canonical(struct span json, struct buf *to)
{
	struct buf event = BUF_INIT;

	buf_put_str(&event, "{\"action\":\"a\",\"attributes\":{\"e\":");
	buf_put_span(&event, json);
	buf_put_str(&event, "}}");
	if (make_record(buf_span(&event), to) < 0)
		fail_msg("no event: %.*s", (int)json.len, (const char *)json.p);
	buf_release(&event);
}

static void assert_equal_json(struct span a, struct span b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;

	put_canonical(a, &x);
	put_canonical(b, &y);
	if (!span_eq(buf_span(&x), buf_span(&y)))
		fail_msg("%.*s\nis not\n%.*s", (int)x.len, (const char *)x.p, (int)y.len, (const char *)y.p);
	buf_release(&x);
	buf_release(&y);
}

static void assert_same(struct span event)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;

	if (take(event, &batch, &err) < 0)
		fail_msg("%.*s: %s", (int)event.len, (const char *)event.p, err.message);
	unqork_put(record_at(&batch, 0), &out);
	assert_equal_json(buf_span(&out), event);
	buf_release(&out);
	record_batch_release(&batch);
}

/* What an event becomes has this in it. */
static void assert_event(const char *event, const char *part)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct span record;

	assert_int_equal(take(span_str(event), &batch, NULL), 0);
	record = record_at(&batch, 0);
	if (!memmem(record.p, record.len, part, strlen(part)))
		fail_msg("%s is not in %.*s", part, (int)record.len, (const char *)record.p);
	record_batch_release(&batch);
}

static void assert_shows(const char *native, const char *event)
{
	struct buf record = BUF_INIT, out = BUF_INIT;

	assert_int_equal(make_record(span_str(native), &record), 0);
	unqork_put(buf_span(&record), &out);
	assert_equal_json(buf_span(&out), span_str(event));
	buf_release(&record);
	buf_release(&out);
}

static void test_unqork__comes_out_as_it_went_in(void **state)
{
	assert_same(span_str(LIVE));
	assert_same(span_str(PAGE));
	assert_same(SPAN_LIT("{\"action\":\"a\"}"));
	assert_same(SPAN_LIT("{\"action\":\"a\",\"object\":{}}"));
	assert_same(SPAN_LIT("{\"action\":\"a\",\"actor\":{\"type\":\"user\",\"identifier\":{\"type\":\"user-id\","
			     "\"value\":1234567},\"attributes\":{}}}"));
	assert_same(SPAN_LIT(
		"{\"action\":\"a\",\"object\":null,\"tags\":null,\"actor\":null,\"context\":null,\"date\":null}"));
	assert_same(SPAN_LIT("{\"action\":\"a\",\"object\":[1],\"outcome\":7,\"source\":false,\"x\":{\"y\":null}}"));
	assert_same(SPAN_LIT("{\"action\":\"a\",\"date\":\"2025-01-15 "
			     "10:30:00+02:00\",\"object\":{\"attributes\":{\"userId\":null},\"z\":1}}"));
	assert_same(
		SPAN_LIT("{\"action\":\"a\",\"outcome\":{\"type\":\"x\"},\"object\":{\"outcome\":{\"type\":\"y\"}}}"));
	assert_same(SPAN_LIT("{\"action\":\"a\",\"object\":{\"type\":\"t\",\"priorAttributes\":{},\"attributes\":7}}"));
	assert_same(SPAN_LIT("{\"action\":\"a\",\"object\":{\"type\":7,\"priorAttributes\":null,\"attributes\":{}}}"));
}

static void test_unqork__becomes_a_native_event(void **state)
{
	assert_event(LIVE, "\"actor\":{\"attributes\":{},\"email\":\"admin@example.com\",\"id\":\"admin@example.com\","
			   "\"type\":\"user\"}");
	assert_event(LIVE, "\"entity\":{\"attributes\":{\"userId\":\"admin@example.com\"},\"name\":\"login-session\","
			   "\"type\":\"session\"}");
	assert_event(LIVE, "\"ip\":\"192.0.2.7\"");
	assert_event(LIVE, "\"service\":\"designer-api\"");
	assert_event(LIVE, "\"time\":\"2025-01-15T10:30:00.000000Z\"");
	assert_event(PAGE,
		     "\"after\":{\"context\":{\"id\":\"b\",\"type\":\"a\"},\"permissions\":{\"styles\":\"write\"}}");
	assert_event(PAGE, "\"before\":{\"permissions\":{\"styles\":\"read\"}}");
	assert_event(PAGE, "\"outcome\":{\"error\":\"no\",\"reason\":\"authorization\",\"type\":\"failure\"}");
	assert_event(PAGE, "\"actor\":{\"attributes\":{\"x\":1},\"email\":\"a@b.c\",\"type\":\"user\"}");
	assert_event("{\"action\":\"a\",\"timestamp\":\"2025-01-15T10:30:00.120Z\"}",
		     "\"time\":\"2025-01-15T10:30:00.120000Z\"");
}

/* Readers look for outcome, context and who acted at the root and in the object. */
static void test_unqork__shows_native_events(void **state)
{
	assert_shows(
		"{\"action\":\"role.update\",\"actor\":{\"id\":\"u-1\",\"name\":\"Ada\"},\"category\":\"roles\","
		"\"time\":\"2026-01-31T12:00:00.123456Z\",\"entity\":{\"type\":\"role\",\"id\":\"r-1\"},"
		"\"before\":{\"a\":1},\"after\":{\"a\":2},\"outcome\":{\"type\":\"failure\",\"reason\":\"unknown\"},"
		"\"context\":{\"ip\":\"10.1.2.3\",\"user_agent\":\"curl\",\"service\":\"iam\"},"
		"\"attributes\":{\"unqork\":7}}",
		"{\"date\":\"2026-01-31T12:00:00.123456Z\",\"messageType\":\"system-event\",\"schemaVersion\":\"1.0\","
		"\"timestamp\":\"00000000000000000000000Z\",\"eventType\":\"designer-action\",\"category\":"
		"\"roles\","
		"\"action\":\"role.update\",\"source\":\"iam\",\"tags\":{},\"object\":{\"type\":\"role\","
		"\"identifier\":"
		"{\"type\":\"id\",\"value\":\"r-1\"},\"attributes\":{\"userId\":\"u-1\",\"a\":2},\"priorAttributes\":{"
		"\"a\":1},"
		"\"outcome\":{\"type\":\"failure\",\"failureReason\":\"unknown\"},\"actor\":{\"type\":\"user\","
		"\"identifier\":"
		"{\"type\":\"user-id\",\"value\":\"u-1\"},\"attributes\":{}},\"context\":{\"clientIp\":\"10.1.2.3\","
		"\"userAgent\":\"curl\"}},\"outcome\":{\"type\":\"failure\",\"failureReason\":\"unknown\"},\"actor\":"
		"{\"type\":\"user\",\"identifier\":{\"type\":\"user-id\",\"value\":\"u-1\"},\"attributes\":{}},"
		"\"context\":"
		"{\"clientIp\":\"10.1.2.3\",\"userAgent\":\"curl\"},\"id\":\"00000000000000000000000000000000\"}");
	assert_shows(
		"{\"action\":\"a\",\"time\":\"2026-01-31T12:00:00Z\",\"attributes\":{\"unqork\":{\"absent\":["
		"\"object\","
		"\"timestamp\",1,\"no such\"],\"root\":[],\"object\":null}}}",
		"{\"date\":\"2026-01-31T12:00:00.000000Z\",\"messageType\":\"system-event\",\"schemaVersion\":\"1.0\","
		"\"eventType\":\"designer-action\",\"category\":\"\",\"action\":\"a\",\"source\":\"\",\"tags\":{},"
		"\"outcome\":{},"
		"\"actor\":{\"type\":\"\",\"identifier\":{},\"attributes\":{}},\"context\":{},\"id\":"
		"\"00000000000000000000000000000000\"}");
}

/* Python's splitlines ends lines where JSON does not escape: an event would be lost there. */
static void test_unqork__is_one_line_to_everybody(void **state)
{
	static const char text[] = "{\"action\":\"a\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xc2\x86\"}";
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf out = BUF_INIT;

	assert_same(span_str(text));
	assert_int_equal(take(span_str(text), &batch, NULL), 0);
	unqork_put(record_at(&batch, 0), &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, "{\"action\":\"a\\u0085\\u2028\\u2029\xe2\x80\xaa\xc2\x86\"}");
	buf_release(&out);
	record_batch_release(&batch);
}

static void assert_refused(const char *event, const char *field)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(take(span_str(event), &batch, &err), E_INVALID);
	assert_string_equal(err.field, field);
	assert_int_equal(batch.count, 0);
	record_batch_release(&batch);
}

static void test_unqork__that_is_none_is_refused(void **state)
{
	assert_refused("{}", "action");
	assert_refused("{\"action\":\"\"}", "action");
	assert_refused("{\"action\":7}", "action");
	assert_refused("{\"action\":\"a\",\"date\":\"yesterday\"}", "date");
	assert_refused("{\"action\":\"a\",\"date\":1737000000}", "date");
	assert_refused("{\"action\":\"a\",\"action\":\"b\"}", "action");
	assert_refused("{\"action\":\"a\",\"object\":{\"type\":\"a\",\"type\":\"b\"}}", "type");
}

/* ,"outcome":{…} of many members, `step` from the one before. */
static void put_wide(struct buf *to, int first, int step, int count)
{
	buf_put_str(to, ",\"outcome\":{");
	for (int i = 0; i < count; i++)
		buf_printf(to, "%s\"%05d\":1", i > 0 ? "," : "", first + i * step);
	buf_put_u8(to, '}');
}

/* What stands in two places is compared, which costs no more than reading it. */
static void test_unqork__many_members_twice_cost_little(void **state)
{
	const int members = 7000, rows = 20;
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf event = BUF_INIT;
	int64_t start_ns;

	buf_put_str(&event, "{\"action\":\"a\"");
	put_wide(&event, 0, 1, members);
	buf_put_str(&event, ",\"object\":{\"type\":\"t\"");
	put_wide(&event, members - 1, -1, members);
	buf_put_str(&event, "}}");
	start_ns = clock_cpu_ns();
	for (int i = 0; i < rows; i++)
		assert_int_equal(take(buf_span(&event), &batch, NULL), E_TOO_LARGE);
	assert_true(clock_cpu_ns() - start_ns < 2 * INT64_C(1000000000));
	buf_release(&event);
	record_batch_release(&batch);
}

/* The order of members is no difference, but may be kept as one. */
static void test_unqork__members_of_any_order_come_out(void **state)
{
	assert_same(SPAN_LIT("{\"action\":\"a\",\"outcome\":{\"type\":\"x\",\"error\":\"e\"},"
			     "\"object\":{\"outcome\":{\"error\":\"e\",\"type\":\"x\"}}}"));
}

/* ---- any event ---- */

static void put_member(struct buf *to, const char *name)
{
	buf_printf(to, "%s\"%s\":", to->p[to->len - 1] == '{' ? "" : ",", name);
}

/* Members of an object: strings mostly, anything else sometimes, one that nobody knows now and then. */
static void put_strings(struct rng *r, struct buf *to, const char *const *names)
{
	buf_put_u8(to, '{');
	for (; *names; names++) {
		if (!pick(r, 3))
			continue;
		put_member(to, *names);
		if (pick(r, 10))
			put_random_string(r, to, 8);
		else
			put_random_value(r, to, 1);
	}
	if (!pick(r, 12)) {
		put_member(to, "service");
		put_random_value(r, to, 1);
	}
	buf_put_u8(to, '}');
}

static void put_identifier(struct rng *r, struct buf *to)
{
	static const char *const kinds[] = {"user-id", "email", "name", "id", "other"};

	if (!pick(r, 6)) {
		put_random_value(r, to, 1);
		return;
	}
	buf_printf(to, "{\"type\":\"%s\",\"value\":", kinds[pick(r, 5)]);
	if (pick(r, 8))
		put_random_string(r, to, 12);
	else
		put_random_value(r, to, 1);
	buf_put_str(to, pick(r, 8) ? "}" : ",\"more\":1}");
}

static void put_actor(struct rng *r, struct buf *to)
{
	buf_put_str(to, "{\"type\":\"user\"");
	if (pick(r, 8)) {
		buf_put_str(to, ",\"identifier\":");
		put_identifier(r, to);
	}
	if (pick(r, 4)) {
		buf_put_str(to, ",\"attributes\":");
		put_random_object(r, to, 1);
	}
	buf_put_u8(to, '}');
}

static void put_shared(struct rng *r, struct buf *to)
{
	static const char *const outcome[] = {"type", "failureReason", "error", NULL};
	static const char *const context[] = {"environment", "sessionId", "clientIp", "protocol",
					      "host",        "userAgent", NULL};

	if (pick(r, 2)) {
		put_member(to, "outcome");
		put_strings(r, to, outcome);
	}
	if (pick(r, 2)) {
		put_member(to, "actor");
		put_actor(r, to);
	}
	if (pick(r, 2)) {
		put_member(to, "context");
		put_strings(r, to, context);
	}
}

static void put_object(struct rng *r, struct buf *to)
{
	buf_put_u8(to, '{');
	if (pick(r, 4)) {
		put_member(to, "type");
		put_random_string(r, to, 5);
	}
	if (pick(r, 4)) {
		put_member(to, "identifier");
		put_identifier(r, to);
	}
	if (pick(r, 4)) {
		put_member(to, "attributes");
		if (pick(r, 2))
			put_random_object(r, to, 2);
		else
			buf_put_str(to, "{\"userId\":\"u-1\"}");
	}
	if (!pick(r, 3)) {
		put_member(to, "priorAttributes");
		put_random_value(r, to, 2);
	}
	put_shared(r, to);
	if (!pick(r, 5)) {
		put_member(to, "extra");
		put_random_value(r, to, 2);
	}
	buf_put_u8(to, '}');
}

static void put_any_event(struct rng *r, struct buf *to)
{
	static const char *const texts[] = {"messageType", "schemaVersion", "eventType", "category",
					    "source",      "timestamp",     "tags",      "unknown"};

	buf_put_str(to, "{\"action\":\"a\"");
	if (pick(r, 4))
		buf_printf(to, ",\"date\":\"20%02u-01-15T10:30:00%sZ\"", (unsigned)pick(r, 100),
			   pick(r, 2) ? ".000000" : ".5");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!pick(r, 3))
			continue;
		put_member(to, texts[i]);
		if (!pick(r, 4))
			put_random_value(r, to, 2);
		else
			put_random_string(r, to, 10);
	}
	if (pick(r, 8)) {
		put_member(to, "object");
		if (pick(r, 10))
			put_object(r, to);
		else
			put_random_value(r, to, 1);
	}
	put_shared(r, to);
	buf_put_u8(to, '}');
}

static void test_unqork__any_event_comes_out_as_it_went_in(void **state)
{
	struct rng rng = seeded_rng();
	struct buf event = BUF_INIT;

	for (int i = 0; i < 4000; i++) {
		buf_reset(&event);
		put_any_event(&rng, &event);
		assert_same(buf_span(&event));
	}
	buf_release(&event);
}

/* An event of ours; or one that says of itself what it was as theirs. */
static void put_native(struct rng *r, struct buf *to)
{
	buf_reset(to);
	if (pick(r, 2)) {
		put_random_event(r, to);
		return;
	}
	buf_put_str(to, "{\"action\":\"a\",\"time\":\"2026-01-31T12:00:00Z\",\"attributes\":{\"unqork\":{\"root\":");
	put_any_event(r, to);
	buf_put_str(to, ",\"absent\":[\"object.actor\"],\"object\":");
	put_random_value(r, to, 2);
	buf_put_str(to, "}}}");
}

/* What a native event shows as can be taken in, and comes out the same. */
static void test_unqork__shows_any_native_event_as_one_that_it_takes(void **state)
{
	struct rng rng = seeded_rng();
	struct buf event = BUF_INIT, record = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 4000; i++) {
		put_native(&rng, &event);
		buf_reset(&record);
		buf_reset(&out);
		assert_int_equal(make_record(buf_span(&event), &record), 0);
		unqork_put(buf_span(&record), &out);
		assert_same(buf_span(&out));
	}
	buf_release(&event);
	buf_release(&record);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unqork__comes_out_as_it_went_in),
		cmocka_unit_test(test_unqork__becomes_a_native_event),
		cmocka_unit_test(test_unqork__shows_native_events),
		cmocka_unit_test(test_unqork__is_one_line_to_everybody),
		cmocka_unit_test(test_unqork__that_is_none_is_refused),
		cmocka_unit_test(test_unqork__many_members_twice_cost_little),
		cmocka_unit_test(test_unqork__members_of_any_order_come_out),
		cmocka_unit_test(test_unqork__any_event_comes_out_as_it_went_in),
		cmocka_unit_test(test_unqork__shows_any_native_event_as_one_that_it_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
