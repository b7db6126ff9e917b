/*
 * Records, segments made of them, and a naive reading of both, for the tests of segments. Include after cmocka.h.
 *
 * The twin of a block is its records parsed by yyjson and taken apart into (path, kind, row, text), sorted.
 */
#ifndef STELE_TESTS_STORE_SEGMENT_SAMPLE_H
#define STELE_TESTS_STORE_SEGMENT_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>

#include "../codec/event_sample.h"
#include "../codec/naive_record.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/record.h"
#include "codec/token.h"
#include "store/segment_priv.h"

static const uint8_t sample_key[ID_KEY_LEN] = "0123456789abcdef";

/* ---- records ---- */

struct sample {
	struct record_parser *parser;
	struct record_batch batch;
	uint64_t first; /* number of record 0 */
	size_t count;
	struct span *record;
	int64_t *time, *received;
	bool *is_odd; /* its id is not what its number says: it is stored raw */
	struct digest *digest;
};

static inline void sample_start(struct sample *s, uint64_t first)
{
	memset(s, 0, sizeof(*s));
	s->parser = record_parser_new();
	s->digest = digest_new();
	s->first = first;
}

/* False when the event is past a limit; then nothing is added. */
static inline bool sample_add(struct sample *s, struct span json)
{
	struct err err = ERR_INIT;
	int rc = record_parse(s->parser, json, 1700000000000000, &s->batch, &err);

	if (rc < 0 && rc != E_TOO_LARGE)
		fail_msg("%s: %.*s", err.message, (int)json.len, json.p);
	return rc == 0;
}

/* Fills in ids and times of receipt; one record of `odd_in` (0: none) gets the id of another. */
static inline void sample_number(struct sample *s, struct rng *r, uint64_t odd_in)
{
	struct id_cipher *ids = id_cipher_new(sample_key);

	s->count = s->batch.count;
	s->record = xarray(s->count, sizeof(*s->record));
	s->time = xarray(s->count, sizeof(*s->time));
	s->received = xarray(s->count, sizeof(*s->received));
	s->is_odd = xarray(s->count, sizeof(*s->is_odd));
	for (size_t i = 0; i < s->count; i++) {
		const struct record_ref *ref = &s->batch.refs[i];
		uint8_t *p = s->batch.bytes.p + ref->off;

		s->time[i] = ref->time_us;
		s->received[i] = 1700000000000000 + (int64_t)i / 100 * 1000;
		s->is_odd[i] = odd_in && pick(r, odd_in) == 0;
		id_cipher_encode(ids, s->first + i + (s->is_odd[i] ? 1000000 : 0), 1, p + ref->id_off);
		timestamp_format(s->received[i], p + ref->received_off);
		s->record[i] = span_of(p, ref->len);
	}
	id_cipher_free(ids);
}

static inline void sample_release(struct sample *s)
{
	record_batch_release(&s->batch);
	record_parser_free(s->parser);
	digest_free(s->digest);
	free(s->record);
	free(s->time);
	free(s->received);
	free(s->is_odd);
}

/* An event as products send them: names repeat, the description is written from the rest. */
static inline void put_audit_event(struct rng *r, struct buf *to)
{
	static const char *const actions[] = {"create", "update", "delete", "read", "sign-in"};
	static const char *const types[] = {"role", "user", "workspace", "data-set"};
	const char *action = actions[pick(r, 5)], *type = types[pick(r, 4)];
	unsigned actor = (unsigned)pick(r, 60), entity = (unsigned)pick(r, 900), amount = (unsigned)pick(r, 1000000);

	buf_printf(to, "{\"action\":\"%s\",\"time\":\"2024-05-%02uT00:00:%02u.%06uZ\"", action, 1 + amount % 28,
		   amount % 60, amount);
	buf_printf(to, ",\"actor\":{\"id\":\"u-%u\",\"name\":\"Person No%u\",\"email\":\"p%u@example.com\"}", actor,
		   actor, actor);
	buf_printf(to, ",\"entity\":{\"type\":\"%s\",\"id\":\"%s-%u\",\"parents\":[\"ws-%u\"]}", type, type, entity,
		   entity % 7);
	if (pick(r, 10))
		buf_printf(to, ",\"description\":\"%s %s %s-%u by Person No%u\"", action, type, type, entity, actor);
	buf_printf(to, ",\"context\":{\"ip\":\"10.%u.%u.%u\",\"session\":\"%016llx%016llx\"", actor % 3,
		   (unsigned)pick(r, 256), (unsigned)pick(r, 256), (unsigned long long)rng_next(r),
		   (unsigned long long)rng_next(r));
	buf_printf(to, ",\"request_id\":\"%08x-%04x-4%03x-8%03x-%012llx\",\"url\":\"/v1/%ss/%u?page=%u\"}",
		   (unsigned)rng_next(r), (unsigned)pick(r, 65536), (unsigned)pick(r, 4096), (unsigned)pick(r, 4096),
		   (unsigned long long)(rng_next(r) >> 16), type, entity, amount % 9);
	if (pick(r, 3) == 0)
		buf_printf(to, ",\"attributes\":{\"amount\":%u,\"ok\":%s,\"note\":\"case %x of %u\"}", amount,
			   pick(r, 2) ? "true" : "null", amount, actor);
	if (pick(r, 5) == 0)
		buf_printf(to, ",\"outcome\":{\"type\":\"failure\",\"error\":\"needs %s.%s\"}", type, action);
	buf_put_u8(to, '}');
}

