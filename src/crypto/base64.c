#include "crypto/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *to, struct span bytes)
{
	uint8_t *at = buf_room(to, BASE64_LEN(bytes.len));

	if (!at)
		return;
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = (uint32_t)bytes.p[i] << 16;

		if (n > 1)
			bits |= (uint32_t)bytes.p[i + 1] << 8;
		if (n > 2)
			bits |= bytes.p[i + 2];
		*at++ = (uint8_t)digits[bits >> 18];
		*at++ = (uint8_t)digits[bits >> 12 & 63];
		*at++ = n > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=';
		*at++ = n > 2 ? (uint8_t)digits[bits & 63] : '=';
	}
	buf_commit(to, BASE64_LEN(bytes.len));
}

static int digit_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four characters of which the last `pads` are padding: three bytes less those. */
static bool get_quantum(const uint8_t text[4], unsigned pads, uint8_t *to)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 4; i++) {
		int value = i < 4 - pads ? digit_value(text[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	if (pads > 0 && (bits & ((1u << (8 * pads)) - 1)) != 0)
		return false;
	for (unsigned i = 0; i < 3 - pads; i++)
		to[i] = (uint8_t)(bits >> (16 - 8 * i));
	return true;
}

bool base64_get(struct span text, uint8_t *to, size_t max, size_t *ret_len)
{
	size_t len = text.len / 4 * 3;
	unsigned pads = 0;

	if (text.len % 4 != 0)
		return false;
	while (pads < 2 && text.len > pads && text.p[text.len - 1 - pads] == '=')
		pads++;
	len -= pads;
	if (len > max)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		if (!get_quantum(text.p + i, i + 4 == text.len ? pads : 0, to + i / 4 * 3))
			return false;
	}
	*ret_len = len;
	return true;
}

/* ---- section 5 ---- */

void base64url_put(struct buf *to, struct span bytes)
{
	size_t start = to->len;

	base64_put(to, bytes);
	if (!buf_ok(to))
		return;
	while (to->len > start && to->p[to->len - 1] == '=')
		to->len--;
	for (size_t i = start; i < to->len; i++) {
		if (to->p[i] == '+')
			to->p[i] = '-';
		else if (to->p[i] == '/')
			to->p[i] = '_';
	}
}

/* The character of section 4 that stands for `c`; '=' is none here. */
static uint8_t plain_digit(uint8_t c)
{
	if (c == '-')
		return '+';
	if (c == '_')
		return '/';
	return c == '+' || c == '/' ? '=' : c;
}

bool base64url_get(struct span text, uint8_t *to, size_t max, size_t *ret_len)
{
	size_t whole = text.len / 4 * 4;
	size_t rest = text.len - whole;
	size_t len = text.len / 4 * 3 + (rest ? rest - 1 : 0);

	if (rest == 1 || len > max)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t n = i < whole ? 4 : rest;
		uint8_t quantum[4] = "====";

		for (size_t j = 0; j < n; j++) {
			quantum[j] = plain_digit(text.p[i + j]);
			if (quantum[j] == '=')
				return false;
		}
		if (!get_quantum(quantum, (unsigned)(4 - n), to + i / 4 * 3))
			return false;
	}
	*ret_len = len;
	return true;
}
