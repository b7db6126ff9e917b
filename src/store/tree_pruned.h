/* What stayed of the records that retention removed, as a tree needs it: the roots of their groups, and the frontier
 * behind the last of them. Private to the tree; one thread's. */
#ifndef STELE_STORE_TREE_PRUNED_H
#define STELE_STORE_TREE_PRUNED_H

#include "store/hashes.h"
#include "store/store.h"

struct tree_pruned {
	struct ledger *ledger;
	uint64_t first;      /* records before it are gone */
	struct hashes *open; /* the hashes looked at last, or NULL */
	bool has_frontier;
	struct merkle_frontier frontier; /* of the first `first` records */
};

void tree_pruned_release(struct tree_pruned *p);

/* The roots of groups from number `group` on, whose last record is gone: at least one, at most `max`; *ret_count says
 * how many. */
int tree_pruned_groups(struct tree_pruned *p, uint64_t group, size_t max, struct sha256 *ret, size_t *ret_count,
		       struct err *err) __attribute__((warn_unused_result));

/* Has p->frontier. */
int tree_pruned_frontier(struct tree_pruned *p, struct err *err) __attribute__((warn_unused_result));

#endif
