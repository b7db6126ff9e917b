/* Looking for a needle, against its twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../base/seed.h"
#include "codec/needle.h"

static size_t find_slowly(struct span text, size_t from, struct span needle)
{
	for (size_t at = from; at + needle.len <= text.len; at++) {
		size_t same = 0;

		while (same < needle.len && (text.p[at + same] | 0x20) == (needle.p[same] | 0x20))
			same++;
		if (same == needle.len)
			return at;
	}
	return SIZE_MAX;
}

/* Texts of few different bytes, in memory of just their length, so that a sanitizer sees every read outside. */
static void test_needle__finds_what_its_twin_finds(void **state)
{
	struct rng rng = seeded_rng(__func__);
	unsigned found = 0;

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		size_t len = rng_below(&rng, 80), needle_len = rng_below(&rng, len > 6 ? 6 : len + 2);
		uint8_t *p = malloc(len + !len), needle[8];
		size_t from = rng_below(&rng, 4) ? 0 : rng_below(&rng, len + 2), at;

		for (size_t i = 0; i < len; i++)
			p[i] = "abAB"[rng_below(&rng, 4)];
		for (size_t i = 0; i < needle_len; i++)
			needle[i] = "ab"[rng_below(&rng, 2)];
		at = find_slowly(span_of(p, len), from, span_of(needle, needle_len));
		assert_int_equal(needle_find_at(span_of(p, len), from, span_of(needle, needle_len)), at);
		if (from == 0)
			assert_int_equal(needle_find(span_of(p, len), span_of(needle, needle_len)), at != SIZE_MAX);
		found += at != SIZE_MAX;
		free(p);
	}
	assert_true(found > 1000 && found < 19000);
}

/* Values back to back, some empty: those with the needle, and no needle across two. */
static void test_needle__finds_the_next_value(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 3000; k++) {
		uint32_t count = 1 + (uint32_t)rng_below(&rng, 40), offset[42] = {0},
			 from = (uint32_t)rng_below(&rng, count);
		struct span needle = span_of("abba", 1 + rng_below(&rng, 4));
		uint8_t text[41 * 12];
		uint32_t next;

		for (uint32_t i = 0; i < count; i++) {
			offset[i + 1] = offset[i] + (uint32_t)rng_below(&rng, 12);
			for (uint32_t at = offset[i]; at < offset[i + 1]; at++)
				text[at] = "abAB"[rng_below(&rng, 4)];
		}
		next = needle_next_value(text, offset, from, count, needle);
		for (uint32_t i = from; i < next; i++)
			assert_int_equal(find_slowly(span_of(text, offset[i + 1]), offset[i], needle), SIZE_MAX);
		if (next < count)
			assert_int_not_equal(find_slowly(span_of(text, offset[next + 1]), offset[next], needle),
					     SIZE_MAX);
		assert_int_equal(needle_next_value(text, offset, from, count, span_of(NULL, 0)), from);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needle__finds_what_its_twin_finds),
		cmocka_unit_test(test_needle__finds_the_next_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
