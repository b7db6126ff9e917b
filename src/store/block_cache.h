/*
 * Opened blocks that nobody uses at the moment, of all segments of a store. Whoever opens a block next gets it for
 * itself, with all that was read and decoded before, and gives it back by closing it; so a block still belongs to one
 * thread at a time, and several threads in one block have one each. The one unused longest goes first when together
 * they take more than `bytes_max`; a segment's go when the segment does.
 *
 * May be used by many threads at once. Its lock is a leaf: nothing is called under it that takes another.
 */
#ifndef STELE_STORE_BLOCK_CACHE_H
#define STELE_STORE_BLOCK_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct block_cache;
struct segment;

struct block_cache *block_cache_new(size_t bytes_max);
/* Once all segments that use it are closed. */
struct block_cache *block_cache_free(struct block_cache *c);

/* Before the first block is opened. The cache must outlive the segment. */
void segment_use_cache(struct segment *s, struct block_cache *c);

struct block_cache_figures {
	uint64_t hits;
	uint64_t misses;
	uint64_t bytes; /* held now */
};
void block_cache_figures(struct block_cache *c, struct block_cache_figures *ret);

#endif
