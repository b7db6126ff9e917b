/*
 * Reading a run of integers; docs/format/column.md has the bytes, ints_encode.c how they come about.
 *
 * Packed and grouped runs are read in place. A grouped run has the end of each group as the sum of the widths so far:
 * a group of 128 numbers of w bits takes 16 * w bytes, so the sum is the offset, and its steps are the widths. The rest
 * is decoded when the run is opened.
 */
#include "codec/ints.h"

#include <stdlib.h>

#include "base/mem.h"
#include "codec/ints_priv.h"

/* The numbers of a run before step, scale and base, as read. */
static uint64_t get_number(const struct ints *r, size_t i)
{
	size_t group = i / INTS_GROUP;
	unsigned start;
	unsigned width;

	if (r->mode == INTS_PACKED)
		return ints__bits_get(r->packed, i * r->width, r->width);
	start = group ? get_u16le(r->ends.p + 2 * group - 2) : 0;
	width = get_u16le(r->ends.p + 2 * group) - start;
	return ints__bits_get(r->minima, group * r->width, r->width) +
	       ints__bits_get(r->packed, (size_t)start * INTS_GROUP + i % INTS_GROUP * width, width);
}

static void read_group(const struct ints *r, size_t from, size_t n, uint64_t *to)
{
	size_t group = from / INTS_GROUP;
	unsigned start = group ? get_u16le(r->ends.p + 2 * group - 2) : 0;
	unsigned width = get_u16le(r->ends.p + 2 * group) - start;

	ints__unpack(r->packed, (size_t)start * INTS_GROUP + from % INTS_GROUP * width, n, width,
		     ints__bits_get(r->minima, group * r->width, r->width), to);
}

static void read_numbers(const struct ints *r, size_t from, size_t n, uint64_t *to)
{
	size_t end = from + n;

	if (r->mode == INTS_PACKED) {
		ints__unpack(r->packed, from * r->width, n, r->width, 0, to);
		return;
	}
	while (from < end) {
		size_t left = INTS_GROUP - from % INTS_GROUP;
		size_t len = left < end - from ? left : end - from;

		read_group(r, from, len, to);
		from += len;
		to += len;
	}
}

static int open_packed(struct ints *r, struct reader *from, size_t n, struct err *err)
{
	r->width = reader_u8(from);
	r->packed = reader_bytes(from, ints__bytes(n, r->width));
	if (from->failed || r->width > 64)
		return err_corrupt(err, 0, "integers: %zu of %u bits do not fit the run", n, r->width);
	return 0;
}

static int open_grouped(struct ints *r, struct reader *from, size_t n, struct err *err)
{
	size_t groups = (n + INTS_GROUP - 1) / INTS_GROUP;
	unsigned end = 0;
	unsigned width = 0;

	r->width = reader_u8(from);
	r->minima = reader_bytes(from, ints__bytes(groups, r->width));
	r->ends = reader_bytes(from, 2 * groups);
	if (from->failed || r->width > 64)
		return err_corrupt(err, 0, "integers: the groups do not fit the run");
	for (size_t g = 0; g < groups; g++) {
		unsigned next = get_u16le(r->ends.p + 2 * g);

		if (next < end || next - end > 64)
			return err_corrupt(err, 0, "integers: group %zu ends at %u after %u", g, next, end);
		width = next - end;
		end = next;
	}
	/* The last group takes only what its numbers need. */
	r->packed = reader_bytes(from, (size_t)(end - width) * INTS_GROUP / 8 +
					       ints__bytes(n - (groups - 1) * INTS_GROUP, width));
	if (from->failed)
		return err_corrupt(err, 0, "integers: the groups' bits are cut off");
	return 0;
}

/* Turns x[0..n) into values in place. */
static void finish_plain(const struct ints *r, uint64_t *x, size_t n)
{
	if (r->scale == 1) {
		for (size_t i = 0; i < n; i++)
			x[i] += (uint64_t)r->base;
		return;
	}
	for (size_t i = 0; i < n; i++)
		x[i] = (uint64_t)r->base + (uint64_t)r->scale * x[i];
}

/* x[1..n) holds the differences; x[0] becomes the base. */
static void finish_deltas(const struct ints *r, uint64_t *x, size_t n, uint64_t step, bool is_zigzag)
{
	uint64_t sum = 0;

	x[0] = (uint64_t)r->base;
	for (size_t i = 1; i < n; i++) {
		sum += is_zigzag ? ints__unzigzag(x[i]) : x[i] + step;
		x[i] = (uint64_t)r->base + (uint64_t)r->scale * sum;
	}
}

