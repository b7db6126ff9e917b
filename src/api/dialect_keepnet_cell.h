/* Comparing one cell of a Keepnet row, as a part of a query. */
#ifndef STELE_API_DIALECT_KEEPNET_CELL_H
#define STELE_API_DIALECT_KEEPNET_CELL_H

#include "api/dialect_keepnet_date.h"
#include "base/err.h"
#include "codec/keepnet.h"
#include "query/query_build.h"

enum keepnet_operator {
	KEEPNET_CONTAINS,
	KEEPNET_SAME,
	KEEPNET_OTHER,
	KEEPNET_BEHIND,
	KEEPNET_BEHIND_OR_SAME,
	KEEPNET_BEFORE,
	KEEPNET_BEFORE_OR_SAME,
	KEEPNET_INCLUDE,
};

struct keepnet_compare {
	struct query *query;
	enum keepnet_date_order date_order;
	struct query_node *held; /* of the last text that was looked for: the same is looked for in many cells */
	struct span held_text;
	struct err *err;
};

/* *ret NULL: nothing is asked, as by a list without values. E_INVALID, E_TOO_LARGE. */
int keepnet__compare(struct keepnet_compare *c, enum keepnet_cell cell, enum keepnet_operator op, struct span value,
		     struct query_node **ret) __attribute__((warn_unused_result));

/* Rows that hold a text in any cell of text. */
int keepnet__compare_any(struct keepnet_compare *c, struct span text, struct query_node **ret)
	__attribute__((warn_unused_result));

#endif
