/*
 * Checking a store while it is in use, a piece at a time and as slowly as the caller wants: what store_verify checks,
 * read from the disk anew, past everything that is kept in memory for searches. Merges, seals, appends and retention go
 * on meanwhile; what they replace is left out, since its replacement is checked when it is come to.
 */
#ifndef STELE_STORE_STORE_CHECK_H
#define STELE_STORE_STORE_CHECK_H

#include "store/store.h"

/* Called after each piece with the bytes read since the last call; may sleep. A negative return ends the check with
 * it. */
typedef int store_pace_fn(void *user, uint64_t bytes);

/* Where a check is. Zeroed at first; position may be set to where an earlier one had come to. */
struct store_check {
	store_fault_fn *found;
	store_pace_fn *pace;
	void *user;
	uint64_t position; /* records before it were checked */
	uint64_t records;  /* checked */
	/* the check's */
	bool has_tree;
	struct merkle_frontier tree; /* of the records before `position` */
};

/* Checks the next file of a ledger, or behind the last one its head and its tree. 1: there is more; 0: the ledger is
 * done. Faults go to `found`. What `pace` returned, E_NO_MEMORY. */
int ledger_check(struct ledger *l, struct store_check *c, struct err *err) __attribute__((warn_unused_result));

/* Checks the first journal file numbered behind *number, which becomes its number. As ledger_check. */
int store_check_journal(struct store *s, struct store_check *c, uint64_t *number, struct err *err)
	__attribute__((warn_unused_result));

#endif
