/*
 * What the files of the Carbon Black Cloud dialect share; docs/dialects/carbon-black.md.
 *
 *   dialect_carbon_black.c         errors, and the org of a path
 *   dialect_carbon_black_filter.c  criteria and exclusions, as a query
 *   dialect_carbon_black_query.c   the query text
 *   dialect_carbon_black_search.c  _search
 *   dialect_carbon_black_queue.c   _queue and the older interface's auditlogs
 *   dialect_carbon_black_job.c     _export and the calls of jobs
 *   dialect_carbon_black_append.c  rows that come in
 */
#ifndef STELE_API_DIALECT_CARBON_BLACK_H
#define STELE_API_DIALECT_CARBON_BLACK_H

#include <yyjson.h>

#include "api/request.h"
#include "codec/row.h"
#include "query/field.h"

/* Answers with an error; for handlers to return. */
enum handled carbon_black__fail(struct request *r, const struct err *err);

/* The org in the path must be that of who asks. E_NOT_FOUND. */
int carbon_black__check_org(const struct request *r, struct err *err) __attribute__((warn_unused_result));

/* Appends the rows of a page as a JSON array. */
void carbon_black__put_rows(const struct request *r, const struct row_table *table, const struct page *page,
			    struct buf *to);

/* Appends the rows that the body holds. */
enum handled carbon_black__append(struct request *r);

/* ---- searches ---- */

struct carbon_black_search {
	yyjson_val *body; /* an object; the request's */
	int64_t now_us;
	struct query *query;
	int64_t from_us, to_us;
	struct field sort;
	bool has_sort;
	bool oldest_first;
};

/* Reads all that a search and an export have in common, out of s->body at s->now_us. 1: the answer is there, an error
 * that lists what would be taken. */
int carbon_black__search_take(struct request *r, struct carbon_black_search *s, struct err *err)
	__attribute__((warn_unused_result));
void carbon_black__search_release(struct carbon_black_search *s);

/* Answers that a member has a value that is none of `known` (NULL at the end). Returns 1. */
int carbon_black__refuse_word(struct request *r, const char *field, struct span given, const char *const *known);

/* dialect_carbon_black_query.c: a query text, an empty one too. E_SYNTAX, E_TOO_LARGE; err->field is "query". */
int carbon_black__query_parse(struct span text, int64_t now_us, const char *org_key, struct query **ret,
			      struct err *err) __attribute__((warn_unused_result));

/* dialect_carbon_black_filter.c: narrows s->query, s->from_us and s->to_us to the criteria and exclusions. */
int carbon_black__filter(struct carbon_black_search *s, struct err *err) __attribute__((warn_unused_result));

#endif
