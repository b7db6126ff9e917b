/*
 * Substring search: sixteen places at a time are compared with the needle's first and last byte, and those few that
 * have both with all of it (the well-known way to use SIMD for this). It finds what cannot match; what it lets pass is
 * looked at properly by the caller, so case is folded by one bit without asking whether the byte is a letter.
 */
#include "codec/needle.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define CASE_BIT 0x20u

static bool is_at(const uint8_t *p, struct span needle)
{
	for (size_t i = 0; i < needle.len; i++)
		if ((p[i] | CASE_BIT) != (needle.p[i] | CASE_BIT))
			return false;
	return true;
}

static size_t find_slowly(struct span text, size_t from, struct span needle)
{
	for (size_t at = from; at + needle.len <= text.len; at++)
		if (is_at(text.p + at, needle))
			return at;
	return SIZE_MAX;
}

#ifdef __SSE2__

struct ends {
	__m128i first, last;
};

/* Bit i: the needle may begin at p + i. Reads sixteen bytes at p and at p + len - 1. */
static inline unsigned find_ends(const uint8_t *p, size_t len, const struct ends *ends)
{
	const __m128i small = _mm_set1_epi8((char)CASE_BIT);
	__m128i a = _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)p), small);
	__m128i b = _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)(p + len - 1)), small);

	return (unsigned)_mm_movemask_epi8(
		_mm_and_si128(_mm_cmpeq_epi8(a, ends->first), _mm_cmpeq_epi8(b, ends->last)));
}

/* The first of the places, as bits from `at` on, where the needle is. */
static inline size_t check_places(struct span text, size_t at, unsigned places, struct span needle)
{
	for (; places; places &= places - 1)
		if (is_at(text.p + at + __builtin_ctz(places), needle))
			return at + (size_t)__builtin_ctz(places);
	return SIZE_MAX;
}

static size_t find_fast(struct span text, size_t from, struct span needle)
{
	struct ends ends = {_mm_set1_epi8((char)(needle.p[0] | CASE_BIT)),
			    _mm_set1_epi8((char)(needle.p[needle.len - 1] | CASE_BIT))};
	size_t last = text.len - needle.len - 15; /* the last place that sixteen bytes can be read at */
	size_t found = SIZE_MAX;

	for (size_t at = from; at < last && found == SIZE_MAX; at += 16)
		found = check_places(text, at, find_ends(text.p + at, needle.len, &ends), needle);
	if (found == SIZE_MAX)
		found = check_places(text, last, find_ends(text.p + last, needle.len, &ends), needle);
	return found;
}

#endif

size_t needle_find_at(struct span text, size_t from, struct span needle)
{
	if (from > text.len || needle.len > text.len - from)
		return SIZE_MAX;
	if (needle.len == 0)
		return from;
#ifdef __SSE2__
	if (text.len - from >= needle.len + 15)
		return find_fast(text, from, needle);
#endif
	return find_slowly(text, from, needle);
}

bool needle_find(struct span text, struct span needle)
{
	return needle_find_at(text, 0, needle) != SIZE_MAX;
}

/* The value that holds the byte at `at`. */
static uint32_t value_at(const uint32_t *offset, uint32_t from, uint32_t to, size_t at)
{
	while (to - from > 1) {
		uint32_t middle = from + (to - from) / 2;

		if (offset[middle] <= at)
			from = middle;
		else
			to = middle;
	}
	return from;
}

uint32_t needle_next_value(const uint8_t *text, const uint32_t *offset, uint32_t from, uint32_t to, struct span needle)
{
	size_t at;

	if (from >= to || needle.len == 0)
		return from;
	at = needle_find_at(span_of(text, offset[to]), offset[from], needle);
	while (at != SIZE_MAX) {
		uint32_t value = value_at(offset, from, to, at);

		if (at + needle.len <= offset[value + 1])
			return value;
		at = needle_find_at(span_of(text, offset[to]), at + 1, needle); /* it lay across two values */
	}
	return to;
}
