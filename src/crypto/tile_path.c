#include "crypto/tile_path.h"

#include <inttypes.h>

#define GROUP_DIGITS 3
#define GROUP_VALUES 1000u

static void put_number(struct buf *to, uint64_t number)
{
	if (number >= GROUP_VALUES) {
		uint64_t above = number / GROUP_VALUES;
		uint64_t scale = 1;

		while (above / scale >= GROUP_VALUES)
			scale *= GROUP_VALUES;
		for (; scale > 0; scale /= GROUP_VALUES)
			buf_printf(to, "x%03" PRIu64 "/", above / scale % GROUP_VALUES);
	}
	buf_printf(to, "%03" PRIu64, number % GROUP_VALUES);
}

void tile_path_put(struct buf *to, const struct tile_path *t)
{
	if (t->is_entries)
		buf_put_str(to, "tile/entries/");
	else
		buf_printf(to, "tile/%u/", t->level);
	put_number(to, t->number);
	if (t->width != TILE_WIDTH)
		buf_printf(to, ".p/%u", t->width);
}

static bool skip(struct span *rest, struct span prefix)
{
	if (!span_starts_with(*rest, prefix))
		return false;
	*rest = span_from(*rest, prefix.len);
	return true;
}

/* A decimal of at most `digits_max` without leading zeros. */
static bool get_decimal(struct span *rest, size_t digits_max, unsigned *ret)
{
	unsigned value = 0;
	size_t n = 0;

	while (n < rest->len && rest->p[n] >= '0' && rest->p[n] <= '9') {
		if (n == digits_max)
			return false;
		value = value * 10 + (unsigned)(rest->p[n++] - '0');
	}
	if (n == 0 || (n > 1 && rest->p[0] == '0'))
		return false;
	*rest = span_from(*rest, n);
	*ret = value;
	return true;
}

static bool get_group(struct span *rest, uint64_t *number)
{
	unsigned value = 0;

	if (rest->len < GROUP_DIGITS)
		return false;
	for (size_t i = 0; i < GROUP_DIGITS; i++) {
		if (rest->p[i] < '0' || rest->p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(rest->p[i] - '0');
	}
	if (*number > (UINT64_MAX - value) / GROUP_VALUES)
		return false;
	*number = *number * GROUP_VALUES + value;
	*rest = span_from(*rest, GROUP_DIGITS);
	return true;
}

/* The first group must not be 0 when others follow: a number has one text. */
static bool get_number(struct span *rest, uint64_t *ret)
{
	uint64_t number = 0;

	while (rest->len > 0 && rest->p[0] == 'x') {
		*rest = span_from(*rest, 1);
		if (!get_group(rest, &number) || !skip(rest, SPAN_LIT("/")) || number == 0)
			return false;
	}
	if (!get_group(rest, &number))
		return false;
	*ret = number;
	return true;
}

bool tile_path_parse(struct span path, struct tile_path *ret)
{
	struct tile_path t = {.width = TILE_WIDTH};
	struct span rest = path;

	if (!skip(&rest, SPAN_LIT("tile/")))
		return false;
	t.is_entries = skip(&rest, SPAN_LIT("entries/"));
	if (!t.is_entries &&
	    (!get_decimal(&rest, 2, &t.level) || t.level > TILE_LEVEL_MAX || !skip(&rest, SPAN_LIT("/"))))
		return false;
	if (!get_number(&rest, &t.number))
		return false;
	if (skip(&rest, SPAN_LIT(".p/")) && (!get_decimal(&rest, 3, &t.width) || t.width == 0 || t.width >= TILE_WIDTH))
		return false;
	if (rest.len > 0)
		return false;
	*ret = t;
	return true;
}

unsigned tile_width_at(unsigned level, uint64_t number, uint64_t size)
{
	unsigned shift = level * TILE_HEIGHT;
	uint64_t nodes = shift < 64 ? size >> shift : 0;

	if (number > UINT64_MAX / TILE_WIDTH || nodes <= number * TILE_WIDTH)
		return 0;
	nodes -= number * TILE_WIDTH;
	return nodes < TILE_WIDTH ? (unsigned)nodes : TILE_WIDTH;
}
