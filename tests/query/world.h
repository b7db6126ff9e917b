/*
 * Random ledgers for the tests of the search: records with all that is awkward in them, and the same records as
 * segments of one block, merged segments and raw tails.
 */
#ifndef STELE_TESTS_QUERY_WORLD_H
#define STELE_TESTS_QUERY_WORLD_H

#include "base/rand.h"
#include "codec/record.h"
#include "query/search_priv.h"

#define COUNT(list)     (sizeof(list) / sizeof((list)[0]))
#define PICK(rng, list) ((list)[rng_below(rng, COUNT(list))])

#define WORLD_PARTS_MAX 64
#define WORLD_TIME_US   INT64_C(1790000000000000)

struct world {
	struct rng *rng;
	bool without_ids; /* in queries */
	uint64_t first;
	uint32_t count;
	struct record_batch batch;
	struct span *record; /* [count] */
	struct segment *segment[WORLD_PARTS_MAX];
	struct snapshot_tail tail[WORLD_PARTS_MAX];
	struct search_source source;
};

extern const uint8_t world_id_key[ID_KEY_LEN];

/* Records numbered from `first`; `segmented` of them are in segments, the rest in tails. */
void world_make(struct world *w, struct rng *rng, uint64_t first, uint32_t count, uint32_t segmented);
void world_release(struct world *w);

/* A random query over what the world's records hold, as text. The second asks for no ids and needs only rng, record and
 * count. */
void world_query(struct world *w, struct buf *to);
void world_query_values(struct world *w, struct buf *to);

/* The way to a random value of a random record, as a query writes it. */
void world_field(struct world *w, struct buf *to);

/* Appends one random event as JSON. */
void world_event(struct rng *rng, uint64_t number, struct buf *to);

/* The bytes of a segment of the records [from, to) of the world, one block; and one opened, whose bytes are taken. */
void world_segment_bytes(struct world *w, uint32_t from, uint32_t to, struct buf *ret);
struct segment *world_segment_open(struct buf *bytes);

#endif
