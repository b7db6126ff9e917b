/*
 * How much may be done in a second: token buckets, as arithmetic on a clock that is passed in.
 *
 * A bucket holds what one second allows, fills up evenly, and is one number: when it will be full. So one that is full
 * need not be remembered. What wants more than a whole bucket, as a large batch does, is let through when it is full,
 * and owes the rest: on average it is no more than the rate.
 */
#ifndef STELE_SERVICE_RATE_H
#define STELE_SERVICE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* When a bucket is full, on the clock of `now_ns`; 0 and what has passed: now. */
struct rate_bucket {
	int64_t full_ns;
};

/* Whether `count` may be taken; `rate` > 0, in tokens a second. */
bool rate_has(const struct rate_bucket *b, uint32_t rate, uint64_t count, int64_t now_ns);
void rate_take(struct rate_bucket *b, uint32_t rate, uint64_t count, int64_t now_ns);

/* Whole tokens that are there; seconds until it is full, and until it has `count`; rounded up. */
uint32_t rate_left(const struct rate_bucket *b, uint32_t rate, int64_t now_ns);
uint32_t rate_full_s(const struct rate_bucket *b, int64_t now_ns);
uint32_t rate_wait_s(const struct rate_bucket *b, uint32_t rate, uint64_t count, int64_t now_ns);

#endif
