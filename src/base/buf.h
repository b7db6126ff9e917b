/*
 * A growable byte buffer.
 *
 * Invariants: len <= cap; p is NULL only when cap is 0. Growing may fail (sizes come from outside): a failed append
 * sets `failed`, changes nothing else, and every later append is ignored, so that a run of appends is checked once at
 * its end with buf_ok. Lifecycle: BUF_INIT, appends, buf_release (which leaves it as BUF_INIT); buf_reset keeps the
 * memory.
 */
#ifndef STELE_BASE_BUF_H
#define STELE_BASE_BUF_H

#include "base/span.h"

struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
	bool failed;
};

#define BUF_INIT                                                                                                       \
	{                                                                                                              \
		NULL, 0, 0, false                                                                                      \
	}

void buf_release(struct buf *b);

static inline void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

static inline bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

static inline struct span buf_span(const struct buf *b)
{
	return span_of(b->p, b->len);
}

/* Grows so that `extra` more bytes fit; false (and failed set) when memory is out. */
bool buf_grow(struct buf *b, size_t extra);

/* Room for `n` bytes at the end, uninitialised, or NULL; buf_commit then says how many of them were written. */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
	if (b->failed || ((b->cap - b->len < n || !b->p) && !buf_grow(b, n)))
		return NULL;
	return b->p + b->len;
}

static inline void buf_commit(struct buf *b, size_t n)
{
	b->len += n;
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *to = buf_room(b, n);

	if (to && n) {
		memcpy(to, p, n);
		b->len += n;
	}
}

static inline void buf_put_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.len);
}

static inline void buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

static inline void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

/* Little-endian integers and LEB128, as every format of this project has them. */
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_varint(struct buf *b, uint64_t v);

void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
