#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/record.h"
#include "event_sample.h"

#define NOW_US 1795255200000000LL /* 2026-11-21T10:00:00Z */
#define MANY   1000000

#define A "{\"action\":\"a\"}"
#define B "{\"action\":\"b\"}"

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

/* What a refusing caller notes: positions and offsets; it gives up after `patience` of them. */
struct refusals {
	size_t count;
	size_t patience;
	int64_t positions[16];
	int64_t offsets[16];
};

static bool note_refused(void *user, uint64_t position, const struct err *err)
{
	struct refusals *notes = user;

	assert_int_equal(position, err->position);
	assert_true(err->code < 0);
	assert_true(notes->count < 16);
	notes->positions[notes->count] = (int64_t)position;
	notes->offsets[notes->count++] = err->offset;
	return notes->count <= notes->patience;
}

/* The actions of a batch's records are one letter each. */
static void assert_actions(const struct record_batch *batch, const char *want)
{
	assert_int_equal(batch->count, strlen(want));
	for (size_t i = 0; i < batch->count; i++)
		assert_int_equal(batch->bytes.p[batch->refs[i].off + strlen("{\"action\":\"")], want[i]);
}

static void assert_body(const char *body, enum record_body kind, const char *want)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;

	if (record_parse_body(parser, span_str(body), kind, NOW_US, MANY, NULL, NULL, &batch, &err) < 0)
		fail_msg("%s: %s at %lld", body, err.message, (long long)err.offset);
	assert_actions(&batch, want);
	record_batch_release(&batch);
}

static void test_record_body__takes_every_kind(void **state)
{
	(void)state;
	assert_body(A, RECORD_BODY_AUTO, "a");
	assert_body(" \r\n\t" A "\n", RECORD_BODY_AUTO, "a");
	assert_body("{\n \"action\":\n \"a\"\n}\n", RECORD_BODY_AUTO, "a");
	assert_body(A "\n" B "\n", RECORD_BODY_AUTO, "ab");
	assert_body(A " " B "\n\n\n{\n\"action\":\"c\"}", RECORD_BODY_AUTO, "abc");
	assert_body("[" A "," B "]", RECORD_BODY_AUTO, "ab");
	assert_body(" [ " A "\n,\n" B " ] \n", RECORD_BODY_AUTO, "ab");
	assert_body("[" A "]", RECORD_BODY_ARRAY, "a");
	assert_body(A, RECORD_BODY_NDJSON, "a");
	assert_body("\n\r\n " A "\r\n\n\t" B " \n", RECORD_BODY_NDJSON, "ab");
}

/* The body fails whole, with this position and offset, and the batch stays as it was. */
static void assert_fails(const char *body, enum record_body kind, int code, int64_t position, int64_t offset,
			 const char *part)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	int rc;

	assert_int_equal(record_parse(parser, SPAN_LIT(A), NOW_US, &batch, NULL), 0);
	rc = record_parse_body(parser, span_str(body), kind, NOW_US, MANY, NULL, NULL, &batch, &err);
	if (rc != code || err.position != position || err.offset != offset || !strstr(err.message, part))
		fail_msg("%s: %d, position %lld, offset %lld, %s", body, rc, (long long)err.position,
			 (long long)err.offset, err.message);
	assert_int_equal(batch.count, 1);
	assert_int_equal(batch.bytes.len, batch.refs[0].len);
	record_batch_release(&batch);
}

