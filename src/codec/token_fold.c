/*
 * Folding to lower case, by rule rather than by table: the capitals of the scripts below stand in runs (small letter a
 * fixed distance away) or in pairs (capital, small letter, capital, ...). A character whose small letter has another
 * length in UTF-8 (U+0130, U+017F) stays as it is, because folded text must keep its offsets.
 */
#include "codec/token_priv.h"

#include "base/hash.h"

#define LEAD_FIRST 0xc3u /* U+00C0 */
#define LEAD_LAST  0xd3u /* U+04FF */

/* In [first, last] capitals and small letters take turns, beginning with a capital. */
static bool is_pair_capital(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last && ((c - first) & 1) == 0;
}

static uint32_t fold_latin(uint32_t c)
{
	if (c >= 0xc0 && c <= 0xde && c != 0xd7)
		return c + 0x20;
	if (c == 0x178) /* its small letter is in Latin-1 */
		return 0xff;
	if (c == 0x130)
		return c;
	if (is_pair_capital(c, 0x100, 0x137) || is_pair_capital(c, 0x139, 0x148) || is_pair_capital(c, 0x14a, 0x177) ||
	    is_pair_capital(c, 0x179, 0x17e))
		return c + 1;
	return c;
}

static uint32_t fold_greek(uint32_t c)
{
	if (c == 0x386)
		return 0x3ac;
	if (c >= 0x388 && c <= 0x38a)
		return c + 37;
	if (c == 0x38c)
		return 0x3cc;
	if (c == 0x38e || c == 0x38f)
		return c + 63;
	if (c >= 0x391 && c <= 0x3ab && c != 0x3a2)
		return c + 32;
	return c == 0x3c2 ? 0x3c3 : c; /* a capital sigma does not say whether it stood last */
}

static uint32_t fold_cyrillic(uint32_t c)
{
	if (c <= 0x40f)
		return c + 80;
	if (c <= 0x42f)
		return c + 32;
	if (c == 0x4c0)
		return 0x4cf;
	if (is_pair_capital(c, 0x460, 0x481) || is_pair_capital(c, 0x48a, 0x4bf) || is_pair_capital(c, 0x4c1, 0x4ce) ||
	    is_pair_capital(c, 0x4d0, 0x4ff))
		return c + 1;
	return c;
}

static uint32_t fold_wide(uint32_t c)
{
	if (c < 0x180)
		return fold_latin(c);
	if (c >= 0x400)
		return fold_cyrillic(c);
	return c >= 0x380 ? fold_greek(c) : c;
}

size_t token__fold_char(const uint8_t *p, size_t left, uint8_t to[2])
{
	uint32_t c = p[0];

	if (c < LEAD_FIRST || c > LEAD_LAST || left < 2 || (p[1] & 0xc0) != 0x80) {
		to[0] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
		return 1;
	}
	c = fold_wide((c & 0x1f) << 6 | (p[1] & 0x3f));
	to[0] = (uint8_t)(0xc0 | c >> 6);
	to[1] = (uint8_t)(0x80 | (c & 0x3f));
	return 2;
}

static void fold_bytes(uint8_t *to, struct span text)
{
	for (size_t at = 0; at < text.len;)
		at += token__fold_char(text.p + at, text.len - at, to + at);
}

void token_fold(struct buf *to, struct span text)
{
	uint8_t *room = buf_room(to, text.len);

	if (!room)
		return;
	fold_bytes(room, text);
	buf_commit(to, text.len);
}

uint64_t token_hash(struct span word_or_value)
{
	uint8_t folded[TOKEN_MAX];
	size_t len = token__cut(word_or_value.p, word_or_value.len);

	fold_bytes(folded, span_of(word_or_value.p, len));
	return hash64(folded, len, 0);
}

bool token_equal_folded(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t at = 0; at < a.len;) {
		uint8_t x[2] = {0}, y[2] = {0};
		size_t n = token__fold_char(a.p + at, a.len - at, x);

		if (token__fold_char(b.p + at, b.len - at, y) != n || x[0] != y[0] || x[1] != y[1])
			return false;
		at += n;
	}
	return true;
}
