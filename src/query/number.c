/* Decimal numbers without floating point: sign, place of the first digit, digits. */
#include "query/number_priv.h"

#define SMALL_DIGITS    18u
#define EXPONENT_DIGITS 6u

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_end(struct span text, size_t at)
{
	while (at < text.len && is_digit(text.p[at]))
		at++;
	return at;
}

/* Reads what stands behind the mantissa: nothing, or the whole exponent. */
static bool read_exponent(struct span text, int64_t *ret)
{
	size_t at = 1;
	bool is_negative;
	int64_t n = 0;

	*ret = 0;
	if (text.len == 0)
		return true;
	if ((text.p[0] | 0x20) != 'e')
		return false;
	is_negative = at < text.len && text.p[at] == '-';
	at += at < text.len && (text.p[at] == '-' || text.p[at] == '+');
	if (at == text.len || text.len - at > EXPONENT_DIGITS || digits_end(text, at) != text.len)
		return false;
	for (; at < text.len; at++)
		n = n * 10 + (text.p[at] - '0');
	*ret = is_negative ? -n : n;
	return true;
}

static int64_t small_value(struct span digits)
{
	int64_t n = 0;

	for (size_t i = 0; i < digits.len; i++)
		n = n * 10 + (digits.p[i] - '0');
	return n;
}

/* Takes zeros, and a point among them, off both ends; `top` is for the number with its first digit before the point. */
static void strip(struct span mantissa, struct number *n)
{
	size_t from = 0, to = mantissa.len;
	bool has_point = mantissa.len && memchr(mantissa.p, '.', mantissa.len) != NULL;

	while (has_point && (mantissa.p[to - 1] == '0' || mantissa.p[to - 1] == '.') && to > 1)
		if (mantissa.p[--to] == '.')
			break;
	while (from < to && (mantissa.p[from] == '0' || mantissa.p[from] == '.')) {
		n->top -= mantissa.p[from] == '0' && from > 0;
		from++;
	}
	n->top -= from > 0; /* the 0 before the point was no digit */
	n->digits = span_of(mantissa.p + from, to - from);
}

bool number__parse(struct span text, struct number *ret)
{
	size_t from = text.len && text.p[0] == '-', whole = digits_end(text, from), end = whole;
	struct number n = {.is_negative = from == 1};
	int64_t exponent;

	if (whole == from || (text.p[from] == '0' && whole - from > 1))
		return false;
	if (end < text.len && text.p[end] == '.') {
		end = digits_end(text, whole + 1);
		if (end == whole + 1)
			return false;
	}
	if (!read_exponent(span_from(text, end), &exponent))
		return false;
	n.top = (int64_t)(whole - from) + exponent;
	strip(span_of(text.p + from, end - from), &n);
	if (end == text.len && end == whole && whole - from <= SMALL_DIGITS) {
		n.is_small = true;
		n.small = small_value(span_of(text.p + from, whole - from));
		n.small = n.is_negative ? -n.small : n.small;
	}
	if (n.digits.len == 0)
		n = (struct number){.is_small = true};
	*ret = n;
	return true;
}

/* The next digit; 0 behind the last. */
static uint8_t next_digit(struct span digits, size_t *at)
{
	*at += *at < digits.len && digits.p[*at] == '.';
	return *at < digits.len ? digits.p[(*at)++] : '0';
}

static int compare_magnitudes(const struct number *a, const struct number *b)
{
	if (a->digits.len == 0 || b->digits.len == 0)
		return (a->digits.len > 0) - (b->digits.len > 0);
	if (a->top != b->top)
		return a->top < b->top ? -1 : 1;
	for (size_t i = 0, j = 0; i < a->digits.len || j < b->digits.len;) {
		uint8_t x = next_digit(a->digits, &i), y = next_digit(b->digits, &j);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

int number__compare(const struct number *a, const struct number *b)
{
	int c;

	if (a->is_small && b->is_small)
		return (a->small > b->small) - (a->small < b->small);
	if (a->is_negative != b->is_negative)
		return a->is_negative ? -1 : 1;
	c = compare_magnitudes(a, b);
	return a->is_negative ? -c : c;
}