static void test_record_body__fails_at_the_first_bad_event(void **state)
{
	(void)state;
	assert_fails("", RECORD_BODY_AUTO, E_SYNTAX, -1, -1, "no event");
	assert_fails(" \n ", RECORD_BODY_NDJSON, E_SYNTAX, -1, -1, "no event");
	assert_fails("[ ]", RECORD_BODY_AUTO, E_SYNTAX, -1, -1, "no event");
	assert_fails("\xef\xbb\xbf" A, RECORD_BODY_AUTO, E_SYNTAX, -1, 0, "byte order mark");
	assert_fails(A, RECORD_BODY_ARRAY, E_SYNTAX, -1, 0, "expected '['");
	assert_fails("[" A, RECORD_BODY_ARRAY, E_SYNTAX, -1, 15, "expected ',' or ']'");
	assert_fails("[" A " " B "]", RECORD_BODY_ARRAY, E_SYNTAX, -1, 16, "expected ',' or ']'");
	assert_fails("[" A "]]", RECORD_BODY_ARRAY, E_SYNTAX, -1, 16, "expected nothing more");
	assert_fails("[" A ",]", RECORD_BODY_ARRAY, E_SYNTAX, 1, 16, "not valid JSON");
	assert_fails("[" A ",", RECORD_BODY_ARRAY, E_SYNTAX, 1, 16, "body ends before");
	assert_fails("[" A ",{\"action\":", RECORD_BODY_ARRAY, E_SYNTAX, 1, 16, "body ends before");
	assert_fails("[" A ",12]", RECORD_BODY_ARRAY, E_INVALID, 1, 16, "not a number");
	assert_fails(A "\n" A "x\n", RECORD_BODY_NDJSON, E_SYNTAX, 1, 29, "more on the line");
	assert_fails(A A "\n", RECORD_BODY_NDJSON, E_SYNTAX, 0, 14, "more on the line");
	assert_fails("{\n\"action\":\"a\"}\n", RECORD_BODY_NDJSON, E_SYNTAX, 0, 0, "line ends before");
	assert_fails(A "\n{\"action\":\"a\",\"x\":1}", RECORD_BODY_NDJSON, E_INVALID, 1, 15, "x: ");
	assert_fails(A "\n{\"action\":y}", RECORD_BODY_AUTO, E_SYNTAX, 1, 25, "not valid JSON");
	assert_fails(A "]", RECORD_BODY_AUTO, E_SYNTAX, 1, 14, "not valid JSON");
	assert_fails("7", RECORD_BODY_AUTO, E_SYNTAX, 0, 0, "body ends before");
	assert_fails("null\n", RECORD_BODY_AUTO, E_INVALID, 0, 0, "not null");
}

static void assert_partial(const char *body, enum record_body kind, const char *want, const struct refusals *refusals)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct refusals notes = {.patience = MANY};
	struct err err = ERR_INIT;

	if (record_parse_body(parser, span_str(body), kind, NOW_US, MANY, note_refused, &notes, &batch, &err) < 0)
		fail_msg("%s: %s at %lld", body, err.message, (long long)err.offset);
	assert_actions(&batch, want);
	assert_int_equal(notes.count, refusals->count);
	for (size_t i = 0; i < notes.count; i++) {
		assert_int_equal(notes.positions[i], refusals->positions[i]);
		assert_int_equal(notes.offsets[i], refusals->offsets[i]);
	}
	record_batch_release(&batch);
}

static void test_record_body__skips_bad_events(void **state)
{
	(void)state;
	assert_partial("{}\n" A "\nx\n{\"action\":\"a\",\n" B "\n" B B "\n{\"action\":", RECORD_BODY_NDJSON, "ab",
		       &(struct refusals){5, 0, {0, 2, 3, 5, 6}, {0, 18, 20, 64, 79}});
	assert_partial("[{}," A ",7,\"x\",{\"action\":\"a\",\"id\":1}," B ",null]", RECORD_BODY_AUTO, "ab",
		       &(struct refusals){5, 0, {0, 2, 3, 4, 6}, {1, 19, 21, 25, 62}});
	assert_partial("{} " A "\n{\"action\":x}\n" B "\n{\"action\":}", RECORD_BODY_AUTO, "ab",
		       &(struct refusals){3, 0, {0, 2, 4}, {0, 28, 56}});
	assert_partial("{}", RECORD_BODY_NDJSON, "", &(struct refusals){1, 0, {0}, {0}});
}

static void test_record_body__fails_where_the_next_event_is_not_found(void **state)
{
	static const char *const bodies[] = {
		"[" A ",{\"action\":x}," B "]",
		A "\n{\n\"action\":x\n}\n" B,
		A "\n{\"action\":x\n\"more\"}\n" B,
		A "\n{\"action\":\n",
		("[" A),
	};
	struct record_batch batch = RECORD_BATCH_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct refusals notes = {.patience = MANY};
		struct err err = ERR_INIT;

		assert_int_equal(record_parse_body(parser, span_str(bodies[i]), RECORD_BODY_AUTO, NOW_US, MANY,
						   note_refused, &notes, &batch, &err),
				 E_SYNTAX);
		assert_int_equal(batch.count, 0);
		assert_int_equal(batch.bytes.len, 0);
		assert_int_equal(notes.count, 0);
	}
	record_batch_release(&batch);
}

