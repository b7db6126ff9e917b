/*
 * Skewed numbers - dictionary codes where a few lead, gaps between events - in about as many bits as they carry.
 *
 * A number is cut in two. Its token says its magnitude: small numbers are their own token, larger ones have the place
 * of the leading bit and a few bits behind it. What is left below is nearly uniform inside a magnitude and is stored as
 * it is. The tokens, a byte each, get a Huffman code. Byte planes, the usual way, lose what the high byte says about
 * the low one: 10.6 bits a value where this takes 10.3, on codes of 5,000 names by Zipf's law.
 *
 *	direct 4, mantissa 2:   0 .. 15 -> 0 .. 15;   1mm xxxxx (e bits behind the 1) -> 16 + (e - 4) * 4 + mm, x: e - 2
 *bits
 *
 * A Huffman code spends a bit a symbol at least. So numbers of 1, 2 or 4 bits are joined to whole bytes first.
 *
 * The code is zstd's. Its search for repeated strings is told to find nothing: on skewed tokens it takes three times as
 * long and the short matches it finds cost more than the symbols would. Only where a look at the tokens shows long
 * repeats (the same time for a batch of events) does it get its chance.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/ints_priv.h"

#define FRAME_BYTES     16 /* of zstd's and our headers */
#define TABLE_HALF_BITS 9  /* a symbol's share of a Huffman table */
#define KINDS_MAX       2  /* that are worth comparing */
#define PROBE_MAX       4096

/* What holds any number that tokens can hold. */
static const struct ints__token_kind widest_kind = {4, 2};

/* The kinds that numbers up to `max` may suit, the one with fewer symbols first: the other follows the frequencies more
 * closely, but has the larger table. */
static size_t list_kinds(uint64_t max, struct ints__token_kind ret[KINDS_MAX])
{
	unsigned width = ints__width(max);

	ret[0] = width <= 2   ? (struct ints__token_kind){4, INTS_TOKENS_JOINED}
		 : width <= 4 ? (struct ints__token_kind){8, 0}
			      : widest_kind;
	ret[1] = width <= 1   ? (struct ints__token_kind){1, INTS_TOKENS_JOINED}
		 : width <= 2 ? (struct ints__token_kind){2, INTS_TOKENS_JOINED}
		 : width <= 4 ? (struct ints__token_kind){4, INTS_TOKENS_JOINED}
		 : width <= 8 ? (struct ints__token_kind){8, 0}
			      : (struct ints__token_kind){7, 4};
	return width <= 15 ? 2 : 1;
}

static inline unsigned token_of(struct ints__token_kind kind, uint64_t v)
{
	unsigned top;

	if (v >> kind.direct == 0)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return (1u << kind.direct) + ((top - kind.direct - 1) << kind.mantissa) +
	       (unsigned)(v >> (top - kind.mantissa));
}

/* Whether numbers up to `max` can be tokens of a kind. */
static bool is_held(struct ints__token_kind kind, uint64_t max)
{
	if (kind.mantissa == INTS_TOKENS_JOINED)
		return max >> kind.direct == 0;
	return ints__width(max) <= INTS_TOKEN_LOW_MAX && token_of(kind, max) <= 255;
}

/* log2 in 1/256, right to about 0.01: linear between the powers, plus the parabola that is nearly the difference. */
static unsigned log2_256(uint32_t v)
{
	unsigned top = 31 - (unsigned)__builtin_clz(v);
	uint32_t rest = (uint32_t)(((uint64_t)v << 8 >> top) - 256);

	return top * 256 + rest + (rest * (256 - rest) * 89 >> 16);
}

/* Counts the symbols of a sample; returns their number, and adds up the low bits. */
static size_t count_symbols(struct ints__token_kind kind, const uint64_t *sample, size_t count, uint32_t seen[256],
			    uint64_t *ret_extra_bits)
{
	size_t joined = kind.mantissa == INTS_TOKENS_JOINED ? 8u / kind.direct : 1;
	uint64_t extra = 0;
	size_t i = 0;

	for (; joined == 1 && i < count; i++) {
		unsigned width = ints__width(sample[i]);

		seen[token_of(kind, sample[i])]++;
		extra += width > kind.direct ? width - 1 - kind.mantissa : 0;
	}
	for (; i + joined <= count; i += joined) {
		unsigned symbol = 0;

		for (size_t k = 0; k < joined; k++)
			symbol |= (unsigned)sample[i + k] << (k * kind.direct);
		seen[symbol]++;
	}
	*ret_extra_bits = extra;
	return i / joined;
}

static size_t estimate(struct ints__token_kind kind, const uint64_t *sample, size_t count, size_t n)
{
	uint32_t seen[256] = {0};
	uint64_t bits_256 = 0;
	uint64_t extra;
	size_t symbols = count_symbols(kind, sample, count, seen, &extra);
	size_t distinct = 0;

	if (symbols == 0)
		return SIZE_MAX;
	for (unsigned t = 0; t < 256; t++) {
		unsigned symbol_256 = seen[t] ? log2_256((uint32_t)symbols) - log2_256(seen[t]) : 0;

		distinct += seen[t] > 0;
		bits_256 += (uint64_t)seen[t] * (symbol_256 > 256 ? symbol_256 : 256);
	}
	/* The second term is Miller's and Madow's: a sample knows too few of the rare ones and looks too regular. */
	bits_256 += distinct * 185 + extra * 256;
	return (size_t)(bits_256 * n / count / 2048) + distinct * TABLE_HALF_BITS / 16 + FRAME_BYTES;
}

