/*
 * What is in a stream of generated events, counted as they are made: what a right answer to any question must say.
 *
 * Counts are apart from the rest, small enough to be copied for every question that is asked while events come in.
 */
#ifndef STELE_BENCH_CENSUS_H
#define STELE_BENCH_CENSUS_H

#include "base/rand.h"
#include "event_stream.h"

#define CENSUS_HOURS_MAX 4096u /* 290 million events at the usual gap */
#define CENSUS_NEWEST    100u
#define CENSUS_SAMPLES   4096u
#define CENSUS_SEED      1u
#define CENSUS_RARE_EACH 37u /* events of a rare actor, whatever the size */

struct census_counts {
	uint64_t events;
	uint64_t by_actor[EVENT_ACTORS];
	uint64_t by_class[EVENT_ACTIONS][EVENT_ENTITIES][2]; /* [1]: failures */
	uint64_t by_hour[CENSUS_HOURS_MAX];                  /* from `first_hour` on */
	int64_t first_hour;                                  /* since 1970 */
};

/* The first halves of the newest request ids, `next` being the oldest of them. */
struct census_newest {
	uint64_t keys[CENSUS_NEWEST];
	uint32_t next;
};

struct census_sample {
	uint64_t request_id[2];
	uint32_t actor;
};

struct census {
	struct census_counts counts;
	struct census_newest of_all;
	struct census_newest of_actor[EVENT_ACTORS];
	struct census_newest of_pair[EVENT_ACTIONS][EVENT_ENTITIES];
	struct census_newest of_failures[EVENT_ACTIONS][EVENT_ENTITIES];
	struct census_sample samples[CENSUS_SAMPLES]; /* of random events all over the stream */
	uint32_t n_samples;
};

/* The stream that every store is asked about, at its beginning: `events` of it hold the rare actors' events. */
struct event_stream *census_stream(uint64_t events);

void census_count(struct census_counts *c, const struct event_facts *facts);

/* Takes the next `events` of the stream, which goes on behind them. */
struct census *census_new(struct event_stream *stream, uint64_t events, uint64_t seed);
struct census *census_free(struct census *c);

uint64_t census_of_action(const struct census_counts *c, uint32_t action);
uint64_t census_of_entity(const struct census_counts *c, uint32_t entity);
uint64_t census_of_pair(const struct census_counts *c, uint32_t action, uint32_t entity);

/* Hours with an event in them. */
uint64_t census_hours(const struct census_counts *c);

/* The actors with the most events, the busiest first. */
void census_busiest(const struct census_counts *c, uint32_t *ret, size_t count);

#endif
