#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <yyjson.h>

#include "codec/record_priv.h"
#include "event_sample.h"

#define NOW_US 1795255200000000LL /* 2026-11-21T10:00:00Z */
#define ZEROS  "00000000000000000000000000000000"
#define FIXED                                                                                                          \
	"\"id\":\"" ZEROS "\",\"received\":\"000000000000000000000000000\",\"time\":\"2026-11-21T10:00:00.000000Z\""

static struct record_parser *parser;

static int set_up(void **state)
{
	(void)state;
	parser = record_parser_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	parser = record_parser_free(parser);
	return 0;
}

/* The event, without its braces, becomes the record `want`. */
static void assert_record(const char *event, const char *want)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	if (record_parse(parser, span_str(event), NOW_US, &batch, &err) < 0)
		fail_msg("%s: %s", event, err.message);
	assert_int_equal(batch.count, 1);
	assert_int_equal(batch.refs[0].len, batch.bytes.len);
	buf_put_u8(&batch.bytes, 0);
	assert_string_equal((const char *)batch.bytes.p, want);
	assert_memory_equal(batch.bytes.p + batch.refs[0].id_off - 6, "\"id\":\"", 6);
	assert_memory_equal(batch.bytes.p + batch.refs[0].received_off - 12, "\"received\":\"", 12);
	record_batch_release(&batch);
}

/* The event is refused with this code and field, and the message says `part`; the batch stays as it was. */
static void assert_refused(struct span event, int code, const char *field, const char *part)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	int rc;

	assert_int_equal(record_parse(parser, SPAN_LIT("{\"action\":\"kept\"}"), NOW_US, &batch, NULL), 0);
	rc = record_parse(parser, event, NOW_US, &batch, &err);
	if (rc != code || strcmp(err.field, field) != 0 || !strstr(err.message, part))
		fail_msg("%.*s: %d, field '%s', message '%s'", (int)event.len, (const char *)event.p, rc, err.field,
			 err.message);
	assert_int_equal(err.code, code);
	assert_int_equal(record_parse(parser, event, NOW_US, &batch, NULL), code);
	assert_int_equal(batch.count, 1);
	assert_int_equal(batch.bytes.len, batch.refs[0].len);
	record_batch_release(&batch);
}

static void assert_invalid(const char *event, const char *field, const char *part)
{
	assert_refused(span_str(event), E_INVALID, field, part);
}

static void test_record__is_canonical(void **state)
{
	(void)state;
	assert_record(" {\"action\" : \"a\"}\r\n", "{\"action\":\"a\"," FIXED "}");
	assert_record(
		"{\"time\":\"2026-11-21T11:30:00.1234567+01:30\",\"type\":\"t\",\"tags\":{\"\\u20ac\":[ ],\"\\r\":{ },"
		"\"\xf0\x9f\x98\x80\":1,\"\xef\xac\xb3\":true,\"\xc3\xb6\":null,\"1\":false,\"\xc2\x80\":\"\\u002F\"},"
		"\"severity\":\"low\",\"outcome\":{},\"action\":\"\\u0061\\t\\u000b\"}",
		"{\"action\":\"a\\t\\u000b\",\"id\":\"" ZEROS "\",\"outcome\":{},"
		"\"received\":\"000000000000000000000000000\",\"severity\":\"low\","
		"\"tags\":{\"\\r\":{},\"1\":false,\"\xc2\x80\":\"/\",\"\xc3\xb6\":null,\"\xe2\x82\xac\":[],"
		"\"\xf0\x9f\x98\x80\":1,\"\xef\xac\xb3\":true},\"time\":\"2026-11-21T10:00:00.123456Z\",\"type\":"
		"\"t\"}");
}

