/*
 * The fields that a ledger's records have, told from the columns of segments without reading their blocks: what kinds
 * of values, in how many records, and how many different ones. What columns do not tell exactly is a lower bound.
 * Members of objects in arrays are not listed.
 */
#ifndef STELE_QUERY_CATALOG_H
#define STELE_QUERY_CATALOG_H

#include "base/buf.h"
#include "query/gap.h"
#include "query/limits.h"

enum catalog_kind {
	CATALOG_STRING = 1,
	CATALOG_NUMBER = 2,
	CATALOG_BOOLEAN = 4,
	CATALOG_ARRAY = 8,
	CATALOG_OBJECT = 16, /* an empty one: of others the members are listed */
	CATALOG_NULL = 32,
};

struct catalog_field {
	struct span name; /* as the query language writes it; in the answer's text */
	uint32_t kinds;   /* catalog_kind bits; 0: not known */
	uint64_t records; /* with a value, as field.h has it */
	uint64_t distinct;
	bool exact; /* else both are lower bounds */
};

struct catalog_answer {
	struct catalog_field *field; /* [count] by name; owned */
	uint32_t count;
	bool more; /* there are others behind them */
	struct buf text;
};

#define CATALOG_ANSWER_INIT                                                                                            \
	{                                                                                                              \
		NULL, 0, false, BUF_INIT                                                                               \
	}

/* The first `limit` (1 … CATALOG_FIELDS_MAX) fields whose names begin with `prefix`. E_IO, E_NO_MEMORY. */
int catalog_run(struct snapshot *s, struct span prefix, uint32_t limit, struct catalog_answer *ret, struct err *err)
	__attribute__((warn_unused_result));
void catalog_answer_release(struct catalog_answer *a);

struct search_source;
int catalog__run(const struct search_source *source, struct span prefix, uint32_t limit, struct catalog_answer *ret,
		 struct err *err) __attribute__((warn_unused_result));

#endif
