/*
 * Reading runs as small numbers: codes, shapes, numbers of templates. A whole block's are wanted at a time, so that
 * what a number costs is what counts. Where its width says that no number can be too large they are read in one step;
 * the rest is read as it is and then looked at.
 */
#include "codec/ints_priv.h"

#define READ_STEP 1024u

/* Whether all of a packed run's numbers, whatever they are, lie in [0, max]. */
static bool is_small(const struct ints *r, uint64_t max)
{
	uint64_t top;

	return r->mode == INTS_PACKED && !r->decoded && r->width <= 32 && r->base >= 0 && r->scale >= 0 &&
	       !__builtin_mul_overflow(((uint64_t)1 << r->width) - 1, (uint64_t)r->scale, &top) &&
	       !__builtin_add_overflow(top, (uint64_t)r->base, &top) && top <= max;
}

/* The loops below are written once for both sizes: `is_wide` is a constant where they are inlined. */
#define FOR_BOTH static inline __attribute__((always_inline))

FOR_BOTH void put_number(void *to, size_t i, uint32_t v, bool is_wide)
{
	if (is_wide)
		((uint32_t *)to)[i] = v;
	else
		((uint16_t *)to)[i] = (uint16_t)v;
}

/* Of a width that divides 8, from the first bit of a byte on; a constant as well. */
FOR_BOTH void read_parts(const struct ints *r, const uint8_t *p, size_t n, unsigned width, void *to, bool is_wide)
{
	uint32_t base = (uint32_t)r->base, scale = (uint32_t)r->scale, mask = (1u << width) - 1;
	size_t each = 8 / width, i = 0;

	for (; i + each <= n; i += each, p++)
		for (unsigned k = 0; k < each; k++)
			put_number(to, i + k, base + scale * (*p >> k * width & mask), is_wide);
	for (unsigned k = 0; i < n; i++, k++)
		put_number(to, i, base + scale * (*p >> k * width & mask), is_wide);
}

FOR_BOTH void read_bits(const struct ints *r, size_t from, size_t n, void *to, bool is_wide)
{
	uint32_t base = (uint32_t)r->base, scale = (uint32_t)r->scale;

	for (size_t i = 0; i < n; i++)
		put_number(to, i, base + scale * (uint32_t)ints__bits_get(r->packed, (from + i) * r->width, r->width),
			   is_wide);
}

FOR_BOTH void read_packed(const struct ints *r, size_t from, size_t n, void *to, bool is_wide)
{
	const uint8_t *p = r->packed.p + from * r->width / 8;

	if (from * r->width % 8 || r->width > 8)
		read_bits(r, from, n, to, is_wide);
	else if (r->width == 8)
		read_parts(r, p, n, 8, to, is_wide);
	else if (r->width == 4)
		read_parts(r, p, n, 4, to, is_wide);
	else if (r->width == 2)
		read_parts(r, p, n, 2, to, is_wide);
	else if (r->width == 1)
		read_parts(r, p, n, 1, to, is_wide);
	else
		read_bits(r, from, n, to, is_wide);
}

static void clamp(uint64_t *x, size_t n, uint64_t max)
{
	uint64_t all = 0;

	for (size_t k = 0; k < n; k++)
		all |= x[k];
	for (size_t k = 0; all > max && k < n; k++)
		x[k] = x[k] > max ? max : x[k];
}

FOR_BOTH void read_small(const struct ints *r, size_t from, size_t n, void *to, bool is_wide)
{
	uint64_t some[READ_STEP], max = is_wide ? UINT32_MAX : UINT16_MAX;

	if (is_small(r, max)) {
		read_packed(r, from, n, to, is_wide);
		return;
	}
	for (size_t i = 0; i < n; i += READ_STEP) {
		size_t len = n - i < READ_STEP ? n - i : READ_STEP;

		ints_read(r, from + i, len, (int64_t *)some);
		clamp(some, len, max);
		for (size_t k = 0; k < len; k++)
			put_number(to, i + k, (uint32_t)some[k], is_wide);
	}
}

void ints_read_u32(const struct ints *r, size_t from, size_t n, uint32_t *to)
{
	read_small(r, from, n, to, true);
}

void ints_read_u16(const struct ints *r, size_t from, size_t n, uint16_t *to)
{
	read_small(r, from, n, to, false);
}
