/* How long single things took: every value is kept, so that percentiles are exact. One thread at a time. */
#ifndef STELE_BENCH_LATENCY_H
#define STELE_BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

struct latency {
	uint64_t *ns;
	size_t count;
	size_t cap;
	double sum_ns;
};

#define LATENCY_INIT                                                                                                   \
	{                                                                                                              \
		NULL, 0, 0, 0                                                                                          \
	}

void latency_release(struct latency *l);
void latency_add(struct latency *l, int64_t ns);
void latency_merge(struct latency *into, const struct latency *from);

/* Sorts in place; before latency_ms. */
void latency_sort(struct latency *l);

/* The value that `quantile` (0 … 1) of all do not exceed, in milliseconds; 0 when there is none. Sorted before. */
double latency_ms(const struct latency *l, double quantile);

double latency_mean_ms(const struct latency *l);

#endif
