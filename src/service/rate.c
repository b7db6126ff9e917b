/*
 * Buckets, measured in the time they take to fill. A token is 1e9 / rate nanoseconds, rounded down, so that a full
 * bucket always has `rate` of them; what is taken too much by it is less than a nanosecond each.
 */
#include "service/rate.h"

#define NS_PER_S INT64_C(1000000000)

/* Owed at the most: what it takes a day to pay. Keeps the numbers in range, whatever a batch has. */
#define DEBT_NS_MAX (86400 * NS_PER_S)

/* How much of it is missing. */
static int64_t missing_ns(const struct rate_bucket *b, int64_t now_ns)
{
	return b->full_ns > now_ns ? b->full_ns - now_ns : 0;
}

static int64_t cost_ns(uint32_t rate, uint64_t count)
{
	return count / rate >= (uint64_t)(DEBT_NS_MAX / NS_PER_S) ? DEBT_NS_MAX
								  : (int64_t)(count * (uint64_t)NS_PER_S / rate);
}

/* What must be there for it. */
static int64_t least_ns(uint32_t rate, uint64_t count)
{
	int64_t cost = cost_ns(rate, count);

	return cost < NS_PER_S ? cost : NS_PER_S;
}

bool rate_has(const struct rate_bucket *b, uint32_t rate, uint64_t count, int64_t now_ns)
{
	return missing_ns(b, now_ns) + least_ns(rate, count) <= NS_PER_S;
}

void rate_take(struct rate_bucket *b, uint32_t rate, uint64_t count, int64_t now_ns)
{
	b->full_ns = now_ns + missing_ns(b, now_ns) + cost_ns(rate, count);
}

uint32_t rate_left(const struct rate_bucket *b, uint32_t rate, int64_t now_ns)
{
	int64_t there = NS_PER_S - missing_ns(b, now_ns);

	return there <= 0 ? 0 : (uint32_t)((uint64_t)there * rate / (uint64_t)NS_PER_S);
}

static uint32_t seconds_up(int64_t ns)
{
	return ns <= 0 ? 0 : (uint32_t)((ns + NS_PER_S - 1) / NS_PER_S);
}

uint32_t rate_full_s(const struct rate_bucket *b, int64_t now_ns)
{
	return seconds_up(missing_ns(b, now_ns));
}

uint32_t rate_wait_s(const struct rate_bucket *b, uint32_t rate, uint64_t count, int64_t now_ns)
{
	return seconds_up(missing_ns(b, now_ns) + least_ns(rate, count) - NS_PER_S);
}
