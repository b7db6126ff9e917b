/* Random numbers: from the kernel for keys and ids, seeded and repeatable for tests and generated data. */
#ifndef STELE_BASE_RAND_H
#define STELE_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Fills with bytes from the kernel's generator; aborts when it has none. */
void rand_bytes(void *p, size_t len);

/* xoshiro256** seeded by splitmix64 (Blackman and Vigna, 2018). */
struct rng {
	uint64_t s[4];
};
void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n); n > 0 */
double rng_unit(struct rng *r);                /* uniform in [0, 1) */

#endif
