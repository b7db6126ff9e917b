/*
 * A run of 64-bit integers in few bytes, with random access. The encoder measures constant, frame of reference,
 * frame of reference per 128 values, differences and entropy-coded tokens, and takes the smallest;
 * docs/format/column.md has the bytes. A run does not say how many values it holds: whoever stores it knows.
 */
#ifndef STELE_CODEC_INTS_H
#define STELE_CODEC_INTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"

/* Appends `n` values; 1 <= n <= 65,536. Only memory can fail (buf_ok). */
void ints_encode(const int64_t *values, size_t n, struct buf *to);

/* An opened run. Visible so that it can lie on the stack; the members are ints.c's. */
struct ints {
	uint32_t n;
	uint8_t mode;
	uint8_t width;    /* bits of a packed number, of a group's smallest one, the most below a token */
	uint8_t direct;   /* tokens: which numbers are tokens of their own */
	uint8_t mantissa; /* tokens: the bits that others tell behind the leading one */
	int64_t base;
	int64_t scale;
	struct span packed; /* the numbers' bits, or a token each; spans are borrowed from what was opened or from
			       `owned` */
	struct span minima; /* grouped: the smallest number of each group of 128 */
	struct span ends;   /* grouped: u16 each, the sum of the groups' widths so far */
	struct span low;    /* tokens: the bits below them */
	uint32_t *marks;    /* tokens: where the bits of each group of 128 begin; in `owned` */
	void *owned;        /* tokens once inflated, behind their marks */
	int64_t *decoded;   /* owned: differences have no random access */
};

/* Reads one run of `n` values off the front of `from`, which must outlive it. E_CORRUPT, E_NO_MEMORY. Everything is
 * checked now; what costs most is done when a value is asked for, but for differences, which are added up at once. */
int ints_open(struct ints *r, struct reader *from, size_t n, struct err *err) __attribute__((warn_unused_result));
void ints_release(struct ints *r);

int64_t ints_get(const struct ints *r, size_t i);                         /* i < n */
void ints_read(const struct ints *r, size_t from, size_t n, int64_t *to); /* a stretch at once, fast */

/* The same for numbers that should be small; any other is read as UINT32_MAX, or UINT16_MAX. */
void ints_read_u32(const struct ints *r, size_t from, size_t n, uint32_t *to);
void ints_read_u16(const struct ints *r, size_t from, size_t n, uint16_t *to);

/* For many ints_get to come: decodes what is slow to reach one by one. Changes no value; without memory, nothing. */
void ints_decode(struct ints *r);

/* All values, to be freed by the caller; the run cannot be read after that. NULL when memory is out. */
int64_t *ints_take(struct ints *r);

/* Bytes of memory that the run owns. */
size_t ints_memory(const struct ints *r);

#endif
