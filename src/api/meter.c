/* Request counters, as Prometheus text (exposition format 0.0.4). */
#include "api/meter.h"

#include <inttypes.h>

/* The statuses the server gives; another one is counted as the last. */
static const int statuses[] = {200, 201, 202, 204, 206, 400, 401, 403, 404, 405, 409,
			       412, 413, 415, 416, 422, 429, 500, 501, 503, 0};
#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))
_Static_assert(STATUS_COUNT <= METER_STATUS_MAX, "every status has a counter");

/* Upper bounds in microseconds; one fsync is two to five milliseconds. */
static const int64_t bounds_us[METER_BUCKETS - 1] = {250,   500,    1000,   2500,   5000,    10000,  20000,
						     50000, 100000, 250000, 500000, 1000000, 5000000};

static size_t status_index(int status)
{
	size_t i = 0;

	while (i + 1 < STATUS_COUNT && statuses[i] != status)
		i++;
	return i;
}

void meter_answer(struct meter *m, const struct route *route, int status, int64_t took_ns)
{
	size_t r = route ? (size_t)route->id : ROUTE_COUNT;
	size_t bucket = 0;

	while (bucket + 1 < METER_BUCKETS && took_ns > bounds_us[bucket] * 1000)
		bucket++;
	atomic_fetch_add_explicit(&m->answers[r][status_index(status)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->buckets[r][bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->sum_ns[r], (uint64_t)took_ns, memory_order_relaxed);
}

/* ---- between two readings ---- */

void meter_read(struct meter *m, struct meter_counts *ret)
{
	for (size_t r = 0; r < METER_ROUTES; r++) {
		ret->failed[r] = 0;
		for (size_t i = 0; i < STATUS_COUNT; i++) {
			if (statuses[i] >= 500)
				ret->failed[r] += atomic_load_explicit(&m->answers[r][i], memory_order_relaxed);
		}
		for (size_t i = 0; i < METER_BUCKETS; i++)
			ret->buckets[r][i] = atomic_load_explicit(&m->buckets[r][i], memory_order_relaxed);
	}
}

/* What `share` of the counts lie below; 0 when there are none. */
static double quantile_ms(const uint64_t count[METER_BUCKETS], uint64_t total, double share)
{
	double wanted = share * (double)total, below = 0;
	double low_us = 0;

	for (size_t i = 0; i + 1 < METER_BUCKETS && total > 0; i++) {
		if (count[i] > 0 && below + (double)count[i] >= wanted)
			return (low_us + ((double)bounds_us[i] - low_us) * (wanted - below) / (double)count[i]) / 1000;
		below += (double)count[i];
		low_us = (double)bounds_us[i];
	}
	return low_us / 1000;
}

void meter_change(const struct meter_counts *before, const struct meter_counts *now, size_t r, struct meter_change *ret)
{
	const struct route *route = r < ROUTE_COUNT ? route_get((enum route_id)r) : NULL;
	uint64_t count[METER_BUCKETS];

	*ret = (struct meter_change){.method = route ? method_name(route->method) : "other",
				     .path = route ? route->path : "other",
				     .failed = now->failed[r] - before->failed[r]};
	for (size_t i = 0; i < METER_BUCKETS; i++) {
		count[i] = now->buckets[r][i] - before->buckets[r][i];
		ret->count += count[i];
	}
	ret->p50_ms = quantile_ms(count, ret->count, 0.5);
	ret->p95_ms = quantile_ms(count, ret->count, 0.95);
	ret->p99_ms = quantile_ms(count, ret->count, 0.99);
}

/* ---- as text ---- */

/* The labels that name a route. */
static void put_labels(struct buf *to, size_t r)
{
	if (r == ROUTE_COUNT)
		buf_put_str(to, "route=\"other\",method=\"other\"");
	else
		buf_printf(to, "route=\"%s\",method=\"%s\"", route_get((enum route_id)r)->path,
			   method_name(route_get((enum route_id)r)->method));
}

static void put_answers(struct meter *m, struct buf *to)
{
	buf_put_str(to, "# HELP stele_http_requests_total Requests answered.\n"
			"# TYPE stele_http_requests_total counter\n");
	for (size_t r = 0; r < METER_ROUTES; r++) {
		for (size_t i = 0; i < STATUS_COUNT; i++) {
			uint64_t n = atomic_load_explicit(&m->answers[r][i], memory_order_relaxed);

			if (n == 0)
				continue;
			buf_put_str(to, "stele_http_requests_total{");
			put_labels(to, r);
			buf_printf(to, ",status=\"%d\"} %" PRIu64 "\n", statuses[i], n);
		}
	}
}

static void put_histogram(struct meter *m, size_t r, struct buf *to)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < METER_BUCKETS; i++) {
		sum += atomic_load_explicit(&m->buckets[r][i], memory_order_relaxed);
		buf_put_str(to, "stele_http_request_duration_seconds_bucket{");
		put_labels(to, r);
		if (i + 1 < METER_BUCKETS)
			buf_printf(to, ",le=\"%g\"} %" PRIu64 "\n", (double)bounds_us[i] / 1e6, sum);
		else
			buf_printf(to, ",le=\"+Inf\"} %" PRIu64 "\n", sum);
	}
	buf_put_str(to, "stele_http_request_duration_seconds_sum{");
	put_labels(to, r);
	buf_printf(to, "} %.6f\n", (double)atomic_load_explicit(&m->sum_ns[r], memory_order_relaxed) / 1e9);
	buf_put_str(to, "stele_http_request_duration_seconds_count{");
	put_labels(to, r);
	buf_printf(to, "} %" PRIu64 "\n", sum);
}

void meter_put(struct meter *m, struct buf *to)
{
	put_answers(m, to);
	buf_put_str(to, "# HELP stele_http_request_duration_seconds From the first header to the answer.\n"
			"# TYPE stele_http_request_duration_seconds histogram\n");
	for (size_t r = 0; r < METER_ROUTES; r++)
		put_histogram(m, r, to);
}