static void test_record__takes_every_member(void **state)
{
	(void)state;
	assert_record(
		"{\"type\":\"t\",\"time\":null,\"tags\":{},\"severity\":\"critical\",\"outcome\":{\"type\":\"x\"},"
		"\"entity\":{\"type\":\"role\",\"parents\":[\"a\",\"b\"],\"attributes\":{}},\"description\":\"d\","
		"\"context\":{\"ip\":\"no address\",\"own\":[1]},\"category\":\"c\",\"before\":{\"z\":1,\"a\":2},"
		"\"attributes\":{},\"after\":{},\"actor\":{\"id\":null,\"zip\":7},\"action\":\"a\"}",
		"{\"action\":\"a\",\"actor\":{\"id\":null,\"zip\":7},\"after\":{},\"attributes\":{},"
		"\"before\":{\"a\":2,\"z\":1},\"category\":\"c\",\"context\":{\"ip\":\"no address\",\"own\":[1]},"
		"\"description\":\"d\",\"entity\":{\"attributes\":{},\"parents\":[\"a\",\"b\"],\"type\":\"role\"},"
		"\"id\":\"" ZEROS "\",\"outcome\":{\"type\":\"x\"},\"received\":\"000000000000000000000000000\","
		"\"severity\":\"critical\",\"tags\":{},\"time\":\"2026-11-21T10:00:00.000000Z\",\"type\":\"t\"}");
	assert_record("{\"action\":\"a\",\"actor\":null,\"tags\":null,\"severity\":null,\"entity\":null}",
		      "{\"action\":\"a\"," FIXED "}");
}

static void test_record__finds_members_by_name_only(void **state)
{
	(void)state;
	for (int i = 0; i < RECORD_MEMBER_COUNT; i++) {
		uint8_t name[64] = {0};
		struct span right = record__member_name((enum record_member)i);

		memcpy(name, right.p, right.len);
		assert_int_equal(record__member_find(span_of(name, right.len)), i);
		assert_int_equal(record__member_find(span_of(name, right.len - 1)), -1);
		assert_int_equal(record__member_find(span_of(name, right.len + 1)), -1);
		for (size_t k = 0; k < right.len; k++) {
			name[k] ^= 1;
			assert_int_equal(record__member_find(span_of(name, right.len)), -1);
			name[k] ^= 1;
		}
		if (i)
			assert_true(span_cmp(record__member_name((enum record_member)(i - 1)), right) < 0);
	}
}

