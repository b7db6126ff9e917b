/*
 * The benchmark's events: synthetic audit events of a SaaS product, one JSON object a line, in a seeded stream. The
 * same seed, start and gap give the same events, and fewer of them are a prefix of more.
 *
 * About 523 bytes an event: 5,000 actors (Pareto, alpha 1.1), 18 entity types, 9 actions, 66 user agents, random
 * request ids (16 bytes of entropy), half the entity ids 12 random bytes and half one of 20,000 names, before and after
 * on updates, a description written from the other fields. Its entropy is about 32 bytes an event, which bounds what
 * any store can reach. Event times grow by an exponentially distributed gap.
 *
 * The rarest of these actors has ten times as many events in a stream ten times as long. So that there is somebody rare
 * in a stream of any length, 100 further actors may take the place of drawn ones a set number of times each.
 */
#ifndef STELE_BENCH_EVENT_STREAM_H
#define STELE_BENCH_EVENT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define EVENT_USUAL_ACTORS   5000u
#define EVENT_RARE_ACTORS    100u
#define EVENT_ACTORS         (EVENT_USUAL_ACTORS + EVENT_RARE_ACTORS) /* the rare ones come last */
#define EVENT_ACTIONS        9u
#define EVENT_ENTITIES       18u
#define EVENT_BYTES_MAX      2048u
#define EVENT_START_DEFAULT  1767225600000000 /* 2026-01-01T00:00:00Z in microseconds */
#define EVENT_GAP_MS_DEFAULT 50.0

struct event_stream;

/* What was drawn for one event. */
struct event_facts {
	int64_t time_us;
	uint64_t request_id[2]; /* written one after the other, 16 digits each */
	uint32_t actor;
	uint32_t action;
	uint32_t entity;
	bool is_failure;
};

/* `start_us`: microseconds since 1970, before year 10000; `gap_ms`: mean time between two events. */
struct event_stream *event_stream_new(uint64_t seed, int64_t start_us, double gap_ms);
struct event_stream *event_stream_free(struct event_stream *s);

/* Writes the next event and a newline to `to`, which has room for EVENT_BYTES_MAX; the number of bytes written. */
size_t event_stream_next(struct event_stream *s, uint8_t *to);

/* The event written last. */
const struct event_facts *event_stream_last(const struct event_stream *s);

/* Before the first event: each rare actor acts `each` times, evenly over the first `total` events. None does when those
 * are too few. */
void event_stream_set_rare(struct event_stream *s, uint64_t each, uint64_t total);

struct span event_stream_actor_id(const struct event_stream *s, uint32_t actor);
struct span event_stream_actor_name(const struct event_stream *s, uint32_t actor);
const char *event_action(uint32_t i);
const char *event_entity(uint32_t i);

#endif
