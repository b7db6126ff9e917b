/*
 * What the files of a run of integers share, and column*.c with them: the marks of the format (docs/format/column.md),
 * bits, tokens, and zstd on the thread's own contexts.
 */
#ifndef STELE_CODEC_INTS_PRIV_H
#define STELE_CODEC_INTS_PRIV_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"
#include "codec/ints.h"

#define INTS_MAX        65536u /* values in a run */
#define INTS_GROUP      128u   /* values that share a minimum and a width */
#define INTS_GROUPS_MAX (INTS_MAX / INTS_GROUP)

/* The first byte of a run: the mode in two bits, flags above it, the rest 0. */
enum ints_mode {
	INTS_CONST,
	INTS_PACKED,
	INTS_GROUPED,
	INTS_TOKENS,
};
#define INTS_MODE_MASK 0x03u
#define INTS_DELTA     0x04u /* the numbers are differences of neighbours */
#define INTS_SCALED    0x08u /* a common divisor was taken out */
#define INTS_ZIGZAG    0x10u /* differences of either sign, as zigzag numbers; with DELTA and TOKENS only */
#define INTS_MARKS     0x1fu

static inline uint64_t ints__zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static inline uint64_t ints__unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

/* Bits that `max` takes: 0 to 64. */
static inline unsigned ints__width(uint64_t max)
{
	return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

static inline size_t ints__bytes(size_t n, unsigned width)
{
	return (n * width + 7) / 8;
}

/* ---- ints_bits.c: numbers of equal width, lowest bit first ---- */

/* A writer of bits. It stores eight bytes at a time: leave INTS_BITS_SLACK behind the last byte. */
#define INTS_BITS_SLACK 8
struct ints__bits {
	uint8_t *p;
	uint64_t pending;
	unsigned fill; /* bits pending, 0 to 7 between calls */
};

/* Writes the low `width` bits of `v`, which has none above them; width <= 56. */
static inline void ints__bits_put(struct ints__bits *b, uint64_t v, unsigned width)
{
	uint64_t pending = b->pending | v << b->fill;
	unsigned fill = b->fill + width;

	put_u64le(b->p, pending);
	b->p += fill >> 3;
	b->pending = pending >> (fill & ~7u);
	b->fill = fill & 7;
}

/* The number at a bit offset; bits past the end of `bits` read as 0. width <= 64. */
uint64_t ints__bits_tail(struct span bits, size_t bit, unsigned width);

static inline uint64_t ints__bits_get(struct span bits, size_t bit, unsigned width)
{
	size_t byte = bit >> 3;

	if (width > 56 || byte + 8 > bits.len)
		return ints__bits_tail(bits, bit, width);
	return get_u64le(bits.p + byte) >> (bit & 7) & (((uint64_t)1 << width) - 1);
}

/* Appends n numbers x[i] - minus, each of which fits `width` bits. */
void ints__pack(struct buf *to, const uint64_t *x, size_t n, unsigned width, uint64_t minus);

/* Reads n numbers from bit offset `bit` on and adds `plus`. */
void ints__unpack(struct span bits, size_t bit, size_t n, unsigned width, uint64_t plus, uint64_t *to);

/* ---- ints_tokens.c, ints_tokens_read.c: numbers as entropy-coded magnitudes and plain low bits ---- */

#define INTS_TOKENS_JOINED 15 /* in place of a mantissa: `direct` bits each, joined to bytes */
#define INTS_TOKEN_LOW_MAX 56 /* bits below the token of one number: what ints__bits_put takes */

struct ints__token_kind {
	uint8_t direct;   /* numbers below 2^direct are their own token */
	uint8_t mantissa; /* above, a token has the magnitude and this many bits behind the leading one */
};

/* What n numbers up to `max` would take and the kind that suits them, going by `count` (at most 65,536) of them, each
 * up to `max`; SIZE_MAX when they do not fit tokens. */
size_t ints__tokens_estimate(const uint64_t *sample, size_t count, uint64_t max, size_t n,
			     struct ints__token_kind *ret_kind);

/* Appends n numbers up to `max`, of `kind` if it holds them; false when the code does not help or memory is out. */
bool ints__tokens_put(struct buf *to, struct ints__token_kind kind, const uint64_t *x, size_t n, uint64_t max);

/* Opens the tokens of n numbers as r's. Where a token says all (joined ones, small numbers) r becomes PACKED. */
int ints__tokens_open(struct ints *r, struct reader *from, size_t n, struct err *err)
	__attribute__((warn_unused_result));
uint64_t ints__tokens_number(const struct ints *r, size_t i);
void ints__tokens_read(const struct ints *r, size_t from, size_t n, uint64_t *to);

/* ---- ints.c ---- */

/* Whether all values of an opened run lie in [min, max]. */
bool ints__within(const struct ints *r, int64_t min, int64_t max);

/* ---- ints_zstd.c ---- */

#define INTS_ZSTD_CODE 0 /* in place of a level: no search, just a code for the bytes */

/* Appends `raw` as a zstd frame and returns its length; 0, with nothing appended, when that is not shorter. */
size_t ints__zstd_put(struct buf *to, struct span raw, int level);

/* Fills to[0..len) from a frame that holds just so many bytes. E_CORRUPT, E_NO_MEMORY. */
int ints__zstd_get(struct span frame, uint8_t *to, size_t len, struct err *err) __attribute__((warn_unused_result));

/* Whether a frame of so many bytes can hold `len`: a block of zstd has at least 4 bytes and inflates to 128 KiB. Asked
 * before memory is taken on the word of a damaged length. */
static inline bool ints__zstd_may_hold(size_t frame_len, size_t len)
{
	return len / 32768 <= frame_len;
}

#endif
