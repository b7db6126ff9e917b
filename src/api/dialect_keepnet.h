/*
 * What the files of the Keepnet dialect share; docs/dialects/keepnet.md.
 *
 *   dialect_keepnet.c         errors, envelopes, and the company that a request names
 *   dialect_keepnet_token.c   POST /connect/token
 *   dialect_keepnet_cell.c    comparing one cell of a row; its dates are in dialect_keepnet_date.c
 *   dialect_keepnet_filter.c  the filter tree as a query
 *   dialect_keepnet_page.c    what a search asks for, and finding its page by number
 *   dialect_keepnet_search.c  the searches
 *   dialect_keepnet_walk.c    all rows of a search
 *   dialect_keepnet_export.c  them as a file; one of Excel in dialect_keepnet_excel.c
 *   dialect_keepnet_append.c  rows that come in
 */
#ifndef STELE_API_DIALECT_KEEPNET_H
#define STELE_API_DIALECT_KEEPNET_H

#include <yyjson.h>

#include "api/request.h"
#include "codec/keepnet.h"
#include "query/field.h"
#include "service/window.h"

/* Answers with an error; for handlers to return. */
enum handled keepnet__fail(struct request *r, const struct err *err);

/* Answers as the vendor does where it breaks down, and where a filter is null. */
enum handled keepnet__fail_fault(struct request *r, const char *message);
enum handled keepnet__fail_null_filter(struct request *r);

/* The company that headers or `companyId` name must be that of who asks. E_FORBIDDEN, E_NOT_FOUND. */
int keepnet__check_company(const struct request *r, struct err *err) __attribute__((warn_unused_result));

/* Appends the members behind `data` of an answer that worked, and its end. `note` NULL: there is nothing to say. */
void keepnet__put_success(struct buf *to, const char *note);

/* ---- searches ---- */

struct keepnet_search {
	uint32_t page_number; /* from 1 on */
	uint32_t page_size;
	struct query *query;
	struct field sort;
	bool has_sort; /* else in order of arrival */
	bool is_time;  /* the sort is by the log date */
	bool ascending;
	bool is_export; /* for a file */
};

/* Reads a search out of `body`; `has_filter`: its filter too. E_INVALID, E_TOO_LARGE. */
int keepnet__search_take(yyjson_val *body, bool has_filter, struct keepnet_search *ret, struct err *err)
	__attribute__((warn_unused_result));
void keepnet__search_release(struct keepnet_search *s);

/* Whether a filter is there and null, by which the vendor breaks down. */
bool keepnet__has_null_filter(yyjson_val *body);

struct keepnet_page {
	struct window window;
	uint64_t total;
	bool is_turned; /* its last record is the first row */
};

/* Finds the page; s->query is narrowed. As service_window; E_INVALID when it is too far away to be found. */
int keepnet__page_find(struct request *r, struct keepnet_search *s, struct keepnet_page *ret, struct err *err)
	__attribute__((warn_unused_result));
void keepnet__page_release(struct keepnet_page *p);

/* Calls `put` for each row of a page in its order. */
typedef void keepnet_row_fn(void *user, struct span record);
void keepnet__page_each(const struct keepnet_page *p, keepnet_row_fn *put, void *user);

/* ---- files ---- */

/* All rows of a search, or those of one page, in order, a window at a time. */
struct keepnet_walk;

/* Begins it and looks at the first window, which tells of the export; `s` is the walk's from here, also when it
 * fails. As keepnet__page_find. */
int keepnet__walk_open(struct request *r, const struct keepnet_search *s, bool all_pages, struct keepnet_walk **ret,
		       struct err *err) __attribute__((warn_unused_result));
struct keepnet_walk *keepnet__walk_close(struct keepnet_walk *w); /* takes NULL, returns NULL */

/* What is known to be missing of it as yet; borrowed until the next call. */
const struct gap_list *keepnet__walk_damaged(const struct keepnet_walk *w);

/* The next row, borrowed until the next call; 1 when there is none. */
int keepnet__walk_next(struct keepnet_walk *w, struct span *ret_record, struct err *err)
	__attribute__((warn_unused_result));

/* dialect_keepnet_excel.c: makes a workbook of the rows that are left. E_TOO_LARGE past the limits of one. */
int keepnet__excel_put(struct keepnet_walk *w, struct buf *to, struct err *err) __attribute__((warn_unused_result));

#endif