/* Adds `n` events, of which `random_percent` are random ones of ever new shapes. */
static inline void sample_events(struct sample *s, struct rng *r, size_t n, unsigned random_percent)
{
	struct buf event = BUF_INIT;

	for (size_t end = s->batch.count + n; s->batch.count < end;) {
		buf_reset(&event);
		if (pick(r, 100) < random_percent)
			put_random_event(r, &event);
		else
			put_audit_event(r, &event);
		(void)!sample_add(s, buf_span(&event));
	}
	buf_release(&event);
}

/* ---- segments ---- */

static inline struct segment *open_image(struct buf *bytes)
{
	struct err err = ERR_INIT;
	struct segment *segment = NULL;

	if (segment_open(object_of_memory(bytes->p, bytes->len), sample_key, &segment, &err) < 0)
		fail_msg("%s", err.message);
	*bytes = (struct buf)BUF_INIT; /* the object has it */
	return segment;
}

/* The bytes of the segment of records [at, at + count); `frontier` is before them and is advanced. */
static inline void sample_image(const struct sample *s, size_t at, size_t count, struct merkle_frontier *frontier,
				struct buf *to)
{
	struct sha256 groups[BLOCK_ROWS_MAX / MERKLE_GROUP + 1], leaf;
	struct segment_merkle merkle = {.groups = groups};
	struct err err = ERR_INIT;

	for (size_t i = at; i < at + count; i++) {
		digest_leaf(s->digest, s->record[i], &leaf);
		merkle.group_count += merkle_append(frontier, s->digest, &leaf, &groups[merkle.group_count]);
	}
	merkle.frontier = *frontier;
	if (segment_build(7, sample_key, s->first + at, s->record + at, count, &merkle, to, &err) < 0)
		fail_msg("%s", err.message);
}

static inline struct segment *sample_build(const struct sample *s, size_t at, size_t count,
					   struct merkle_frontier *frontier)
{
	struct buf bytes = BUF_INIT;

	sample_image(s, at, count, frontier, &bytes);
	return open_image(&bytes);
}

/* A frontier of `size` leaves that stand for the records before a sample's first. */
static inline struct merkle_frontier frontier_before(uint64_t size)
{
	struct merkle_frontier f;

	merkle_init(&f);
	memset(f.node, 0x5a, sizeof(f.node));
	f.size = size;
	return f;
}

/* ---- the keys of the naive reading ---- */

static inline bool naive_is_fixed(struct span path)
{
	return span_eq_str(path, "id") || span_eq_str(path, "time") || span_eq_str(path, "received");
}

/* The keys that an index must have for a value, by the definitions of token.h. */
static inline void naive_keys(struct span path, struct span text, bool is_string, struct buf *keys)
{
	struct buf plain = BUF_INIT, scratch = BUF_INIT;
	struct token_iter it;
	struct span word;
	uint64_t key;

	if (!is_string) {
		token_value_keys(text, false, true, &scratch, keys);
		goto out;
	}
	json_text_unescape(&plain, text);
	it = (struct token_iter){buf_span(&plain), 0};
	while (token_next(&it, &word)) {
		key = token_hash(word);
		buf_put(keys, &key, sizeof(key));
	}
	if (plain.len && plain.len <= TOKEN_VALUE_MAX && !span_eq_str(path, "description")) {
		key = token_hash(buf_span(&plain));
		buf_put(keys, &key, sizeof(key));
	}
out:
	buf_release(&plain);
	buf_release(&scratch);
}

/* ---- comparing ---- */

static inline struct block *sample_open_block(struct segment *segment, uint32_t number)
{
	struct err err = ERR_INIT;
	struct block *b = NULL;

	if (block_open(segment, number, &b, &err) < 0)
		fail_msg("%s", err.message);
	return b;
}

