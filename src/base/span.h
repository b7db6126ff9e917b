/*
 * A span is a view of bytes that somebody else owns: a pointer and a length, passed by value.
 *
 * Invariants: `p` may be NULL only when `len` is 0. A span is never NUL-terminated. How long the bytes live is said
 * where the span is handed out ("borrowed until …").
 */
#ifndef STELE_BASE_SPAN_H
#define STELE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t len;
};

/* A span over a string literal, without its NUL. */
#define SPAN_LIT(s) ((struct span){(const uint8_t *)("" s), sizeof(s) - 1})

static inline struct span span_of(const void *p, size_t len)
{
	return (struct span){(const uint8_t *)p, len};
}

/* A span over a C string, without its NUL. */
static inline struct span span_str(const char *s)
{
	return span_of(s, strlen(s));
}

/* Whether two runs of `n` bytes are the same. In place for the short runs that names and values are: a call of memcmp
 * costs more than the comparison. */
static inline bool bytes_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t x, y;
	size_t at = 0;

	if (n > 64)
		return memcmp(a, b, n) == 0;
	if (n >= 8) {
		for (; at + 8 < n; at += 8) {
			memcpy(&x, a + at, 8);
			memcpy(&y, b + at, 8);
			if (x != y)
				return false;
		}
		memcpy(&x, a + n - 8, 8); /* the last eight may overlap those before */
		memcpy(&y, b + n - 8, 8);
		return x == y;
	}
	for (; at < n; at++)
		if (a[at] != b[at])
			return false;
	return true;
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && bytes_eq(a.p, b.p, a.len);
}

static inline bool span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

/* Orders by bytes, then by length; negative, 0 or positive as memcmp. */
static inline int span_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

/* The part of `s` from `off` on; the caller has checked that off <= s.len. */
static inline struct span span_from(struct span s, size_t off)
{
	return span_of(off ? s.p + off : s.p, s.len - off); /* NULL + 0 is not defined in C */
}

#endif
