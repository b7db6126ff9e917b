/*
 * Events that come in while something else is measured, or before: threads of this program make them and append them,
 * as fast as the server takes them or at a rate. A rate is kept as the outside world keeps it: a body is due at its
 * time whatever became of the ones before.
 *
 * What was sent and what was answered is counted as it happens: any answer must lie between the two.
 */
#ifndef STELE_BENCH_FEED_H
#define STELE_BENCH_FEED_H

#include "census.h"
#include "target.h"

struct feed_plan {
	const struct target *target;
	struct event_stream *stream; /* borrowed, and not to be touched until the feed ended */
	uint64_t events_max;
	uint32_t connections; /* with one, events arrive in the order of the stream */
	uint32_t body_events;
	double rate; /* events a second; 0: as fast as they are taken */
};

struct feed;

/* `before`: what the server has already. */
int feed_start(const struct feed_plan *plan, const struct census_counts *before, struct feed **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Stops, with a plan's whole number of events sent when `to_the_end`, and fails with the first error of any thread. The
 * counts can still be asked for. */
int feed_stop(struct feed *f, bool to_the_end, struct err *err) __attribute__((warn_unused_result));
struct feed *feed_free(struct feed *f);

/* On the server for certain; perhaps on the server. */
void feed_get_answered(struct feed *f, struct census_counts *ret);
void feed_get_sent(struct feed *f, struct census_counts *ret);

/* Events answered so far, without those of before, and bytes. */
uint64_t feed_events(struct feed *f, uint64_t *ret_bytes);

/* By how much the latest body was sent too late so far, in milliseconds. */
double feed_late_ms(struct feed *f);

#endif
