/*
 * Strings and numbers of RFC 8785.
 *
 * Nearly every string of a record needs no escape at all, so text is copied sixteen bytes at a time and looked at on
 * the way (SSE2, which every x86-64 has): a store that turns out to hold an escape is simply written over. That is why
 * both sides need JSON_TEXT_SLACK bytes of room.
 *
 * Numbers that are not integers are rare. yyjson finds the shortest digits that read back as the same double, nearest
 * to it where several do; only the layout differs from ECMAScript's Number::toString (ECMA-262, 6.1.6.1.20).
 */
#include "codec/json_text.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/err.h"
#include "codec/json_text_priv.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static const char hex_digits[] = "0123456789abcdef";

/* The letter behind the backslash, for the controls that have a short escape. */
static const uint8_t short_escapes[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

uint8_t *json_text__copy(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t i = 0;

	do {
		memcpy(to + i, from + i, 16);
		i += 16;
	} while (i < len);
	return to + len;
}

/* Copies sixteen bytes; bit i of the result is set when byte i needs an escape. */
static unsigned copy_block(uint8_t *to, const uint8_t *from)
{
#if defined(__SSE2__)
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	_mm_storeu_si128((__m128i *)(void *)to, v);
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
#else
	unsigned found = 0;

	for (unsigned i = 0; i < 16; i++) {
		to[i] = from[i];
		found |= (unsigned)(from[i] < 0x20 || from[i] == '"' || from[i] == '\\') << i;
	}
	return found;
#endif
}

static uint8_t *write_escape(uint8_t *to, uint8_t c)
{
	uint8_t letter = c < 0x20 ? short_escapes[c] : c;

	*to++ = '\\';
	if (letter) {
		*to++ = letter;
		return to;
	}
	memcpy(to, "u00", 3);
	to[3] = (uint8_t)hex_digits[c >> 4];
	to[4] = (uint8_t)hex_digits[c & 15];
	return to + 5;
}

uint8_t *json_text__escape(uint8_t *to, const uint8_t *from, size_t len)
{
	const uint8_t *end = from + len;

	while (from < end) {
		size_t left = (size_t)(end - from);
		unsigned found = copy_block(to, from);
		size_t plain = found ? (size_t)__builtin_ctz(found) : 16;

		if (plain >= left)
			return to + left;
		to += plain;
		from += plain;
		if (found)
			to = write_escape(to, *from++);
	}
	return to;
}

/* Escapes at most ESCAPE_STEP bytes. The last sixteen are copied aside, so that nothing is read past the text's end. */
#define ESCAPE_STEP 1024

static void escape_step(struct buf *to, const uint8_t *from, size_t len)
{
	size_t head = len > JSON_TEXT_SLACK ? len - JSON_TEXT_SLACK : 0;
	uint8_t tail[2 * JSON_TEXT_SLACK] = {0};
	uint8_t *start = buf_room(to, len * 6 + JSON_TEXT_SLACK);
	uint8_t *p = start;

	if (!start)
		return;
	memcpy(tail, from + head, len - head);
	p = json_text__escape(p, from, head);
	p = json_text__escape(p, tail, len - head);
	buf_commit(to, (size_t)(p - start));
}

void json_text_escape(struct buf *to, struct span text)
{
	while (text.len > 0) {
		size_t n = text.len < ESCAPE_STEP ? text.len : ESCAPE_STEP;

		escape_step(to, text.p, n);
		text = span_from(text, n);
	}
}

void json_text_string(struct buf *to, struct span text)
{
	buf_put_u8(to, '"');
	json_text_escape(to, text);
	buf_put_u8(to, '"');
}

static uint8_t hex_value(uint8_t c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Decodes the escape at `p` (behind its backslash, `left` bytes to the end); returns its length there. */
static size_t read_escape(const uint8_t *p, size_t left, uint8_t *ret_c)
{
	static const char letters[] = "bfnrt";
	static const char controls[] = "\b\f\n\r\t";
	const char *at = memchr(letters, p[0], sizeof(letters) - 1);

	if (p[0] == 'u' && left >= 5) {
		*ret_c = (uint8_t)(hex_value(p[3]) << 4 | hex_value(p[4]));
		return 5;
	}
	*ret_c = at ? (uint8_t)controls[at - letters] : p[0];
	return 1;
}

void json_text_unescape(struct buf *to, struct span escaped)
{
	while (escaped.len > 0) {
		const uint8_t *slash = memchr(escaped.p, '\\', escaped.len);
		size_t plain = slash ? (size_t)(slash - escaped.p) : escaped.len;
		uint8_t c;

		buf_put(to, escaped.p, plain);
		escaped = span_from(escaped, plain);
		if (escaped.len < 2)
			return;
		escaped = span_from(escaped, 1 + read_escape(escaped.p + 1, escaped.len - 1, &c));
		buf_put_u8(to, c);
	}
}

/* A number's shortest digits d1 d2 … dn without zeros at either end, its value 0.d1d2…dn × 10^point. */
struct decimal {
	char digits[24];
	int count;
	int point;
};

/* Picks digits, point and exponent out of any usual way to write a positive number, such as yyjson's. */
static void read_decimal(const char *text, struct decimal *ret)
{
	int exponent = 0;
	bool is_fraction = false;

	ret->count = 0;
	ret->point = 0;
	for (; *text && *text != 'e' && *text != 'E'; text++) {
		if (*text == '.') {
			is_fraction = true;
			continue;
		}
		if (*text == '0' && ret->count == 0) {
			ret->point -= is_fraction;
			continue;
		}
		ret->point += !is_fraction;
		if (ret->count < (int)sizeof(ret->digits))
			ret->digits[ret->count++] = *text;
	}
	if (*text)
		exponent = (int)strtol(text + 1, NULL, 10);
	ret->point += exponent;
	while (ret->count > 0 && ret->digits[ret->count - 1] == '0')
		ret->count--;
}

/* The shortest digits of a positive finite double. */
static void find_digits(double value, struct decimal *ret)
{
	char memory[512];
	yyjson_alc alc;
	yyjson_val val = {0};
	char *text;

	must(yyjson_alc_pool_init(&alc, memory, sizeof(memory)));
	unsafe_yyjson_set_real(&val, value);
	text = yyjson_val_write_opts(&val, YYJSON_WRITE_NOFLAG, &alc, NULL, NULL);
	must(text);
	read_decimal(text, ret);
}

static uint8_t *write_zeros(uint8_t *to, int count)
{
	memset(to, '0', (size_t)count);
	return to + count;
}

static uint8_t *write_digits(uint8_t *to, const struct decimal *d, int from, int until)
{
	memcpy(to, d->digits + from, (size_t)(until - from));
	return to + (until - from);
}

static uint8_t *write_exponent(uint8_t *to, int exponent)
{
	unsigned v = (unsigned)(exponent < 0 ? -exponent : exponent);

	*to++ = 'e';
	*to++ = exponent < 0 ? '-' : '+';
	if (v >= 100)
		*to++ = (uint8_t)('0' + v / 100);
	if (v >= 10)
		*to++ = (uint8_t)('0' + v / 10 % 10);
	*to++ = (uint8_t)('0' + v % 10);
	return to;
}

/* The five layouts of Number::toString, `point` being its n and `count` its k. */
static uint8_t *write_decimal(uint8_t *to, const struct decimal *d)
{
	if (d->count <= d->point && d->point <= 21) {
		to = write_digits(to, d, 0, d->count);
		return write_zeros(to, d->point - d->count);
	}
	if (0 < d->point && d->point <= 21) {
		to = write_digits(to, d, 0, d->point);
		*to++ = '.';
		return write_digits(to, d, d->point, d->count);
	}
	if (-6 < d->point && d->point <= 0) {
		*to++ = '0';
		*to++ = '.';
		to = write_zeros(to, -d->point);
		return write_digits(to, d, 0, d->count);
	}
	to = write_digits(to, d, 0, 1);
	if (d->count > 1) {
		*to++ = '.';
		to = write_digits(to, d, 1, d->count);
	}
	return write_exponent(to, d->point - 1);
}

uint8_t *json_text__double(uint8_t *to, double value)
{
	struct decimal d;

	if (value == 0) {
		*to++ = '0';
		return to;
	}
	if (value < 0)
		*to++ = '-';
	find_digits(value < 0 ? -value : value, &d);
	return write_decimal(to, &d);
}

void json_text_double(struct buf *to, double value)
{
	uint8_t *start = buf_room(to, JSON_TEXT_DOUBLE_MAX);

	if (start)
		buf_commit(to, (size_t)(json_text__double(start, value) - start));
}
