/* Times as clients write them. */
#include "codec/time_text.h"

#include "codec/limits.h"
#include "codec/timestamp.h"

#define US_PER_SECOND 1000000LL
#define YEAR_LEN      4
#define MONTH_LEN     7
#define DATE_LEN      10

static bool is_calendar(struct span text)
{
	if (text.len != YEAR_LEN && text.len != MONTH_LEN && text.len != DATE_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (i == YEAR_LEN || i == MONTH_LEN ? text.p[i] != '-' : text.p[i] < '0' || text.p[i] > '9')
			return false;
	return true;
}

/* The first instant of the year, month or day that `date` begins with; what it lacks is its first. */
static bool first_instant(const char date[DATE_LEN], size_t len, int64_t *ret_us)
{
	char full[] = "0001-01-01T00:00:00Z";

	memcpy(full, date, len);
	return timestamp_parse(span_str(full), ret_us);
}

/* Adds one to the decimal number in len digits; false when it is all nines. */
static bool count_up(char *digits, size_t len)
{
	while (len-- > 0) {
		if (digits[len] != '9') {
			digits[len]++;
			return true;
		}
		digits[len] = '0';
	}
	return false;
}

/* Past the last year there is. */
static int64_t next_year(char date[DATE_LEN])
{
	int64_t us;

	return count_up(date, YEAR_LEN) && first_instant(date, YEAR_LEN, &us) ? us : TIMESTAMP_MAX_US + 1;
}

static int64_t next_month(char date[DATE_LEN])
{
	int64_t us;

	return count_up(date + YEAR_LEN + 1, 2) && first_instant(date, MONTH_LEN, &us) ? us : next_year(date);
}

bool time_text_calendar(struct span text, int64_t *ret_from, int64_t *ret_to)
{
	char date[DATE_LEN];

	if (!is_calendar(text))
		return false;
	memcpy(date, text.p, text.len);
	if (!first_instant(date, text.len, ret_from))
		return false;
	if (text.len == DATE_LEN)
		*ret_to = *ret_from + 86400 * US_PER_SECOND;
	else
		*ret_to = text.len == YEAR_LEN ? next_year(date) : next_month(date);
	return true;
}

static int64_t unit_seconds(uint8_t unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	default:
		return 0;
	}
}

/* Reads "7d" as seconds. */
static bool parse_amount(struct span text, int64_t *ret_seconds)
{
	const int64_t max = TIME_SPAN_DAYS_MAX * 86400LL;
	int64_t unit = text.len >= 2 ? unit_seconds(text.p[text.len - 1]) : 0;
	int64_t n = 0;

	if (unit == 0)
		return false;
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || n > max)
			return false;
		n = n * 10 + (text.p[i] - '0');
	}
	if (n > max / unit)
		return false;
	*ret_seconds = n * unit;
	return true;
}

static bool parse_relative(struct span text, int64_t now_us, int64_t *ret_us)
{
	int64_t seconds;
	int64_t us;

	if (!span_starts_with(text, SPAN_LIT("now")))
		return false;
	if (text.len == 3) {
		*ret_us = now_us;
		return true;
	}
	if ((text.p[3] != '-' && text.p[3] != '+') || !parse_amount(span_from(text, 4), &seconds))
		return false;
	us = now_us + (text.p[3] == '-' ? -seconds : seconds) * US_PER_SECOND;
	if (us < TIMESTAMP_MIN_US || us > TIMESTAMP_MAX_US)
		return false;
	*ret_us = us;
	return true;
}

bool time_text_period(struct span text, int64_t now_us, int64_t *ret_from, int64_t *ret_to)
{
	if (text.len > TIME_TEXT_MAX)
		return false;
	if (time_text_calendar(text, ret_from, ret_to))
		return true;
	if (!parse_relative(text, now_us, ret_from) && !timestamp_parse(text, ret_from))
		return false;
	*ret_to = *ret_from + 1;
	return true;
}

int time_text_parse(struct span text, int64_t now_us, int64_t *ret_us, struct err *err)
{
	int64_t from_us, to_us;

	if (time_text_period(text, now_us, &from_us, &to_us)) {
		*ret_us = from_us;
		return 0;
	}
	return err_set(
		err, E_INVALID,
		"'%.*s' is not a time; give an RFC 3339 time (2026-01-31T12:00:00Z), a date (2026-01-31), now, or "
		"now-7d (units s, m, h, d, w)",
		(int)(text.len < TIME_TEXT_MAX ? text.len : TIME_TEXT_MAX), (const char *)text.p);
}