static inline void check_block_records(const struct sample *s, struct block *b)
{
	const struct segment_block_info *info = &b->info;
	size_t at = (size_t)(info->first - s->first);
	const int64_t *time, *received;
	struct buf record = BUF_INIT;
	struct err err = ERR_INIT;

	for (uint32_t r = 0; r < info->rows; r++) {
		buf_reset(&record);
		if (block_record(b, r, &record, &err) < 0)
			fail_msg("%s", err.message);
		if (!span_eq(buf_span(&record), s->record[at + r]))
			fail_msg("record %zu: %.*s\nwas %.*s", at + r, (int)record.len, record.p,
				 (int)s->record[at + r].len, s->record[at + r].p);
	}
	assert_int_equal(block_times(b, &time, NULL), 0);
	assert_int_equal(block_received(b, &received, NULL), 0);
	for (uint32_t k = 0; k < info->rows / 4 + 1; k++) { /* in no order */
		uint32_t r = (uint32_t)((uint64_t)k * 7919 % info->rows);

		buf_reset(&record);
		assert_int_equal(block_record(b, r, &record, NULL), 0);
		assert_true(span_eq(buf_span(&record), s->record[at + r]));
	}
	for (uint32_t r = 0; r < info->rows; r++) {
		assert_int_equal(time[r], s->time[at + r]);
		assert_int_equal(received[r], s->received[at + r]);
		assert_true(info->time_min <= time[r] && time[r] <= info->time_max);
	}
	buf_release(&record);
}

/* The naive reading of a block, without the rows that are stored raw. Returns how many those are. */
static inline size_t naive_block(const struct sample *s, struct block *b, struct naive *ret)
{
	const struct block_values *raw;
	size_t at = (size_t)(b->info.first - s->first), n = 0, raws = 0;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(block_values(b, COLUMN_RAW, &raw, NULL), 0);
	for (uint32_t r = 0; r < b->info.rows; r++) {
		bool is_raw = raw && n < raw->count && (raw->row_of ? raw->row_of[n] : n) == r;

		assert_true(is_raw || !s->is_odd[at + r]);
		raws += is_raw;
		n += is_raw;
		if (!is_raw)
			naive_record(ret, s->record[at + r], r);
	}
	naive_sort(ret);
	return raws;
}

/* One column against the twin; returns how many values they have. */
static inline size_t check_column_values(struct block *b, uint32_t column, const struct naive *x)
{
	const struct shape_column *def = segment_column(b->segment, column);
	size_t at = naive_find(x, def->path, def->is_string);
	const struct block_values *v;
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;

	if (block_values(b, column, &v, &err) < 0)
		fail_msg("%s", err.message);
	for (uint32_t i = 0; v && i < v->count; i++, at++) {
		const struct naive_value *want = &x->value[at];

		must(x->value && at < x->count);
		assert_true(naive_compare_column(x, want, def->path, def->is_string) == 0);
		assert_int_equal(v->row_of ? v->row_of[i] : i, want->row);
		buf_reset(&text);
		if (block_value_text(b, column, i, &text, &err) < 0)
			fail_msg("%s", err.message);
		assert_true(span_eq(buf_span(&text), naive_text(x, want)));
		if (v->dict) {
			assert_true(v->code[i] < v->dict->count);
			assert_true(span_eq(dict_get(v->dict, v->code[i]), naive_text(x, want)));
		}
	}
	assert_true(at == x->count || naive_compare_column(x, &x->value[at], def->path, def->is_string) != 0);
	buf_release(&text);
	return v ? v->count : 0;
}

