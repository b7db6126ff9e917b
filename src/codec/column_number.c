/*
 * Texts that are numbers: the text of each is the only one of its number, so that the number gives it back.
 *
 * Addresses are read without branches on the lengths of their parts, which nobody could predict.
 */
#include "base/err.h"
#include "codec/column_priv.h"
#include "codec/timestamp.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define INT_DIGITS_MAX     19
#define HEX_INT_DIGITS_MAX 15
#define IPV4_LEN_MIN       7
#define IPV4_LEN_MAX       15

static inline bool read_int(struct span text, int64_t *ret)
{
	bool is_negative = text.len > 1 && text.p[0] == '-';
	size_t digits = text.len - is_negative;
	const uint8_t *p = text.p + is_negative;
	uint64_t v = 0;

	if (digits == 0 || digits > INT_DIGITS_MAX || (p[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < digits; i++) {
		unsigned digit = (unsigned)p[i] - '0';

		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	if (v > (uint64_t)INT64_MAX + is_negative)
		return false;
	*ret = (int64_t)(is_negative ? 0 - v : v);
	return true;
}

static inline bool read_hex_int(struct span text, int64_t *ret)
{
	uint64_t v = 0;
	unsigned wrong = 0;

	if (text.len == 0 || text.len > HEX_INT_DIGITS_MAX || (text.p[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.p[i] - '0';
		unsigned letter = (unsigned)text.p[i] - 'a';

		wrong |= (digit > 9) & (letter > 5);
		v = v << 4 | ((digit > 9 ? letter + 10 : digit) & 15);
	}
	if (wrong)
		return false;
	*ret = (int64_t)v;
	return true;
}

/* Bit i is set when byte i of `word` is a point. */
static inline unsigned find_points(uint64_t word)
{
#if defined(__SSE2__)
	__m128i v = _mm_cmpeq_epi8(_mm_cvtsi64_si128((long long)word), _mm_set1_epi8('.'));

	return (unsigned)_mm_movemask_epi8(v) & 0xff;
#else
	unsigned found = 0;

	for (unsigned i = 0; i < 8; i++)
		found |= (unsigned)((word >> (8 * i) & 0xff) == '.') << i;
	return found;
#endif
}

/* The same for a text of 7 to 15 bytes, by two words that overlap. */
static inline unsigned find_all_points(struct span text)
{
	if (text.len < 8)
		return find_points(get_u32le(text.p)) | find_points(get_u32le(text.p + 3)) << 3;
	return find_points(get_u64le(text.p)) | find_points(get_u64le(text.p + text.len - 8)) << (text.len - 8);
}

/* Reads the part [start, end) of an address, end > 0: 0 to 255 without leading zeros; 256 and more when it is none. */
static inline unsigned read_part(const uint8_t *p, unsigned start, unsigned end)
{
	static const uint8_t first_weight[4] = {0, 0, 10, 100};
	static const uint8_t middle_weight[4] = {0, 0, 0, 10};
	unsigned len = end - start;
	unsigned first = (unsigned)p[start] - '0';
	unsigned middle = (unsigned)p[end - 1 - (len == 3)] - '0';
	unsigned last = (unsigned)p[end - 1] - '0';
	unsigned wrong = (len - 1 > 2) | (first > 9) | (middle > 9) | (last > 9) | ((len > 1) & (first == 0));

	return (first * first_weight[len & 3] + middle * middle_weight[len & 3] + last) | wrong << 8;
}

static inline bool read_ipv4(struct span text, int64_t *ret)
{
	unsigned points;
	unsigned point[3];
	unsigned part[4];

	if (text.len < IPV4_LEN_MIN || text.len > IPV4_LEN_MAX)
		return false;
	points = find_all_points(text);
	for (unsigned i = 0; i < 3; i++) {
		if (!points)
			return false;
		point[i] = (unsigned)__builtin_ctz(points);
		points &= points - 1;
	}
	if (points || point[0] == 0 || point[2] + 1 == text.len)
		return false;
	part[0] = read_part(text.p, 0, point[0]);
	part[1] = read_part(text.p, point[0] + 1, point[1]);
	part[2] = read_part(text.p, point[1] + 1, point[2]);
	part[3] = read_part(text.p, point[2] + 1, (unsigned)text.len);
	if ((part[0] | part[1] | part[2] | part[3]) > 255)
		return false;
	*ret = (int64_t)(part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3]);
	return true;
}

static inline bool read_time(struct span text, int64_t *ret)
{
	return text.len == TIMESTAMP_LEN && timestamp_parse_canonical(text.p, ret);
}

static inline __attribute__((always_inline)) bool read_all(bool (*read)(struct span, int64_t *),
							   const struct span *values, size_t n, int64_t *to,
							   size_t stride)
{
	for (size_t i = 0; i < n; i++) {
		if (!read(values[i], to + i * stride))
			return false;
	}
	return true;
}

bool column__read_numbers(enum column_encoding encoding, const struct span *values, size_t n, int64_t *to,
			  size_t stride)
{
	switch (encoding) {
	case COLUMN_INT:
		return read_all(read_int, values, n, to, stride);
	case COLUMN_HEX_INT:
		return read_all(read_hex_int, values, n, to, stride);
	case COLUMN_IPV4:
		return read_all(read_ipv4, values, n, to, stride);
	case COLUMN_TIME:
		return read_all(read_time, values, n, to, stride);
	default:
		return false;
	}
}

bool column__has_bounds(enum column_encoding encoding, int64_t *ret_min, int64_t *ret_max)
{
	if (encoding == COLUMN_TIME) {
		*ret_min = TIMESTAMP_MIN_US;
		*ret_max = TIMESTAMP_MAX_US;
	} else if (encoding == COLUMN_HEX_INT) {
		*ret_min = 0;
		*ret_max = COLUMN_HEX_INT_MAX;
	}
	return encoding == COLUMN_TIME || encoding == COLUMN_HEX_INT;
}

/* Digits from the end of `text` to the front, two at a time; returns where they begin. */
static inline uint8_t *write_digits(uint64_t v, uint8_t *end)
{
	for (; v > 99; v /= 100) {
		unsigned pair = (unsigned)(v % 100);

		*--end = (uint8_t)('0' + pair % 10);
		*--end = (uint8_t)('0' + pair / 10);
	}
	*--end = (uint8_t)('0' + v % 10);
	if (v > 9)
		*--end = (uint8_t)('0' + v / 10);
	return end;
}

static size_t write_int(uint64_t v, bool is_negative, uint8_t *to)
{
	uint8_t text[INT_DIGITS_MAX + 1], *end = text + sizeof(text), *p;
	size_t len;

	p = write_digits(is_negative ? 0 - v : v, end);
	if (is_negative)
		*--p = '-';
	len = (size_t)(end - p);
	memcpy(to, p, len);
	return len;
}

static size_t write_hex_int(uint64_t v, uint8_t *to)
{
	size_t len = v ? (67 - (size_t)__builtin_clzll(v)) / 4 : 1;

	for (size_t i = len; i > 0; i--, v >>= 4)
		to[i - 1] = (uint8_t) "0123456789abcdef"[v & 15];
	return len;
}

static size_t write_ipv4(uint64_t v, uint8_t *to)
{
	uint8_t *p = to;

	for (unsigned shift = 32; shift; shift -= 8) {
		unsigned part = v >> (shift - 8) & 255;

		if (part > 99)
			*p++ = (uint8_t)('0' + part / 100);
		if (part > 9)
			*p++ = (uint8_t)('0' + part / 10 % 10);
		*p++ = (uint8_t)('0' + part % 10);
		*p++ = '.';
	}
	return (size_t)(p - to) - 1;
}

size_t column__write_number(enum column_encoding encoding, int64_t number, uint8_t *to)
{
	switch (encoding) {
	case COLUMN_HEX_INT:
		return write_hex_int((uint64_t)number, to);
	case COLUMN_IPV4:
		return write_ipv4((uint64_t)number, to);
	case COLUMN_TIME:
		timestamp_format(number, to);
		return TIMESTAMP_LEN;
	default:
		return write_int((uint64_t)number, number < 0, to);
	}
}
