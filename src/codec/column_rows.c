/*
 * Rows of bytes of equal length: identifiers. Most are random and stay as they are, to be read in place. Others begin
 * with a time, end with a counter or name the machine that made them (UUID version 7, object ids): there a few byte
 * places vary little. Such places are taken out of the rows, laid place by place and compressed, where that saves a
 * tenth: then the rows must be put together again when they are opened.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/column_priv.h"
#include "codec/ints_priv.h"

#define PLACES_LEVEL 1
#define SAMPLE_MIN   256
#define SAMPLE_MAX   512
#define SAVED_MIN    10 /* one part in so many of all bytes */
#define TWINS_MIN    64 /* of a place: chance of two rows to agree is one in so many, 256 when it is random */

/* Whether the bytes at one place agree more often than those of random bytes would. */
static bool varies_little(const uint8_t *place, size_t n, uint32_t row_bytes)
{
	uint16_t seen[256] = {0};
	size_t step = n > SAMPLE_MAX ? n / SAMPLE_MAX : 1;
	size_t count = 0;
	uint64_t twins = 0;

	for (size_t i = 0; i < n && count < SAMPLE_MAX; i += step, count++)
		twins += seen[place[i * row_bytes]]++;
	return twins * 2 * TWINS_MIN > count * (count - 1);
}

/* The places to compress, a bit each; none where they are too few to matter. */
static uint64_t find_places(const uint8_t *rows, size_t n, uint32_t row_bytes)
{
	uint64_t places = 0;

	if (n < SAMPLE_MIN)
		return 0;
	for (uint32_t at = 0; at < row_bytes; at++)
		places |= (uint64_t)varies_little(rows + at, n, row_bytes) << at;
	return (uint32_t)__builtin_popcountll(places) * SAVED_MIN >= row_bytes ? places : 0;
}

/* Lays the bytes of the places one place after the other. */
static void collect(const uint8_t *rows, size_t n, uint32_t row_bytes, uint64_t places, uint8_t *to)
{
	for (; places; places &= places - 1) {
		const uint8_t *at = rows + __builtin_ctzll(places);

		for (size_t i = 0; i < n; i++)
			*to++ = at[i * row_bytes];
	}
}

/* Compresses the places; false when that does not pay. */
static bool squeeze(const uint8_t *rows, size_t n, uint32_t row_bytes, uint64_t places, struct buf *ret_frame)
{
	size_t len = n * (size_t)__builtin_popcountll(places);
	uint8_t *raw = try_alloc(len);
	bool pays = false;

	if (!raw)
		return false;
	collect(rows, n, row_bytes, places, raw);
	if (ints__zstd_put(ret_frame, span_of(raw, len), PLACES_LEVEL))
		pays = (len - ret_frame->len) * SAVED_MIN >= n * row_bytes;
	free(raw);
	return pays;
}

static void put_others(struct buf *to, const uint8_t *rows, size_t n, uint32_t row_bytes, uint64_t places)
{
	size_t len = n * (row_bytes - (size_t)__builtin_popcountll(places));
	uint8_t *p = buf_room(to, len);

	if (!p)
		return;
	for (size_t i = 0; i < n; i++) {
		for (uint32_t at = 0; at < row_bytes; at++) {
			if (!(places >> at & 1))
				*p++ = rows[i * row_bytes + at];
		}
	}
	buf_commit(to, len);
}

void column__rows_put(struct buf *to, const uint8_t *rows, size_t n, uint32_t row_bytes)
{
	struct buf frame = BUF_INIT;
	uint64_t places = find_places(rows, n, row_bytes);

	if (places && !squeeze(rows, n, row_bytes, places, &frame))
		places = 0;
	buf_put_varint(to, places);
	if (places) {
		buf_put_varint(to, frame.len);
		buf_put_span(to, buf_span(&frame));
		put_others(to, rows, n, row_bytes, places);
	} else {
		buf_put(to, rows, n * row_bytes);
	}
	buf_release(&frame);
}

/* Puts rows together again: `raw` has the places, `others` the rest. */
static void spread(const uint8_t *raw, const uint8_t *others, size_t n, uint32_t row_bytes, uint64_t places,
		   uint8_t *to)
{
	for (uint32_t at = 0; at < row_bytes; at++) {
		if (!(places >> at & 1))
			continue;
		for (size_t i = 0; i < n; i++)
			to[i * row_bytes + at] = *raw++;
	}
	for (size_t i = 0; i < n; i++) {
		for (uint32_t at = 0; at < row_bytes; at++, to++) {
			if (!(places >> at & 1))
				*to = *others++;
		}
	}
}

static int open_places(struct reader *from, size_t n, uint32_t row_bytes, uint64_t places, uint8_t **ret_rows,
		       struct err *err)
{
	size_t place_count = (size_t)__builtin_popcountll(places);
	struct span frame = reader_bytes(from, reader_varint(from));
	struct span others = reader_bytes(from, n * (row_bytes - place_count));
	uint8_t *raw = NULL;
	uint8_t *rows = NULL;
	int rc;

	if (from->failed)
		return err_corrupt(err, 0, "column: the rows are cut off");
	raw = try_alloc(n * place_count);
	rows = try_alloc(n * row_bytes);
	if (!raw || !rows) {
		rc = err_set(err, E_NO_MEMORY, "no memory for %zu rows of %u bytes", n, row_bytes);
		goto out;
	}
	if ((rc = ints__zstd_get(frame, raw, n * place_count, err)) < 0)
		goto out;
	spread(raw, others.p, n, row_bytes, places, rows);
	*ret_rows = rows;
	rows = NULL;
out:
	free(raw);
	free(rows);
	return rc;
}

int column__rows_get(struct reader *from, size_t n, uint32_t row_bytes, struct span *ret_rows, uint8_t **ret_owned,
		     struct err *err)
{
	uint64_t places = reader_varint(from);
	struct span rows;
	int rc;

	if (from->failed || (row_bytes < 64 && places >> row_bytes))
		return err_corrupt(err, 0, "column: places beyond a row of %u bytes", row_bytes);
	if (places) {
		if ((rc = open_places(from, n, row_bytes, places, ret_owned, err)) < 0)
			return rc;
		*ret_rows = span_of(*ret_owned, n * row_bytes);
		return 0;
	}
	rows = reader_bytes(from, n * row_bytes);
	if (from->failed)
		return err_corrupt(err, 0, "column: the rows are cut off");
	*ret_rows = rows;
	return 0;
}
