/*
 * Facets: the most frequent values of fields among the records that match a query in a period.
 *
 * Counts are of records: one whose field holds several values (in an array) counts once for each different value.
 * Values are text: strings unescaped, numbers, true and false as JSON has them, so that the string 5 and the number 5
 * are one value, as they are to the query language. A value longer than FACET_VALUE_MAX counts by its beginning.
 */
#ifndef STELE_QUERY_FACET_H
#define STELE_QUERY_FACET_H

#include "base/team.h"
#include "query/field.h"
#include "query/query.h"
#include "query/tally.h"

struct facet_request {
	const struct query *query;
	int64_t from_us, to_us; /* of the record's time, as in search.h */
	const struct field_list *fields;
	uint32_t limit;      /* values listed of each field, <= FACET_LIMIT_MAX */
	uint32_t values_max; /* for tests: values counted at once in a field; 0: its share of FACET_VALUES_MAX */
	struct team *team;
};

struct facet_value {
	struct span text; /* in the answer's text */
	uint64_t count;
};

struct facet {
	struct facet_value *value; /* [value_count] highest count first, then by value; owned */
	uint32_t value_count;
	uint64_t distinct; /* different values; a lower bound unless exact */
	uint64_t missing;  /* records without a value */
	uint64_t other;    /* the counts of the values not listed together */
	bool exact;
	uint64_t error; /* by how much a listed count may be too small, and the most that one left out has */
};

struct facet_answer {
	struct facet facet[FIELDS_MAX]; /* of each field, in their order */
	uint32_t count;
	struct buf text;
	struct tally tally;
};

#define FACET_ANSWER_INIT                                                                                              \
	{                                                                                                              \
		.text = BUF_INIT, .tally = TALLY_INIT                                                                  \
	}

/* E_IO, E_NO_MEMORY. */
int facet_run(struct snapshot *s, const struct facet_request *r, struct facet_answer *ret, struct err *err)
	__attribute__((warn_unused_result));
void facet_answer_release(struct facet_answer *a);

struct search_source;
int facet__run(const struct search_source *source, const struct facet_request *r, struct facet_answer *ret,
	       struct err *err) __attribute__((warn_unused_result));

#endif
