/*
 * A program that includes this has checksums that are always 0 and zstd frames, of the store's own, that are the bytes
 * themselves: its segments are plain from end to end and any byte can be changed without a checksum telling. So tests
 * and fuzzing reach what lies behind the checksums. It works because a program's own functions come before those of the
 * libraries. Include in one file only.
 */
#ifndef STELE_TESTS_STORE_SEGMENT_HOSTILE_H
#define STELE_TESTS_STORE_SEGMENT_HOSTILE_H

#include <stdlib.h>
#include <zstd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "codec/needle.h"
#include "codec/record.h"
#include "store/segment_priv.h"

uint32_t crc32c(uint32_t crc, const void *p, size_t len)
{
	(void)crc;
	(void)p;
	(void)len;
	return 0;
}

size_t ZSTD_compress(void *to, size_t cap, const void *from, size_t len, int level)
{
	(void)level;
	must(len <= cap);
	memcpy(to, from, len);
	return len;
}

size_t ZSTD_decompress(void *to, size_t cap, const void *from, size_t len)
{
	memcpy(to, from, len < cap ? len : cap);
	return len;
}

static const uint8_t hostile_key[ID_KEY_LEN] = "0123456789abcdef";

/* A copy of the bytes, so that reading past them shows; NULL when it cannot be opened. */
static inline struct segment *hostile_open(struct span bytes)
{
	uint8_t *copy = malloc(bytes.len + 1);
	struct segment *s = NULL;

	must(copy != NULL);
	memcpy(copy, bytes.p, bytes.len);
	copy = realloc(copy, bytes.len ? bytes.len : 1);
	if (segment_open(object_of_memory(copy, bytes.len), hostile_key, &s, NULL) < 0)
		return NULL;
	return s;
}

/* What block_hold asks; keeps the flags that it was given. */
struct hostile_hits {
	struct span needle;
	uint8_t *hit[64];
	size_t count;
};

static inline int hostile_dict_hits(void *user, uint32_t column, const struct dict *d, const uint8_t **ret,
				    struct err *err)
{
	struct hostile_hits *h = user;
	uint8_t *hit = xarray(d->count + 1, 1);

	(void)column;
	(void)err;
	must(h->count < 64);
	for (uint32_t k = 0; k < d->count; k++)
		hit[k] = needle_find(dict_get(d, k), h->needle);
	h->hit[h->count++] = hit;
	*ret = memchr(hit, 1, d->count + 1) ? hit : NULL;
	return 0;
}

/* No value that holds the needle is passed over. */
static inline void hostile_hold(struct block *b, uint32_t column, const struct block_texts *texts, struct span needle)
{
	struct hostile_hits h = {.needle = needle};
	uint8_t *flags = xarray(texts->count + 1, 1);

	if (block_hold(b, column, needle, hostile_dict_hits, &h, flags, NULL) == 0)
		for (uint32_t i = 0; i < texts->count; i++)
			must(flags[i] || !needle_find(span_of(texts->text + texts->offset[i],
							      texts->offset[i + 1] - texts->offset[i]),
						      needle));
	for (size_t k = 0; k < h.count; k++)
		free(h.hit[k]);
	free(flags);
}

/* Needles out of the texts themselves, so that they are found, also across the ends of what texts are made of. */
static inline void hostile_hold_some(struct block *b, uint32_t column, const struct block_texts *texts)
{
	uint32_t end = texts->offset[texts->count];

	for (uint32_t k = 0; k < 6 && end > 0; k++) {
		uint32_t at = (k * 2654435761u + column * 40503u) % end;
		uint32_t len = 1 + (k * 7 + column) % 9;

		hostile_hold(b, column, texts, span_of(texts->text + at, len < end - at ? len : end - at));
	}
}

/* Texts all at once are those one by one, or damaged, or not to be had. */
static inline void hostile_read_texts(struct block *b, uint32_t column, struct buf *to)
{
	struct block_texts texts;

	if (block_texts(b, column, &texts, NULL) < 0 || !texts.text)
		return;
	for (uint32_t i = 0; i < texts.count; i++) {
		buf_reset(to);
		must(block_value_text(b, column, i, to, NULL) == 0);
		must(span_eq(buf_span(to),
			     span_of(texts.text + texts.offset[i], texts.offset[i + 1] - texts.offset[i])));
	}
	hostile_hold_some(b, column, &texts);
}

/* Asks a block for all it can say. Values may be anything; they must only be bounded. */
static inline void hostile_read_block(struct segment *s, uint32_t number, struct buf *to)
{
	const struct block_values *v;
	const int64_t *time;
	struct block *b;

	for (uint32_t c = segment_column_count(s); c-- > 0;) { /* a column first of all */
		if (block_open(s, number, &b, NULL) < 0)
			return;
		if (c % 16 == number % 16)
			hostile_read_texts(b, c, to);
		block_close(b);
		if (c > 64)
			c = 64;
	}
	if (block_open(s, number, &b, NULL) < 0)
		return;
	for (uint32_t c = 0; c < segment_column_count(s); c++) {
		if (block_values(b, c, &v, NULL) < 0 || !v)
			continue;
		for (uint32_t i = 0; i < v->count; i++) {
			must(!v->row_of || v->row_of[i] < b->info.rows);
			must(!v->dict || dict_get(v->dict, v->code[i]).len <= RECORD_BYTES_MAX);
			buf_reset(to);
			if (block_value_text(b, c, i, to, NULL) == 0)
				must(to->len <= 2 * RECORD_BYTES_MAX);
		}
		hostile_read_texts(b, c, to);
	}
	for (uint32_t r = 0; r < b->info.rows; r++) {
		buf_reset(to);
		if (block_record(b, r, to, NULL) == 0)
			must(to->len <= RECORD_BYTES_MAX);
	}
	(void)!block_times(b, &time, NULL);
	(void)!block_received(b, &time, NULL);
	block_close(b);
}

/* Opens, reads, looks up, verifies and merges with itself what may be no segment at all. */
static inline void hostile_try(struct span bytes)
{
	struct segment *s = hostile_open(bytes), *merged;
	uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
	struct merkle_frontier before;
	struct buf to = BUF_INIT;
	uint64_t rows = 0;

	if (!s)
		return;
	for (uint32_t k = 0; k < segment_block_count(s); k++)
		rows += segment_block_info(s, k)->rows;
	must(rows == segment_next(s) - segment_first(s));
	for (uint32_t k = 0; k < segment_block_count(s) && rows <= 4 * BLOCK_ROWS_MAX; k++)
		hostile_read_block(s, k, &to);
	for (uint64_t i = 0; i < 16; i++) {
		memset(blocks, 0, sizeof(blocks));
		(void)!segment_lookup(s, i * 0x1111111111111111u, blocks, NULL);
		for (uint32_t k = (segment_block_count(s) + 63) / 64; k < SEGMENT_BLOCKS_MAX / 64; k++)
			must(blocks[k] == 0);
	}
	merkle_init(&before);
	before.size = segment_first(s);
	if (rows <= 4 * BLOCK_ROWS_MAX)
		(void)!segment_verify(s, &before, NULL, NULL);
	buf_reset(&to);
	if (rows <= 4 * BLOCK_ROWS_MAX && segment_merge(&s, 1, hostile_key, &to, NULL) == 0) {
		merged = hostile_open(buf_span(&to));
		must(merged != NULL);
		segment_unref(merged);
	}
	buf_release(&to);
	segment_unref(s);
}

#endif
