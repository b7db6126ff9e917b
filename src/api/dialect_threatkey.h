/*
 * ThreatKey's audit log, as its page shows it: four filters and five columns. The vendor publishes no interface, so
 * that paths, parameters and errors are ours; docs/dialects/threatkey.md.
 *
 *   dialect_threatkey_filter.c  parameters, as a search
 *   dialect_threatkey_search.c  GET: a page of rows, or all of them as CSV
 *   dialect_threatkey_append.c  POST: rows that come in, as JSON or as CSV
 */
#ifndef STELE_API_DIALECT_THREATKEY_H
#define STELE_API_DIALECT_THREATKEY_H

#include "api/request.h"
#include "query/query.h"

struct threatkey_search {
	struct query *query;
	int64_t from_us, to_us;
	bool is_csv;
	uint32_t limit;
	struct span cursor; /* the id of the last row of the page before; empty: the first page */
};

/* Reads the parameters of the URL; each may be left out. E_INVALID with err->field. To be released. */
int threatkey__search_take(struct request *r, struct threatkey_search *ret, struct err *err)
	__attribute__((warn_unused_result));
void threatkey__search_release(struct threatkey_search *s);

#endif
