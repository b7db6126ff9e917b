/* A query on one segment: blocks by the index, and the columns that a leaf reaches. */
#include "base/mem.h"
#include "codec/shape.h"
#include "query/view_priv.h"

/* ---- pruning ---- */

static void set_all_blocks(const struct segment *s, uint64_t *blocks)
{
	uint32_t count = segment_block_count(s);

	memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	memset(blocks, 0xff, count / 64 * sizeof(*blocks));
	if (count % 64)
		blocks[count / 64] = (UINT64_C(1) << count % 64) - 1;
}

static bool has_blocks(const uint64_t *blocks)
{
	uint64_t any = 0;

	for (uint32_t w = 0; w < BLOCK_WORDS; w++)
		any |= blocks[w];
	return any != 0;
}

static void prune_id(const struct view *v, uint64_t index, uint64_t *blocks)
{
	memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	for (uint32_t b = 0; b < segment_block_count(v->segment); b++) {
		const struct segment_block_info *info = segment_block_info(v->segment, b);

		if (index >= info->first && index - info->first < info->rows)
			blocks[b / 64] |= UINT64_C(1) << b % 64;
	}
}

static int prune_leaf(struct view *v, const struct plan_leaf *leaf, uint64_t *blocks, struct err *err)
{
	uint64_t found[BLOCK_WORDS] = {0};
	int rc;

	if (leaf->is_id) {
		prune_id(v, leaf->index, blocks);
		return 0;
	}
	set_all_blocks(v->segment, blocks);
	for (uint32_t k = 0; k < leaf->key_count && has_blocks(blocks); k++) {
		rc = segment_lookup(v->segment, leaf->key[k], found, err);
		if (rc < 0)
			return rc;
		for (uint32_t w = 0; w < BLOCK_WORDS; w++)
			blocks[w] &= found[w];
	}
	return 0;
}

static int prune(struct view *v, const struct plan_node *n, uint64_t *blocks, struct err *err);

static int prune_children(struct view *v, const struct plan_node *n, uint64_t *blocks, struct err *err)
{
	uint64_t part[BLOCK_WORDS];
	bool is_and = n->kind == QUERY_AND;
	int rc;

	if (is_and)
		set_all_blocks(v->segment, blocks);
	else
		memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	for (uint32_t k = 0; k < n->child_count && (!is_and || has_blocks(blocks)); k++) {
		rc = prune(v, &n->child[k], part, err);
		if (rc < 0)
			return rc;
		for (uint32_t w = 0; w < BLOCK_WORDS; w++)
			blocks[w] = is_and ? blocks[w] & part[w] : blocks[w] | part[w];
	}
	return 0;
}

/* The blocks that may hold a match; NOT of "may" says nothing. */
static int prune(struct view *v, const struct plan_node *n, uint64_t *blocks, struct err *err)
{
	if (n->kind == QUERY_AND || n->kind == QUERY_OR)
		return prune_children(v, n, blocks, err);
	if (n->kind != QUERY_ALL && n->kind != QUERY_NOT)
		return prune_leaf(v, &v->plan->leaf[n->leaf], blocks, err);
	set_all_blocks(v->segment, blocks);
	return 0;
}

int view__open(struct view *v, const struct plan *p, struct segment *segment, struct err *err)
{
	memset(v, 0, sizeof(*v));
	v->plan = p;
	v->segment = segment;
	return prune(v, &p->root, v->blocks, err);
}

void view__forget(struct view *v)
{
	for (uint32_t k = 0; v->leaf && k < v->plan->leaf_count; k++) {
		for (uint32_t r = 0; r < v->leaf[k].count; r++)
			free(v->leaf[k].reach[r].verdicts);
		free(v->leaf[k].reach);
	}
	free(v->leaf);
	v->leaf = NULL;
}

void view__release(struct view *v)
{
	view__forget(v);
	buf_release(&v->text);
	buf_release(&v->scratch);
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
		if (!v->plan->leaf[k].is_id)
			view_leaf(v, v->plan->leaf[k].node, &v->leaf[k]);
}
