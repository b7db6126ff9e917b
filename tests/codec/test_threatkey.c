#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "codec/record_rows.h"
#include "codec/threatkey.h"
#include "event_sample.h"

static const struct row_given given;

static int take(struct span body, struct record_batch *batch, struct err *err)
{
	struct record_parser *parser = record_parser_new(), *events = record_parser_new();
	const struct record_rows rows = {ROW_FORMAT_THREATKEY, &given, events};
	int rc = record_parse_rows(parser, &rows, body, 0, 10, NULL, NULL, batch, err);

	record_parser_free(parser);
	record_parser_free(events);
	return rc;
}

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

static void assert_same(struct span row)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;

	if (take(row, &batch, &err) < 0)
		fail_msg("%.*s: %s", (int)row.len, (const char *)row.p, err.message);
	row_put_json(&threatkey_row, &given, record_at(&batch, 0), &out);
	if (!span_eq(buf_span(&out), row))
		fail_msg("%.*s\nis not\n%.*s", (int)out.len, (const char *)out.p, (int)row.len, (const char *)row.p);
	buf_release(&out);
	record_batch_release(&batch);
}

static void assert_event(const char *row, const char *part)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct span record;

	assert_int_equal(take(span_str(row), &batch, NULL), 0);
	record = record_at(&batch, 0);
	if (!memmem(record.p, record.len, part, strlen(part)))
		fail_msg("%s is not in %.*s", part, (int)record.len, (const char *)record.p);
	record_batch_release(&batch);
}

#define ROW(time, user, action, ip, object)                                                                            \
	"{\"Timestamp\":\"" time "\",\"User\":" user ",\"Action\":\"" action "\",\"IP address\":" ip                   \
	",\"Affected object\":" object
#define USUAL ROW("2026-01-31T12:00:00.000000Z", "\"ada@acme.org\"", "login", "\"192.0.2.7\"", "\"console\"")

static void test_threatkey__comes_out_as_it_went_in(void **state)
{
	assert_same(SPAN_LIT(USUAL "}"));
	assert_same(SPAN_LIT(USUAL ",\"Severity\":\"High\",\"a\":{\"b\":[null]}}"));
	assert_same(SPAN_LIT(ROW("2026-01-31 12:00:00+01:00", "7", "a", "[]", "{\"x\":false}") "}"));
	assert_same(SPAN_LIT(ROW("2026-01-31T12:00:00Z", "null", "a", "null", "null") "}"));
	assert_same(SPAN_LIT(ROW("2026-01-31T12:00:00Z", "\"\"", "a", "\"\"", "\"\"") "}"));
}

static void test_threatkey__becomes_a_native_event(void **state)
{
	assert_event(USUAL "}", "\"actor\":{\"email\":\"ada@acme.org\"}");
	assert_event(USUAL "}", "\"context\":{\"ip\":\"192.0.2.7\"}");
	assert_event(USUAL "}", "\"entity\":{\"name\":\"console\"}");
	assert_event("{\"Action\":\"a\",\"User\":\"Ada\"}", "\"actor\":{\"name\":\"Ada\"}");
	assert_event("{\"Action\":\"a\",\"x\":1}", "\"attributes\":{\"threatkey\":{\"x\":1}}");
}

static void assert_refused(const char *row, const char *field)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(take(span_str(row), &batch, &err), E_INVALID);
	assert_string_equal(err.field, field);
	record_batch_release(&batch);
}

static void test_threatkey__that_is_no_row_is_refused(void **state)
{
	assert_refused("{}", "Action");
	assert_refused("{\"Action\":\"\"}", "Action");
	assert_refused("{\"Action\":null}", "Action");
	assert_refused("{\"Action\":\"a\",\"Action\":\"b\"}", "Action");
	assert_refused("{\"Action\":\"a\",\"Timestamp\":7}", "Timestamp");
	assert_refused("{\"Action\":\"a\",\"Timestamp\":\"31/01/2026\"}", "Timestamp");
}

/* A value in its canonical form: the row is compared byte by byte. */
static void put_canonical(struct rng *r, struct buf *to)
{
	static const char *const others[] = {"null", "true",           "0",         "-1234567", "[]",
					     "{}",   "[1,\"x\",null]", "{\"k\":{}}"};
	static const char *const texts[] = {"\"a\"",        "\"@\"", "\"=1+1\"",      "\"\\\"\\\\\\n\"",
					    "\"\xc3\xa4\"", "\"\"",  "\"</script>\"", "\",\""};

	if (pick(r, 3))
		buf_put_str(to, texts[pick(r, sizeof(texts) / sizeof(texts[0]))]);
	else
		buf_put_str(to, others[pick(r, sizeof(others) / sizeof(others[0]))]);
}

static void test_threatkey__any_row_comes_out_as_it_went_in(void **state)
{
	static const char *const names[] = {"User", "IP address", "Affected object"};
	struct rng rng = seeded_rng();
	struct buf row = BUF_INIT;

	for (int i = 0; i < 4000; i++) {
		buf_reset(&row);
		buf_printf(&row, "{\"Timestamp\":\"20%02u-01-31T12:00:00%sZ\",\"User\":", (unsigned)pick(&rng, 100),
			   pick(&rng, 2) ? ".000000" : ".25");
		put_canonical(&rng, &row);
		buf_put_str(&row, ",\"Action\":\"a\"");
		for (size_t n = 1; n < 3; n++) {
			buf_printf(&row, ",\"%s\":", names[n]);
			put_canonical(&rng, &row);
		}
		for (int name = 'a'; name < 'd'; name++) {
			if (pick(&rng, 4))
				continue;
			buf_printf(&row, ",\"%c\":", name);
			put_canonical(&rng, &row);
		}
		buf_put_u8(&row, '}');
		assert_same(buf_span(&row));
	}
	buf_release(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threatkey__comes_out_as_it_went_in),
		cmocka_unit_test(test_threatkey__becomes_a_native_event),
		cmocka_unit_test(test_threatkey__that_is_no_row_is_refused),
		cmocka_unit_test(test_threatkey__any_row_comes_out_as_it_went_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
