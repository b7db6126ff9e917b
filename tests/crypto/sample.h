/* Vectors and random input for the tests of src/crypto. Include after cmocka.h. */
#ifndef STELE_TESTS_CRYPTO_SAMPLE_H
#define STELE_TESTS_CRYPTO_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/span.h"

/* Published vectors are hex: decodes into `to`, which is large enough. */
static inline struct span unhex(const char *text, uint8_t *to)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &v), 1);
		to[i] = (uint8_t)v;
	}
	return span_of(to, n);
}

static inline void assert_hex(const void *p, size_t len, const char *want)
{
	uint8_t bytes[1024];

	assert_int_equal(len, strlen(want) / 2);
	assert_true(len <= sizeof(bytes));
	unhex(want, bytes);
	assert_memory_equal(p, bytes, len);
}

/* A seed that is printed, so that a failure can be repeated: STELE_SEED=<it>. */
static inline struct rng seeded_rng(void)
{
	const char *text = getenv("STELE_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)clock_wall_us();
	struct rng r;

	printf("STELE_SEED=%llu\n", (unsigned long long)seed);
	rng_init(&r, seed);
	return r;
}

static inline void fill_random(struct rng *r, void *p, size_t len)
{
	uint8_t *to = p;

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)rng_next(r);
}

#endif
