/*
 * Reads little-endian numbers, LEB128 and byte runs off the front of untrusted bytes.
 *
 * A read past the end yields 0 (or an empty span), sets `failed` and leaves the reader at its end, so that a header is
 * read field by field and checked once. Never reads outside the span.
 */
#ifndef STELE_BASE_READER_H
#define STELE_BASE_READER_H

#include "base/span.h"

struct reader {
	const uint8_t *p;
	const uint8_t *end;
	bool failed;
};

static inline struct reader reader_of(struct span s)
{
	return (struct reader){s.p, s.len ? s.p + s.len : s.p, false}; /* NULL + 0 is not defined in C */
}

static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

/* The next `n` bytes, borrowed from the underlying span. */
static inline struct span reader_bytes(struct reader *r, size_t n)
{
	if (reader_left(r) < n) {
		r->failed = true;
		r->p = r->end;
		return span_of(NULL, 0);
	}
	if (n == 0)
		return span_of(r->p, 0);
	r->p += n;
	return span_of(r->p - n, n);
}

static inline uint16_t get_u16le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_u32le(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4); /* the build refuses big-endian hosts (meson.build) */
	return v;
}

static inline uint64_t get_u64le(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static inline void put_u16le(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, 2);
}

static inline void put_u32le(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static inline void put_u64le(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

static inline uint8_t reader_u8(struct reader *r)
{
	struct span s = reader_bytes(r, 1);

	return s.len ? s.p[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
	struct span s = reader_bytes(r, 2);

	return s.len ? get_u16le(s.p) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
	struct span s = reader_bytes(r, 4);

	return s.len ? get_u32le(s.p) : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
	struct span s = reader_bytes(r, 8);

	return s.len ? get_u64le(s.p) : 0;
}

/* LEB128, at most ten bytes; longer or overflowing is a failure. */
uint64_t reader_varint(struct reader *r);

#endif
