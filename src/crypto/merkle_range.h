/*
 * The compact proof of a run of leaves: that leaves first to next - 1, all of them and in this order, stand in these
 * places of the tree of `size` leaves. Pure: no I/O, clock, threads or globals.
 *
 * The proof is the roots of the full subtrees on both sides of the run: those of the frontier of `first` leaves, widest
 * first, then from the leaf at `next` on those that are as wide as their place and the tree's end allow, left to right.
 * So their number and places follow from first, next and size. Whoever has all leaf hashes of the run grows the
 * frontier by them and by the right side, and has the root. The verifier takes leaf by leaf in constant memory.
 */
#ifndef STELE_CRYPTO_MERKLE_RANGE_H
#define STELE_CRYPTO_MERKLE_RANGE_H

#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"

#define MERKLE_RANGE_MAX 190 /* 64 on the left; on the right up to 63 that widen and 63 that narrow */

struct merkle_range_proof {
	size_t count;
	struct sha256 hash[MERKLE_RANGE_MAX];
};

/* How many hashes a proof has; first <= next <= size. */
size_t merkle_range_count(uint64_t first, uint64_t next, uint64_t size);

/* Asks `node` for full subtrees of the tree of `size` leaves only. E_INVALID unless first <= next <= size, or what
 * `node` returned. */
int merkle_prove_range(uint64_t first, uint64_t next, uint64_t size, merkle_node_fn *node, void *user,
		       struct merkle_range_proof *ret) __attribute__((warn_unused_result));

/* A verification under way. */
struct merkle_range {
	struct merkle_frontier tree; /* of the leaves up to where it has come */
	uint64_t next, size;
	const struct sha256 *right; /* borrowed from the proof */
};

/* False when first, next and size are not in order or the proof has not as many hashes as it must. `path` stays the
 * caller's and is needed until the end. */
bool merkle_range_begin(struct merkle_range *r, uint64_t first, uint64_t next, uint64_t size, const struct sha256 *path,
			size_t path_len) __attribute__((warn_unused_result));

/* The next leaf hashes of the run; false when that is more than there are in it. */
bool merkle_range_add(struct merkle_range *r, struct digest *d, const struct sha256 *leaves, size_t n)
	__attribute__((warn_unused_result));

/* False unless all leaves have come and the root is this one. */
bool merkle_range_end(struct merkle_range *r, struct digest *d, const struct sha256 *root)
	__attribute__((warn_unused_result));

#endif
