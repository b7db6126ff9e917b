/*
 * Intervals of time that a histogram's buckets have: whole seconds, minutes, hours, days or weeks. Buckets are aligned
 * to the epoch in UTC, those of whole weeks to Mondays.
 */
#ifndef STELE_QUERY_INTERVAL_H
#define STELE_QUERY_INTERVAL_H

#include "base/err.h"
#include "base/span.h"

#define INTERVAL_TEXT_MAX 24 /* with its NUL */

/* `30s`, `5m`, `1h`, `1d`, `1w`. E_INVALID. */
int interval_parse(struct span text, int64_t *ret_us, struct err *err) __attribute__((warn_unused_result));

/* In the largest unit it is a multiple of. */
void interval_print(int64_t interval_us, char ret_text[INTERVAL_TEXT_MAX]);

/* Where the bucket that holds a time begins. */
int64_t interval_floor(int64_t interval_us, int64_t us);

/* How many buckets [from, to) touches. */
uint64_t interval_count(int64_t interval_us, int64_t from_us, int64_t to_us);

/* The shortest round interval with which [from, to) touches at most so many buckets; buckets >= 1. */
int64_t interval_choose(int64_t from_us, int64_t to_us, uint64_t buckets);

#endif
