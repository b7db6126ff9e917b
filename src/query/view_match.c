/*
 * The rows of a block that match, by codes and values.
 *
 * Rows that are still in question go from predicate to predicate as a bitmap, so that each looks only at what the ones
 * before have left; a value of a dictionary is looked at once a segment.
 */
#include "query/match_priv.h"
#include "query/view_priv.h"

/* The record's own times have columns of their own. */
static int match_times(struct view *v, struct block *b, const struct plan_leaf *leaf, const struct row_set *in,
		       struct row_set *out, struct err *err)
{
	const int64_t *time;
	int rc = leaf->is_time ? block_times(b, &time, err) : block_received(b, &time, err);

	v->work += row_set_count(in);
	for (uint32_t w = in->from; rc == 0 && w < in->to; w++)
		for (uint64_t bits = in->bit[w]; bits; bits &= bits - 1)
			if (plan__is_in_times(leaf, time[w * 64 + (uint32_t)__builtin_ctzll(bits)]))
				out->bit[w] |= bits & -bits;
	return rc;
}

static int match_leaf(struct view *v, struct block *b, uint64_t first, uint32_t leaf, const struct row_set *in,
		      struct row_set *out, struct err *err)
{
	const struct plan_leaf *plan = &v->plan->leaf[leaf];
	struct row_set left = *in;
	int rc = 0;

	if (plan->is_id) {
		uint64_t row = plan->index - first;

		if (plan->index >= first && row < BLOCK_ROWS_MAX && row_set_has(in, (uint32_t)row))
			row_set_add(out, (uint32_t)row);
		return 0;
	}
	if (plan->is_time || plan->is_received)
		return match_times(v, b, plan, in, out, err);
	for (uint32_t r = 0; r < v->leaf[leaf].count && rc == 0 && !row_set_is_empty(&left); r++) {
		rc = view__probe(v, b, plan->node, &v->leaf[leaf].reach[r], &left, out, err);
	}
	return rc;
}

/* ---- trees ---- */

static int match_node(struct view *v, struct block *b, uint64_t first, const struct plan_node *n,
		      const struct row_set *in, struct row_set *out, struct err *err);

static int match_and(struct view *v, struct block *b, uint64_t first, const struct plan_node *n,
		     const struct row_set *in, struct row_set *out, struct err *err)
{
	struct row_set left;
	int rc = 0;

	*out = *in;
	for (uint32_t k = 0; k < n->child_count && rc == 0 && !row_set_is_empty(out); k++) {
		left = *out;
		rc = match_node(v, b, first, &n->child[k], &left, out, err);
	}
	return rc;
}

static int match_or(struct view *v, struct block *b, uint64_t first, const struct plan_node *n,
		    const struct row_set *in, struct row_set *out, struct err *err)
{
	struct row_set left = *in, part;
	int rc = 0;

	for (uint32_t k = 0; k < n->child_count && rc == 0 && !row_set_is_empty(&left); k++) {
		rc = match_node(v, b, first, &n->child[k], &left, &part, err);
		for (uint32_t w = in->from; w < in->to; w++) {
			out->bit[w] |= part.bit[w];
			left.bit[w] &= ~part.bit[w];
		}
	}
	return rc;
}

/* *out: those of `in` that match; undefined on failure. */
static int match_node(struct view *v, struct block *b, uint64_t first, const struct plan_node *n,
		      const struct row_set *in, struct row_set *out, struct err *err)
{
	struct row_set inner;
	int rc;

	memset(out, 0, sizeof(*out));
	out->from = in->from;
	out->to = in->to;
	switch (n->kind) {
	case QUERY_ALL:
		*out = *in;
		return 0;
	case QUERY_AND:
		return match_and(v, b, first, n, in, out, err);
	case QUERY_OR:
		return match_or(v, b, first, n, in, out, err);
	case QUERY_NOT:
		rc = match_node(v, b, first, &n->child[0], in, &inner, err);
		for (uint32_t w = in->from; rc == 0 && w < in->to; w++)
			out->bit[w] = in->bit[w] & ~inner.bit[w];
		return rc;
	default:
		return match_leaf(v, b, first, n->leaf, in, out, err);
	}
}

int view__match(struct view *v, struct block *b, uint64_t block_first, struct row_set *rows, struct err *err)
{
	struct row_set out;
	int rc;

	view__reach(v);
	rc = match_node(v, b, block_first, &v->plan->root, rows, &out, err);
	if (rc == 0)
		rc = match__check(&v->scratch, err);
	if (rc == 0)
		*rows = out;
	return rc;
}
