/*
 * Times as clients write them in a range: an RFC 3339 time, a date (its first instant, UTC), "now", or "now" with an
 * offset: "now-7d", "now+90m"; units s, m, h, d, w.
 */
#ifndef STELE_SERVICE_TIME_TEXT_H
#define STELE_SERVICE_TIME_TEXT_H

#include "base/err.h"
#include "base/span.h"

/* E_INVALID, with what would be accepted. */
int time_text_parse(struct span text, int64_t now_us, int64_t *ret_us, struct err *err)
	__attribute__((warn_unused_result));

#endif
