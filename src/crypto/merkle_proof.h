/*
 * Inclusion and consistency proofs of RFC 6962 sections 2.1.1 and 2.1.2 (= RFC 9162 sections 2.1.3 and 2.1.4), and the
 * verifiers of RFC 9162 sections 2.1.3.2 and 2.1.4.2. Pure: no I/O, clock, threads or globals.
 *
 * The prover knows a tree by its full subtrees: node (level, number) is the root of leaves number << level up to, not
 * including, (number + 1) << level. It asks only for nodes that are full in the tree it proves against, at most 128 a
 * proof; where they come from (frontier, stored groups, recomputed leaves) is the caller's.
 */
#ifndef STELE_CRYPTO_MERKLE_PROOF_H
#define STELE_CRYPTO_MERKLE_PROOF_H

#include "base/err.h"
#include "crypto/digest.h"

#define MERKLE_INCLUSION_MAX   64
#define MERKLE_CONSISTENCY_MAX 65

struct merkle_proof {
	size_t count;
	struct sha256 hash[MERKLE_CONSISTENCY_MAX]; /* in the order of the RFC: from the leaves up */
};

/* Fetches node (level, number). 0, or a code that ends the proving. */
typedef int merkle_node_fn(void *user, unsigned level, uint64_t number, struct sha256 *ret);

/* That leaf `index` is in the tree of `size` leaves, index < size. E_INVALID otherwise, or what `node` returned. */
int merkle_prove_inclusion(struct digest *d, uint64_t index, uint64_t size, merkle_node_fn *node, void *user,
			   struct merkle_proof *ret) __attribute__((warn_unused_result));

/* That the tree of `size` leaves begins with that of `old_size` leaves, old_size <= size; empty when old_size is 0 or
 * size. E_INVALID otherwise, or what `node` returned. */
int merkle_prove_consistency(struct digest *d, uint64_t old_size, uint64_t size, merkle_node_fn *node, void *user,
			     struct merkle_proof *ret) __attribute__((warn_unused_result));

/* False unless the proof holds; `path` has `path_len` hashes and comes from anywhere. */
bool merkle_verify_inclusion(struct digest *d, uint64_t index, uint64_t size, const struct sha256 *leaf,
			     const struct sha256 *path, size_t path_len, const struct sha256 *root)
	__attribute__((warn_unused_result));

/* A proof from size 0 must be empty and its old root that of the empty tree. */
bool merkle_verify_consistency(struct digest *d, uint64_t old_size, uint64_t size, const struct sha256 *path,
			       size_t path_len, const struct sha256 *old_root, const struct sha256 *root)
	__attribute__((warn_unused_result));

#endif
