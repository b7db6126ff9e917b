/* Exact percentiles by sorting: eight bytes a request, and a run has some millions of them at most. */
#include "latency.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

void latency_release(struct latency *l)
{
	free(l->ns);
	*l = (struct latency)LATENCY_INIT;
}

static void grow(struct latency *l, size_t extra)
{
	size_t cap = l->cap ? l->cap : 1024;

	while (cap < l->count + extra)
		cap *= 2;
	if (cap == l->cap)
		return;
	l->ns = xrealloc(l->ns, cap * sizeof(*l->ns));
	l->cap = cap;
}

void latency_add(struct latency *l, int64_t ns)
{
	if (l->count == l->cap)
		grow(l, 1);
	l->ns[l->count++] = ns > 0 ? (uint64_t)ns : 0;
	l->sum_ns += (double)ns;
}

void latency_merge(struct latency *into, const struct latency *from)
{
	if (from->count == 0)
		return;
	grow(into, from->count);
	memcpy(into->ns + into->count, from->ns, from->count * sizeof(*from->ns));
	into->count += from->count;
	into->sum_ns += from->sum_ns;
}

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

void latency_sort(struct latency *l)
{
	if (l->count > 0)
		qsort(l->ns, l->count, sizeof(*l->ns), compare_ns);
}

double latency_ms(const struct latency *l, double quantile)
{
	size_t rank;

	if (l->count == 0)
		return 0;
	rank = (size_t)ceil(quantile * (double)l->count);
	return (double)l->ns[rank > 0 ? rank - 1 : 0] / 1e6;
}

double latency_mean_ms(const struct latency *l)
{
	return l->count ? l->sum_ns / (double)l->count / 1e6 : 0;
}
