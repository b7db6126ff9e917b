/*
 * CRC-32C.
 *
 * The CPU's instruction takes 8 bytes a cycle but answers three cycles later, so long inputs are cut into rounds of
 * three neighbouring runs A B C of equal length n whose registers advance side by side. The CRC is linear: with the
 * register continued over A as a, and the CRCs of B and C from an empty register as b and c, the register over ABC is
 *
 *	a * x^(8*2n) + b * x^(8n) + c	(mod P)
 *
 * Multiplying by x^(8n) is one carry-less multiplication by a constant and one crc32 instruction to reduce: on
 * bit-reflected operands the product of a and k stands for a*k*x, and crc32 of that from register 0 for a*k*x^33, so
 * k = x^(8n-33) mod P. Without the instruction eight tables take 8 bytes a step (Kounavis and Berry, 2005).
 */
#include "base/hash.h"

#include <pthread.h>

#include "base/err.h"
#include "base/hash_priv.h"
#include "base/reader.h"

#define POLYNOMIAL_REFLECTED 0x82f63b78u

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL_REFLECTED : c >> 1;
		tables[0][i] = c;
	}
	for (int t = 1; t < 8; t++) {
		for (int i = 0; i < 256; i++)
			tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
	}
}

static uint32_t step_table(uint32_t c, const uint8_t *p)
{
	uint64_t v = get_u64le(p) ^ c;

	return tables[7][v & 0xff] ^ tables[6][v >> 8 & 0xff] ^ tables[5][v >> 16 & 0xff] ^ tables[4][v >> 24 & 0xff] ^
	       tables[3][v >> 32 & 0xff] ^ tables[2][v >> 40 & 0xff] ^ tables[1][v >> 48 & 0xff] ^ tables[0][v >> 56];
}

uint32_t hash__crc32c_table(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *at = p;
	uint32_t c = ~crc;

	must(pthread_once(&tables_once, fill_tables) == 0);
	for (; len >= 8; at += 8, len -= 8)
		c = step_table(c, at);
	for (; len > 0; at++, len--)
		c = c >> 8 ^ tables[0][(c ^ *at) & 0xff];
	return ~c;
}

#ifdef __x86_64__

#include <nmmintrin.h>
#include <wmmintrin.h>

#define TARGET_CRC __attribute__((target("sse4.2,pclmul")))

/* Runs of a round, in bytes, with the constants that shift over two of them and over one. */
#define LONG_RUN      1024
#define LONG_SHIFT_2  0xa51b6135u
#define LONG_SHIFT_1  0x170076fau
#define SHORT_RUN     128
#define SHORT_SHIFT_2 0xb9e02b86u
#define SHORT_SHIFT_1 0x0d3b6092u

struct shifts {
	uint32_t two;
	uint32_t one;
};

TARGET_CRC static inline uint64_t multiply(uint64_t a, uint32_t k)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a), _mm_cvtsi32_si128((int)k), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

/* One round: the register over three runs of `run` bytes each. */
TARGET_CRC static inline uint64_t take_round(uint64_t a, const uint8_t *p, size_t run, struct shifts shifts)
{
	uint64_t b = 0;
	uint64_t c = 0;

	for (size_t i = 0; i < run; i += 8) {
		a = _mm_crc32_u64(a, get_u64le(p + i));
		b = _mm_crc32_u64(b, get_u64le(p + run + i));
		c = _mm_crc32_u64(c, get_u64le(p + 2 * run + i));
	}
	return _mm_crc32_u64(0, multiply(a, shifts.two) ^ multiply(b, shifts.one)) ^ c;
}

TARGET_CRC static uint32_t crc32c_cpu(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t c = (uint32_t)~crc;

	for (; len >= 3 * LONG_RUN; p += 3 * LONG_RUN, len -= 3 * LONG_RUN)
		c = take_round(c, p, LONG_RUN, (struct shifts){LONG_SHIFT_2, LONG_SHIFT_1});
	for (; len >= 3 * SHORT_RUN; p += 3 * SHORT_RUN, len -= 3 * SHORT_RUN)
		c = take_round(c, p, SHORT_RUN, (struct shifts){SHORT_SHIFT_2, SHORT_SHIFT_1});
	for (; len >= 8; p += 8, len -= 8)
		c = _mm_crc32_u64(c, get_u64le(p));
	for (; len > 0; p++, len--)
		c = _mm_crc32_u8((uint32_t)c, *p);
	return ~(uint32_t)c;
}

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#else

static uint32_t crc32c_cpu(uint32_t crc, const uint8_t *p, size_t len)
{
	return hash__crc32c_table(crc, p, len);
}

static bool has_instruction(void)
{
	return false;
}

#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t len)
{
	return has_instruction() ? crc32c_cpu(crc, p, len) : hash__crc32c_table(crc, p, len);
}
