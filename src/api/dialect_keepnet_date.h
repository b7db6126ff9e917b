/*
 * Dates as the vendor's interface sends them: in the order its user has chosen, 15/02/2026 13:30, 02/15/2026 01:30 PM,
 * 2026/02/15; and ISO 8601. Without a zone they are UTC.
 */
#ifndef STELE_API_DIALECT_KEEPNET_DATE_H
#define STELE_API_DIALECT_KEEPNET_DATE_H

#include "base/span.h"

enum keepnet_date_order {
	KEEPNET_DAY_FIRST, /* also what is meant when nothing tells */
	KEEPNET_MONTH_FIRST,
};

/* Whether a date can be read in one order alone: which. */
bool keepnet__date_tells(struct span text, enum keepnet_date_order *ret);

/* What a text stands for: [*ret_from, *ret_to), as exactly as it is written. False when it is no date. */
bool keepnet__date_parse(struct span text, enum keepnet_date_order order, int64_t *ret_from, int64_t *ret_to);

#endif
