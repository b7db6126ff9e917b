/* Counts what the server answers: requests by route and status, how long they took, bytes that came in. */
#ifndef STELE_API_METER_H
#define STELE_API_METER_H

#include <stdatomic.h>

#include "api/route.h"
#include "base/buf.h"

#define METER_ROUTES     (ROUTE_COUNT + 1) /* and one for what no route takes */
#define METER_BUCKETS    14                /* the last is +Inf */
#define METER_STATUS_MAX 24

struct meter {
	_Atomic uint64_t answers[METER_ROUTES][METER_STATUS_MAX];
	_Atomic uint64_t buckets[METER_ROUTES][METER_BUCKETS];
	_Atomic uint64_t sum_ns[METER_ROUTES];
	_Atomic uint64_t body_bytes;
	_Atomic uint64_t connections; /* open now */
	_Atomic uint64_t in_flight;   /* requests between first header and last byte of the answer */
	_Atomic uint64_t aborted;     /* requests that ended without an answer */
};

/* `route` NULL: none took it. */
void meter_answer(struct meter *m, const struct route *route, int status, int64_t took_ns);

/* All counts at one time, and what was counted of one route (0 … METER_ROUTES - 1) between two of them. */
struct meter_counts {
	uint64_t buckets[METER_ROUTES][METER_BUCKETS];
	uint64_t failed[METER_ROUTES]; /* with a status of 500 and above */
};
struct meter_change {
	const char *method;
	const char *path;
	uint64_t count;
	uint64_t failed;
	double p50_ms, p95_ms, p99_ms; /* within a bucket evenly spread; never beyond the last bound */
};
void meter_read(struct meter *m, struct meter_counts *ret);
void meter_change(const struct meter_counts *before, const struct meter_counts *now, size_t r,
		  struct meter_change *ret);

/* Appends the request figures as Prometheus text. */
void meter_put(struct meter *m, struct buf *to);

#endif
