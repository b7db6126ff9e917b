/* Random numbers: getrandom(2), and xoshiro256** for what must be repeatable. */
#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/err.h"

void rand_bytes(void *p, size_t len)
{
	uint8_t *to = p;

	while (len > 0) {
		ssize_t n = getrandom(to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		must(n > 0);
		to += n;
		len -= (size_t)n;
	}
}

static uint64_t next_splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void rng_init(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = next_splitmix(&seed);
}

static uint64_t rotate_left(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

uint64_t rng_next(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* The high half of next * n, the few values that would make some results likelier than others drawn again
 * (Lemire, "Fast random integer generation in an interval", 2019). */
uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t unfair;
	unsigned __int128 product;

	must(n > 0);
	unfair = (0 - n) % n;
	do {
		product = (unsigned __int128)rng_next(r) * n;
	} while ((uint64_t)product < unfair);
	return (uint64_t)(product >> 64);
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}
