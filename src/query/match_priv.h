/*
 * Whether values match a leaf. The same tests serve whole records (query_matches) and the columns of a segment, so that
 * both mean the same.
 *
 * Trusts records to be canonical JSON; on other bytes the answer is of no use, but nothing outside them is read.
 */
#ifndef STELE_QUERY_MATCH_PRIV_H
#define STELE_QUERY_MATCH_PRIV_H

#include "codec/needle.h"
#include "query/query.h"

struct match_regex; /* match_regex.c */

/* What matching needs besides a leaf and a value: one for each thread, reused. Zeros are an empty one. */
struct match_scratch {
	struct buf text, folded;   /* a value without escapes; and in small letters */
	struct match_regex *regex; /* once one is needed; owned */
	struct span failed;        /* the pattern that had to give up; borrowed from the tree */
	int failure;               /* why: E_TOO_LARGE, E_TIMEOUT or E_NO_MEMORY; 0: nothing had to */
	int64_t deadline_ns;       /* of the monotonic clock: then expressions give up; 0: never */
};

/* Fills err for a search that has used up its time. */
int match__fail_late(struct err *err);

void match__release(struct match_scratch *s);

/* Whether all that was matched so far is to be believed: a value on which a regular expression gave up was taken for no
 * match, and so are all after it. To be asked before an answer is given, and now and then on the way to it. */
int match__check(const struct match_scratch *s, struct err *err) __attribute__((warn_unused_result));

/* The inside of a canonical JSON string. */
bool match__string(const struct query_node *leaf, struct span inside, struct match_scratch *scratch);

/* Any other value as raw JSON. What counts lies anywhere within it, or, with `rest`, there in the objects of an array
 * (a path as a tree has it, whose last name may be empty). */
bool match__json(const struct query_node *leaf, struct span json, const struct span *rest,
		 struct match_scratch *scratch);

/* A whole record against one leaf. */
bool match__record(const struct query_node *leaf, struct span record, struct match_scratch *scratch);

/* ---- what single kinds of leaves ask of a value as plain text ---- */

/* QUERY_WILDCARD; the text folded. QUERY_GLOB. */
bool match__words(const struct query_node *leaf, struct span folded);
bool match__glob(struct span pattern, struct span text);

/* QUERY_REGEX. */
bool match__regex(const struct query_node *leaf, struct span text, struct match_scratch *scratch);
void match__release_regex(struct match_regex *r);

/* QUERY_NUMBERS, QUERY_TEXTS (the text folded), QUERY_ADDRESSES, QUERY_TIMES. */
bool match__range(const struct query_node *leaf, struct span text);

#endif
