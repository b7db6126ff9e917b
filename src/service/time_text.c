/* Times as clients write them. */
#include "service/time_text.h"

#include "codec/timestamp.h"
#include "service/limits.h"

#define US_PER_SECOND 1000000LL
#define DATE_LEN      10

static bool parse_date(struct span text, int64_t *ret_us)
{
	char full[] = "0000-00-00T00:00:00Z";

	if (text.len != DATE_LEN)
		return false;
	memcpy(full, text.p, DATE_LEN);
	return timestamp_parse(span_str(full), ret_us);
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

int time_text_parse(struct span text, int64_t now_us, int64_t *ret_us, struct err *err)
{
	if (text.len <= TIME_TEXT_MAX &&
	    (parse_relative(text, now_us, ret_us) || parse_date(text, ret_us) || timestamp_parse(text, ret_us)))
		return 0;
	return err_set(
		err, E_INVALID,
		"'%.*s' is not a time; give an RFC 3339 time (2026-01-31T12:00:00Z), a date (2026-01-31), now, or "
		"now-7d (units s, m, h, d, w)",
		(int)(text.len < TIME_TEXT_MAX ? text.len : TIME_TEXT_MAX), (const char *)text.p);
}
