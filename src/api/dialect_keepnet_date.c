/* Dates of the Keepnet dialect: cut into numbers, then read as an RFC 3339 time, which checks them. */
#include "api/dialect_keepnet_date.h"

#include <stdio.h>
#include <strings.h>

#include "codec/limits.h"
#include "codec/time_text.h"
#include "codec/timestamp.h"

#define US_PER_S INT64_C(1000000)

/* A date with slashes taken apart. */
struct parts {
	unsigned number[6]; /* three of the date in their order, hour, minute, second */
	unsigned count;     /* 3, 5 or 6 */
	bool is_year_first;
	bool has_half; /* AM or PM */
	bool is_pm;
};

static void skip_blanks(struct span *s)
{
	while (s->len > 0 && s->p[0] == ' ')
		*s = span_from(*s, 1);
}

/* A number of at most four digits; how many there were. */
static unsigned take_number(struct span *s, unsigned *ret)
{
	unsigned digits = 0;

	*ret = 0;
	for (; digits < 4 && s->len > 0 && s->p[0] >= '0' && s->p[0] <= '9'; digits++) {
		*ret = *ret * 10 + (s->p[0] - '0');
		*s = span_from(*s, 1);
	}
	return digits;
}

static bool take_sign(struct span *s, uint8_t sign)
{
	if (s->len == 0 || s->p[0] != sign)
		return false;
	*s = span_from(*s, 1);
	return true;
}

static bool take_date(struct span *s, struct parts *p)
{
	for (p->count = 0; p->count < 3; p->count++) {
		unsigned digits;

		if (p->count > 0 && !take_sign(s, '/'))
			return false;
		digits = take_number(s, &p->number[p->count]);
		if (p->count == 0)
			p->is_year_first = digits == 4;
		if ((digits == 4) != (p->count == (p->is_year_first ? 0u : 2u)) || digits == 3 || digits == 0)
			return false;
	}
	return true;
}

static bool take_half(struct span *s, struct parts *p)
{
	skip_blanks(s);
	if (s->len == 0)
		return true;
	p->has_half = s->len == 2 &&
		      (strncasecmp((const char *)s->p, "am", 2) == 0 || strncasecmp((const char *)s->p, "pm", 2) == 0);
	p->is_pm = p->has_half && (s->p[0] | 0x20) == 'p';
	return p->has_half;
}

static bool take_time(struct span *s, struct parts *p)
{
	skip_blanks(s);
	if (s->len == 0)
		return true;
	for (; p->count < 6; p->count++) {
		unsigned digits;

		if (p->count > 3 && !take_sign(s, ':'))
			break;
		digits = take_number(s, &p->number[p->count]);
		if (digits == 0 || digits > 2)
			return false;
	}
	return p->count > 4 && take_half(s, p);
}

static bool take_apart(struct span text, struct parts *ret)
{
	*ret = (struct parts){.count = 0};
	skip_blanks(&text);
	return take_date(&text, ret) && take_time(&text, ret);
}

/* Of a clock of twelve hours the hour of the day; one that is none stays one. */
static unsigned hour_of(const struct parts *p)
{
	unsigned hour = p->number[3];

	if (!p->has_half)
		return hour;
	if (hour < 1 || hour > 12)
		return 24;
	return hour % 12 + (p->is_pm ? 12 : 0);
}

bool keepnet__date_tells(struct span text, enum keepnet_date_order *ret)
{
	struct parts p;

	if (!take_apart(text, &p) || p.is_year_first || (p.number[0] > 12) == (p.number[1] > 12))
		return false;
	*ret = p.number[0] > 12 ? KEEPNET_DAY_FIRST : KEEPNET_MONTH_FIRST;
	return true;
}

static bool read_parts(const struct parts *p, enum keepnet_date_order order, int64_t *ret_from, int64_t *ret_to)
{
	unsigned day = p->number[order == KEEPNET_DAY_FIRST ? 0 : 1];
	unsigned month = p->number[order == KEEPNET_DAY_FIRST ? 1 : 0];
	unsigned year = p->number[2];
	char text[TIME_TEXT_MAX];

	if (p->is_year_first) {
		year = p->number[0];
		month = p->number[1];
		day = p->number[2];
	}
	snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month, day, hour_of(p), p->number[4],
		 p->number[5]);
	if (!timestamp_parse(span_str(text), ret_from))
		return false;
	*ret_to = *ret_from + US_PER_S * (p->count == 3 ? 86400 : p->count == 5 ? 60 : 1);
	return true;
}

/* A date or a time of ISO 8601; one without seconds, or without a zone, too. */
static bool read_iso(struct span text, int64_t *ret_from, int64_t *ret_to)
{
	static const char *const ends[] = {"", "Z", ":00Z"};
	char with_end[TIME_TEXT_MAX + 5];

	if (text.len < 10 || text.len > TIME_TEXT_MAX || text.p[4] != '-')
		return false;
	if (time_text_calendar(text, ret_from, ret_to))
		return true;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(with_end, sizeof(with_end), "%.*s%s", (int)text.len, (const char *)text.p, ends[i]);
		if (!timestamp_parse(span_str(with_end), ret_from))
			continue;
		*ret_to = *ret_from + (i == 2 ? 60 * US_PER_S : 1);
		return true;
	}
	return false;
}

bool keepnet__date_parse(struct span text, enum keepnet_date_order order, int64_t *ret_from, int64_t *ret_to)
{
	struct parts p;

	if (take_apart(text, &p))
		return read_parts(&p, order, ret_from, ret_to);
	return read_iso(text, ret_from, ret_to);
}
