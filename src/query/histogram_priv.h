/*
 * Counting by time. A block that lies in one bucket and is not split is counted without being read; of others the times
 * are decoded. For a split each row gets a set of classes: one for each value listed, one for any other value; codes of
 * a dictionary are classified once a segment.
 */
#ifndef STELE_QUERY_HISTOGRAM_PRIV_H
#define STELE_QUERY_HISTOGRAM_PRIV_H

#include "query/field_priv.h"
#include "query/histogram.h"
#include "query/tally_priv.h"
#include "query/value_table_priv.h"

/* A set of classes; a code that was looked at has CLASS_KNOWN too. */
#define CLASS_KNOWN 0x8000u
_Static_assert(HISTOGRAM_SPLIT_MAX < 15, "a class is a bit of a uint16_t");

struct histogram_member {
	struct histogram *all;
	uint64_t *count;       /* [bucket_count] owned */
	uint64_t *split_count; /* [bucket_count][class_count] owned */
	size_t segment;        /* whose codes are classified; SIZE_MAX: none */
	uint16_t **code_class; /* [columns of the segment][codes] owned; NULL: not met */
	uint16_t row_class[BLOCK_ROWS_MAX];
	uint16_t class; /* of the value or record looked at */
	struct buf text, plain;
};

struct histogram {
	struct scan scan;
	const struct histogram_request *r;
	int64_t first_us, interval_us;
	uint32_t bucket_count;
	const struct facet *split;     /* NULL: not split */
	uint32_t class_count;          /* 0: not split */
	struct field_columns *columns; /* [segment] of the split; owned */
	struct histogram_member *member;
};

/* Counts n records of one time. */
void histogram__add(struct histogram_member *m, int64_t us, uint64_t n);

/* Whether times lie in one bucket. */
bool histogram__is_one_bucket(const struct histogram *h, int64_t min_us, int64_t max_us);

/* Counts the rows of a piece that match. */
int histogram__count_piece(struct histogram_member *m, struct scanner *x, const struct piece *p, struct err *err)
	__attribute__((warn_unused_result));

void histogram__release_member(struct histogram_member *m);

#endif
