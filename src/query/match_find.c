/*
 * Substring search: sixteen places at a time are compared with the needle's first and last byte, and those few that
 * have both with all of it (the well-known way to use SIMD for this). It finds what cannot match; what it lets pass is
 * looked at properly by the caller, so case is folded by one bit without asking whether the byte is a letter.
 */
#include "query/match_priv.h"

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

static bool find_slowly(struct span text, struct span needle)
{
	for (size_t at = 0; at + needle.len <= text.len; at++)
		if (is_at(text.p + at, needle))
			return true;
	return false;
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

static inline bool check_places(const uint8_t *p, unsigned places, struct span needle)
{
	for (; places; places &= places - 1)
		if (is_at(p + __builtin_ctz(places), needle))
			return true;
	return false;
}

static bool find_fast(struct span text, struct span needle)
{
	struct ends ends = {_mm_set1_epi8((char)(needle.p[0] | CASE_BIT)),
			    _mm_set1_epi8((char)(needle.p[needle.len - 1] | CASE_BIT))};
	size_t last = text.len - needle.len - 15; /* the last place that sixteen bytes can be read at */

	for (size_t at = 0; at < last; at += 16)
		if (check_places(text.p + at, find_ends(text.p + at, needle.len, &ends), needle))
			return true;
	return check_places(text.p + last, find_ends(text.p + last, needle.len, &ends), needle);
}

#endif

bool match__find(struct span text, struct span needle)
{
	if (needle.len == 0)
		return true;
#ifdef __SSE2__
	if (text.len >= needle.len + 15)
		return find_fast(text, needle);
#endif
	return find_slowly(text, needle);
}