static void test_record__writes_numbers_as_ecmascript(void **state)
{
	static const char *const cases[][2] = {
		{"0", "0"},
		{"-0", "0"},
		{"-0.0", "0"},
		{"0e5", "0"},
		{"1.0", "1"},
		{"-1.50", "-1.5"},
		{"1E3", "1000"},
		{"1e21", "1e+21"},
		{"1e17", "100000000000000000"},
		{"9e20", "900000000000000000000"},
		{"0.0000001", "1e-7"},
		{"1e-400", "0"},
		{"9007199254740991", "9007199254740991"},
		{"9007199254740993", "9007199254740993"},
		{"9007199254740993.0", "9007199254740992"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"-9223372036854775809", "-9223372036854775809"},
		{"18446744073709551615", "18446744073709551615"},
		{"18446744073709551616", "18446744073709551616"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1.7976931348623157e308", "1.7976931348623157e+308"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char event[200], want[300];

		snprintf(event, sizeof(event), "{\"action\":\"a\",\"after\":{\"n\":[%s]}}", cases[i][0]);
		snprintf(want, sizeof(want), "{\"action\":\"a\",\"after\":{\"n\":[%s]}," FIXED "}", cases[i][1]);
		assert_record(event, want);
	}
	assert_invalid("{\"action\":\"a\",\"after\":{\"n\":[0,1e400]}}", "after.n[1]", "too large for a double");
	assert_invalid("{\"action\":\"a\",\"after\":{\"n\":-1e309}}", "after.n", "too large for a double");
}

static void test_record__refuses_wrong_members(void **state)
{
	(void)state;
	assert_invalid("{}", "action", "not empty");
	assert_invalid("{\"action\":\"\"}", "action", "not empty");
	assert_invalid("{\"action\":null}", "action", "not empty");
	assert_invalid("{\"action\":7}", "action", "must be a string, not a number");
	assert_invalid("{\"action\":\"a\",\"actions\":1}", "actions", "under attributes");
	assert_invalid("{\"action\":\"a\",\"Actor\":null}", "Actor", "under attributes");
	assert_invalid("{\"action\":\"a\",\"\":1}", "", "under attributes");
	assert_invalid("{\"action\":\"a\",\"id\":\"1\"}", "id", "the server gives");
	assert_invalid("{\"action\":\"a\",\"received\":null}", "received", "the server gives");
	assert_invalid("{\"action\":\"a\",\"actor\":\"me\"}", "actor", "must be an object, not a string");
	assert_invalid("{\"action\":\"a\",\"tags\":[]}", "tags", "must be an object, not an array");
	assert_invalid("{\"action\":\"a\",\"before\":true}", "before", "must be an object, not a boolean");
	assert_invalid("{\"action\":\"a\",\"description\":{}}", "description", "must be a string, not an object");
	assert_invalid("{\"action\":\"a\",\"severity\":\"High\"}", "severity", "verbose, info, low");
	assert_invalid("{\"action\":\"a\",\"time\":\"yesterday\"}", "time", "RFC 3339");
	assert_invalid("{\"action\":\"a\",\"time\":1700000000}", "time", "must be a string");
	assert_invalid("{\"action\":\"a\",\"actor\":{\"id\":7}}", "actor.id",
		       "actor.id must be a string, not a number");
	assert_invalid("{\"action\":\"a\",\"actor\":{\"attributes\":\"x\"}}", "actor.attributes", "must be an object");
	assert_invalid("{\"action\":\"a\",\"entity\":{\"parents\":\"x\"}}", "entity.parents", "an array of strings");
	assert_invalid("{\"action\":\"a\",\"entity\":{\"parents\":[\"x\",1]}}", "entity.parents[1]",
		       "must be a string");
	assert_invalid("{\"action\":\"a\",\"outcome\":{\"type\":false}}", "outcome.type", "must be a string");
	assert_invalid("{\"action\":\"a\",\"context\":{\"ip\":[]}}", "context.ip", "must be a string");
	assert_invalid("[]", "", "must be an object, not an array");
	assert_invalid("7 ", "", "must be an object, not a number");
}

static void test_record__refuses_duplicates(void **state)
{
	(void)state;
	assert_invalid("{\"action\":\"a\",\"action\":\"a\"}", "action", "twice");
	assert_invalid("{\"action\":\"a\",\"time\":null,\"time\":null}", "time", "twice");
	assert_invalid("{\"action\":\"a\",\"tags\":{\"a\":1,\"b\":2,\"\\u0061\":3}}", "tags.a", "twice");
	assert_invalid("{\"action\":\"a\",\"tags\":{\"a.b\":[0,{\"longer than eight\":1,\"longer than eight\":1}]}}",
		       "tags.a.b[1].longer than eight", "twice");
	assert_invalid("{\"action\":\"a\",\"tags\":{\"\":1,\"\":2}}", "tags.", "twice");
	assert_record(
		"{\"action\":\"a\",\"tags\":{\"a\\u0000\":1,\"a\":2,\"a\\u0000b\":3,\"\":4}}",
		"{\"action\":\"a\",\"id\":\"" ZEROS "\",\"received\":\"000000000000000000000000000\","
		"\"tags\":{\"\":4,\"a\":2,\"a\\u0000\":1,\"a\\u0000b\":3},\"time\":\"2026-11-21T10:00:00.000000Z\"}");
}

static void test_record__refuses_broken_json(void **state)
{
	static const char *const cases[] = {
		"{\"action\":\"a\"",
		"{\"action\":\"a",
		"{\"action\":\"a\"}x",
		"{\"action\":\"a\"}{\"action\":\"a\"}",
		"{\"action\":\"a\",}",
		"{'action':'a'}",
		"{\"action\":\"a\" /* no */}",
		"{\"action\":NaN}",
		"{\"action\":\"a\",\"tags\":{\"a\":Infinity}}",
		"{\"action\":\"a\",\"tags\":{\"a\":01}}",
		"{\"action\":\"a\",\"tags\":{\"a\":.5}}",
		"{\"action\":\"\\ud800\"}",
		"{\"action\":\"\\udc00\\ud800\"}",
		"{\"action\":\"\\x\"}",
		"{\"action\":\"tab\t\"}",
		"{\"action\":\"\xff\"}",
		"{\"action\":\"\xc0\x80\"}",
		"{\"action\":\"\xed\xa0\x80\"}",
		"{\"action\":\"\xf4\x90\x80\x80\"}",
		"\xef\xbb\xbf{\"action\":\"a\"}",
		"",
		"  \n",
		"tru",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(span_str(cases[i]), E_SYNTAX, "", "");
}

static void test_record__says_where_the_syntax_breaks(void **state)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(record_parse(parser, SPAN_LIT("  {\"action\":x}"), NOW_US, &batch, &err), E_SYNTAX);
	assert_int_equal(err.offset, 12);
	err = (struct err)ERR_INIT;
	assert_int_equal(record_parse(parser, SPAN_LIT("{\"action\":\"a\"} x"), NOW_US, &batch, &err), E_SYNTAX);
	assert_int_equal(err.offset, 15);
	record_batch_release(&batch);
}

/* Limits: at each, and one past it. */

static void put_nested(struct buf *to, unsigned depth)
{
	buf_reset(to);
	buf_put_str(to, "{\"action\":\"a\",\"tags\":");
	for (unsigned i = 2; i <= depth; i++)
		buf_put_str(to, i % 2 ? "[" : "{\"k\":");
	buf_put_str(to, "1");
	for (unsigned i = depth; i >= 2; i--)
		buf_put_str(to, i % 2 ? "]" : "}");
	buf_put_str(to, "}");
}

static void assert_taken(struct span event)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	if (record_parse(parser, event, NOW_US, &batch, &err) < 0)
		fail_msg("%s", err.message);
	record_batch_release(&batch);
}

