/*
 * Filling a page in the order of a field.
 *
 * Each member of the team keeps the keys that are listed first among the rows it has looked at. What a code of a
 * dictionary means is worked out once a segment, and whether it can still get onto the page is remembered: a value that
 * is listed behind the last of a full heap never will. Sorted by time, pieces come in the order of their times, and
 * those that lie behind the last of a full heap are not looked at.
 */
#ifndef STELE_QUERY_SEARCH_SORT_PRIV_H
#define STELE_QUERY_SEARCH_SORT_PRIV_H

#include "query/field_priv.h"
#include "query/page_priv.h"
#include "query/sort_priv.h"

struct sort_member {
	const struct sorting *all;
	struct sort_heap heap;
	size_t segment; /* that `columns` and `codes` are of; SIZE_MAX: none */
	struct field_columns columns;
	uint32_t **codes; /* [columns.count][codes] what is known of each; owned; NULL: not met */
	struct buf text, scratch;
	bool has_value;      /* of the value or record looked at: its key is */
	struct sort_key key; /* this one */
	uint64_t found;      /* matches */
};

struct sorting {
	struct search *q;
	const struct field *field;
	bool is_time;
	bool has_after;
	struct sort_key after; /* the page lies behind it */
	uint8_t after_text[SORT_KEY_BYTES];
	struct piece_list pieces;
	size_t from;                /* those that members look at begin here */
	struct sort_member *member; /* [team_size] */
	_Atomic int64_t bound_us;   /* by time: what lies behind it is not on the page */
	bool has_lost;              /* a record of the page could not be read */
	_Atomic bool is_cut;        /* some pieces were not looked at */
};

/* Whether a key lies behind `after`. */
static inline bool sorting_is_ahead(const struct sorting *s, const struct sort_key *key)
{
	return !s->has_after || sort_key_is_before(&s->after, key, s->member[0].heap.ascending);
}

/* Offers the rows of a piece to a member's heap. sort_block.c */
int sort__take_piece(struct sort_member *m, struct scanner *x, const struct piece *p, const struct row_set *rows,
		     struct err *err) __attribute__((warn_unused_result));

/* Finds the key of a record: m->key. */
void sort__key_of_record(struct sort_member *m, uint64_t index, struct span record);

void sort__release_member(struct sort_member *m);

#endif
