/* A query on one segment: the columns that a leaf reaches. */
#include "base/mem.h"
#include "codec/shape.h"
#include "query/view_priv.h"

void view__open(struct view *v, const struct plan *p, struct segment *segment)
{
	memset(v, 0, sizeof(*v));
	v->plan = p;
	v->segment = segment;
}

void view__release(struct view *v)
{
	for (uint32_t k = 0; v->leaf && k < v->plan->leaf_count; k++) {
		for (uint32_t r = 0; r < v->leaf[k].count; r++)
			free(v->leaf[k].reach[r].verdicts);
		free(v->leaf[k].reach);
	}
	free(v->leaf);
	v->leaf = NULL;
	for (uint32_t k = 0; k < v->hits_count; k++)
		free(v->hits[k].hit);
	free(v->hits);
	v->hits = NULL;
	v->hits_count = 0;
	buf_release(&v->text);
	match__release(&v->scratch);
}

/* ---- columns ---- */

static bool is_below(struct span path, struct span above)
{
	return path.len > above.len && path.p[above.len] == SHAPE_PATH_SEP && span_starts_with(path, above);
}

static bool is_server_column(struct span path)
{
	return span_eq_str(path, "id") || span_eq_str(path, "time") || span_eq_str(path, "received");
}

static bool find_reach(const struct shape_column *column, struct span path, struct reach *ret)
{
	*ret = (struct reach){.kind = REACH_VALUE, .is_string = column->is_string};
	if (column->path.len == 0) {
		ret->kind = REACH_RECORD;
		return true;
	}
	if (path.len == 0)
		return !is_server_column(column->path);
	if (span_eq(column->path, path) || is_below(column->path, path))
		return true;
	if (column->is_string || !is_below(path, column->path))
		return false;
	ret->kind = REACH_INSIDE;
	ret->rest = span_from(path, column->path.len + 1);
	return true;
}

static void add_reach(struct leaf_view *to, const struct reach *reach)
{
	if (to->count == to->cap) {
		to->cap = to->cap ? to->cap * 2 : 4;
		to->reach = xrealloc(to->reach, to->cap * sizeof(*to->reach));
	}
	to->reach[to->count++] = *reach;
}

static void view_leaf(const struct view *v, const struct query_node *n, struct leaf_view *to)
{
	struct reach reach;

	for (uint32_t c = 0; c < segment_column_count(v->segment); c++) {
		if (!find_reach(segment_column(v->segment, c), n->path, &reach))
			continue;
		reach.column = c;
		add_reach(to, &reach);
	}
}

void view__reach(struct view *v)
{
	if (v->leaf)
		return;
	v->leaf = xarray(v->plan->leaf_count + 1, sizeof(*v->leaf));
	for (uint32_t k = 0; k < v->plan->leaf_count; k++)
		if (!v->plan->leaf[k].is_id && !v->plan->leaf[k].is_time && !v->plan->leaf[k].is_received)
			view_leaf(v, v->plan->leaf[k].node, &v->leaf[k]);
}
