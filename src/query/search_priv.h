/*
 * What the files of the executor share.
 *
 * A plan is the query made ready once: its leaves with their index keys. A view is a plan applied to one segment: which
 * columns a leaf reaches, what the index leaves of the blocks, and what is known already of a dictionary's values. A
 * scan goes over the parts of a source in the order asked for and puts the answer together.
 */
#ifndef STELE_QUERY_SEARCH_PRIV_H
#define STELE_QUERY_SEARCH_PRIV_H

#include "query/search.h"

#define ROW_WORDS   (BLOCK_ROWS_MAX / 64)
#define BLOCK_WORDS (SEGMENT_BLOCKS_MAX / 64)

/* Where records come from: head and segments through one interface. */
struct search_source {
	struct segment *const *segments; /* in order */
	size_t segment_count;
	const struct snapshot_tail *tails; /* in order, behind the segments */
	size_t tail_count;
	uint64_t size; /* one past the last record */
	/* Record i of a tail, and the index behind an id; false when there is none. */
	struct span (*record)(const struct snapshot_tail *t, uint32_t i);
	bool (*index_of_id)(void *user, struct span id, uint64_t *ret_index);
	void *user;
};

int search__run(const struct search_source *s, const struct search_request *r, struct search_answer *ret,
		struct err *err) __attribute__((warn_unused_result));

/* ---- search_plan.c ---- */

struct plan_leaf {
	const struct query_node *node;
	uint64_t *key; /* [key_count] index keys that all are in a block with a match; owned */
	uint32_t key_count;
	bool is_id;
	uint64_t index; /* of the record with the id; UINT64_MAX: there is none */
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

/* Whether a record that is not in a segment matches. */
bool plan__matches(const struct plan *p, const struct plan_node *n, uint64_t index, struct span record,
		   struct buf *scratch);

/* ---- search_view.c ---- */

enum reach_kind {
	REACH_VALUE,  /* the column's values are what the leaf's path names, or below it */
	REACH_INSIDE, /* the path leads into arrays that are the column's values */
	REACH_RECORD, /* the column's values are whole records */
};

/* A column that a leaf reaches. */
struct reach {
	uint32_t column;
	enum reach_kind kind;
	bool is_string;
	struct span rest;  /* REACH_INSIDE: the path from the array on */
	uint8_t *verdicts; /* by code of the column's dictionary: 0 not known yet, 1 no, 2 yes; owned */
};

struct leaf_view {
	struct reach *reach; /* owned */
	uint32_t count;
};

struct view {
	const struct plan *plan;
	struct segment *segment;
	uint64_t blocks[BLOCK_WORDS]; /* those that may hold a match */
	struct leaf_view *leaf;       /* [leaf_count], made with the first block */
	struct buf text, scratch;
	uint64_t work; /* done so far, in rows looked at by code */
};

/* Prunes by the index; the view is to be released in any case. */
int view__open(struct view *v, const struct plan *p, struct segment *segment, struct err *err)
	__attribute__((warn_unused_result));
void view__release(struct view *v);

/* Some rows of a block: words [from, to) of the bitmap; the others are not set. */
struct row_set {
	uint64_t bit[ROW_WORDS];
	uint32_t from, to;
};

/* Keeps those of `rows` that match. */
int view__match(struct view *v, struct block *b, uint64_t block_first, struct row_set *rows, struct err *err)
	__attribute__((warn_unused_result));

static inline bool block_is_set(const uint64_t *blocks, uint32_t block)
{
	return blocks[block / 64] >> block % 64 & 1;
}

#endif
