/*
 * Numbers of equal width back to back, lowest bit first.
 *
 * Reading loads eight bytes at the number's byte, shifts and masks: right for widths up to 56 whatever the shift. The
 * rest - wider numbers, and the last few, where eight bytes would reach past the span - takes the slow way. Writing
 * joins two or four narrow numbers first, because the chain through the pending bits is what costs.
 */
#include "codec/ints_priv.h"

uint64_t ints__bits_tail(struct span bits, size_t bit, unsigned width)
{
	uint8_t near[16] = {0};
	size_t byte = bit >> 3;
	unsigned shift = bit & 7;
	uint64_t v;

	if (width == 0 || byte >= bits.len)
		return 0;
	memcpy(near, bits.p + byte, bits.len - byte < 9 ? bits.len - byte : 9);
	v = get_u64le(near) >> shift;
	if (shift)
		v |= (uint64_t)near[8] << (64 - shift);
	return width == 64 ? v : v & (((uint64_t)1 << width) - 1);
}

/* `joined` numbers at a time, a constant where this is inlined; joined * width <= 56. */
static inline __attribute__((always_inline)) void pack_joined(struct ints__bits *b, const uint64_t *x, size_t n,
							      unsigned width, uint64_t minus, size_t joined)
{
	struct ints__bits w = *b;
	size_t i = 0;

	for (; i + joined <= n; i += joined) {
		uint64_t v = 0;

		for (size_t k = 0; k < joined; k++)
			v |= (x[i + k] - minus) << (k * width);
		ints__bits_put(&w, v, width * (unsigned)joined);
	}
	for (; i < n; i++)
		ints__bits_put(&w, x[i] - minus, width);
	*b = w;
}

static void pack_wide(struct ints__bits *b, const uint64_t *x, size_t n, unsigned width, uint64_t minus)
{
	for (size_t i = 0; i < n; i++) {
		ints__bits_put(b, (x[i] - minus) & 0xffffffff, 32);
		ints__bits_put(b, (x[i] - minus) >> 32, width - 32);
	}
}

void ints__pack(struct buf *to, const uint64_t *x, size_t n, unsigned width, uint64_t minus)
{
	size_t bytes = ints__bytes(n, width);
	struct ints__bits b = {buf_room(to, bytes + INTS_BITS_SLACK), 0, 0};

	if (!b.p || width == 0)
		return;
	if (width <= 14)
		pack_joined(&b, x, n, width, minus, 4);
	else if (width <= 28)
		pack_joined(&b, x, n, width, minus, 2);
	else if (width <= 56)
		pack_joined(&b, x, n, width, minus, 1);
	else
		pack_wide(&b, x, n, width, minus);
	if (b.fill)
		*b.p = (uint8_t)b.pending;
	buf_commit(to, bytes);
}

/* How many of n numbers can be read eight bytes at a time without leaving the span. */
static size_t count_safe(struct span bits, size_t bit, size_t n, unsigned width)
{
	size_t safe;

	if (width == 0 || width > 56 || bits.len < 8 || bit > (bits.len - 8) * 8)
		return 0;
	safe = ((bits.len - 8) * 8 + 7 - bit) / width + 1;
	return safe < n ? safe : n;
}

/* Numbers of a byte each, the tokens of small ones among them. */
static void widen(const uint8_t *bytes, size_t n, uint64_t plus, uint64_t *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = bytes[i] + plus;
}

void ints__unpack(struct span bits, size_t bit, size_t n, unsigned width, uint64_t plus, uint64_t *to)
{
	size_t safe = count_safe(bits, bit, n, width);
	uint64_t mask = ((uint64_t)1 << (width & 63)) - 1;
	size_t i = 0;

	if (width == 0) {
		for (; i < n; i++)
			to[i] = plus;
		return;
	}
	if (width == 8) {
		widen(bits.p + (bit >> 3), n, plus, to);
		return;
	}
	for (; i < safe; i++, bit += width)
		to[i] = (get_u64le(bits.p + (bit >> 3)) >> (bit & 7) & mask) + plus;
	for (; i < n; i++, bit += width)
		to[i] = ints__bits_tail(bits, bit, width) + plus;
}
