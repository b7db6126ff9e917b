/*
 * The benchmark's events: synthetic audit events of a SaaS product, one JSON object a line, in a seeded stream. The
 * same seed, start and gap give the same events, and fewer of them are a prefix of more.
 *
 * About 523 bytes an event: 5,000 actors (Pareto, alpha 1.1), 18 entity types, 9 actions, 66 user agents, random
 * request ids (16 bytes of entropy), half the entity ids 12 random bytes and half one of 20,000 names, before and after
 * on updates, a description written from the other fields. Its entropy is about 32 bytes an event, which bounds what
 * any store can reach. Event times grow by an exponentially distributed gap.
 */
#ifndef STELE_BENCH_EVENT_STREAM_H
#define STELE_BENCH_EVENT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define EVENT_BYTES_MAX      2048u
#define EVENT_START_DEFAULT  1767225600000000 /* 2026-01-01T00:00:00Z in microseconds */
#define EVENT_GAP_MS_DEFAULT 50.0

struct event_stream;

/* `start_us`: microseconds since 1970, before year 10000; `gap_ms`: mean time between two events. */
struct event_stream *event_stream_new(uint64_t seed, int64_t start_us, double gap_ms);
struct event_stream *event_stream_free(struct event_stream *s);

/* Writes the next event and a newline to `to`, which has room for EVENT_BYTES_MAX; the number of bytes written. */
size_t event_stream_next(struct event_stream *s, uint8_t *to);

#endif
