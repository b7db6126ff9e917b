/*
 * What stays of records that retention removed: the roots of their groups of 256 and the tree's frontier behind the
 * last of them, so that what is left of the ledger still proves. docs/format/hashes.md.
 *
 * An object <ledger>/<first>-<next>.hashes is written before the records go and is the mark that they have gone. Each
 * continues the one before; the first begins at 0.
 */
#ifndef STELE_STORE_HASHES_H
#define STELE_STORE_HASHES_H

#include "crypto/merkle.h"
#include "store/object.h"

#define HASHES_PAGE_GROUPS 256u /* under one checksum: 8 KiB */

struct hashes_head {
	uint32_t ledger;
	uint64_t first;
	uint64_t next;                   /* one past the last record that went */
	int64_t received_max;            /* of records that went */
	struct merkle_frontier frontier; /* of the first `next` records */
};

/* How many groups became full within [first, next). */
static inline uint64_t hashes_group_count(uint64_t first, uint64_t next)
{
	return next / MERKLE_GROUP - first / MERKLE_GROUP;
}

/* Appends an object's bytes; `groups` are hashes_group_count roots. */
void hashes_put(struct buf *to, const struct hashes_head *head, const struct sha256 *groups);

struct hashes;

/* Opens one; takes the object over, on failure too. Reads the head only. E_CORRUPT, E_UNSUPPORTED. */
int hashes_open(struct object *object, struct hashes **ret, struct err *err) __attribute__((warn_unused_result));
struct hashes *hashes_close(struct hashes *h);

const struct hashes_head *hashes_head(const struct hashes *h);

/* The roots of `count` groups from number `group` of the ledger on, which must be this object's. E_CORRUPT. */
int hashes_groups(struct hashes *h, uint64_t group, size_t count, struct sha256 *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
