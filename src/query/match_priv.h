/*
 * Whether values match a leaf. The same tests serve whole records (query_matches) and the columns of a segment, so that
 * both mean the same.
 *
 * Trusts records to be canonical JSON; on other bytes the answer is of no use, but nothing outside them is read.
 */
#ifndef STELE_QUERY_MATCH_PRIV_H
#define STELE_QUERY_MATCH_PRIV_H

#include "query/query.h"

/* The inside of a canonical JSON string. `scratch` is the caller's, reused. */
bool match__string(const struct query_node *leaf, struct span inside, struct buf *scratch);

/* Any other value as raw JSON. What counts lies anywhere within it, or, with `rest`, there in the objects of an array
 * (a path as a tree has it, whose last name may be empty). */
bool match__json(const struct query_node *leaf, struct span json, const struct span *rest, struct buf *scratch);

/* A whole record against one leaf. */
bool match__record(const struct query_node *leaf, struct span record, struct buf *scratch);

/* Whether `needle` may stand in `text`, case of ASCII letters aside. True too when it nearly does: '@' and '`' and
 * other bytes that differ in the bit that makes letters small are taken for the same. An empty needle is everywhere. */
bool match__find(struct span text, struct span needle);

#endif
