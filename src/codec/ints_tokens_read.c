/*
 * Reading numbers that were cut in two (ints_tokens.c).
 *
 * Inflating the tokens is what must be done at once. A number then needs its token and, when that leaves bits open,
 * where its low bits lie: behind those of all numbers before. How many bits a token leaves open follows from it by a
 * shift, so 16 tokens are added up in a few instructions, once when the run is opened: that checks them, and gives a
 * mark a group. From its mark on any number is found by adding up less than a group.
 *
 * Most runs are codes of small dictionaries, whose tokens leave nothing open: these become packed numbers of 8 bits, as
 * joined ones become packed numbers of theirs.
 */
#include <emmintrin.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/ints_priv.h"

#define PAIR_LOW_MAX 28u /* low bits of a number, when those of two are to be read at a time */
#define TOKEN_STEP   16u /* tokens added up at a time; as many zeros stand behind the last one */

/* What tokens mean, each member by token. */
struct meanings {
	uint64_t base[256];
	uint64_t mask[256];
	uint8_t low[256]; /* bits that follow */
};

static bool is_kind_valid(struct ints__token_kind kind)
{
	if (kind.mantissa == INTS_TOKENS_JOINED)
		return kind.direct == 1 || kind.direct == 2 || kind.direct == 4;
	return kind.direct <= 8 && kind.mantissa <= kind.direct;
}

static inline unsigned low_bits(const struct ints *r, unsigned token)
{
	unsigned small = 1u << r->direct;

	return token < small ? 0 : r->direct - r->mantissa + ((token - small) >> r->mantissa);
}

/* A number without its low bits. */
static inline uint64_t number_base(const struct ints *r, unsigned token)
{
	unsigned small = 1u << r->direct;
	uint64_t lead = (1u << r->mantissa) + ((token - small) & ((1u << r->mantissa) - 1));

	return token < small ? token : lead << low_bits(r, token);
}

/* The largest token that means something: its number has at most 64 bits and few enough low ones. */
static unsigned last_token(const struct ints *r)
{
	unsigned low = 63u - r->mantissa < INTS_TOKEN_LOW_MAX ? 63u - r->mantissa : INTS_TOKEN_LOW_MAX;
	unsigned next = (1u << r->direct) + ((low + 1 + r->mantissa - r->direct) << r->mantissa);

	return next > 256 ? 255 : next - 1;
}

/* ---- adding up ---- */

struct token_sums {
	__m128i small, open, mask, shift; /* of the kind: see sum_step */
	__m128i sum, max;
};

static struct token_sums start_sums(const struct ints *r)
{
	return (struct token_sums){
		/* no token reaches 2^8, so what is said of those that do does not matter */
		.small = _mm_set1_epi8((char)(r->direct < 8 ? 1u << r->direct : 255u)),
		.open = _mm_set1_epi8((char)(r->direct < 8 ? r->direct - r->mantissa : 0)),
		.mask = _mm_set1_epi8((char)(0xffu >> r->mantissa)),
		.shift = _mm_cvtsi32_si128(r->mantissa),
		.sum = _mm_setzero_si128(),
		.max = _mm_setzero_si128(),
	};
}

/* low_bits of 16 tokens. */
static inline void sum_step(struct token_sums *s, __m128i tokens)
{
	__m128i is_large = _mm_cmpeq_epi8(_mm_max_epu8(tokens, s->small), tokens);
	__m128i above = _mm_srl_epi16(_mm_subs_epu8(tokens, s->small), s->shift);
	__m128i low = _mm_add_epi8(_mm_and_si128(above, s->mask), _mm_and_si128(is_large, s->open));

	s->sum = _mm_add_epi64(s->sum, _mm_sad_epu8(low, _mm_setzero_si128()));
	s->max = _mm_max_epu8(s->max, tokens);
}

static inline size_t take_sum(const struct token_sums *s)
{
	return (size_t)_mm_cvtsi128_si64(_mm_add_epi64(s->sum, _mm_unpackhi_epi64(s->sum, s->sum)));
}

static unsigned take_max(const struct token_sums *s)
{
	uint8_t some[TOKEN_STEP];
	unsigned max = 0;

	_mm_storeu_si128((__m128i *)(void *)some, s->max);
	for (size_t k = 0; k < TOKEN_STEP; k++)
		max = some[k] > max ? some[k] : max;
	return max;
}

/* Fills the marks. Zeros behind the last token leave nothing open: 0 is always its own number. */
static size_t add_up(const struct ints *r, uint32_t *marks, unsigned *ret_max)
{
	struct token_sums s = start_sums(r);

	for (size_t i = 0; i < r->packed.len; i += TOKEN_STEP) {
		if (i % INTS_GROUP == 0)
			marks[i / INTS_GROUP] = (uint32_t)take_sum(&s);
		sum_step(&s, _mm_loadu_si128((const __m128i *)(const void *)(r->packed.p + i)));
	}
	*ret_max = take_max(&s);
	return take_sum(&s);
}

