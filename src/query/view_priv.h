/*
 * A view is a plan applied to one segment by one thread: which columns a leaf reaches, and what is known already of a
 * dictionary's values. It lives as long as the thread is at the segment.
 */
#ifndef STELE_QUERY_VIEW_PRIV_H
#define STELE_QUERY_VIEW_PRIV_H

#include "query/plan_priv.h"
#include "query/row_set.h"

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

/* The values of a dictionary in which a term's needle may stand. */
struct dict_hits {
	const struct query_node *node;
	uint32_t column;
	uint8_t *hit; /* by code; NULL: none; owned */
};

struct view {
	const struct plan *plan;
	struct segment *segment;
	struct leaf_view *leaf; /* [leaf_count], made with the first block */
	struct dict_hits *hits; /* owned */
	uint32_t hits_count;
	struct buf text;
	struct match_scratch scratch;
	uint64_t work; /* done so far, in rows looked at by code */
};

void view__open(struct view *v, const struct plan *p, struct segment *segment);
void view__release(struct view *v);

/* Finds the columns of each leaf, unless that is done. */
void view__reach(struct view *v);

/* Moves the rows of `left` whose value in a column matches to `out`. */
int view__probe(struct view *v, struct block *b, const struct query_node *node, struct reach *reach,
		struct row_set *left, struct row_set *out, struct err *err) __attribute__((warn_unused_result));

/* Keeps those of `rows` that match. */
int view__match(struct view *v, struct block *b, uint64_t block_first, struct row_set *rows, struct err *err)
	__attribute__((warn_unused_result));

/* How many records of the segment match, when its dictionaries tell. */
int view__count(struct view *v, bool *ret_is_known, uint64_t *ret, struct err *err) __attribute__((warn_unused_result));

#endif