size_t ints__tokens_estimate(const uint64_t *sample, size_t count, uint64_t max, size_t n,
			     struct ints__token_kind *ret_kind)
{
	struct ints__token_kind kinds[KINDS_MAX];
	size_t kind_count = list_kinds(max, kinds);
	size_t best = SIZE_MAX;

	for (size_t k = 0; k < kind_count; k++) {
		size_t bytes = is_held(kinds[k], max) ? estimate(kinds[k], sample, count, n) : SIZE_MAX;

		if (k == 0 || bytes < best - best / 200) {
			best = bytes;
			*ret_kind = kinds[k];
		}
	}
	return best;
}

/* The bits of a number below its token. */
struct low_bits {
	uint64_t v;
	unsigned width;
};

/* Without branches: which numbers are small is what cannot be predicted. */
static inline struct low_bits cut_one(struct ints__token_kind kind, uint64_t x, uint8_t *ret_token)
{
	uint64_t small = (uint64_t)1 << kind.direct;
	bool is_large = x >= small;
	unsigned top = 63 - (unsigned)__builtin_clzll(x | small);
	unsigned width = is_large ? top - kind.mantissa : 0;
	unsigned start = is_large ? (1u << kind.direct) + ((top - kind.direct - 1) << kind.mantissa) : 0;

	*ret_token = (uint8_t)(start + (unsigned)(x >> width));
	return (struct low_bits){x & (((uint64_t)1 << width) - 1), width};
}

/* Cuts numbers into tokens and the bits below them, which go to `extra`, two numbers' at a time. */
static void cut(struct ints__token_kind kind, const uint64_t *x, size_t n, uint8_t *tokens, struct ints__bits *extra)
{
	struct ints__bits bits = *extra;
	size_t i = 0;

	for (; i + 2 <= n; i += 2) {
		struct low_bits a = cut_one(kind, x[i], &tokens[i]);
		struct low_bits b = cut_one(kind, x[i + 1], &tokens[i + 1]);

		if (a.width + b.width <= INTS_TOKEN_LOW_MAX) {
			ints__bits_put(&bits, a.v | b.v << a.width, a.width + b.width);
		} else {
			ints__bits_put(&bits, a.v, a.width);
			ints__bits_put(&bits, b.v, b.width);
		}
	}
	if (i < n) {
		struct low_bits last = cut_one(kind, x[i], &tokens[i]);

		ints__bits_put(&bits, last.v, last.width);
	}
	*extra = bits;
}

/* Whether eight tokens in a row are often the same as eight before. */
static bool has_repeats(struct span tokens)
{
	uint16_t last[1024] = {0}; /* where words that hash so were seen, from 1 */
	size_t end = tokens.len < PROBE_MAX ? tokens.len : PROBE_MAX;
	size_t hits = 0;

	for (size_t i = 0; i + 8 <= end; i++) {
		uint64_t word = get_u64le(tokens.p + i);
		uint16_t *at = &last[word * UINT64_C(0x9e3779b97f4a7c15) >> 54];

		hits += *at && get_u64le(tokens.p + *at - 1) == word;
		*at = (uint16_t)(i + 1);
	}
	return hits * 4 > end;
}

/* Appends tokens as a frame; false when none is shorter. */
static bool put_frame(struct buf *to, struct span tokens)
{
	struct buf code = BUF_INIT;
	struct buf search = BUF_INIT;
	const struct buf *best = &code;
	bool done;

	(void)ints__zstd_put(&code, tokens, INTS_ZSTD_CODE);
	if (has_repeats(tokens) && ints__zstd_put(&search, tokens, 1) && (!code.len || search.len < code.len))
		best = &search;
	done = best->len > 0;
	if (done) {
		buf_put_varint(to, best->len);
		buf_put_span(to, buf_span(best));
	}
	buf_release(&code);
	buf_release(&search);
	return done;
}

static bool put_joined(struct buf *to, struct ints__token_kind kind, const uint64_t *x, size_t n)
{
	struct buf joined = BUF_INIT;
	bool done = false;

	ints__pack(&joined, x, n, kind.direct, 0);
	if (buf_ok(&joined))
		done = put_frame(to, buf_span(&joined));
	buf_release(&joined);
	return done;
}

static bool put_cut(struct buf *to, struct ints__token_kind kind, const uint64_t *x, size_t n)
{
	uint8_t *tokens = try_alloc(8 * n + INTS_BITS_SLACK); /* a number's token and bits take at most 8 bytes */
	struct ints__bits extra = {tokens + n, 0, 0};
	bool done = false;

	if (!tokens)
		return false;
	cut(kind, x, n, tokens, &extra);
	if (extra.fill)
		*extra.p++ = (uint8_t)extra.pending;
	if (put_frame(to, span_of(tokens, n))) {
		buf_put_varint(to, (size_t)(extra.p - tokens) - n);
		buf_put(to, tokens + n, (size_t)(extra.p - tokens) - n);
		done = true;
	}
	free(tokens);
	return done;
}

bool ints__tokens_put(struct buf *to, struct ints__token_kind kind, const uint64_t *x, size_t n, uint64_t max)
{
	if (!is_held(kind, max))
		kind = widest_kind;
	if (!is_held(kind, max))
		return false;
	buf_put_u8(to, (uint8_t)(kind.direct << 4 | kind.mantissa));
	return kind.mantissa == INTS_TOKENS_JOINED ? put_joined(to, kind, x, n) : put_cut(to, kind, x, n);
}