/* Where the low bits of number i begin. */
static size_t low_start(const struct ints *r, size_t i)
{
	struct token_sums s = start_sums(r);
	size_t at = i / INTS_GROUP * INTS_GROUP;
	size_t bit = r->marks[i / INTS_GROUP];

	for (; at + TOKEN_STEP <= i; at += TOKEN_STEP)
		sum_step(&s, _mm_loadu_si128((const __m128i *)(const void *)(r->packed.p + at)));
	bit += take_sum(&s);
	for (; at < i; at++)
		bit += low_bits(r, r->packed.p[at]);
	return bit;
}

/* ---- opening ---- */

/* Inflates into memory that has marks before the tokens and zeros behind them. */
static int inflate(struct ints *r, struct span frame, size_t len, struct err *err)
{
	size_t marks = (len + INTS_GROUP - 1) / INTS_GROUP * sizeof(*r->marks);
	uint8_t *p = try_alloc(marks + len + TOKEN_STEP);
	int rc;

	if (!p)
		return err_set(err, E_NO_MEMORY, "no memory for %zu tokens", len);
	rc = ints__zstd_get(frame, p + marks, len, err);
	if (rc < 0) {
		free(p);
		return rc;
	}
	memset(p + marks + len, 0, TOKEN_STEP);
	r->owned = p;
	r->marks = (uint32_t *)(void *)p;
	r->packed = span_of(p + marks, len);
	return 0;
}

static void become_packed(struct ints *r, uint8_t width)
{
	r->mode = INTS_PACKED;
	r->width = width;
}

int ints__tokens_open(struct ints *r, struct reader *from, size_t n, struct err *err)
{
	uint8_t mark = reader_u8(from);
	struct ints__token_kind kind = {mark >> 4, mark & 15};
	struct span frame = reader_bytes(from, reader_varint(from));
	bool is_joined = kind.mantissa == INTS_TOKENS_JOINED;
	unsigned max;
	size_t bits;
	int rc;

	if (!is_joined)
		r->low = reader_bytes(from, reader_varint(from));
	if (from->failed || !is_kind_valid(kind))
		return err_corrupt(err, 0, "integers: the token header is damaged");
	r->direct = kind.direct;
	r->mantissa = kind.mantissa;
	rc = inflate(r, frame, is_joined ? ints__bytes(n, kind.direct) : n, err);
	if (rc < 0)
		return rc;
	if (is_joined) {
		become_packed(r, kind.direct);
		return 0;
	}
	bits = add_up(r, r->marks, &max);
	if (max > last_token(r) || (bits + 7) / 8 != r->low.len)
		return err_corrupt(err, 0, "integers: tokens and their low bits do not fit together");
	r->width = (uint8_t)low_bits(r, max);
	if (max >> kind.direct == 0)
		become_packed(r, 8);
	return 0;
}

/* ---- reading ---- */

uint64_t ints__tokens_number(const struct ints *r, size_t i)
{
	unsigned token = r->packed.p[i];
	unsigned low = low_bits(r, token);

	return number_base(r, token) + (low ? ints__bits_get(r->low, low_start(r, i), low) : 0);
}

/* Those of the tokens that mean something. */
static void fill_meanings(const struct ints *r, struct meanings *ret)
{
	unsigned last = last_token(r), small = 1u << r->direct, leads = 1u << r->mantissa;
	unsigned t = 0, low = r->direct - r->mantissa;

	for (; t < small && t <= last; t++) {
		ret->base[t] = t;
		ret->low[t] = 0;
		ret->mask[t] = 0;
	}
	for (; t <= last; low++) {
		for (unsigned k = 0; k < leads && t <= last; k++, t++) {
			ret->base[t] = (uint64_t)(leads + k) << low;
			ret->low[t] = (uint8_t)low;
			ret->mask[t] = ((uint64_t)1 << low) - 1;
		}
	}
}

void ints__tokens_read(const struct ints *r, size_t from, size_t n, uint64_t *to)
{
	const uint8_t *token = r->packed.p + from;
	struct meanings m;
	size_t bit = low_start(r, from);
	size_t i = 0;

	fill_meanings(r, &m);
	for (; r->width <= PAIR_LOW_MAX && i + 2 <= n && (bit >> 3) + 8 <= r->low.len; i += 2) {
		unsigned a = token[i], b = token[i + 1];
		uint64_t low = get_u64le(r->low.p + (bit >> 3)) >> (bit & 7);

		to[i] = m.base[a] + (low & m.mask[a]);
		to[i + 1] = m.base[b] + (low >> m.low[a] & m.mask[b]);
		bit += (size_t)m.low[a] + m.low[b];
	}
	for (; i < n && (bit >> 3) + 8 <= r->low.len; i++) {
		to[i] = m.base[token[i]] + (get_u64le(r->low.p + (bit >> 3)) >> (bit & 7) & m.mask[token[i]]);
		bit += m.low[token[i]];
	}
	for (; i < n; i++) {
		to[i] = m.base[token[i]] + ints__bits_tail(r->low, bit, m.low[token[i]]);
		bit += m.low[token[i]];
	}
}
