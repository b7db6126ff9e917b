/*
 * Times to and from text.
 *
 * Days are counted from civil dates in years that begin on 1 March, so that the leap day is a year's last and a month's
 * first day is a linear function of its number (Hinnant, "chrono-compatible low-level date algorithms").
 */
#include "codec/timestamp.h"

#include "base/err.h"

#define US_PER_SECOND 1000000LL
#define US_PER_DAY    (86400 * US_PER_SECOND)

/* Days from 0000-03-01 to 1970-01-01. */
#define EPOCH_DAYS 719468

struct civil {
	unsigned year, month, day, hour, minute, second, micros;
};

static int64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
	int y = (int)year - (month <= 2);
	unsigned shifted = (month + 9) % 12;
	unsigned day_of_year = (153 * shifted + 2) / 5 + day - 1;

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - EPOCH_DAYS;
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Whether every field is in range; `second` at most 59. */
static bool is_civil(const struct civil *c)
{
	return c->year - 1 < 9999 && c->month - 1 < 12 && c->day - 1 < month_days(c->year, c->month) && c->hour < 24 &&
	       c->minute < 60 && c->second < 60;
}

static int64_t civil_us(const struct civil *c)
{
	int64_t seconds = days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60;

	return (seconds + c->second) * US_PER_SECOND + c->micros;
}

/* Two digits at `p`, or 100 or more (so out of every range) when they are none. */
static unsigned two_digits(const uint8_t *p)
{
	unsigned tens = (unsigned)p[0] - '0', ones = (unsigned)p[1] - '0';

	return tens < 10 && ones < 10 ? tens * 10 + ones : 10000;
}

/* "YYYY-MM-DD?HH:MM:SS" without looking at the separator between date and time. */
static void read_civil(const uint8_t *p, struct civil *ret)
{
	ret->year = two_digits(p) * 100 + two_digits(p + 2);
	ret->month = two_digits(p + 5);
	ret->day = two_digits(p + 8);
	ret->hour = two_digits(p + 11);
	ret->minute = two_digits(p + 14);
	ret->second = two_digits(p + 17);
	ret->micros = 0;
}

static bool has_separators(const uint8_t *p)
{
	return p[4] == '-' && p[7] == '-' && p[13] == ':' && p[16] == ':';
}

bool timestamp_parse_canonical(const uint8_t *p, int64_t *ret_us)
{
	struct civil c;
	unsigned a, b, d;

	if (!has_separators(p) || p[10] != 'T' || p[19] != '.' || p[26] != 'Z')
		return false;
	read_civil(p, &c);
	a = two_digits(p + 20);
	b = two_digits(p + 22);
	d = two_digits(p + 24);
	if (a > 99 || b > 99 || d > 99 || !is_civil(&c))
		return false;
	c.micros = a * 10000 + b * 100 + d;
	*ret_us = civil_us(&c);
	return true;
}

/* Reads ".ddd…" (one to nine digits, cut to six) at the front of *text, when there is a point. */
static bool read_fraction(struct span *text, unsigned *ret_micros)
{
	unsigned scale = 100000, micros = 0;
	size_t n = 1;

	if (text->len == 0 || text->p[0] != '.')
		return true;
	for (; n < text->len && (unsigned)text->p[n] - '0' < 10; n++) {
		micros += ((unsigned)text->p[n] - '0') * scale;
		scale /= 10;
	}
	if (n < 2 || n > 10)
		return false;
	*text = span_from(*text, n);
	*ret_micros = micros;
	return true;
}

/* Reads the whole of `text` as "Z" or "±HH:MM". */
static bool read_offset(struct span text, int64_t *ret_offset_us)
{
	unsigned hours, minutes;
	int64_t us;

	if (text.len == 1 && (text.p[0] | 0x20) == 'z') {
		*ret_offset_us = 0;
		return true;
	}
	if (text.len != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':')
		return false;
	hours = two_digits(text.p + 1);
	minutes = two_digits(text.p + 4);
	if (hours > 23 || minutes > 59)
		return false;
	us = (int64_t)(hours * 60 + minutes) * 60 * US_PER_SECOND;
	*ret_offset_us = text.p[0] == '-' ? -us : us;
	return true;
}

bool timestamp_parse(struct span text, int64_t *ret_us)
{
	struct civil c;
	struct span rest;
	int64_t offset_us, us;

	if (text.len < 20 || !has_separators(text.p) || ((text.p[10] | 0x20) != 't' && text.p[10] != ' '))
		return false;
	read_civil(text.p, &c);
	rest = span_from(text, 19);
	if (!read_fraction(&rest, &c.micros) || !read_offset(rest, &offset_us))
		return false;
	if (c.second == 60) {
		c.second = 59;
		c.micros = 999999;
	}
	if (!is_civil(&c))
		return false;
	us = civil_us(&c) - offset_us;
	if (us < TIMESTAMP_MIN_US || us > TIMESTAMP_MAX_US)
		return false;
	*ret_us = us;
	return true;
}

static void civil_from_days(int64_t days, struct civil *ret)
{
	unsigned z = (unsigned)(days + EPOCH_DAYS);
	unsigned era = z / 146097, day_of_era = z % 146097;
	unsigned year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
	unsigned shifted = (5 * day_of_year + 2) / 153;

	ret->day = day_of_year - (153 * shifted + 2) / 5 + 1;
	ret->month = shifted < 10 ? shifted + 3 : shifted - 9;
	ret->year = year + era * 400 + (ret->month <= 2);
}

static void write_pair(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)('0' + value / 10);
	to[1] = (uint8_t)('0' + value % 10);
}

void timestamp_format(int64_t us, uint8_t *to)
{
	struct civil c;
	int64_t days, rest;
	unsigned seconds;

	must(us >= TIMESTAMP_MIN_US && us <= TIMESTAMP_MAX_US);
	/* Shifted to be positive, so that division rounds down. */
	days = (us - TIMESTAMP_MIN_US) / US_PER_DAY + TIMESTAMP_MIN_US / US_PER_DAY;
	rest = us - days * US_PER_DAY;
	seconds = (unsigned)(rest / US_PER_SECOND);
	c.micros = (unsigned)(rest % US_PER_SECOND);
	civil_from_days(days, &c);
	memcpy(to, "0000-00-00T00:00:00.000000Z", TIMESTAMP_LEN);
	write_pair(to, c.year / 100);
	write_pair(to + 2, c.year % 100);
	write_pair(to + 5, c.month);
	write_pair(to + 8, c.day);
	write_pair(to + 11, seconds / 3600);
	write_pair(to + 14, seconds / 60 % 60);
	write_pair(to + 17, seconds % 60);
	write_pair(to + 20, c.micros / 10000);
	write_pair(to + 22, c.micros / 100 % 100);
	write_pair(to + 24, c.micros % 100);
}
