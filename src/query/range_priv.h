/* The two ends of a leaf that compares numbers, texts or addresses. Those of times are in the leaf itself. */
#ifndef STELE_QUERY_RANGE_PRIV_H
#define STELE_QUERY_RANGE_PRIV_H

#include "query/address_priv.h"
#include "query/number_priv.h"
#include "query/query.h"

struct query_bound {
	bool is_open;      /* there is no end on this side */
	bool is_exclusive; /* the end itself is not within */
	struct span text;  /* NUMBERS: as written; TEXTS: folded */
	struct number number;
	uint8_t address[ADDRESS_LEN]; /* ADDRESSES: set even when open */
};

struct query_range {
	struct query_bound low, high;
};

#endif
