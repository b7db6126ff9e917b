#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "segment_sample.h"

/* Builds one segment of the whole sample and compares everything; returns the rows stored raw. */
static size_t check_built(struct sample *s)
{
	struct merkle_frontier before = frontier_before(s->first), frontier = before;
	struct segment *segment = sample_build(s, 0, s->count, &frontier);
	struct segment_merkle merkle;
	size_t raws = check_segment(s, segment, &before);

	check_counts(s, segment);
	assert_int_equal(segment_ledger(segment), 7);
	assert_int_equal(segment_first(segment), s->first);
	assert_int_equal(segment_next(segment), s->first + s->count);
	assert_int_equal(segment_merkle_get(segment, &merkle, NULL), 0);
	assert_int_equal(merkle.frontier.size, s->first + s->count);
	for (size_t i = 0; i < s->count; i++) {
		assert_true(segment_time_min(segment) <= s->time[i] && s->time[i] <= segment_time_max(segment));
		assert_true(s->received[i] <= segment_received_max(segment));
	}
	segment_unref(segment);
	return raws;
}

static void test_segment__gives_back_records_of_few_shapes(void **state)
{
	struct rng r = seeded_rng();
	const size_t counts[] = {1, 2, 255, 256, 257, 1500};

	(void)state;
	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		struct sample s;

		sample_start(&s, pick(&r, 1000));
		sample_events(&s, &r, counts[k], 0);
		sample_number(&s, &r, 0);
		assert_int_equal(check_built(&s), 0);
		sample_release(&s);
	}
}

static void test_segment__gives_back_a_full_block(void **state)
{
	struct rng r = seeded_rng();
	struct sample s;

	(void)state;
	sample_start(&s, BLOCK_ROWS_MAX);
	sample_events(&s, &r, BLOCK_ROWS_MAX, 0);
	sample_number(&s, &r, 0);
	assert_int_equal(check_built(&s), 0);
	sample_release(&s);
}

static void test_segment__gives_back_records_of_many_shapes(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int round = 0; round < 8; round++) {
		struct sample s;

		sample_start(&s, pick(&r, 1u << 20));
		sample_events(&s, &r, 1 + pick(&r, 200), (unsigned)pick(&r, 101));
		sample_number(&s, &r, 0);
		assert_int_equal(check_built(&s), 0);
		sample_release(&s);
	}
}

/* More columns than a segment may have: what does not fit any more is stored raw, and all is given back. */
static void test_segment__stores_raw_what_has_too_many_columns(void **state)
{
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < 60; i++) {
		buf_reset(&event);
		buf_put_str(&event, "{\"action\":\"x\",\"attributes\":{");
		for (unsigned k = 0; k < 400; k++)
			buf_printf(&event, "%s\"m%u\":%u", k ? "," : "", i * 400 + k, k);
		buf_put_str(&event, "}}");
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	assert_int_equal(check_built(&s), 60 - (SHAPE_COLUMNS_MAX - COLUMN_FIXED_COUNT - 1) / 400);
	buf_release(&event);
	sample_release(&s);
}

static void test_segment__stores_raw_what_has_a_foreign_id(void **state)
{
	struct rng r = seeded_rng();
	struct sample s;
	size_t odd = 0;

	(void)state;
	sample_start(&s, 77);
	sample_events(&s, &r, 600, 10);
	sample_number(&s, &r, 5);
	for (size_t i = 0; i < s.count; i++)
		odd += s.is_odd[i];
	assert_int_equal(check_built(&s), odd);
	sample_release(&s);
	sample_start(&s, 77);
	sample_events(&s, &r, 20, 10);
	sample_number(&s, &r, 1);
	assert_int_equal(check_built(&s), 20);
	sample_release(&s);
}

static void put_filler(struct buf *to, size_t len, struct rng *r)
{
	for (size_t i = 0; i < len; i++)
		buf_put_u8(to, (uint8_t)("abcdef 0123456789-."[pick(r, 19)]));
}

/* Grows an event until its record is as long as a record may be. */
static void add_longest(struct sample *s, struct rng *r, const char *member)
{
	struct buf event = BUF_INIT;
	size_t len = RECORD_BYTES_MAX - 400;

	for (size_t step = 256; step > 0; step /= 2) {
		for (;;) {
			size_t before = s->batch.count;

			buf_reset(&event);
			buf_printf(&event, "{\"action\":\"x\",\"%s\":%s\"", member, *member == 'a' ? "{\"text\":" : "");
			put_filler(&event, len + step, r);
			buf_put_str(&event, *member == 'a' ? "\"}}" : "\"}");
			if (!sample_add(s, buf_span(&event)))
				break;
			assert_int_equal(s->batch.count, before + 1);
			len += step;
		}
	}
	buf_release(&event);
}

static void test_segment__gives_back_the_largest_records(void **state)
{
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT;
	struct sample s;
	uint16_t longest = 0;

	(void)state;
	sample_start(&s, 3);
	add_longest(&s, &r, "description");
	add_longest(&s, &r, "attributes");
	for (unsigned round = 0; round < 3; round++) {
		unsigned values = 500;

		for (bool added = true; added; values++) {
			buf_reset(&event);
			buf_put_str(&event, "{\"action\":\"x\",\"after\":{");
			for (unsigned k = 0; k < values; k++)
				buf_printf(&event, "%s\"m%u\":%u", k ? "," : "", k, k * round);
			buf_put_str(&event, "}}");
			added = sample_add(&s, buf_span(&event));
		}
		assert_true(values > 505 && values <= RECORD_VALUES_MAX + 1);
	}
	for (size_t i = 0; i < s.batch.count; i++)
		longest = s.batch.refs[i].len > longest ? s.batch.refs[i].len : longest;
	assert_int_equal(longest, RECORD_BYTES_MAX);
	sample_number(&s, &r, 0);
	assert_int_equal(check_built(&s), 0);
	buf_release(&event);
	sample_release(&s);
}

