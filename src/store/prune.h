/*
 * Removing what retention says: whole segment files go, from the front of a ledger; its head is not touched. What stays
 * of them is in docs/format/hashes.md. Records of damaged files do not go, nor any behind them.
 */
#ifndef STELE_STORE_PRUNE_H
#define STELE_STORE_PRUNE_H

#include "store/store.h"

struct ledger_expiry {
	uint64_t first; /* the first record there is */
	uint64_t next;  /* records [first, next) may go; equal when there are none */
	uint32_t segments;
	uint64_t bytes;       /* of their files */
	int64_t received_min; /* of their records, when there are any */
	int64_t received_max;
	struct sha256 root; /* of the tree of the first `next` records */
	bool is_blocked;    /* the file at `next` is damaged and keeps what is behind it */
};

/* What lies in files whose records were all received before `before_us`. */
int ledger_expiry(struct ledger *l, int64_t before_us, struct ledger_expiry *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Removes the files whose records all lie before `before`. After a failure it has done all, or none, or some of the
 * files from the front on; calling it again, or opening the store, goes on. *ret_first is the first record that is
 * left, after a failure too. E_CORRUPT, E_IO, E_NO_SPACE, E_NO_MEMORY. */
int ledger_prune(struct ledger *l, uint64_t before, uint64_t *ret_first, struct err *err)
	__attribute__((warn_unused_result));

/* Merges make no file of records received further apart; 0: however far. */
void ledger_set_merge_span_us(struct ledger *l, int64_t span_us);

/* When the oldest record that is in no file was received; INT64_MAX when all are. */
int ledger_head_since(struct ledger *l, int64_t *ret_received_us, struct err *err) __attribute__((warn_unused_result));

#endif
