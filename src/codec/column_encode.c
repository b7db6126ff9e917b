/*
 * Writing a run of text values: the first encoding that fits all of them, TEXT when none does. Each is given up at the
 * first value that does not fit, which for text is the first one of all, so looking costs little.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/column_priv.h"
#include "codec/ints_priv.h"

#define TEXT_LEVEL         3
#define TEXT_SQUEEZE_BYTES 64 /* below, a frame's header eats what it saves */

/* In the order tried. HEX_INT before HEX: numbers of one length are still numbers, and take fewer bits. */
static const enum column_encoding typed[] = {
	COLUMN_INT, COLUMN_HEX_INT, COLUMN_HEX, COLUMN_UUID, COLUMN_IPV4, COLUMN_TIME,
};
#define TYPED_COUNT (sizeof(typed) / sizeof(typed[0]))

static bool has_rows(enum column_encoding encoding)
{
	return encoding == COLUMN_HEX || encoding == COLUMN_UUID;
}

static bool are_equal(const struct span *values, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (!span_eq(values[i], values[0]))
			return false;
	}
	return true;
}

static bool fits(enum column_encoding encoding, const struct span *values, size_t n)
{
	uint8_t row[COLUMN_HEX_BYTES_MAX];
	int64_t number;
	uint32_t row_bytes;

	if (!has_rows(encoding))
		return column__read_numbers(encoding, values, n, &number, 0);
	row_bytes = column__row_bytes(encoding, values[0]);
	return row_bytes && column__read_rows(encoding, values, n, row_bytes, row, 0);
}

enum column_encoding column_classify(const struct span *values, size_t n)
{
	must(n >= 1 && n <= COLUMN_VALUES_MAX);
	if (are_equal(values, n))
		return COLUMN_CONST;
	for (size_t t = 0; t < TYPED_COUNT; t++) {
		if (fits(typed[t], values, n))
			return typed[t];
	}
	return COLUMN_TEXT;
}

static void put_const(struct span value, struct buf *to)
{
	buf_put_u8(to, COLUMN_CONST);
	buf_put_varint(to, value.len);
	buf_put_span(to, value);
}

static bool put_numbers(enum column_encoding encoding, const struct span *values, size_t n, struct buf *to)
{
	int64_t *numbers = try_alloc(n * sizeof(*numbers));
	bool fit = false;

	if (!numbers) {
		to->failed = true;
		goto out;
	}
	fit = column__read_numbers(encoding, values, n, numbers, 1);
	if (fit) {
		buf_put_u8(to, (uint8_t)encoding);
		ints_encode(numbers, n, to);
	}
out:
	free(numbers);
	return fit;
}

static bool put_rows(enum column_encoding encoding, const struct span *values, size_t n, struct buf *to)
{
	uint32_t row_bytes = column__row_bytes(encoding, values[0]);
	uint8_t *rows = try_alloc(n * row_bytes);
	bool fit = false;

	if (!rows) {
		to->failed = true;
		goto out;
	}
	fit = column__read_rows(encoding, values, n, row_bytes, rows, row_bytes);
	if (fit) {
		buf_put_u8(to, (uint8_t)encoding);
		if (encoding == COLUMN_HEX)
			buf_put_u8(to, (uint8_t)row_bytes);
		column__rows_put(to, rows, n, row_bytes);
	}
out:
	free(rows);
	return fit;
}

/* The bytes back to back, compressed if that is shorter: the frame's length (0: as they are), then the bytes. */
static void put_bytes(const struct span *values, size_t n, size_t total, struct buf *to)
{
	struct buf raw = BUF_INIT;
	struct buf frame = BUF_INIT;

	(void)buf_room(&raw, total);
	for (size_t i = 0; i < n; i++)
		buf_put_span(&raw, values[i]);
	if (!buf_ok(&raw)) {
		to->failed = true;
		goto out;
	}
	if (total >= TEXT_SQUEEZE_BYTES)
		(void)ints__zstd_put(&frame, buf_span(&raw), TEXT_LEVEL);
	buf_put_varint(to, frame.len);
	buf_put_span(to, frame.len ? buf_span(&frame) : buf_span(&raw));
out:
	buf_release(&raw);
	buf_release(&frame);
}

static void put_text(const struct span *values, size_t n, struct buf *to)
{
	int64_t *lens = try_alloc(n * sizeof(*lens));
	size_t total = 0;

	if (!lens) {
		to->failed = true;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		must(values[i].len <= COLUMN_VALUE_MAX);
		lens[i] = (int64_t)values[i].len;
		total += values[i].len;
	}
	buf_put_u8(to, COLUMN_TEXT);
	ints_encode(lens, n, to);
	put_bytes(values, n, total, to);
out:
	free(lens);
}

enum column_encoding column_encode(const struct span *values, size_t n, struct buf *to)
{
	must(n >= 1 && n <= COLUMN_VALUES_MAX);
	if (are_equal(values, n)) {
		put_const(values[0], to);
		return COLUMN_CONST;
	}
	for (size_t t = 0; t < TYPED_COUNT; t++) {
		/* The first value alone decides most often, before memory is taken. */
		if (!fits(typed[t], values, 1))
			continue;
		if (has_rows(typed[t]) ? put_rows(typed[t], values, n, to) : put_numbers(typed[t], values, n, to))
			return typed[t];
	}
	put_text(values, n, to);
	return COLUMN_TEXT;
}
