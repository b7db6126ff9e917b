/* Running a query over any source: search_run's is a snapshot, the tests make their own. */
#ifndef STELE_QUERY_SEARCH_PRIV_H
#define STELE_QUERY_SEARCH_PRIV_H

#include "query/search.h"

/* Where records come from: head and segments through one interface. */
struct search_source {
	struct segment *const *segments; /* in order */
	size_t segment_count;
	const struct snapshot_tail *tails; /* in order, behind the segments */
	size_t tail_count;
	uint64_t size;                  /* one past the last record */
	const struct snapshot_gap *gap; /* [gap_count] records that cannot be read: totals are not exact then */
	size_t gap_count;
	/* Record i of a tail, and the index behind an id; false when there is none. */
	struct span (*record)(const struct snapshot_tail *t, uint32_t i);
	bool (*index_of_id)(void *user, struct span id, uint64_t *ret_index);
	void *user;
	struct team *team;   /* NULL: this thread alone */
	int64_t deadline_ns; /* for tests: of the monotonic clock; 0: SCAN_SECONDS_MAX from its beginning on */
};

void search__source_of(struct snapshot *s, struct team *team, struct search_source *ret);

struct search_stream;
struct search_stream *search_stream__open(const struct search_source *source, const struct search_request *r);

int search__run(const struct search_source *s, const struct search_request *r, struct search_answer *ret,
		struct err *err) __attribute__((warn_unused_result));

#endif
