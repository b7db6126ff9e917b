/* The seed of a test of properties: from STELE_SEED, or a new one; printed, so that a failure can be repeated. */
#ifndef STELE_TESTS_BASE_SEED_H
#define STELE_TESTS_BASE_SEED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"

static inline struct rng seeded_rng(const char *test)
{
	const char *given = getenv("STELE_SEED");
	uint64_t seed = 0;
	struct rng rng;

	if (given)
		seed = strtoull(given, NULL, 0);
	else
		rand_bytes(&seed, sizeof(seed));
	printf("%s: STELE_SEED=%" PRIu64 "\n", test, seed);
	rng_init(&rng, seed);
	return rng;
}

static inline void fill_random(struct rng *rng, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_next(rng);
}

#endif
