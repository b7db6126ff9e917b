/*
 * Runs of records that cannot be read: a damaged block must not keep the rest of a ledger from being read, and an
 * answer with holes must not look whole. So whoever reads leaves such records out and says which they are.
 */
#ifndef STELE_QUERY_GAP_H
#define STELE_QUERY_GAP_H

#include "store/store.h"

/* Ascending, apart from each other. Zeroed at first. */
struct gap_list {
	struct snapshot_gap *gap;
	size_t count;
};

int gap_list_add(struct gap_list *gaps, uint64_t first, uint64_t next, struct err *err)
	__attribute__((warn_unused_result));
void gap_list_release(struct gap_list *gaps);

#endif
