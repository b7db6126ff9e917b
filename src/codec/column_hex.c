/*
 * Texts that are bytes in lower-case hexadecimal, with dashes (UUID) or without (HEX). Sixteen digits at a time where
 * there is SSE2, which every x86-64 has.
 */
#include "codec/column_priv.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define UUID_DASHES 4

/* A UUID is five groups of digits with a dash behind all but the last: where they lie in the text, in digits. */
static const uint8_t uuid_dash[UUID_DASHES] = {8, 13, 18, 23};

#if defined(__SSE2__)

/* Sixteen digits, eight in each word, to eight bytes; false when one is no digit. */
static inline bool read_digits(uint64_t front, uint64_t back, uint8_t *to)
{
	__m128i c = _mm_set_epi64x((long long)back, (long long)front);
	__m128i digit = _mm_sub_epi8(c, _mm_set1_epi8('0'));
	__m128i letter = _mm_sub_epi8(c, _mm_set1_epi8('a'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
	__m128i nibbles = _mm_or_si128(_mm_and_si128(is_digit, digit),
				       _mm_and_si128(is_letter, _mm_add_epi8(letter, _mm_set1_epi8(10))));
	/* In each pair the first digit is the low byte: shift it up, the second one down onto it. */
	__m128i pairs = _mm_or_si128(_mm_slli_epi16(nibbles, 4), _mm_srli_epi16(nibbles, 8));

	pairs = _mm_and_si128(pairs, _mm_set1_epi16(0xff));
	_mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(pairs, pairs));
	return _mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) == 0xffff;
}

/* Eight bytes to sixteen digits. */
static inline void write_digits(const uint8_t *bytes, uint8_t *to)
{
	__m128i v = _mm_loadl_epi64((const __m128i *)(const void *)bytes);
	__m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(15));
	__m128i nibbles = _mm_unpacklo_epi8(high, _mm_and_si128(v, _mm_set1_epi8(15)));
	__m128i above_9 = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
	__m128i start = _mm_add_epi8(_mm_set1_epi8('0'), _mm_and_si128(above_9, _mm_set1_epi8('a' - 10 - '0')));

	_mm_storeu_si128((__m128i *)(void *)to, _mm_add_epi8(nibbles, start));
}

#else

static inline bool read_digits(uint64_t front, uint64_t back, uint8_t *to)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < 16; i++) {
		unsigned c = (i < 8 ? front >> 8 * i : back >> 8 * (i - 8)) & 0xff;
		unsigned digit = c - '0';
		unsigned letter = c - 'a';
		unsigned nibble = (digit > 9 ? letter + 10 : digit) & 15;

		wrong |= (digit > 9) & (letter > 5);
		to[i / 2] = (uint8_t)(i & 1 ? to[i / 2] | nibble : nibble << 4);
	}
	return !wrong;
}

static inline void write_digits(const uint8_t *bytes, uint8_t *to)
{
	for (unsigned i = 0; i < 16; i++)
		to[i] = (uint8_t) "0123456789abcdef"[i & 1 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
}

#endif

/* Reads 2 * n digits. The last eight bytes may be read twice, shorter texts are filled up with zeros. */
static inline bool read_hex(const uint8_t *text, uint32_t n, uint8_t *to)
{
	uint8_t padded[16];
	uint8_t bytes[8];
	bool valid = true;

	if (n < 8) {
		memset(padded, '0', sizeof(padded));
		memcpy(padded, text, 2 * n);
		valid = read_digits(get_u64le(padded), get_u64le(padded + 8), bytes);
		memcpy(to, bytes, n);
		return valid;
	}
	for (uint32_t i = 0; i + 8 <= n; i += 8)
		valid &= read_digits(get_u64le(text + 2 * i), get_u64le(text + 2 * i + 8), to + i);
	text += 2 * (n - 8);
	if (n % 8)
		valid &= read_digits(get_u64le(text), get_u64le(text + 8), to + n - 8);
	return valid;
}

static inline void write_hex(const uint8_t *bytes, uint32_t n, uint8_t *to)
{
	uint8_t padded[8] = {0};
	uint8_t text[16];

	if (n < 8) {
		memcpy(padded, bytes, n);
		write_digits(padded, text);
		memcpy(to, text, 2 * n);
		return;
	}
	for (uint32_t i = 0; i + 8 <= n; i += 8)
		write_digits(bytes + i, to + 2 * i);
	if (n % 8)
		write_digits(bytes + n - 8, to + 2 * (n - 8));
}

static inline uint64_t join_words(const uint8_t *front, const uint8_t *back)
{
	return get_u32le(front) | (uint64_t)get_u32le(back) << 32;
}

static inline bool read_uuid(struct span text, uint8_t *to)
{
	const uint8_t *p = text.p;
	unsigned wrong = 0;

	if (text.len != COLUMN_UUID_LEN)
		return false;
	for (unsigned i = 0; i < UUID_DASHES; i++)
		wrong |= (unsigned)p[uuid_dash[i]] ^ '-';
	return !wrong && read_digits(get_u64le(p), join_words(p + 9, p + 14), to) &&
	       read_digits(join_words(p + 19, p + 24), get_u64le(p + 28), to + 8);
}

uint32_t column__row_bytes(enum column_encoding encoding, struct span first)
{
	if (encoding == COLUMN_UUID)
		return first.len == COLUMN_UUID_LEN ? COLUMN_UUID_BYTES : 0;
	return first.len % 2 == 0 && first.len / 2 <= COLUMN_HEX_BYTES_MAX ? (uint32_t)(first.len / 2) : 0;
}

bool column__read_rows(enum column_encoding encoding, const struct span *values, size_t n, uint32_t row_bytes,
		       uint8_t *to, size_t stride)
{
	for (size_t i = 0; i < n; i++) {
		if (encoding == COLUMN_UUID ? !read_uuid(values[i], to + i * stride)
					    : values[i].len != 2 * (size_t)row_bytes ||
						      !read_hex(values[i].p, row_bytes, to + i * stride))
			return false;
	}
	return true;
}

static size_t write_uuid(const uint8_t *row, uint8_t *text)
{
	uint8_t digits[2 * COLUMN_UUID_BYTES];

	write_hex(row, COLUMN_UUID_BYTES, digits);
	memcpy(text, digits, 8);
	memcpy(text + 9, digits + 8, 4);
	memcpy(text + 14, digits + 12, 4);
	memcpy(text + 19, digits + 16, 4);
	memcpy(text + 24, digits + 20, 12);
	for (unsigned i = 0; i < UUID_DASHES; i++)
		text[uuid_dash[i]] = '-';
	return COLUMN_UUID_LEN;
}

size_t column__write_row(enum column_encoding encoding, struct span row, uint8_t *to)
{
	if (encoding == COLUMN_UUID)
		return write_uuid(row.p, to);
	write_hex(row.p, (uint32_t)row.len, to);
	return 2 * row.len;
}
