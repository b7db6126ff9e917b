/*
 * Buckets by name, in a table of a fixed size: a full bucket is as good as none and makes room, and when there is none
 * in its set, the one that is full soonest does. So whoever floods the table with names can only make others' buckets
 * fuller. Thread-safe; the lock is a leaf.
 */
#ifndef STELE_SERVICE_RATE_TABLE_H
#define STELE_SERVICE_RATE_TABLE_H

#include <stddef.h>

#include "service/rate.h"

struct rate_table;
struct rate_table *rate_table_new(void);
struct rate_table *rate_table_free(struct rate_table *t); /* returns NULL */

/* One of the buckets that something is taken from. */
struct rate_claim {
	uint64_t name; /* a hash */
	uint32_t rate; /* 0: no limit, and the rest stays as it is */
	uint64_t count;
	/* the answer: how it is afterwards */
	uint32_t left;
	uint32_t full_s;
	uint32_t wait_s; /* > 0: it has not enough */
};

/* Takes from all of them, or, when one has not enough, from none and returns false. */
bool rate_table_take(struct rate_table *t, struct rate_claim *claims, size_t count, int64_t now_ns);

#endif
