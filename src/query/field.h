/*
 * Fields as facets, histograms and sorting name them: paths as in the query language (names joined by '.', a name with
 * other characters in double quotes).
 *
 * The values of a field in a record are those at the path itself: strings, numbers, true and false there, and those in
 * arrays there; arrays on the way are gone through. Unlike a term of a query a field does not mean what lies below it:
 * `actor` has no values. null and empty containers are no value.
 */
#ifndef STELE_QUERY_FIELD_H
#define STELE_QUERY_FIELD_H

#include "base/buf.h"
#include "base/err.h"
#include "query/limits.h"

struct field {
	struct span path;  /* escaped names joined by SHAPE_PATH_SEP; owned */
	struct span *name; /* [name_count] within the path; owned */
	uint32_t name_count;
};

struct field_list {
	struct field field[FIELDS_MAX];
	uint32_t count;
};

/* Reads one field, or several separated by commas, each at most once. E_SYNTAX with the offset in the text;
 * E_TOO_LARGE past limits.h; E_INVALID for id, time and received, which have other ways to be asked for. */
int field_list_parse(struct span text, uint32_t count_max, struct field_list *ret, struct err *err)
	__attribute__((warn_unused_result));
void field_list_release(struct field_list *l);

/* The same for one field; any may be named. */
int field_parse(struct span text, struct field *ret, struct err *err) __attribute__((warn_unused_result));
void field_release(struct field *f);

/* A path as the query language writes it. */
void field_print(struct span path, struct buf *to);

#endif
