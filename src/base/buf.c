/* The growing and formatting parts of a buffer. Capacity doubles, so that n appends cost O(n) copies. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/reader.h"

#define CAP_MIN 64

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT;
}

bool buf_grow(struct buf *b, size_t extra)
{
	size_t cap = b->cap < CAP_MIN / 2 ? CAP_MIN : b->cap * 2;
	uint8_t *p = NULL;

	if (b->failed)
		return false;
	if (b->cap - b->len >= extra && b->p)
		return true;
	if (extra <= PTRDIFF_MAX - b->len) {
		if (cap < b->len + extra)
			cap = b->len + extra;
		p = try_realloc(b->p, cap);
	}
	if (!p) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t bytes[2];

	put_u16le(bytes, v);
	buf_put(b, bytes, sizeof(bytes));
}

void buf_put_u32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];

	put_u32le(bytes, v);
	buf_put(b, bytes, sizeof(bytes));
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	put_u64le(bytes, v);
	buf_put(b, bytes, sizeof(bytes));
}

void buf_put_varint(struct buf *b, uint64_t v)
{
	uint8_t *to = buf_room(b, 10);
	size_t n = 0;

	if (!to)
		return;
	while (v >= 0x80) {
		to[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	to[n++] = (uint8_t)v;
	buf_commit(b, n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	va_list ap;
	int n;

	if (b->failed)
		return;
	va_start(ap, fmt);
	n = vsnprintf(room ? (char *)b->p + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room && buf_grow(b, (size_t)n + 1)) {
		va_start(ap, fmt);
		n = vsnprintf((char *)b->p + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		b->failed = true;
	if (!b->failed)
		b->len += (size_t)n;
}
