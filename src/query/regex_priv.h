/* Regular expressions: PCRE2, Unicode, no \C. Compiled once a query and not changed then, so threads may share one. */
#ifndef STELE_QUERY_REGEX_PRIV_H
#define STELE_QUERY_REGEX_PRIV_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "query/query.h"

struct query_regex {
	pcre2_code *code;
	bool any_case;            /* /…/i */
	struct query_regex *next; /* of the same query */
};

/*
 * The longest text that stands in every match of a pattern that compiles, ASCII letters in either case: appended to
 * `to`; nothing when the pattern does not tell. It reads only what it is sure of: characters that stand for themselves
 * outside of groups, in patterns without alternatives outside of them.
 */
void regex__literal(struct span pattern, bool any_case, struct buf *to);

#endif
