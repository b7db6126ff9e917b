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

/* Appends the request figures as Prometheus text. */
void meter_put(struct meter *m, struct buf *to);

#endif
