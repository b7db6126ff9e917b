#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/record.h"
#include "codec/record_path.h"
#include "event_sample.h"
#include "naive_record.h"

static struct span at(const char *record, const char *path)
{
	struct span found = {NULL, 0};

	if (!record_path_get(span_str(record), span_str(path), &found))
		return span_str("(none)");
	return found;
}

#define assert_at(record, path, want) assert_true(span_eq_str(at((record), (path)), (want)))

static void test_record_path__finds_values_of_every_kind(void **state)
{
	static const char record[] =
		"{\"a\":{\"b\":{\"c\":\"x\\\"},\"},\"n\":-1.5},\"e\":\"\",\"f\":[],\"g\":{},\"h\":null,"
		"\"i\":[1,{\"b\":2}],\"q\\\"\":true}";

	assert_at(record,
		  "a\x1f"
		  "b\x1f"
		  "c",
		  "\"x\\\"},\"");
	assert_at(record,
		  "a\x1f"
		  "n",
		  "-1.5");
	assert_at(record,
		  "a\x1f"
		  "b",
		  "{\"c\":\"x\\\"},\"}");
	assert_at(record, "e", "\"\"");
	assert_at(record, "f", "[]");
	assert_at(record, "g", "{}");
	assert_at(record, "h", "null");
	assert_at(record, "i", "[1,{\"b\":2}]");
	assert_at(record, "q\\\"", "true");
	assert_at(record, "", "(none)");
	assert_at(record, "b", "(none)");
	assert_at(record,
		  "e\x1f"
		  "b",
		  "(none)");
	assert_at(record,
		  "i\x1f"
		  "b",
		  "(none)");
	assert_at("[]", "a", "(none)");
	assert_at("", "a", "(none)");
	assert_at("{}", "a", "(none)");
}

static bool gather(void *user, struct span json)
{
	struct buf *to = user;

	buf_put_span(to, json);
	buf_put_u8(to, ';');
	return to->len < 8;
}

static void test_record_path__goes_through_arrays_when_asked(void **state)
{
	static const char record[] = "{\"a\":[{\"b\":1},2,[{\"b\":[3]},{}],{\"b\":null},{\"b\":5}]}";
	struct buf found = BUF_INIT;

	assert_false(record_path_each(span_str(record),
				      span_str("a\x1f"
					       "b"),
				      gather, &found)); /* ended by gather */
	must(found.p);
	assert_true(span_eq_str(buf_span(&found), "1;[3];null;"));
	buf_reset(&found);
	assert_true(record_path_each(span_str(record), span_str("a"), gather, &found) || found.len > 8);
	assert_int_equal(found.p[0], '[');
	buf_release(&found);
}

/* ---- beside yyjson ---- */

static void check_object(yyjson_val *object, struct span record, struct buf *path);

static void check_value(yyjson_val *value, struct span record, struct buf *path)
{
	struct buf want = BUF_INIT;
	struct span found = {NULL, 0};

	naive_put_json(&want, value);
	assert_true(record_path_get(record, buf_span(path), &found));
	assert_true(span_eq(found, buf_span(&want)));
	if (yyjson_is_obj(value))
		check_object(value, record, path);
	buf_release(&want);
}

static void check_object(yyjson_val *object, struct span record, struct buf *path)
{
	size_t i, max, len = path->len;
	yyjson_val *key, *value;

	yyjson_obj_foreach(object, i, max, key, value)
	{
		if (len > 0)
			buf_put_u8(path, SHAPE_PATH_SEP);
		json_text_escape(path, span_of(yyjson_get_str(key), yyjson_get_len(key)));
		check_value(value, record, path);
		path->len = len;
	}
}

static void random_record(struct rng *r, struct record_parser *p, struct record_batch *batch)
{
	struct buf event = BUF_INIT;

	record_batch_reset(batch);
	while (batch->count == 0) {
		buf_reset(&event);
		put_random_event(r, &event);
		(void)!record_parse(p, buf_span(&event), 1700000000000000, batch, NULL);
	}
	buf_release(&event);
}

static void test_record_path__finds_what_yyjson_finds(void **state)
{
	struct rng r = seeded_rng();
	struct record_parser *p = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf path = BUF_INIT;

	for (int round = 0; round < 500; round++) {
		struct span record;
		yyjson_doc *doc;

		random_record(&r, p, &batch);
		must(batch.bytes.p);
		record = buf_span(&batch.bytes);
		doc = yyjson_read((const char *)record.p, record.len, YYJSON_READ_NUMBER_AS_RAW);
		assert_non_null(doc);
		buf_reset(&path);
		check_object(yyjson_doc_get_root(doc), record, &path);
		yyjson_doc_free(doc);
	}
	buf_release(&path);
	record_batch_release(&batch);
	record_parser_free(p);
}

static bool ignore(void *user, struct span json)
{
	(void)user;
	return json.len > 0;
}

/* Nothing outside is read, whatever the bytes are. */
static void test_record_path__takes_any_bytes(void **state)
{
	static const char alphabet[] = "{}[]\",:\\ab1\x1f";
	struct rng r = seeded_rng();

	for (int round = 0; round < 20000; round++) {
		size_t len = pick(&r, 40);
		uint8_t *p = xalloc(len + 1);
		uint8_t *exact = malloc(len ? len : 1);
		struct span found;

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)alphabet[pick(&r, sizeof(alphabet) - 1)];
		if (len > 0)
			p[0] = pick(&r, 2) ? '{' : '[';
		memcpy(exact, p, len);
		(void)record_path_get(span_of(exact, len), SPAN_LIT("a"), &found);
		(void)record_path_get(span_of(exact, len),
				      SPAN_LIT("a\x1f"
					       "b"),
				      &found);
		(void)record_path_each(span_of(exact, len), SPAN_LIT("a\x1f"), ignore, NULL);
		free(exact);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_path__finds_values_of_every_kind),
		cmocka_unit_test(test_record_path__goes_through_arrays_when_asked),
		cmocka_unit_test(test_record_path__finds_what_yyjson_finds),
		cmocka_unit_test(test_record_path__takes_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
