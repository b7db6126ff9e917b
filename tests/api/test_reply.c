#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <yyjson.h>

#include "api/meter.h"
#include "api/reply.h"
#include "api/utf8.h"

static void check_utf8(const char *bytes, size_t len, const char *json)
{
	struct buf to = BUF_INIT;

	utf8_put_json(&to, span_of(bytes, len));
	assert_true(span_eq_str(buf_span(&to), json));
	buf_release(&to);
}

static void test_utf8__replaces_what_is_none(void **state)
{
	check_utf8("", 0, "\"\"");
	check_utf8("a\"\\\n\x01", 5, "\"a\\\"\\\\\\n\\u0001\"");
	check_utf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	check_utf8("a\xff"
		   "b",
		   3,
		   "\"a\xef\xbf\xbd"
		   "b\"");
	check_utf8("\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
	check_utf8("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* surrogate */
	check_utf8("\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	check_utf8("x\xe2\x82", 3, "\"x\xef\xbf\xbd\xef\xbf\xbd\""); /* cut */
}

static void test_reply__errors_have_one_form(void **state)
{
	struct reply r = {0};
	struct err err = ERR_INIT;
	yyjson_doc *doc;
	yyjson_val *e;

	err.position = 3;
	err.offset = 17;
	err_set_field(&err, "a.\"b", 4);
	(void)err_set(&err, E_TOO_LARGE, "say \"%s\"", "why");
	reply_error(&r, &err);
	assert_int_equal(r.status, 413);
	doc = yyjson_read((const char *)r.body.p, r.body.len, 0);
	e = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
	assert_string_equal(yyjson_get_str(yyjson_obj_get(e, "code")), "too_large");
	assert_string_equal(yyjson_get_str(yyjson_obj_get(e, "message")), "say \"why\"");
	e = yyjson_obj_get(e, "details");
	assert_int_equal(yyjson_get_int(yyjson_obj_get(e, "position")), 3);
	assert_int_equal(yyjson_get_int(yyjson_obj_get(e, "offset")), 17);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(e, "field")), "a.\"b");
	yyjson_doc_free(doc);
	reply_release(&r);
}

/* Every code of err.tbl makes an answer with a status and the headers that go with it. */
static void test_reply__every_code_has_its_answer(void **state)
{
	struct reply r = {0};

#define ERR(name, value, wire, http_status, meaning)                                                                   \
	do {                                                                                                           \
		struct err err = ERR_INIT;                                                                             \
		reply_reset(&r);                                                                                       \
		err.code = name;                                                                                       \
		reply_error(&r, &err);                                                                                 \
		buf_put_u8(&r.body, 0);                                                                                \
		assert_int_equal(r.status, http_status);                                                               \
		assert_int_equal(r.wants_key, http_status == 401);                                                     \
		assert_int_equal(r.wants_retry, http_status == 503 || http_status == 429);                             \
		assert_non_null(strstr((char *)r.body.p, "\"code\":\"" wire "\""));                                    \
		assert_non_null(strstr((char *)r.body.p, meaning));                                                    \
	} while (0);
#include "base/err.tbl"
#undef ERR
	reply_release(&r);
}

static void test_meter__counts_by_route_status_and_time(void **state)
{
	struct meter m = {0};
	struct buf text = BUF_INIT;

	meter_answer(&m, route_get(ROUTE_EVENTS_APPEND), 201, 2000000);
	meter_answer(&m, route_get(ROUTE_EVENTS_APPEND), 201, 99000000000);
	meter_answer(&m, NULL, 404, 1000);
	meter_put(&m, &text);
	buf_put_u8(&text, 0);
	assert_non_null(
		strstr((char *)text.p, "requests_total{route=\"/v1/events\",method=\"POST\",status=\"201\"} 2\n"));
	assert_non_null(strstr((char *)text.p, "requests_total{route=\"other\",method=\"other\",status=\"404\"} 1\n"));
	assert_non_null(strstr((char *)text.p, "bucket{route=\"/v1/events\",method=\"POST\",le=\"0.001\"} 0\n"));
	assert_non_null(strstr((char *)text.p, "bucket{route=\"/v1/events\",method=\"POST\",le=\"0.0025\"} 1\n"));
	assert_non_null(strstr((char *)text.p, "bucket{route=\"/v1/events\",method=\"POST\",le=\"5\"} 1\n"));
	assert_non_null(strstr((char *)text.p, "bucket{route=\"/v1/events\",method=\"POST\",le=\"+Inf\"} 2\n"));
	assert_non_null(strstr((char *)text.p, "sum{route=\"/v1/events\",method=\"POST\"} 99.002000\n"));
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8__replaces_what_is_none),
		cmocka_unit_test(test_reply__errors_have_one_form),
		cmocka_unit_test(test_reply__every_code_has_its_answer),
		cmocka_unit_test(test_meter__counts_by_route_status_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
