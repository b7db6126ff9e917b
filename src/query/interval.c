/* Intervals of time. */
#include "query/interval.h"

#include <stdio.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)

#define MONDAY       (4 * DAY)                /* the first one after the epoch */
#define INTERVAL_MAX (INT64_C(3652059) * DAY) /* years 0001 to 9999 */

static const struct {
	char letter;
	int64_t us;
} units[] = {{'w', WEEK}, {'d', DAY}, {'h', HOUR}, {'m', MINUTE}, {'s', SECOND}};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

/* Those that people count in; beyond them weeks are doubled. */
static const int64_t round_intervals[] = {
	SECOND,     2 * SECOND, 5 * SECOND,  10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE,
	2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,        2 * HOUR,
	3 * HOUR,   6 * HOUR,   12 * HOUR,   DAY,         2 * DAY,     WEEK,
};

static int refuse(struct span text, struct err *err)
{
	return err_set(err, E_INVALID,
		       "'%.*s' is no interval; it takes a number and a unit: 30s, 5m, 1h, 1d or 1w, up to 3652059d",
		       (int)(text.len < 40 ? text.len : 40), (const char *)text.p);
}

int interval_parse(struct span text, int64_t *ret_us, struct err *err)
{
	int64_t n = 0;

	if (text.len < 2 || text.len > 16)
		return refuse(text, err);
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return refuse(text, err);
		n = n * 10 + (text.p[i] - '0');
	}
	for (size_t u = 0; u < UNIT_COUNT; u++) {
		if (text.p[text.len - 1] != (uint8_t)units[u].letter)
			continue;
		if (n == 0 || n > INTERVAL_MAX / units[u].us)
			break;
		*ret_us = n * units[u].us;
		return 0;
	}
	return refuse(text, err);
}

void interval_print(int64_t interval_us, char ret_text[INTERVAL_TEXT_MAX])
{
	size_t u = 0;

	while (u + 1 < UNIT_COUNT && interval_us % units[u].us != 0)
		u++;
	snprintf(ret_text, INTERVAL_TEXT_MAX, "%lld%c", (long long)(interval_us / units[u].us), units[u].letter);
}

int64_t interval_floor(int64_t interval_us, int64_t us)
{
	int64_t from = interval_us % WEEK == 0 ? MONDAY : 0;
	int64_t over = (us - from) % interval_us;

	return us - (over < 0 ? over + interval_us : over);
}

uint64_t interval_count(int64_t interval_us, int64_t from_us, int64_t to_us)
{
	if (to_us <= from_us)
		return 0;
	return (uint64_t)((to_us - 1 - interval_floor(interval_us, from_us)) / interval_us) + 1;
}

int64_t interval_choose(int64_t from_us, int64_t to_us, uint64_t buckets)
{
	size_t k = 0, count = sizeof(round_intervals) / sizeof(round_intervals[0]);
	int64_t us = round_intervals[0];

	while (interval_count(us, from_us, to_us) > buckets && us < INTERVAL_MAX)
		us = ++k < count ? round_intervals[k] : us * 2;
	return us;
}
