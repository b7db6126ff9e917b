/*
 * Counting without looking at rows: a dictionary knows how many records of its segment have each value. So a query of
 * one term on one column, or the negation of one, is counted by judging each value once.
 */
#include "base/mem.h"
#include "query/match_priv.h"
#include "query/view_priv.h"

/* In rows looked at by code: judging a value, and so many bytes in which the needle is looked for. */
#define VALUE_WORK     10u
#define BYTES_PER_WORK 16u

/* A dictionary with more values than one in so many rows is not worth it. */
#define ROWS_PER_VALUE 8u

static bool value_matches(struct view *v, const struct query_node *n, const struct reach *r, struct span value)
{
	return r->is_string ? match__string(n, value, &v->scratch) : match__json(n, value, NULL, &v->scratch);
}

/* The column's dictionary, when it has counted all of the column's values. */
static int counted_dict(struct view *v, const struct reach *r, const struct dict **ret, struct err *err)
{
	uint64_t rows = segment_next(v->segment) - segment_first(v->segment);
	int rc = segment_column_dict(v->segment, r->column, ret, err);

	if (rc == 0 && *ret && (!(*ret)->rows || (uint64_t)(*ret)->count * ROWS_PER_VALUE > rows))
		*ret = NULL;
	return rc;
}

/* Columns of one path are never in the same record twice; those of different paths may be. */
static bool is_one_path(const struct view *v, const struct leaf_view *l)
{
	const struct shape_column *first = NULL;

	for (uint32_t k = 0; k < l->count; k++) {
		const struct shape_column *c = segment_column(v->segment, l->reach[k].column);

		if (l->reach[k].kind == REACH_RECORD) /* if there were such, no dictionary would have counted */
			continue;
		if (l->reach[k].kind != REACH_VALUE || (first && !span_eq(first->path, c->path)))
			return false;
		first = c;
	}
	return first != NULL;
}

static uint64_t count_values(struct view *v, const struct query_node *n, const struct reach *r, const struct dict *d)
{
	uint64_t total = 0;
	uint32_t code = 0;

	while ((code = needle_next_value(d->text, d->offset, code, d->count, n->needle)) < d->count) {
		if (value_matches(v, n, r, dict_get(d, code)))
			total += d->rows[code];
		code++;
		v->work += VALUE_WORK;
	}
	v->work += d->offset[d->count] / BYTES_PER_WORK;
	return total;
}

static int count_leaf(struct view *v, uint32_t leaf, bool *ret_is_known, uint64_t *ret, struct err *err)
{
	const struct query_node *n = v->plan->leaf[leaf].node;
	const struct leaf_view *l = &v->leaf[leaf];
	uint64_t total = 0;
	int rc;

	if (v->plan->leaf[leaf].is_id || !is_one_path(v, l))
		return 0;
	for (uint32_t k = 0; k < l->count; k++) {
		const struct dict *d;

		if (l->reach[k].kind == REACH_RECORD)
			continue;
		rc = counted_dict(v, &l->reach[k], &d, err);
		if (rc < 0 || !d)
			return rc;
		total += count_values(v, n, &l->reach[k], d);
	}
	*ret_is_known = true;
	*ret = total;
	return 0;
}

int view__count(struct view *v, bool *ret_is_known, uint64_t *ret, struct err *err)
{
	const struct plan_node *root = &v->plan->root;
	bool is_not = root->kind == QUERY_NOT;
	const struct plan_node *n = is_not ? &root->child[0] : root;
	int rc;

	*ret_is_known = false;
	if (n->child_count > 0 || n->kind == QUERY_ALL)
		return 0;
	view__reach(v);
	rc = count_leaf(v, n->leaf, ret_is_known, ret, err);
	if (rc == 0)
		rc = match__check(&v->scratch, err);
	if (rc == 0 && *ret_is_known && is_not)
		*ret = segment_next(v->segment) - segment_first(v->segment) - *ret;
	return rc;
}
