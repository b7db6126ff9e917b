/*
 * Counts that begin anew after a while: how many requests came from an address within a minute, how many secrets were
 * wrong. In memory of a fixed size: when there is no room, what ends first makes room. Thread-safe.
 */
#ifndef STELE_API_RECENT_H
#define STELE_API_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct recent {
	uint32_t count;
	int64_t ends_s; /* since 1970; then the count is 0 again */
};

struct recents;

/* A window is so long from what is counted first; with `is_sliding` from what is counted last. */
struct recents *recents_new(uint32_t seconds, bool is_sliding);
struct recents *recents_free(struct recents *w); /* returns NULL */

/* The count for `key` at the time `now_s`, after one more. */
struct recent recents_add(struct recents *w, struct span key, int64_t now_s);

/* The same without one more. */
struct recent recents_look(struct recents *w, struct span key, int64_t now_s);

#endif