/* Decodes a run of differences or tokens, whose numbers are opened or come next, into memory. */
static int decode(struct ints *r, struct reader *from, unsigned mark, uint64_t step, struct err *err)
{
	uint64_t *x = try_alloc(r->n * sizeof(*x));
	size_t skip = mark & INTS_DELTA ? 1 : 0;
	int rc = 0;

	if (!x)
		return err_set(err, E_NO_MEMORY, "no memory for %u integers", r->n);
	if (r->mode == INTS_TOKENS)
		rc = ints__tokens_get(from, r->n - skip, x + skip, err);
	else
		read_numbers(r, 0, r->n - skip, x + skip);
	if (rc < 0)
		goto out;
	if (mark & INTS_DELTA)
		finish_deltas(r, x, r->n, step, mark & INTS_ZIGZAG);
	else
		finish_plain(r, x, r->n);
	r->decoded = (int64_t *)x;
	x = NULL;
out:
	free(x);
	return rc;
}

/* Which flags a mode may have, and that differences are of two values at least. */
static bool is_mark_valid(unsigned mark, size_t n)
{
	unsigned mode = mark & INTS_MODE_MASK;

	if (mark & ~INTS_MARKS)
		return false;
	if (mode == INTS_CONST)
		return mark == INTS_CONST;
	if ((mark & INTS_ZIGZAG) && (mode != INTS_TOKENS || !(mark & INTS_DELTA)))
		return false;
	return n >= 2;
}

int ints_open(struct ints *ret, struct reader *from, size_t n, struct err *err)
{
	struct ints r = {.n = (uint32_t)n, .scale = 1};
	uint64_t step = 0;
	unsigned mark;
	int rc = 0;

	must(n >= 1 && n <= INTS_MAX);
	mark = reader_u8(from);
	if (from->failed || !is_mark_valid(mark, n))
		return err_corrupt(err, 0, "integers: %zu values cannot have the mark 0x%02x", n, mark);
	r.mode = mark & INTS_MODE_MASK;
	r.base = (int64_t)ints__unzigzag(reader_varint(from));
	if (mark & INTS_SCALED)
		r.scale = (int64_t)reader_varint(from);
	if ((mark & INTS_DELTA) && !(mark & INTS_ZIGZAG))
		step = ints__unzigzag(reader_varint(from));
	if (from->failed)
		return err_corrupt(err, 0, "integers: the head is cut off");
	if (r.mode == INTS_PACKED)
		rc = open_packed(&r, from, mark & INTS_DELTA ? n - 1 : n, err);
	else if (r.mode == INTS_GROUPED)
		rc = open_grouped(&r, from, mark & INTS_DELTA ? n - 1 : n, err);
	if (rc < 0)
		return rc;
	if (r.mode == INTS_TOKENS || (mark & INTS_DELTA))
		rc = decode(&r, from, mark, step, err);
	if (rc == 0)
		*ret = r;
	return rc;
}

void ints_release(struct ints *r)
{
	free(r->decoded);
	r->decoded = NULL;
}

int64_t ints_get(const struct ints *r, size_t i)
{
	if (r->decoded)
		return r->decoded[i];
	if (r->mode == INTS_CONST)
		return r->base;
	return (int64_t)((uint64_t)r->base + (uint64_t)r->scale * get_number(r, i));
}

void ints_read(const struct ints *r, size_t from, size_t n, int64_t *to)
{
	if (n == 0)
		return;
	if (r->decoded) {
		memcpy(to, r->decoded + from, n * sizeof(*to));
	} else if (r->mode == INTS_CONST) {
		for (size_t i = 0; i < n; i++)
			to[i] = r->base;
	} else {
		read_numbers(r, from, n, (uint64_t *)to);
		finish_plain(r, (uint64_t *)to, n);
	}
}

/* Packed numbers: whether the largest that the width allows is within. Saves looking at them. */
static bool is_packing_within(const struct ints *r, int64_t min, int64_t max)
{
	int64_t top;

	if (r->mode != INTS_PACKED || r->decoded || r->width > 62 || r->scale < 0)
		return false;
	if (__builtin_mul_overflow(((int64_t)1 << r->width) - 1, r->scale, &top) ||
	    __builtin_add_overflow(top, r->base, &top))
		return false;
	return r->base >= min && top <= max;
}

bool ints__within(const struct ints *r, int64_t min, int64_t max)
{
	int64_t some[INTS_GROUP];
	bool is_within = true;

	if (r->mode == INTS_CONST || is_packing_within(r, min, max))
		return r->base >= min && r->base <= max;
	for (size_t i = 0; i < r->n && is_within; i += INTS_GROUP) {
		size_t n = r->n - i < INTS_GROUP ? r->n - i : INTS_GROUP;

		ints_read(r, i, n, some);
		for (size_t k = 0; k < n; k++)
			is_within &= some[k] >= min && some[k] <= max;
	}
	return is_within;
}
