/*
 * The filter of a Keepnet search as a query. It says the same of a record as the vendor's would of its row: a cell that
 * comes from the first of several members is compared by that one.
 */
#ifndef STELE_API_DIALECT_KEEPNET_FILTER_H
#define STELE_API_DIALECT_KEEPNET_FILTER_H

#include <yyjson.h>

#include "base/err.h"
#include "codec/keepnet.h"
#include "query/query_build.h"

/* The cell that a field's name means, in any case: those of a row, and names that clients have for some; -1: none. */
int keepnet__field(struct span name);

/* `filter` NULL: all rows. E_INVALID, E_TOO_LARGE; err->field is "filter". */
int keepnet__filter(yyjson_val *filter, struct query **ret, struct err *err) __attribute__((warn_unused_result));

#endif
