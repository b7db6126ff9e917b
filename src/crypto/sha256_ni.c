/*
 * SHA-256 compression with the x86 SHA extensions (Intel SDM volume 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2).
 *
 * SHA256RNDS2 does two rounds and the next one needs its result, so one message leaves the unit idle half of the time.
 * The interleaved form runs two messages in lockstep to fill the gaps.
 */
#include "crypto/digest_priv.h"

#include "base/err.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define NI __attribute__((target("sha,sse4.1,ssse3")))
/* Inlined always: the state must stay in registers from quad to quad. */
#define NI_INLINE static inline __attribute__((always_inline, target("sha,sse4.1,ssse3")))

/* FIPS 180-4 section 4.2.2. */
static const _Alignas(16) uint32_t round_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct lane {
	__m128i abef;
	__m128i cdgh;
	__m128i w[4]; /* the last 16 words of the message schedule, four at a time; quad i is in w[i % 4] */
};

static bool has_instructions(void)
{
	unsigned eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_SSSE3) || !(ecx & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
}

/* Asked once: in a virtual machine each CPUID costs some 10 microseconds. */
bool sha256__ni_usable(void)
{
	static _Atomic int known; /* 0: not asked yet; else 1 more than the answer */
	int answer = known;

	if (!answer) {
		answer = 1 + has_instructions();
		known = answer;
	}
	return answer > 1;
}

void sha256__ni_init(struct sha256__state *s)
{
	*s = (struct sha256__state){{0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667},
				    {0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372}};
}

NI_INLINE void load_block(struct lane *x, const uint8_t *p)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	for (unsigned i = 0; i < 4; i++)
		x->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p + i), big_endian);
}

/* Rounds 4i to 4i + 3, and what the message schedule can prepare meanwhile. */
NI_INLINE void quad(struct lane *x, unsigned i)
{
	__m128i *now = &x->w[i % 4];
	__m128i *next = &x->w[(i + 1) % 4];
	__m128i *last = &x->w[(i + 3) % 4];
	__m128i k = _mm_add_epi32(*now, _mm_load_si128((const __m128i *)round_constant + i));

	x->cdgh = _mm_sha256rnds2_epu32(x->cdgh, x->abef, k);
	if (i >= 3 && i < 15) {
		*next = _mm_add_epi32(*next, _mm_alignr_epi8(*now, *last, 4));
		*next = _mm_sha256msg2_epu32(*next, *now);
	}
	x->abef = _mm_sha256rnds2_epu32(x->abef, x->cdgh, _mm_shuffle_epi32(k, 0x0e));
	if (i >= 1 && i < 13)
		*last = _mm_sha256msg1_epu32(*last, *now);
}

#define EACH_QUAD(DO)                                                                                                  \
	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

NI_INLINE void load_state(struct lane *x, const struct sha256__state *s)
{
	x->abef = _mm_load_si128((const __m128i *)s->abef);
	x->cdgh = _mm_load_si128((const __m128i *)s->cdgh);
}

NI_INLINE void add_state(struct sha256__state *s, const struct lane *x)
{
	__m128i *abef = (__m128i *)s->abef;
	__m128i *cdgh = (__m128i *)s->cdgh;

	_mm_store_si128(abef, _mm_add_epi32(_mm_load_si128(abef), x->abef));
	_mm_store_si128(cdgh, _mm_add_epi32(_mm_load_si128(cdgh), x->cdgh));
}

NI void sha256__ni_blocks(struct sha256__state *s, const uint8_t *p, size_t n_blocks)
{
	struct lane x;

	for (; n_blocks; n_blocks--, p += SHA256_BLOCK_LEN) {
		load_state(&x, s);
		load_block(&x, p);
#define QUAD(i) quad(&x, i);
		EACH_QUAD(QUAD)
#undef QUAD
		add_state(s, &x);
	}
}

NI void sha256__ni_blocks_2(struct sha256__state *a, const uint8_t *pa, struct sha256__state *b, const uint8_t *pb,
			    size_t n_blocks)
{
	struct lane x, y;

	for (; n_blocks; n_blocks--, pa += SHA256_BLOCK_LEN, pb += SHA256_BLOCK_LEN) {
		load_state(&x, a);
		load_state(&y, b);
		load_block(&x, pa);
		load_block(&y, pb);
#define QUAD(i)                                                                                                        \
	quad(&x, i);                                                                                                   \
	quad(&y, i);
		EACH_QUAD(QUAD)
#undef QUAD
		add_state(a, &x);
		add_state(b, &y);
	}
}

void sha256__ni_finish(const struct sha256__state *s, struct sha256 *ret)
{
	const uint32_t h[8] = {s->abef[3], s->abef[2], s->cdgh[3], s->cdgh[2],
			       s->abef[1], s->abef[0], s->cdgh[1], s->cdgh[0]};

	for (unsigned i = 0; i < 8; i++) {
		uint32_t be = __builtin_bswap32(h[i]);

		memcpy(ret->b + 4 * i, &be, 4);
	}
}

#else

bool sha256__ni_usable(void)
{
	return false;
}

void sha256__ni_init(struct sha256__state *s)
{
	must(!"SHA instructions");
}

void sha256__ni_blocks(struct sha256__state *s, const uint8_t *p, size_t n_blocks)
{
	must(!"SHA instructions");
}

void sha256__ni_blocks_2(struct sha256__state *a, const uint8_t *pa, struct sha256__state *b, const uint8_t *pb,
			 size_t n_blocks)
{
	must(!"SHA instructions");
}

void sha256__ni_finish(const struct sha256__state *s, struct sha256 *ret)
{
	must(!"SHA instructions");
}

#endif