static void test_record_body__gives_up_when_told(void **state)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct refusals notes = {.patience = 1};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(record_parse_body(parser, SPAN_LIT(A "\n{}\n{}\n" B), RECORD_BODY_NDJSON, NOW_US, MANY,
					   note_refused, &notes, &batch, &err),
			 E_INVALID);
	assert_int_equal(err.position, 2);
	assert_int_equal(notes.count, 2);
	assert_int_equal(batch.count, 0);
	record_batch_release(&batch);
}

static void test_record_body__keeps_to_the_count(void **state)
{
	static const char *const bodies[] = {A "\n" A "\n" B, "[" A "," A "," B "]", A A B, "{}\n" A "\n" B};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct record_batch batch = RECORD_BATCH_INIT;
		struct refusals notes = {.patience = MANY};
		struct err err = ERR_INIT;

		assert_int_equal(record_parse_body(parser, span_str(bodies[i]), RECORD_BODY_AUTO, NOW_US, 3,
						   note_refused, &notes, &batch, &err),
				 0);
		assert_int_equal(batch.count + notes.count, 3);
		assert_int_equal(record_parse_body(parser, span_str(bodies[i]), RECORD_BODY_AUTO, NOW_US, 2,
						   note_refused, &notes, &batch, &err),
				 E_TOO_LARGE);
		assert_non_null(strstr(err.message, "at most 2 events"));
		record_batch_release(&batch);
	}
}

/* Bodies longer than many pieces. */

static void put_separator(struct rng *r, struct buf *body, enum record_body kind)
{
	static const char *const blanks[] = {"\n", "\r\n", "\n\n \t\n"};

	if (kind == RECORD_BODY_ARRAY)
		buf_put_u8(body, ',');
	if (kind != RECORD_BODY_ARRAY || pick(r, 2))
		buf_put_str(body, blanks[pick(r, 3)]);
}

/* Some long white space, so that events of all lengths up to several pieces occur. */
static void put_long_event(struct rng *r, struct buf *to)
{
	put_random_event(r, to);
	while (to->p[to->len - 1] != '}')
		to->len--;
	to->len--;
	for (uint64_t n = pick(r, 8) ? pick(r, 2000) : pick(r, 200000); n > 0; n--)
		buf_put_u8(to, ' ');
	buf_put_u8(to, '}');
}

static void assert_same_batch(const struct record_batch *a, const struct record_batch *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->bytes.len, b->bytes.len);
	assert_memory_equal(a->bytes.p, b->bytes.p, a->bytes.len);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->refs[i].off, b->refs[i].off);
		assert_int_equal(a->refs[i].len, b->refs[i].len);
		assert_int_equal(a->refs[i].id_off, b->refs[i].id_off);
		assert_int_equal(a->refs[i].received_off, b->refs[i].received_off);
		assert_int_equal(a->refs[i].time_us, b->refs[i].time_us);
	}
}

static void test_record_body__is_the_same_as_one_by_one(void **state)
{
	struct rng r = seeded_rng();
	struct record_batch batch = RECORD_BATCH_INIT, want = RECORD_BATCH_INIT;
	struct buf body = BUF_INIT, event = BUF_INIT;

	(void)state;
	for (int round = 0; round < 30; round++) {
		enum record_body kind = (enum record_body)(round % 3);
		struct err err = ERR_INIT;

		record_batch_reset(&batch);
		record_batch_reset(&want);
		buf_reset(&body);
		if (kind == RECORD_BODY_ARRAY)
			buf_put_u8(&body, '[');
		for (uint64_t n = 1 + pick(&r, 60); n > 0; n--) {
			buf_reset(&event);
			put_long_event(&r, &event);
			assert_int_equal(record_parse(parser, buf_span(&event), NOW_US, &want, &err), 0);
			buf_put_span(&body, buf_span(&event));
			if (n > 1)
				put_separator(&r, &body, kind);
		}
		if (kind == RECORD_BODY_ARRAY)
			buf_put_u8(&body, ']');
		if (record_parse_body(parser, buf_span(&body), kind, NOW_US, MANY, NULL, NULL, &batch, &err) < 0)
			fail_msg("round %d: %s at %lld", round, err.message, (long long)err.offset);
		assert_same_batch(&batch, &want);
	}
	record_batch_release(&batch);
	record_batch_release(&want);
	buf_release(&body);
	buf_release(&event);
}

