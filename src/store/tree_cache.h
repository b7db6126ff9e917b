/*
 * Nodes of level 16 of a ledger's tree that were folded once: 32 bytes for 65,536 records. They are full, so they never
 * change. Used by any thread; its lock is a leaf.
 */
#ifndef STELE_STORE_TREE_CACHE_H
#define STELE_STORE_TREE_CACHE_H

#include "crypto/digest.h"

#define TREE_CACHE_LEVEL 16u

struct tree_cache;
struct tree_cache *tree_cache_new(void);
struct tree_cache *tree_cache_free(struct tree_cache *c); /* returns NULL */

bool tree_cache_get(struct tree_cache *c, uint64_t number, struct sha256 *ret);
/* Without memory for it, it is not kept. */
void tree_cache_put(struct tree_cache *c, uint64_t number, const struct sha256 *node);

#endif
