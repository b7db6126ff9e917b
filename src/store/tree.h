/*
 * The Merkle tree over the records of a snapshot: leaves, inner nodes, roots of earlier sizes, proofs, tiles.
 *
 * Node (level, number) is the root of leaves number << level up to, not including, (number + 1) << level, as in
 * crypto/merkle_proof.h; it is there when the snapshot has all its leaves. Nodes of level 8 (groups of 256 records) are
 * stored with the records; above, they are folded from those, and from level 16 on kept with the ledger once folded;
 * below, the group's records are read and hashed. What the records of a full group hash to is compared with the group's
 * stored root: a tree that does not hang together is E_CORRUPT, and nothing of it is given out.
 *
 * Records that retention removed have no leaves any more, and no nodes below level 8 but those that proofs of later
 * records ask for; everything above is there.
 *
 * A struct tree belongs to one thread, and keeps the leaves of the group it looked at last. Functions fail with
 * E_NOT_FOUND past the snapshot's size, E_CORRUPT, E_IO, E_NO_MEMORY.
 */
#ifndef STELE_STORE_TREE_H
#define STELE_STORE_TREE_H

#include "crypto/merkle_proof.h"
#include "crypto/tile_path.h"
#include "store/store.h"

struct tree;
struct tree *tree_new(struct snapshot *s); /* which outlives it */
struct tree *tree_free(struct tree *t);    /* returns NULL */

/* The leaf hashes of records [first, first + count). */
int tree_leaves(struct tree *t, uint64_t first, size_t count, struct sha256 *ret, struct err *err)
	__attribute__((warn_unused_result));

int tree_node(struct tree *t, unsigned level, uint64_t number, struct sha256 *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The root of the first `size` records. */
int tree_root(struct tree *t, uint64_t size, struct sha256 *ret, struct err *err) __attribute__((warn_unused_result));

/* As merkle_prove_*; also E_INVALID. */
int tree_prove_inclusion(struct tree *t, uint64_t index, uint64_t size, struct merkle_proof *ret, struct err *err)
	__attribute__((warn_unused_result));
int tree_prove_consistency(struct tree *t, uint64_t old_size, uint64_t size, struct merkle_proof *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The first `width` (1 … TILE_WIDTH) hashes of a tile of C2SP tlog-tiles. */
int tree_tile(struct tree *t, unsigned level, uint64_t number, unsigned width, struct sha256 ret[TILE_WIDTH],
	      struct err *err) __attribute__((warn_unused_result));

/* Appends the first `width` entries of an entry bundle: u16 big-endian length, then the record, each. */
int tree_entries(struct tree *t, uint64_t number, unsigned width, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

#endif
