/*
 * A view is a plan applied to one segment: what the index leaves of the blocks, which columns a leaf reaches, and what
 * is known already of a dictionary's values. It lives as long as the search does.
 */
#ifndef STELE_QUERY_VIEW_PRIV_H
#define STELE_QUERY_VIEW_PRIV_H

#include "query/plan_priv.h"

#define ROW_WORDS   (BLOCK_ROWS_MAX / 64)
#define BLOCK_WORDS (SEGMENT_BLOCKS_MAX / 64)

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
	uint32_t count, cap;
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

/* Finds the columns of each leaf, unless that is done; forgets them and what is known of values, but not the blocks. */
void view__reach(struct view *v);
void view__forget(struct view *v);

/* Some rows of a block: words [from, to) of the bitmap; the others are not set. */
struct row_set {
	uint64_t bit[ROW_WORDS];
	uint32_t from, to;
};

/* Keeps those of `rows` that match. */
int view__match(struct view *v, struct block *b, uint64_t block_first, struct row_set *rows, struct err *err)
	__attribute__((warn_unused_result));

static inline bool view__has_block(const struct view *v, uint32_t block)
{
	return v->blocks[block / 64] >> block % 64 & 1;
}

static inline uint32_t row_set__count(const struct row_set *rows)
{
	uint32_t n = 0;

	for (uint32_t w = rows->from; w < rows->to; w++)
		n += (uint32_t)__builtin_popcountll(rows->bit[w]);
	return n;
}

#endif
