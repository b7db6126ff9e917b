/*
 * Counting the values of fields.
 *
 * Parts of the ledger that match as a whole are counted from the dictionaries of their segments; of the others the rows
 * that match are looked at piece by piece: values with a dictionary by code, in an array of counters a segment, those
 * without, those in arrays and those of records stored whole or in the tail as text. Each member of the team counts in
 * tables of its own, which go into those of all when they have grown, and in the end.
 */
#ifndef STELE_QUERY_FACET_PRIV_H
#define STELE_QUERY_FACET_PRIV_H

#include "query/facet.h"
#include "query/field_priv.h"
#include "query/scan_priv.h"
#include "query/value_table_priv.h"

/* A field in one segment. */
struct facet_columns {
	struct field_columns columns;
	bool is_counted; /* from dictionaries: pieces need not be looked at for it */
};

/* Counters of a column with a dictionary, by code; of the segment a member is at. */
struct facet_codes {
	uint32_t field;
	const struct field_column *column;
	const struct dict *dict;
	uint32_t *count; /* [dict->count] owned */
};

struct facet_member {
	struct facets *all;
	struct value_table table[FIELDS_MAX];
	uint64_t with_value[FIELDS_MAX]; /* records */
	uint64_t seen[FIELDS_MAX];       /* the last stamp with a value */
	uint64_t stamp;                  /* of what is counted now */
	uint64_t weight;                 /* how many records that are */
	uint64_t total;
	size_t segment; /* whose codes are counted; SIZE_MAX: none */
	struct facet_codes *codes;
	uint32_t codes_count, codes_cap;
	struct buf text, plain;
};

struct facets {
	struct scan scan;
	const struct facet_request *r;
	uint32_t field_count;
	struct facet_columns *columns; /* [segment][field] */
	struct facet_member *member;   /* [team_size] */
	struct mutex mu[FIELDS_MAX];   /* guards table[] */
	struct value_table table[FIELDS_MAX];
};

static inline struct facet_columns *facet__columns(const struct facets *f, size_t segment, uint32_t field)
{
	return &f->columns[segment * f->field_count + field];
}

/* ---- facet_count.c ---- */

/* Counts a field of a segment, all of whose records match, from its dictionaries; *ret says whether that could be done
 * (else nothing was counted). */
int facet__count_dicts(struct facet_member *m, size_t segment, uint32_t field, bool *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Counts the rows of a piece that match. A scan_piece_fn's work. */
int facet__count_piece(struct facet_member *m, struct scanner *x, const struct piece *p, struct err *err)
	__attribute__((warn_unused_result));

/* Moves what a member has counted to the tables of all. */
void facet__share(struct facet_member *m);

#endif