/* Texts each written from the one before, further than references may lead. */
static void test_segment__gives_back_texts_written_from_each_other(void **state)
{
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT, text = BUF_INIT;
	struct sample s;

	(void)state;
	sample_start(&s, 0);
	for (unsigned i = 0; i < 300; i++) {
		buf_reset(&event);
		buf_reset(&text);
		buf_printf(&text, "<%llx>", (unsigned long long)rng_next(&r));
		buf_put_str(&event, "{\"action\":\"x\",\"attributes\":{");
		for (unsigned k = 0; k < 80; k++) {
			buf_printf(&text, " and %c", 'a' + (int)k % 26);
			buf_printf(&event, "%s\"m%02u\":\"%.*s\"", k ? "," : "", 99 - k, (int)text.len, text.p);
		}
		buf_put_str(&event, "}}");
		assert_true(sample_add(&s, buf_span(&event)));
	}
	sample_number(&s, &r, 0);
	assert_int_equal(check_built(&s), 0);
	buf_release(&event);
	buf_release(&text);
	sample_release(&s);
}

/* Values that are found in the middle of an escape of another, are empty now and then, or hold nothing but escapes. */
static void test_segment__keeps_words_next_to_escapes(void **state)
{
	static const char *const part[] = {"\\n", "\\\\", "\\\"", "\\u0001", "nabc", "0001def", "abc", " ",
					   ".",   "-",    "_",    "12",      "x1y2", "\\t",     "é",   "10.0.0.1"};
	struct rng r = seeded_rng();
	struct buf event = BUF_INIT;

	(void)state;
	for (int round = 0; round < 12; round++) {
		unsigned kinds = 2 + (unsigned)pick(&r, 4), form[2][6];
		struct sample s;

		for (unsigned f = 0; f < 12; f++)
			form[f / 6][f % 6] = (unsigned)pick(&r, 16 + 4 * kinds);
		sample_start(&s, 0);
		for (unsigned i = 0; i < 200; i++) {
			char value[4][40];

			for (unsigned k = 0; k < 4; k++)
				snprintf(value[k], sizeof(value[k]), "%s%s%u", part[(k + i % 3 + (unsigned)round) % 16],
					 part[(unsigned)round % 16], i % 5 ? i : i / 60);
			if (pick(&r, 20) == 0)
				value[pick(&r, 4)][0] = 0;
			buf_reset(&event);
			buf_printf(&event,
				   "{\"action\":\"x\",\"actor\":{\"id\":\"%s\",\"name\":\"%s\"},\"entity\":{"
				   "\"id\":\"%s\",\"name\":\"%s\"},\"description\":\"",
				   value[0], value[1], value[2], value[3]);
			for (unsigned k = 0; k < 6; k++) {
				unsigned n = form[i % 2][k];

				buf_put_str(&event, n < 16 ? part[n] : value[n % 4]);
			}
			buf_put_str(&event, "\",\"type\":\"");
			for (unsigned k = 0; k < 3; k++) {
				unsigned n = form[i % 2][5 - k];

				buf_put_str(&event, n < 16 ? part[n] : value[n % 4]);
			}
			buf_put_str(&event, "\"}");
			assert_true(sample_add(&s, buf_span(&event)));
		}
		sample_number(&s, &r, 0);
		assert_int_equal(check_built(&s), 0);
		sample_release(&s);
	}
	buf_release(&event);
}

/* The same bytes behind a folder: read by ranges, not in place. */
static void test_segment__reads_a_file_like_memory(void **state)
{
	struct rng r = seeded_rng();
	char folder[] = "/tmp/stele-segment-XXXXXX";
	struct merkle_frontier before = frontier_before(0), frontier = before;
	struct object_store *store;
	struct segment *segment;
	struct object *object;
	struct buf image = BUF_INIT;
	struct sample s;
	struct span part;

	(void)state;
	assert_non_null(mkdtemp(folder));
	sample_start(&s, 0);
	sample_events(&s, &r, 700, 3);
	sample_number(&s, &r, 50);
	sample_image(&s, 0, s.count, &frontier, &image);
	part = buf_span(&image);
	assert_int_equal(object_store_open_folder(&io_posix, folder, &store, NULL), 0);
	assert_int_equal(object_put(store, "7/0-700.seg", &part, 1, NULL), 0);
	assert_int_equal(object_open(store, "7/0-700.seg", &object, NULL), 0);
	assert_int_equal(segment_open(object, sample_key, &segment, NULL), 0);
	check_segment(&s, segment, &before);
	segment_unref(segment);
	assert_int_equal(object_delete(store, "7/0-700.seg", NULL), 0);
	object_store_close(store);
	buf_release(&image);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment__gives_back_records_of_few_shapes),
		cmocka_unit_test(test_segment__gives_back_a_full_block),
		cmocka_unit_test(test_segment__gives_back_records_of_many_shapes),
		cmocka_unit_test(test_segment__stores_raw_what_has_too_many_columns),
		cmocka_unit_test(test_segment__stores_raw_what_has_a_foreign_id),
		cmocka_unit_test(test_segment__gives_back_the_largest_records),
		cmocka_unit_test(test_segment__gives_back_texts_written_from_each_other),
		cmocka_unit_test(test_segment__keeps_words_next_to_escapes),
		cmocka_unit_test(test_segment__reads_a_file_like_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
