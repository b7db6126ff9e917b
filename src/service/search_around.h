/*
 * Searching around damage: a damaged block must not keep the rest of a ledger from being read. search_run fails when it
 * meets one; then the same search is done part by part, and where a segment fails, block by block, leaving out those
 * that cannot be read. That costs more, and only when there is damage.
 */
#ifndef STELE_SERVICE_SEARCH_AROUND_H
#define STELE_SERVICE_SEARCH_AROUND_H

#include "query/search.h"

/* Runs of records that were left out: ascending, apart from each other. Zeroed at first. */
struct gap_list {
	struct snapshot_gap *gap;
	size_t count;
};

int gap_list_add(struct gap_list *gaps, uint64_t first, uint64_t next, struct err *err)
	__attribute__((warn_unused_result));
void gap_list_release(struct gap_list *gaps);

/* As search_run, with what is damaged left out and added to `gaps`. A total that was to be cheap is then a lower bound.
 */
int search_around_damage(struct snapshot *s, const struct search_request *r, struct search_answer *ret,
			 struct gap_list *gaps, struct err *err) __attribute__((warn_unused_result));

#endif
