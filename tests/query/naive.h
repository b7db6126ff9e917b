/*
 * The slow twin of the search: every record is parsed into a tree of values, every query is answered by looking at all
 * of it, and nothing is shared with the real one but the definition of a word.
 */
#ifndef STELE_TESTS_QUERY_NAIVE_H
#define STELE_TESTS_QUERY_NAIVE_H

#include <yyjson.h>

#include "query/search.h"

/* Records numbered from `first`, parsed. */
struct naive {
	uint64_t first;
	uint32_t count;
	yyjson_doc **doc;
	const struct span *record; /* borrowed */
};

void naive_init(struct naive *n, uint64_t first, const struct span *records, uint32_t count);
void naive_release(struct naive *n);

/* Whether a value, as text, is what a leaf asks for. */
bool naive_test_value(const struct query_node *n, struct span text);

/* Whether a pattern compiles, and whether it matches, by PCRE2's interpreter. */
bool naive_regex(struct span pattern, bool any_case, struct span text);

/* The order of two numbers, digit by digit at their places; false when one of them is none. */
bool naive_compare_numbers(struct span a, struct span b, int *ret);

bool naive_matches(const struct query_node *n, yyjson_doc *record);

/* The indices of the page into index[], as many as *ret_count says; the total. */
struct naive_answer {
	uint64_t index[PAGE_MAX];
	uint32_t count;
	bool more;
	uint64_t total;
};
void naive_search(const struct naive *n, const struct search_request *r, struct naive_answer *ret);

#endif