/* All texts of a column at once are its texts one by one; of a column with a dictionary there are none. */
static inline void check_column_texts(struct block *b, uint32_t column)
{
	const struct block_values *v;
	struct block_texts texts = {1, NULL, NULL};
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(block_values(b, column, &v, NULL), 0);
	if (block_texts(b, column, &texts, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(texts.text != NULL, v && !v->dict);
	if (texts.text)
		assert_int_equal(texts.count, v->count);
	for (uint32_t i = 0; texts.text && i < texts.count; i++) {
		buf_reset(&text);
		assert_int_equal(block_value_text(b, column, i, &text, NULL), 0);
		assert_true(span_eq(buf_span(&text),
				    span_of(texts.text + texts.offset[i], texts.offset[i + 1] - texts.offset[i])));
	}
	for (size_t k = 0; texts.text && k < BLOCK_TEXTS_SLACK; k++) /* ASan looks */
		(void)((const volatile uint8_t *)texts.text)[texts.offset[texts.count] + k];
	buf_release(&text);
}

/* Every column of the segment gives what the twin has, and the twin has nothing else. Returns the rows stored raw. */
static inline size_t check_block_columns(const struct sample *s, struct block *b)
{
	struct naive x;
	size_t raws = naive_block(s, b, &x), values = 0, fixed = 0;

	for (uint32_t c = COLUMN_RAW + 1; c < segment_column_count(b->segment); c++)
		values += check_column_values(b, c, &x);
	for (size_t i = 0; i < x.count; i++)
		fixed += naive_is_fixed(naive_path(&x, &x.value[i]));
	assert_int_equal(values + fixed, x.count);
	for (uint32_t c = 0; c < segment_column_count(b->segment); c++)
		check_column_texts(b, c);
	naive_release(&x);
	return raws;
}

static inline int compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* No word and no whole value of the block's records is missed; of very many keys a part is looked up. */
static inline void check_block_lookups(const struct sample *s, struct segment *segment, uint32_t block)
{
	const struct segment_block_info *info = segment_block_info(segment, block);
	uint64_t blocks[SEGMENT_BLOCKS_MAX / 64], *key;
	struct naive x = {0};
	struct buf keys = BUF_INIT;
	size_t n, step;

	for (uint32_t r = 0; r < info->rows; r++)
		naive_record(&x, s->record[info->first - s->first + r], r);
	for (size_t i = 0; i < x.count; i++)
		if (!naive_is_fixed(naive_path(&x, &x.value[i])))
			naive_keys(naive_path(&x, &x.value[i]), naive_text(&x, &x.value[i]), x.value[i].is_string,
				   &keys);
	n = keys.len / sizeof(*key);
	key = (uint64_t *)(void *)keys.p;
	if (n)
		qsort(key, n, sizeof(*key), compare_keys);
	step = n / 5000 + 1;
	for (size_t i = 0; i < n; i++) {
		if ((i && key[i] == key[i - 1]) || key[i] % step)
			continue;
		assert_int_equal(segment_lookup(segment, key[i], blocks, NULL), 0);
		if (!(blocks[block / 64] >> block % 64 & 1))
			fail_msg("block %u is missed", block);
	}
	buf_release(&keys);
	naive_release(&x);
}

/* Dictionary values with their counts are what a count over all records gives. */
static inline void check_counts(const struct sample *s, struct segment *segment)
{
	struct naive x = {0};

	for (uint64_t i = segment_first(segment); i < segment_next(segment); i++)
		naive_record(&x, s->record[i - s->first], (uint32_t)(i - s->first));
	naive_sort(&x);
	for (uint32_t c = COLUMN_RAW + 1; c < segment_column_count(segment); c++) {
		const struct shape_column *def = segment_column(segment, c);
		const struct segment_dict *dict;
		size_t from = naive_find(&x, def->path, def->is_string);

		if (!segment->dict[c])
			continue;
		assert_int_equal(segment__dict(segment, c, &dict, NULL), 0);
		for (uint32_t code = 0; dict->dict.rows && code < dict->dict.count; code++) {
			uint32_t n = 0;

			for (size_t i = from; i < x.count; i++) {
				if (naive_compare_column(&x, &x.value[i], def->path, def->is_string) != 0)
					break;
				n += span_eq(naive_text(&x, &x.value[i]), dict_get(&dict->dict, code));
			}
			assert_int_equal(dict->dict.rows[code], n);
		}
	}
	naive_release(&x);
}

/* One record of a block that nothing else was asked of: the ways of a few values, not those of many. */
static inline void check_single_records(const struct sample *s, struct segment *segment, uint32_t number)
{
	const struct segment_block_info *info = segment_block_info(segment, number);
	struct buf record = BUF_INIT;

	for (uint32_t k = 0; k < 5; k++) {
		struct block *b = sample_open_block(segment, number);
		uint32_t from = info->rows / 5 * k;

		for (uint32_t r = from; r < info->rows && r < from + 1 + 7 * k; r += 1 + k) {
			buf_reset(&record);
			assert_int_equal(block_record(b, r, &record, NULL), 0);
			assert_true(span_eq(buf_span(&record), s->record[info->first - s->first + r]));
		}
		block_close(b);
	}
	buf_release(&record);
}

/* Everything a segment says about records [segment_first, segment_next) of the sample. `before` is the frontier there.
 * Returns the rows stored raw. */
static inline size_t check_segment(const struct sample *s, struct segment *segment,
				   const struct merkle_frontier *before)
{
	struct err err = ERR_INIT;
	uint64_t next = segment_first(segment);
	size_t raws = 0;

	for (uint32_t k = 0; k < segment_block_count(segment); k++) {
		struct block *b = sample_open_block(segment, k);

		assert_int_equal(b->info.first, next);
		next += b->info.rows;
		check_block_records(s, b);
		raws += check_block_columns(s, b);
		check_block_lookups(s, segment, k);
		block_close(b);
		check_single_records(s, segment, k);
	}
	assert_int_equal(next, segment_next(segment));
	if (segment_verify(segment, before, NULL, &err) < 0)
		fail_msg("%s", err.message);
	return raws;
}

#endif
