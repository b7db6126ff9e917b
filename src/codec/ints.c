/*
 * Reading a run of integers; docs/format/column.md has the bytes, ints_encode.c how they come about.
 *
 * Packed and grouped runs are read in place. A grouped run has the end of each group as the sum of the widths so far:
 * a group of 128 numbers of w bits takes 16 * w bytes, so the sum is the offset, and its steps are the widths. Tokens
 * are inflated when the run is opened and read from there (ints_tokens_read.c); differences are added up at once.
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
	if (r->mode == INTS_TOKENS)
		return ints__tokens_number(r, i);
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
	if (r->mode == INTS_TOKENS) {
		ints__tokens_read(r, from, n, to);
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
		if (r->base == 0)
			return;
		for (size_t i = 0; i < n; i++)
			x[i] += (uint64_t)r->base;
		return;
	}
	for (size_t i = 0; i < n; i++)
		x[i] = (uint64_t)r->base + (uint64_t)r->scale * x[i];
}

/* x[1..n) holds the differences; x[0] becomes the base. */
static void finish_deltas(const struct ints *r, uint64_t *x, uint64_t step, bool is_zigzag)
{
	uint64_t scale = (uint64_t)r->scale;
	uint64_t sum = (uint64_t)r->base;

	x[0] = sum;
	for (size_t i = 1; is_zigzag && i < r->n; i++)
		x[i] = sum += ints__unzigzag(x[i]) * scale;
	for (size_t i = 1; !is_zigzag && i < r->n; i++)
		x[i] = sum += (x[i] + step) * scale;
}

/* Adds up a run of differences, which is opened, into memory. */
static int add_up(struct ints *r, uint64_t step, bool is_zigzag, struct err *err)
{
	uint64_t *x = try_alloc(r->n * sizeof(*x));

	if (!x)
		return err_set(err, E_NO_MEMORY, "no memory for %u integers", r->n);
	read_numbers(r, 0, r->n - 1, x + 1);
	finish_deltas(r, x, step, is_zigzag);
	r->decoded = (int64_t *)x;
	free(r->owned);
	r->owned = NULL;
	return 0;
}

static int open_numbers(struct ints *r, struct reader *from, size_t n, struct err *err)
{
	switch (r->mode) {
	case INTS_PACKED:
		return open_packed(r, from, n, err);
	case INTS_GROUPED:
		return open_grouped(r, from, n, err);
	case INTS_TOKENS:
		return ints__tokens_open(r, from, n, err);
	default:
		return 0;
	}
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
	rc = open_numbers(&r, from, mark & INTS_DELTA ? n - 1 : n, err);
	if (rc == 0 && (mark & INTS_DELTA))
		rc = add_up(&r, step, mark & INTS_ZIGZAG, err);
	if (rc == 0)
		*ret = r;
	else
		ints_release(&r);
	return rc;
}

void ints_release(struct ints *r)
{
	free(r->owned);
	free(r->decoded);
	r->owned = NULL;
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

void ints_decode(struct ints *r)
{
	if (r->mode != INTS_TOKENS || r->decoded)
		return;
	r->decoded = try_alloc(r->n * sizeof(*r->decoded));
	if (!r->decoded)
		return;
	read_numbers(r, 0, r->n, (uint64_t *)r->decoded);
	finish_plain(r, (uint64_t *)r->decoded, r->n);
	free(r->owned);
	r->owned = NULL;
}

int64_t *ints_take(struct ints *r)
{
	int64_t *all = r->decoded ? r->decoded : try_alloc(r->n * sizeof(*all));

	if (all && !r->decoded)
		ints_read(r, 0, r->n, all);
	r->decoded = NULL;
	ints_release(r);
	return all;
}

size_t ints_memory(const struct ints *r)
{
	size_t tokens = r->owned ? r->packed.len + r->packed.len / INTS_GROUP * sizeof(*r->marks) : 0;

	return tokens + (r->decoded ? r->n * sizeof(*r->decoded) : 0);
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
