/* What facets and histograms do alike: telling which parts need no look, and summing up. */
#ifndef STELE_QUERY_TALLY_PRIV_H
#define STELE_QUERY_TALLY_PRIV_H

#include "query/scan_priv.h"
#include "query/tally.h"

enum part_match {
	PART_NONE, /* no record of the part matches */
	PART_ALL,
	PART_SOME, /* or not known */
};

/* What the dictionaries and the period tell of a part; *ret_count is how many match, with PART_ALL. */
int tally__judge(struct scan *s, size_t part, enum part_match *ret, uint64_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* Appends the pieces of a part; with PART_ALL all of their rows match. */
int tally__pieces(struct scan *s, size_t part, enum part_match match, struct piece_list *to, struct err *err)
	__attribute__((warn_unused_result));

/* Passes rc on, but 0 for E_CORRUPT: what a damaged dictionary would tell is found by looking. */
int tally__look_instead(int rc, const struct err *found, struct err *err) __attribute__((warn_unused_result));

/* Moves what the scan knows into the tally. */
void tally__finish(struct scan *s, uint64_t total, struct tally *to);

#endif
