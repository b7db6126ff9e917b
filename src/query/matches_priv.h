/*
 * The matches of a piece (or of some rows of it) in the order asked for. Some of the records may have been rebuilt
 * ahead, by whichever thread found the matches; the others are rebuilt as they are taken.
 */
#ifndef STELE_QUERY_MATCHES_PRIV_H
#define STELE_QUERY_MATCHES_PRIV_H

#include "query/scan_priv.h"

struct matches {
	struct piece piece;
	bool oldest_first;
	struct row_set rows; /* not taken yet */
	struct buf records;  /* rebuilt ahead, back to back */
	uint32_t *len;       /* [count] owned */
	uint32_t count;
	uint32_t taken; /* of those */
	size_t at;      /* in `records` */
};

/* Finds the matches among the rows [from, to). Zeroed before the first use; keeps its memory. */
int matches_find(struct matches *m, struct scanner *x, const struct piece *p, uint32_t from, uint32_t to,
		 bool oldest_first, struct err *err) __attribute__((warn_unused_result));

/* Rebuilds records ahead: up to so many, and until they have so many bytes. */
int matches_rebuild(struct matches *m, struct scanner *x, uint32_t count_max, size_t bytes_max, struct err *err)
	__attribute__((warn_unused_result));

/* Appends the next record to `to`. There must be one. */
int matches_take(struct matches *m, struct scanner *x, struct buf *to, uint64_t *ret_index, struct err *err)
	__attribute__((warn_unused_result));

/* Forgets all of them, as when the piece turns out to be damaged. */
void matches_forget(struct matches *m);
void matches_release(struct matches *m);

#endif
