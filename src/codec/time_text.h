/*
 * Times as clients write them: an RFC 3339 time, a date, a month or a year (UTC), "now", or "now" with an offset:
 * "now-7d", "now+90m"; units s, m, h, d, w.
 */
#ifndef STELE_CODEC_TIME_TEXT_H
#define STELE_CODEC_TIME_TEXT_H

#include "base/err.h"
#include "base/span.h"

/* An instant: the first of a date, a month or a year. E_INVALID, with what would be accepted. */
int time_text_parse(struct span text, int64_t now_us, int64_t *ret_us, struct err *err)
	__attribute__((warn_unused_result));

/* What a text stands for: [*ret_from, *ret_to), which of an instant is one microsecond. Any form there is; false when
 * it is none. */
bool time_text_period(struct span text, int64_t now_us, int64_t *ret_from, int64_t *ret_to);

/* The same of "2026", "2026-11" and "2026-11-21" only. */
bool time_text_calendar(struct span text, int64_t *ret_from, int64_t *ret_to);

#endif
