/*
 * hash64, as base/hash.h defines it. Keys of up to 16 bytes - nearly all tokens - take two multiplications and no
 * loop; that is why the seed is spread by its own multiplication, which does not wait for the key to be loaded.
 */
#include "base/hash.h"

#include "base/reader.h"

/* The first 64 bits of the fractional parts of the square roots of 2, 3, 5 and 7. */
#define K0 0x6a09e667f3bcc908u
#define K1 0xbb67ae8584caa73bu
#define K2 0x3c6ef372fe94f82bu
#define K3 0xa54ff53a5f1d36f1u

/* Both halves of the product with the factors mixed in again: a factor of 0 does not hide the other one. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (a ^ (uint64_t)product) ^ (b ^ (uint64_t)(product >> 64));
}

static inline uint64_t finish(uint64_t state, uint64_t a, uint64_t b, size_t len)
{
	unsigned __int128 product;

	a ^= K1;
	b ^= state;
	product = (unsigned __int128)a * b;
	a ^= (uint64_t)product;
	b ^= (uint64_t)(product >> 64);
	return fold(a ^ K2 ^ len, b ^ K3);
}

uint64_t hash64(const void *p, size_t len, uint64_t seed)
{
	const uint8_t *at = p;
	uint64_t state = (seed ^ K0) * K3;

	if (len > 16) {
		size_t left = len;

		for (; left > 16; at += 16, left -= 16)
			state = fold(get_u64le(at) ^ K2, get_u64le(at + 8) ^ state);
		return finish(state, get_u64le(at + left - 16), get_u64le(at + left - 8), len);
	}
	if (len >= 8)
		return finish(state, get_u64le(at), get_u64le(at + len - 8), len);
	if (len >= 4)
		return finish(state, get_u32le(at), get_u32le(at + len - 4), len);
	if (len > 0)
		return finish(state, at[0] | (uint64_t)at[len / 2] << 8 | (uint64_t)at[len - 1] << 16, 0, len);
	return finish(state, 0, 0, 0);
}