static void test_record__keeps_to_the_depth(void **state)
{
	struct buf event = BUF_INIT;

	(void)state;
	put_nested(&event, RECORD_DEPTH_MAX);
	assert_taken(buf_span(&event));
	put_nested(&event, RECORD_DEPTH_MAX + 1);
	assert_refused(buf_span(&event), E_TOO_LARGE, "tags.k[0].k[0].k[0].k[0].k[0].k[0].k[0].k", "16 levels");
	put_nested(&event, 5000);
	assert_refused(buf_span(&event), E_TOO_LARGE, "tags.k[0].k[0].k[0].k[0].k[0].k[0].k[0].k", "16 levels");
	buf_release(&event);
}

/* `n` values in all: action, id, received and time are four of them. */
static void put_values(struct buf *to, unsigned n, const char *value, bool is_object)
{
	buf_reset(to);
	buf_printf(to, "{\"action\":\"a\",\"tags\":%s", is_object ? "{" : "{\"a\":[");
	for (unsigned i = 4; i < n; i++) {
		buf_put_str(to, i > 4 ? "," : "");
		if (is_object)
			buf_printf(to, "\"%u\":", i * 7919 % 1000003);
		buf_put_str(to, value);
	}
	buf_put_str(to, is_object ? "}}" : "]}}");
}

static void test_record__keeps_to_the_values(void **state)
{
	static const char *const values[] = {"1", "{}", "[]", "\"\"", "{\"b\":[null]}"};
	struct buf event = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(values) / sizeof(values[0]); i++) {
		put_values(&event, RECORD_VALUES_MAX, values[i / 2], i % 2);
		assert_taken(buf_span(&event));
		put_values(&event, RECORD_VALUES_MAX + 1, values[i / 2], i % 2);
		assert_refused(buf_span(&event), E_TOO_LARGE, "", "at most 512 values");
	}
	put_values(&event, 100000, "1", false);
	assert_refused(buf_span(&event), E_TOO_LARGE, "", "at most 512 values");
	put_values(&event, 1000, "1", true);
	assert_refused(buf_span(&event), E_TOO_LARGE, "tags", "at most 512 values");
	buf_release(&event);
}

/* The largest tree the limits allow, which needs the most memory: every leaf at the bottom of its own 14 objects. */
static void test_record__has_memory_for_the_largest_tree(void **state)
{
	struct buf event = BUF_INIT;

	(void)state;
	buf_put_str(&event, "{\"action\":\"a\",\"tags\":{");
	for (unsigned i = 0; i < RECORD_VALUES_MAX - 4; i++) {
		buf_printf(&event, "%s\"%u\":", i ? "," : "", i);
		for (unsigned k = 3; k <= RECORD_DEPTH_MAX; k++)
			buf_put_str(&event, "{\"\":");
		buf_put_str(&event, "0");
		for (unsigned k = 3; k <= RECORD_DEPTH_MAX; k++)
			buf_put_str(&event, "}");
	}
	buf_put_str(&event, "}}");
	assert_taken(buf_span(&event));
	buf_release(&event);
}

