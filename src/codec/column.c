/* Reading a run of text values; docs/format/column.md has the bytes. */
#include "codec/column.h"

#include <stdlib.h>

#include "base/mem.h"
#include "codec/column_priv.h"
#include "codec/ints_priv.h"

static int open_const(struct column *c, struct reader *from, struct err *err)
{
	c->bytes = reader_bytes(from, reader_varint(from));
	if (from->failed || c->bytes.len > COLUMN_VALUE_MAX)
		return err_corrupt(err, 0, "column: the constant is cut off or too long");
	return 0;
}

static int open_numbers(struct column *c, struct reader *from, struct err *err)
{
	int64_t min;
	int64_t max;
	int rc = ints_open(&c->ints, from, c->n, err);

	if (rc < 0)
		return rc;
	if (column__has_bounds(c->encoding, &min, &max) && !ints__within(&c->ints, min, max))
		return err_corrupt(err, 0, "column: a number is out of the range of encoding %d", (int)c->encoding);
	return 0;
}

static int open_rows(struct column *c, struct reader *from, struct err *err)
{
	uint32_t row_bytes = c->encoding == COLUMN_UUID ? COLUMN_UUID_BYTES : reader_u8(from);

	if (row_bytes == 0 || row_bytes > COLUMN_HEX_BYTES_MAX)
		return err_corrupt(err, 0, "column: rows of %u bytes", row_bytes);
	c->value_len = c->encoding == COLUMN_UUID ? COLUMN_UUID_LEN : 2 * row_bytes;
	return column__rows_get(from, c->n, row_bytes, &c->bytes, &c->inflated, err);
}

/* Lengths to offsets; E_CORRUPT when one is no length or the sum takes more than 32 bits. */
static int sum_lens(const struct ints *lens, size_t n, uint32_t *offsets, struct err *err)
{
	int64_t some[INTS_GROUP];
	uint64_t sum = 0;

	offsets[0] = 0;
	for (size_t i = 0; i < n; i += INTS_GROUP) {
		size_t len = n - i < INTS_GROUP ? n - i : INTS_GROUP;

		ints_read(lens, i, len, some);
		for (size_t k = 0; k < len; k++) {
			if (some[k] < 0 || some[k] > COLUMN_VALUE_MAX)
				return err_corrupt(err, 0, "column: a text of %lld bytes", (long long)some[k]);
			sum += (uint64_t)some[k];
			offsets[i + k + 1] = (uint32_t)sum;
		}
	}
	if (sum > UINT32_MAX)
		return err_corrupt(err, 0, "column: texts of %llu bytes", (unsigned long long)sum);
	return 0;
}

static int open_lens(struct column *c, struct reader *from, struct err *err)
{
	struct ints lens;
	int rc = ints_open(&lens, from, c->n, err);

	if (rc < 0)
		return rc;
	c->offsets = try_alloc((c->n + 1) * sizeof(*c->offsets));
	rc = c->offsets ? sum_lens(&lens, c->n, c->offsets, err)
			: err_set(err, E_NO_MEMORY, "no memory for %u texts", c->n);
	ints_release(&lens);
	return rc;
}

static int open_text(struct column *c, struct reader *from, struct err *err)
{
	struct span frame;
	uint64_t frame_len;
	size_t total;
	int rc = open_lens(c, from, err);

	if (rc < 0)
		return rc;
	total = c->offsets[c->n];
	frame_len = reader_varint(from);
	frame = reader_bytes(from, frame_len ? frame_len : total);
	if (from->failed || (frame_len && frame_len >= total))
		return err_corrupt(err, 0, "column: the texts are cut off, or longer packed than not");
	c->bytes = frame;
	if (!frame_len)
		return 0;
	if (!ints__zstd_may_hold(frame.len, total))
		return err_corrupt(err, 0, "column: %zu bytes cannot hold texts of %zu", frame.len, total);
	c->inflated = try_alloc(total + COLUMN_SLACK);
	if (!c->inflated)
		return err_set(err, E_NO_MEMORY, "no memory for texts of %zu bytes", total);
	memset(c->inflated + total, 0, COLUMN_SLACK);
	c->bytes = span_of(c->inflated, total);
	return ints__zstd_get(frame, c->inflated, total, err);
}

static int open_encoding(struct column *c, struct reader *from, struct err *err)
{
	switch (c->encoding) {
	case COLUMN_CONST:
		return open_const(c, from, err);
	case COLUMN_INT:
	case COLUMN_HEX_INT:
	case COLUMN_IPV4:
	case COLUMN_TIME:
		return open_numbers(c, from, err);
	case COLUMN_HEX:
	case COLUMN_UUID:
		return open_rows(c, from, err);
	case COLUMN_TEXT:
		return open_text(c, from, err);
	}
	return err_corrupt(err, 0, "column: there is no encoding %d", (int)c->encoding);
}

int column_open(struct column *ret, struct reader *from, size_t n, struct err *err)
{
	struct column c = {.n = (uint32_t)n};
	int rc;

	must(n >= 1 && n <= COLUMN_VALUES_MAX);
	c.encoding = reader_u8(from);
	if (from->failed)
		return err_corrupt(err, 0, "column: nothing there");
	rc = open_encoding(&c, from, err);
	if (rc < 0)
		column_release(&c);
	else
		*ret = c;
	return rc;
}

void column_release(struct column *c)
{
	ints_release(&c->ints);
	free(c->offsets);
	free(c->inflated);
	c->offsets = NULL;
	c->inflated = NULL;
}

void column_decode(struct column *c)
{
	if (c->encoding != COLUMN_TEXT) /* whose lengths are offsets by now */
		ints_decode(&c->ints);
}

size_t column_memory(const struct column *c)
{
	return ints_memory(&c->ints) + (c->offsets ? (c->n + 1) * sizeof(*c->offsets) : 0) +
	       (c->inflated ? c->bytes.len : 0);
}

size_t column__write(const struct column *c, size_t i, uint8_t *to)
{
	size_t row_bytes;

	if (c->encoding != COLUMN_HEX && c->encoding != COLUMN_UUID)
		return column__write_number(c->encoding, ints_get(&c->ints, i), to);
	row_bytes = c->encoding == COLUMN_UUID ? COLUMN_UUID_BYTES : c->value_len / 2;
	return column__write_row(c->encoding, span_of(c->bytes.p + i * row_bytes, row_bytes), to);
}

void column_get(const struct column *c, size_t i, struct buf *to)
{
	uint8_t *room;

	switch (c->encoding) {
	case COLUMN_CONST:
		buf_put_span(to, c->bytes);
		break;
	case COLUMN_TEXT:
		buf_put(to, c->bytes.p + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
		break;
	default:
		room = buf_room(to, COLUMN_TYPED_MAX);
		if (room)
			buf_commit(to, column__write(c, i, room));
		break;
	}
}

bool column_number(const struct column *c, size_t i, int64_t *ret)
{
	if (c->encoding != COLUMN_INT && c->encoding != COLUMN_TIME && c->encoding != COLUMN_IPV4)
		return false;
	*ret = ints_get(&c->ints, i);
	if (c->encoding == COLUMN_IPV4)
		*ret = (uint32_t)*ret;
	return true;
}
