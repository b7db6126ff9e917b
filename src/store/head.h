/*
 * The head of a ledger: chunks of raw records, each up to the next multiple of a block's rows, the last one growing.
 *
 * A chunk has one writer at a time and any number of readers. Records are only ever added, and neither they nor the
 * places that point to them move; so a reader that learned from the writer, by way of a lock, how many records there
 * are, reads these without one. Everything in a small ledger's chunk starts small and doubles.
 *
 * A chunk is closed when it is full, or cut before that; then it carries what its encoded form says of the Merkle tree,
 * and only its reference count changes any more.
 */
#ifndef STELE_STORE_HEAD_H
#define STELE_STORE_HEAD_H

#include <stdatomic.h>

#include "codec/record.h"
#include "store/segment.h"

#define CHUNK_PIECES 10 /* tables of 16, 16, 32, 64, … records: 8,192 in ten */

enum chunk_state {
	CHUNK_OPEN,
	CHUNK_CLOSED,   /* waits to be encoded */
	CHUNK_BUILDING, /* by one thread */
	CHUNK_BUILT,    /* image is set */
};

struct chunk {
	_Atomic unsigned refs;
	uint64_t first;
	uint32_t rows_max;

	/* the writer's */
	uint32_t count;
	uint64_t bytes; /* of the records */
	struct span *piece[CHUNK_PIECES];
	struct chunk_slab *slabs;
	size_t slab_left;

	/* the tree: groups of 256 whose last record is in the chunk; and behind the last record, once closed */
	struct sha256 *groups; /* room for all the chunk can have, from the first one on: they never move */
	size_t group_count;
	struct merkle_frontier *frontier;

	/* guarded by the ledger */
	enum chunk_state state;
	struct segment *image;      /* the encoded form, owned */
	const uint8_t *image_bytes; /* borrowed from it */
	size_t image_len;
};

/* A chunk for records from `first` to before `limit`. Memory is not checked for: a durable record must get in. */
struct chunk *chunk_new(uint64_t first, uint64_t limit);
struct chunk *chunk_ref(struct chunk *c);
struct chunk *chunk_unref(struct chunk *c); /* returns NULL */

/* Copies records [from, from + count) of the batch; they fit. */
void chunk_append(struct chunk *c, const struct record_batch *b, size_t from, size_t count);
void chunk_add_group(struct chunk *c, const struct sha256 *root);
/* Writing ends; `frontier` is the tree's behind the last record. */
void chunk_close(struct chunk *c, const struct merkle_frontier *frontier);

static inline bool chunk_is_full(const struct chunk *c)
{
	return c->count == c->rows_max;
}

/* The root of group `number`, whose last record is one of those the caller has learned of. */
struct sha256 chunk_group(const struct chunk *c, uint64_t number);

/* Record i, i < the count the caller has learned; borrowed until the reference is given back. */
struct span chunk_record(const struct chunk *c, uint32_t i);

/* Encodes a closed chunk and opens the result. */
int chunk_build(const struct chunk *c, uint32_t ledger, const uint8_t id_key[ID_KEY_LEN], struct segment **ret_image,
		const uint8_t **ret_bytes, size_t *ret_len, struct err *err) __attribute__((warn_unused_result));

#endif