static void test_record__keeps_to_the_bytes(void **state)
{
	struct buf event = BUF_INIT;
	const size_t fixed = strlen("{\"action\":\"a\",\"description\":\"\"," FIXED "}");

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		buf_reset(&event);
		buf_put_str(&event, "{\"action\":\"a\",\"description\":\"");
		for (size_t i = fixed; i < RECORD_BYTES_MAX + extra; i++)
			buf_put_u8(&event, 'x');
		buf_put_str(&event, "\"}");
		if (extra)
			assert_refused(buf_span(&event), E_TOO_LARGE, "", "at most 65535 bytes; this one has 65536");
		else
			assert_taken(buf_span(&event));
	}
	buf_release(&event);
}

static void test_record__keeps_to_the_name_length(void **state)
{
	char event[400], name[RECORD_KEY_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[RECORD_KEY_MAX + 1] = '\0';
	snprintf(event, sizeof(event), "{\"action\":\"a\",\"tags\":{\"%s\":1}}", name + 1);
	assert_taken(span_str(event));
	snprintf(event, sizeof(event), "{\"action\":\"a\",\"tags\":{\"%s\":1}}", name);
	assert_refused(span_str(event), E_TOO_LARGE,
		       "tags.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		       "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
		       "at most 128 bytes, not 129");
}

static void test_record__keeps_to_the_event_bytes(void **state)
{
	static const char text[] = "{\"action\":\"a\"}";
	uint8_t *event = malloc(EVENT_BYTES_MAX + 1);

	(void)state;
	memset(event, ' ', EVENT_BYTES_MAX + 1);
	memcpy(event, text, sizeof(text) - 2);
	event[EVENT_BYTES_MAX - 1] = '}';
	assert_taken(span_of(event, EVENT_BYTES_MAX + 1));
	event[EVENT_BYTES_MAX - 1] = ' ';
	event[EVENT_BYTES_MAX] = '}';
	assert_refused(span_of(event, EVENT_BYTES_MAX + 1), E_TOO_LARGE, "", "at most 1048576 bytes");
	free(event);
}

/* What grows most, as large as it gets: the writer does not look at its room. */
static void test_record__has_room_for_what_grows_most(void **state)
{
	struct buf event = BUF_INIT;

	(void)state;
	for (unsigned n = 1; n < RECORD_VALUES_MAX; n += 13) {
		put_values(&event, n, "9e20", false);
		assert_taken(buf_span(&event));
		put_values(&event, n, "\"\\u0001\"", true);
		assert_taken(buf_span(&event));
	}
	buf_release(&event);
}

/* Properties. */

/* Names as UTF-16 code units, by the book. */
static size_t to_utf16(struct span name, uint16_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len;) {
		uint32_t c = name.p[i];
		size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		c &= more ? 0x3fu >> more : 0x7f;
		for (size_t k = 0; k < more; k++)
			c = c << 6 | (name.p[i + 1 + k] & 0x3f);
		i += 1 + more;
		if (c < 0x10000) {
			to[n++] = (uint16_t)c;
		} else {
			to[n++] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
			to[n++] = (uint16_t)(0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	return n;
}

static int naive_name_cmp(struct span a, struct span b)
{
	uint16_t wide_a[128], wide_b[128];
	size_t len_a = to_utf16(a, wide_a), len_b = to_utf16(b, wide_b);

	for (size_t i = 0; i < len_a && i < len_b; i++)
		if (wide_a[i] != wide_b[i])
			return wide_a[i] < wide_b[i] ? -1 : 1;
	return (len_a > len_b) - (len_a < len_b);
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static struct span random_name(struct rng *r, uint8_t *to, uint32_t alphabet)
{
	size_t len = 0;

	for (uint64_t n = pick(r, 12); n > 0; n--)
		len += put_utf8(pick(r, 3) ? (uint32_t)('a' + pick(r, alphabet)) : random_char(r), to + len);
	return span_of(to, len);
}

static void test_record__orders_names_by_utf16(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t bytes[2][80] = {{0}};
		struct span a = random_name(&r, bytes[0], 2), b = random_name(&r, bytes[1], 2);
		uint64_t prefix_a = record__name_prefix(a), prefix_b = record__name_prefix(b);
		int want = naive_name_cmp(a, b);

		assert_int_equal(sign(record__name_cmp(a, b)), want);
		if (prefix_a != prefix_b)
			assert_int_equal(prefix_a < prefix_b ? -1 : 1, want);
	}
}

static double number_of(yyjson_val *val)
{
	return yyjson_is_raw(val) ? strtod(yyjson_get_raw(val), NULL) : yyjson_get_num(val);
}

static bool same_number(yyjson_val *a, yyjson_val *b)
{
	if (yyjson_is_int(a) && yyjson_is_int(b))
		return yyjson_equals(a, b);
	if (yyjson_is_raw(a) && yyjson_is_raw(b))
		return yyjson_equals(a, b);
	return number_of(a) == number_of(b);
}

/* Whether two values say the same, by looking every member up. */
static bool same_value(yyjson_val *a, yyjson_val *b)
{
	size_t i, n;
	yyjson_val *key, *val;

	if (yyjson_is_obj(a) && yyjson_is_obj(b) && yyjson_obj_size(a) == yyjson_obj_size(b)) {
		yyjson_obj_foreach(a, i, n, key, val)
		{
			yyjson_val *other = yyjson_obj_getn(b, yyjson_get_str(key), yyjson_get_len(key));

			if (!other || !same_value(val, other))
				return false;
		}
		return true;
	}
	if (yyjson_is_arr(a) && yyjson_is_arr(b) && yyjson_arr_size(a) == yyjson_arr_size(b)) {
		yyjson_arr_foreach(a, i, n, val)
		{
			if (!same_value(val, yyjson_arr_get(b, i)))
				return false;
		}
		return true;
	}
	if ((yyjson_is_num(a) || yyjson_is_raw(a)) && (yyjson_is_num(b) || yyjson_is_raw(b)))
		return same_number(a, b);
	return yyjson_equals(a, b);
}

static void assert_same_event(struct span event, struct span record)
{
	yyjson_doc *a = yyjson_read((const char *)event.p, event.len, YYJSON_READ_BIGNUM_AS_RAW);
	yyjson_doc *b = yyjson_read((const char *)record.p, record.len, YYJSON_READ_BIGNUM_AS_RAW);
	size_t i, n, kept = 3;
	yyjson_val *key, *val;

	assert_non_null(a);
	assert_non_null(b);
	yyjson_obj_foreach(a->root, i, n, key, val)
	{
		yyjson_val *other = yyjson_obj_get(b->root, yyjson_get_str(key));

		if (yyjson_equals_str(key, "time"))
			continue;
		kept += !yyjson_is_null(val);
		assert_true(yyjson_is_null(val) ? !other : other && same_value(val, other));
	}
	assert_int_equal(yyjson_obj_size(b->root), kept);
	yyjson_doc_free(a);
	yyjson_doc_free(b);
}

/* The record as an event again: without id and received, which are never first or last. */
static void put_as_event(struct buf *to, const struct record_batch *batch, const struct record_ref *ref)
{
	const uint8_t *p = batch->bytes.p + ref->off;
	size_t id = ref->id_off - 6u, after_id = ref->id_off + RECORD_ID_LEN + 2u;
	size_t received = ref->received_off - 12u, after_received = ref->received_off + TIMESTAMP_LEN + 2u;

	buf_reset(to);
	buf_put(to, p, id);
	buf_put(to, p + after_id, received - after_id);
	buf_put(to, p + after_received, ref->len - after_received);
}

/* What the store does: the two fields get their values. */
static void patch(struct record_batch *batch, const struct record_ref *ref)
{
	memcpy(batch->bytes.p + ref->off + ref->id_off, "0123456789abcdef0123456789abcdef", RECORD_ID_LEN);
	timestamp_format(NOW_US, batch->bytes.p + ref->off + ref->received_off);
}

/* A copy that was parsed and printed by another program gives the record back. */
static void assert_copies(struct span record)
{
	yyjson_doc *doc = yyjson_read((const char *)record.p, record.len, YYJSON_READ_NUMBER_AS_RAW);
	struct buf canonical = BUF_INIT;
	size_t len;
	char *copy = yyjson_write(doc, YYJSON_WRITE_PRETTY | YYJSON_WRITE_ESCAPE_UNICODE, &len);

	assert_non_null(copy);
	assert_int_equal(record_canonical(span_of(copy, len), &canonical, NULL), 0);
	assert_true(span_eq(buf_span(&canonical), record));
	buf_release(&canonical);
	free(copy);
	yyjson_doc_free(doc);
}

static void assert_checks(struct record_batch *batch, const struct record_ref *ref)
{
	struct record_ref found;
	struct err err = ERR_INIT;
	struct span record = span_of(batch->bytes.p + ref->off, ref->len);

	assert_int_equal(record_check(record, &found, &err), E_CORRUPT);
	patch(batch, ref);
	assert_int_equal(record_check(record, &found, &err), 0);
	assert_int_equal(found.off, 0);
	assert_int_equal(found.len, ref->len);
	assert_int_equal(found.id_off, ref->id_off);
	assert_int_equal(found.received_off, ref->received_off);
	assert_int_equal(found.time_us, ref->time_us);
	assert_copies(record);
}

static void test_record__says_the_same_and_is_a_fixed_point(void **state)
{
	struct rng r = seeded_rng();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf event = BUF_INIT, again = BUF_INIT;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct err err = ERR_INIT;

		buf_reset(&event);
		record_batch_reset(&batch);
		put_random_event(&r, &event);
		if (record_parse(parser, buf_span(&event), NOW_US, &batch, &err) < 0)
			fail_msg("%s\n%.*s", err.message, (int)event.len, (const char *)event.p);
		assert_same_event(buf_span(&event), buf_span(&batch.bytes));
		put_as_event(&again, &batch, &batch.refs[0]);
		assert_int_equal(record_parse(parser, buf_span(&again), NOW_US, &batch, &err), 0);
		assert_int_equal(batch.refs[0].len, batch.refs[1].len);
		assert_memory_equal(batch.bytes.p, batch.bytes.p + batch.refs[1].off, batch.refs[0].len);
		assert_checks(&batch, &batch.refs[0]);
	}
	record_batch_release(&batch);
	buf_release(&event);
	buf_release(&again);
}

/* A value that ends too early is told from one that is wrong, wherever it is cut: bodies are parsed in pieces. */
static void test_record__knows_a_cut_value(void **state)
{
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT;

	(void)state;
	for (int i = 0; i < 60; i++) {
		size_t end, start = 0, len;
		yyjson_val *root;

		buf_reset(&event);
		put_random_event(&r, &event);
		len = event.len;
		while (event.p[start] != '{')
			start++;
		while (event.p[len - 1] != '}')
			len--;
		for (size_t cut = start; cut <= len; cut++) {
			struct err err = ERR_INIT;
			enum record_read want = cut == len ? RECORD_READ_OK : RECORD_READ_CUT;

			assert_int_equal(record__load(parser, span_of(event.p, cut), &err), 0);
			if (record__read(parser, start, &root, &end, &err) != want)
				fail_msg("cut at %zu: %s\n%.*s", cut, err.message, (int)len, (const char *)event.p);
		}
	}
	buf_release(&event);
}

#define STORED(head, tail)                                                                                             \
	"{" head "\"id\":\"0123456789abcdef0123456789abcdef\",\"received\":\"2026-11-21T10:00:00.000000Z\"," tail "}"
#define TIME "\"time\":\"2026-11-21T10:00:00.000000Z\""

static void test_record__check_takes_only_canonical(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"null",
		STORED("\"action\":\"a\",", TIME) " ",
		" " STORED("\"action\":\"a\",", TIME),
		STORED("\"action\":\"a\", ", TIME),
		STORED("\"action\":\"\\u0061\",", TIME),
		STORED("", TIME),
		STORED("\"action\":\"a\",", "\"tags\":{}"),
		STORED("\"action\":\"a\",\"tags\":{},", TIME),
		STORED("\"action\":\"a\",\"actor\":null,", TIME),
		STORED("\"action\":\"a\",\"after\":{\"b\":1,\"a\":2},", TIME),
		STORED("\"action\":\"a\",\"after\":{\"a\":1.0},", TIME),
		STORED("\"action\":\"a\",\"after\":{\"a\":1,\"a\":1},", TIME),
		STORED("\"action\":\"a\",\"extra\":1,", TIME),
		STORED("\"action\":\"a\",", "\"time\":\"2026-11-21T10:00:00Z\""),
		STORED("\"action\":\"a\",", "\"time\":\"2026-11-21T11:00:00.000000+01:00\""),
		"{\"action\":\"a\",\"id\":\"0123456789ABCDEF0123456789abcdef\","
		"\"received\":\"2026-11-21T10:00:00.000000Z\"," TIME "}",
		"{\"action\":\"a\",\"id\":\"0123456789abcdef0123456789abcde\","
		"\"received\":\"2026-11-21T10:00:00.000000Z\"," TIME "}",
		"{\"action\":\"a\",\"id\":\"0123456789abcdef0123456789abcdef\","
		"\"received\":\"2026-11-21T10:00:00.00000Z\"," TIME "}",
		"{\"action\":\"a\",\"received\":\"2026-11-21T10:00:00.000000Z\"," TIME "}",
		"{\"action\":\"a\",\"id\":\"0123456789abcdef0123456789abcdef\"," TIME "}",
		"{\"action\":\"a\",\"id\":7,\"received\":\"2026-11-21T10:00:00.000000Z\"," TIME "}",
	};
	struct record_ref ref = {.len = 42};
	struct record_checker *checker = record_checker_new();
	const struct span good = SPAN_LIT(STORED("\"action\":\"a\",", TIME));
	struct buf copy = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(record_check(SPAN_LIT(STORED("\"action\":\"a\",", TIME)), &ref, &err), 0);
	assert_int_equal(ref.time_us, NOW_US);
	ref.len = 42;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err = (struct err)ERR_INIT;
		if (record_check(span_str(wrong[i]), &ref, &err) != E_CORRUPT || err.offset < 0)
			fail_msg("%s: %d %s", wrong[i], err.code, err.message);
		assert_int_equal(ref.len, 42);
	}
	assert_int_equal(record_check(SPAN_LIT(STORED("\"action\":\"a\", ", TIME)), &ref, &err), E_CORRUPT);
	assert_int_equal(err.offset, 14);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { /* what was before leaves nothing behind */
		err = (struct err)ERR_INIT;
		assert_int_equal(record_checker_check(checker, span_str(wrong[i]), &ref, &err), E_CORRUPT);
		assert_true(err.offset >= 0);
		assert_int_equal(record_checker_check(checker, good, &ref, &err), 0);
		assert_int_equal(ref.len, good.len);
	}
	record_checker_free(checker);
	assert_int_equal(record_canonical(SPAN_LIT(STORED("\"action\":\"a\", ", TIME) " \n"), &copy, NULL), 0);
	assert_int_equal(record_canonical(SPAN_LIT(STORED("\"action\":\"a\",", TIME) " x"), &copy, NULL), E_CORRUPT);
	assert_int_equal(record_canonical(SPAN_LIT(""), &copy, NULL), E_CORRUPT);
	buf_release(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record__is_canonical),
		cmocka_unit_test(test_record__takes_every_member),
		cmocka_unit_test(test_record__finds_members_by_name_only),
		cmocka_unit_test(test_record__writes_numbers_as_ecmascript),
		cmocka_unit_test(test_record__refuses_wrong_members),
		cmocka_unit_test(test_record__refuses_duplicates),
		cmocka_unit_test(test_record__refuses_broken_json),
		cmocka_unit_test(test_record__says_where_the_syntax_breaks),
		cmocka_unit_test(test_record__keeps_to_the_depth),
		cmocka_unit_test(test_record__keeps_to_the_values),
		cmocka_unit_test(test_record__has_memory_for_the_largest_tree),
		cmocka_unit_test(test_record__keeps_to_the_bytes),
		cmocka_unit_test(test_record__keeps_to_the_name_length),
		cmocka_unit_test(test_record__keeps_to_the_event_bytes),
		cmocka_unit_test(test_record__has_room_for_what_grows_most),
		cmocka_unit_test(test_record__orders_names_by_utf16),
		cmocka_unit_test(test_record__says_the_same_and_is_a_fixed_point),
		cmocka_unit_test(test_record__knows_a_cut_value),
		cmocka_unit_test(test_record__check_takes_only_canonical),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
