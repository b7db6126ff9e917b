/*
 * Queries that are put together instead of parsed: filters of dialects become trees, and no value is ever quoted.
 *
 *	q = query_new();
 *	query_set_root(q, query_and(q, nodes, n));
 *
 * Paths are as records have them, with '.' between plain names: "actor.email". Nodes belong to their query; one made
 * for a query may stand in its tree once. Values are copied.
 */
#ifndef STELE_QUERY_QUERY_BUILD_H
#define STELE_QUERY_QUERY_BUILD_H

#include "query/query.h"

/* A query that matches all until it has a root. */
struct query *query_new(void);

/* E_TOO_LARGE past QUERY_TERMS_MAX; the query then still matches what it did. */
int query_set_root(struct query *q, struct query_node *root, struct err *err) __attribute__((warn_unused_result));

/* Makes the query match only what all of `nodes` match too. As query_set_root. */
int query_add(struct query *q, struct query_node *const *nodes, uint32_t count, struct err *err)
	__attribute__((warn_unused_result));

struct query_node *query_all(struct query *q);
struct query_node *query_none(struct query *q);

/* Of any nodes; of none, query_and matches all and query_or nothing. */
struct query_node *query_and(struct query *q, struct query_node *const *nodes, uint32_t count);
struct query_node *query_or(struct query *q, struct query_node *const *nodes, uint32_t count);
struct query_node *query_not(struct query *q, struct query_node *node);

/* The whole value, byte for byte. */
struct query_node *query_exact(struct query *q, const char *path, struct span value);

/* The words of `value` side by side, in any case; nothing matches when there is no word in it. An empty path: anywhere
 * in the record. */
struct query_node *query_words(struct query *q, const char *path, struct span value);

/* The whole value, in any case. */
struct query_node *query_same(struct query *q, const char *path, struct span value);

/* A value that holds `text` anywhere, in any case; all values hold the empty text. E_TOO_LARGE when it is too long, or
 * there are too many of such (limits.h: REGEX_*, PATTERN_*). */
int query_holds(struct query *q, const char *path, struct span text, struct query_node **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Values that come before or behind `text` in the order of texts folded, or are it when `is_inclusive`. */
struct query_node *query_before(struct query *q, const char *path, struct span text, bool is_inclusive);
struct query_node *query_behind(struct query *q, const char *path, struct span text, bool is_inclusive);

/* Any value but null. */
struct query_node *query_exists(struct query *q, const char *path);

/* A time in [from_us, to_us); INT64_MIN and INT64_MAX: open. */
struct query_node *query_times(struct query *q, const char *path, int64_t from_us, int64_t to_us);

/* A leaf of the same query once more, with another path. */
struct query_node *query_leaf_at(struct query *q, const struct query_node *leaf, const char *path);

/* Whether a leaf's path is this one. */
bool query_leaf_is(const struct query_node *leaf, const char *path);

/* Rebuilds the tree: what `change` returns for a leaf stands in its place; NULL: it stays. E_TOO_LARGE as
 * query_set_root. */
typedef struct query_node *query_change_fn(struct query *q, const struct query_node *leaf, void *user);
int query_change(struct query *q, query_change_fn *change, void *user, struct err *err)
	__attribute__((warn_unused_result));

#endif