/* Bad events between good ones, over several pieces: the good ones come through, in NDJSON and arrays alike. */
static void test_record_body__finds_the_good_among_the_bad(void **state)
{
	static const char *const bad_in_array[] = {"{}", "12345", "\"text\"", "[[{}]]",
						   "{\"action\":\"\\n\",\"id\":1}"};
	static const char *const bad_lines[] = {"{",      "}", "{\"action\":\"a",       "\"",
						"[{},[[", A A, "{\"action\":\"\\u12\"}"};
	struct rng r = seeded_rng();
	struct record_batch batch = RECORD_BATCH_INIT, want = RECORD_BATCH_INIT;
	struct buf body = BUF_INIT, event = BUF_INIT;

	(void)state;
	for (int round = 0; round < 20; round++) {
		enum record_body kind = round % 2 ? RECORD_BODY_ARRAY : RECORD_BODY_NDJSON;
		struct err err = ERR_INIT;
		uint64_t n_bad = 0;

		record_batch_reset(&batch);
		record_batch_reset(&want);
		buf_reset(&body);
		buf_put_str(&body, kind == RECORD_BODY_ARRAY ? "[" A : A);
		assert_int_equal(record_parse(parser, SPAN_LIT(A), NOW_US, &want, &err), 0);
		while (body.len < 100000) {
			buf_put_str(&body, kind == RECORD_BODY_ARRAY ? "," : "\n");
			if (n_bad < 16 && !pick(&r, 10)) {
				buf_put_str(&body, kind == RECORD_BODY_ARRAY ? bad_in_array[pick(&r, 5)]
									     : bad_lines[pick(&r, 7)]);
				n_bad++;
				continue;
			}
			buf_reset(&event);
			put_long_event(&r, &event);
			assert_int_equal(record_parse(parser, buf_span(&event), NOW_US, &want, &err), 0);
			buf_put_span(&body, buf_span(&event));
		}
		buf_put_str(&body, kind == RECORD_BODY_ARRAY ? "]" : "\n");
		assert_int_equal(record_parse_body(parser, buf_span(&body), kind, NOW_US, MANY, note_refused,
						   &(struct refusals){.patience = MANY}, &batch, &err),
				 0);
		assert_same_batch(&batch, &want);
	}
	record_batch_release(&batch);
	record_batch_release(&want);
	buf_release(&body);
	buf_release(&event);
}

static bool count_refused(void *user, uint64_t position, const struct err *err)
{
	uint64_t *count = user;

	(void)err;
	assert_int_equal(position, *count);
	(*count)++;
	return true;
}

/* Where broken events could make every parse run to the body's end, the work stays in proportion to the body: these
 * would take minutes. */
static void test_record_body__is_linear_in_hostile_bodies(void **state)
{
	static const char *const lines[] = {"{\"a\":[\n", "{\n", "{\"a\":\"\n", "[\n", "\"\n", "{\"action\":x}\n"};
	struct record_batch batch = RECORD_BATCH_INIT;
	struct buf body = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(lines) / sizeof(lines[0]); i++) {
		struct err err = ERR_INIT;
		uint64_t count = 0;

		buf_reset(&body);
		while (body.len < 4 << 20)
			buf_put_str(&body, lines[i / 2]);
		for (size_t k = 0; k < 1 << 20; k++)
			buf_put_u8(&body, 'x');
		assert_true(buf_ok(&body));
		assert_true(record_parse_body(parser, buf_span(&body), i % 2 ? RECORD_BODY_NDJSON : RECORD_BODY_AUTO,
					      NOW_US, 100000, count_refused, &count, &batch, &err) < 0);
		assert_int_equal(batch.count, 0);
	}
	record_batch_release(&batch);
	buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_body__takes_every_kind),
		cmocka_unit_test(test_record_body__fails_at_the_first_bad_event),
		cmocka_unit_test(test_record_body__skips_bad_events),
		cmocka_unit_test(test_record_body__fails_where_the_next_event_is_not_found),
		cmocka_unit_test(test_record_body__gives_up_when_told),
		cmocka_unit_test(test_record_body__keeps_to_the_count),
		cmocka_unit_test(test_record_body__is_the_same_as_one_by_one),
		cmocka_unit_test(test_record_body__finds_the_good_among_the_bad),
		cmocka_unit_test(test_record_body__is_linear_in_hostile_bodies),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
