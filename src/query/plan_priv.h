/* A plan is the query made ready once: its leaves with their index keys, what is cheap first. One search uses it. */
#ifndef STELE_QUERY_PLAN_PRIV_H
#define STELE_QUERY_PLAN_PRIV_H

#include "query/match_priv.h"
#include "query/search_priv.h"

struct plan_leaf {
	const struct query_node *node;
	uint64_t *key; /* [key_count] index keys that all are in a block with a match; owned */
	uint32_t key_count;
	bool is_id;
	uint64_t index;            /* of the record with the id; UINT64_MAX: there is none */
	bool is_time, is_received; /* it compares one of the record's own times with the node's from_us and to_us */
};

struct plan_node {
	enum query_kind kind;
	struct plan_node *child; /* [child_count], AND and OR: cheapest first; owned */
	uint32_t child_count;
	uint32_t leaf; /* place in the plan's leaves */
	uint32_t cost;
};

struct plan {
	struct plan_node root;
	struct plan_leaf *leaf; /* [leaf_count] */
	uint32_t leaf_count, leaf_cap;
};

void plan__make(struct plan *p, const struct query_node *root, const struct search_source *source);
void plan__release(struct plan *p);

#define BLOCK_WORDS (SEGMENT_BLOCKS_MAX / 64)

/* The blocks of a segment that may hold a match, as bits; and all of them. */
int plan__prune(const struct plan *p, struct segment *s, uint64_t blocks[BLOCK_WORDS], struct err *err)
	__attribute__((warn_unused_result));
void plan__prune_nothing(const struct segment *s, uint64_t blocks[BLOCK_WORDS]);

/* Whether one of the record's own times is what the leaf wants; whether one of [min, max] may be. */
static inline bool plan__is_in_times(const struct plan_leaf *leaf, int64_t us)
{
	return us >= leaf->node->from_us && (us < leaf->node->to_us || leaf->node->to_us == INT64_MAX);
}

static inline bool plan__touches_times(const struct plan_leaf *leaf, int64_t min, int64_t max)
{
	return max >= leaf->node->from_us && (min < leaf->node->to_us || leaf->node->to_us == INT64_MAX);
}

/* Whether a record that is not in a segment matches. */
bool plan__matches(const struct plan *p, const struct plan_node *n, uint64_t index, struct span record,
		   struct match_scratch *scratch);

#endif
