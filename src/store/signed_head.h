/*
 * The last signed tree head of each ledger. A head is durable, as a frame of the journal, before anybody sees it, and
 * outlives its journal file: what a file that goes has of them is written again. Of two heads of a ledger the larger
 * one holds, of two of one size the one signed last, in whatever order their frames are.
 *
 * The store keeps heads and does not judge them: whether a tree may be signed is its caller's to know.
 */
#ifndef STELE_STORE_SIGNED_HEAD_H
#define STELE_STORE_SIGNED_HEAD_H

#include "store/store.h"

struct signed_head {
	uint64_t size;
	struct sha256 root;
	int64_t signed_us;
	struct span note; /* the signed checkpoint; at most HEAD_NOTE_MAX bytes */
};

struct store_head {
	struct ledger *ledger;
	struct signed_head head;
};

/* Makes heads durable, as few commits as there are MiBs of them, and then lets ledger_signed_head give them. Waits for
 * the disk. E_IO, E_NO_SPACE, …: then some may be found when the store is opened next. */
int store_put_heads(struct store *s, const struct store_head *heads, size_t count, struct err *err)
	__attribute__((warn_unused_result));

/* The head of a ledger, its note appended to `note` and borrowed from it; 1, or 0 when there is none. E_NO_MEMORY. */
int ledger_signed_head(struct ledger *l, struct signed_head *ret, struct buf *note, struct err *err)
	__attribute__((warn_unused_result));

#endif
