/*
 * The Merkle tree of RFC 6962 section 2 (= RFC 9162 section 2.1) over SHA-256. Pure: no I/O, clock, threads or globals.
 *
 * A frontier is the roots of the maximal full subtrees of the first `size` leaves, widest first: as many hashes as
 * `size` has one bits. Appending a leaf costs one node hash on average. Level-1 hashes are the roots of full groups of
 * 256 leaves (level 1 of C2SP tlog-tiles); merkle_append hands each out as it becomes full. Proofs are in
 * merkle_proof.h.
 */
#ifndef STELE_CRYPTO_MERKLE_H
#define STELE_CRYPTO_MERKLE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"
#include "crypto/digest.h"

#define MERKLE_GROUP      256u /* leaves under one level-1 hash */
#define MERKLE_LEVELS_MAX 64

struct merkle_frontier {
	uint64_t size;
	struct sha256 node[MERKLE_LEVELS_MAX]; /* node[k]: root of the full subtree of 2^k leaves, valid when bit k of
						  size is set */
};

/* Given each group of 256 leaves that became full: leaves number * 256 to number * 256 + 255. */
typedef int merkle_group_fn(void *user, uint64_t number, const struct sha256 *root);

void merkle_init(struct merkle_frontier *f);

/* Appends a leaf hash. True when this leaf completed a group of 256; *ret_group is then its root (may be NULL). */
bool merkle_append(struct merkle_frontier *f, struct digest *d, const struct sha256 *leaf, struct sha256 *ret_group);

/*
 * Appends `n` leaf hashes, as n calls of merkle_append would, with the node hashes done in batches. `group` (may be
 * NULL) is called for each group that becomes full, in order, when the frontier has its leaves and none behind them; a
 * non-zero return ends the appending there and is returned, with f->size saying how far it came.
 */
int merkle_append_leaves(struct merkle_frontier *f, struct digest *d, const struct sha256 *leaves, size_t n,
			 merkle_group_fn *group, void *user);

/* Appends the root of a full, aligned group of 256 leaves at once; f->size must be a multiple of 256. */
void merkle_append_group(struct merkle_frontier *f, struct digest *d, const struct sha256 *group);

/* Appends the root of a full subtree of 2^level leaves at once; f->size must be a multiple of 2^level. */
void merkle_append_subtree(struct merkle_frontier *f, struct digest *d, unsigned level, const struct sha256 *root);

/* The root of the first f->size leaves; of none, SHA-256 of the empty string. */
void merkle_root(const struct merkle_frontier *f, struct digest *d, struct sha256 *ret);

/* On disk: u64 size, then the hashes of its one bits from the widest subtree down. E_CORRUPT when the input is too
 * short. */
void merkle_frontier_put(struct buf *to, const struct merkle_frontier *f);
int merkle_frontier_get(struct reader *from, struct merkle_frontier *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
