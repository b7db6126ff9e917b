/*
 * Times as records carry them: "YYYY-MM-DDTHH:MM:SS.ffffffZ", always 27 bytes, years 0001 to 9999, UTC.
 * In memory a time is microseconds since 1970-01-01T00:00:00Z, proleptic Gregorian, no leap seconds.
 */
#ifndef STELE_CODEC_TIMESTAMP_H
#define STELE_CODEC_TIMESTAMP_H

#include "base/span.h"

#define TIMESTAMP_LEN 27

/* Reads RFC 3339 (any offset, "T" or blank, 0 to 9 fraction digits, cut to six, second 60 taken as 59.999999).
 * False when it is no such time. */
bool timestamp_parse(struct span text, int64_t *ret_us);

/* Reads only the canonical 27 bytes; false for anything else. Fast: used for every record. */
bool timestamp_parse_canonical(const uint8_t *p, int64_t *ret_us);

/* Writes the canonical 27 bytes, no NUL. `us` must lie in years 0001 to 9999. */
void timestamp_format(int64_t us, uint8_t *to);

#define TIMESTAMP_MIN_US (-62135596800000000LL)
#define TIMESTAMP_MAX_US (253402300799999999LL)

#endif
