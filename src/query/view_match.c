/*
 * The rows of a block that match, by codes and values.
 *
 * Rows that are still in question go from predicate to predicate as a bitmap, so that each looks only at what the ones
 * before have left; a value of a dictionary is looked at once a segment.
 */
#include "base/mem.h"
#include "query/match_priv.h"
#include "query/view_priv.h"

enum verdict { VERDICT_NONE = 0, VERDICT_NO = 1, VERDICT_YES = 2 };

/* What it costs to look at a value's text, in rows looked at by code. */
#define TEXT_WORK 25u

/* ---- leaves ---- */

/* One leaf on one block. */
struct probe {
	struct view *v;
	struct block *block;
	const struct query_node *node;
	struct reach *reach;
	const struct block_values *values;
	struct row_set *left; /* rows in question: a row that matches leaves them */
	struct row_set *out;
};

static bool match_text(const struct probe *p, struct span text)
{
	switch (p->reach->kind) {
	case REACH_RECORD:
		return match__record(p->node, text, &p->v->scratch);
	case REACH_INSIDE:
		return match__json(p->node, text, &p->reach->rest, &p->v->scratch);
	default:
		return p->reach->is_string ? match__string(p->node, text, &p->v->scratch)
					   : match__json(p->node, text, NULL, &p->v->scratch);
	}
}

static bool judge_code(const struct probe *p, uint32_t code)
{
	bool yes = match_text(p, dict_get(p->values->dict, code));

	p->reach->verdicts[code] = yes ? VERDICT_YES : VERDICT_NO;
	p->v->work += TEXT_WORK;
	return yes;
}

static inline bool test_code(const struct probe *p, uint32_t code)
{
	uint8_t verdict = p->reach->verdicts[code];

	return verdict == VERDICT_NONE ? judge_code(p, code) : verdict == VERDICT_YES;
}

static int test_text(const struct probe *p, uint32_t i, bool *ret, struct err *err)
{
	int rc;

	buf_reset(&p->v->text);
	rc = block_value_text(p->block, p->reach->column, i, &p->v->text, err);
	if (rc == 0)
		*ret = match_text(p, buf_span(&p->v->text));
	p->v->work += TEXT_WORK;
	return rc;
}

/* Value i of a row in question: a row that matches is in question no more. */
static int test_value(const struct probe *p, uint32_t i, uint32_t row, struct err *err)
{
	bool yes = false;
	int rc = 0;

	if (p->values->dict)
		yes = test_code(p, p->values->code[i]);
	else
		rc = test_text(p, i, &yes, err);
	if (yes) {
		row_set_add(p->out, row);
		row_set_remove(p->left, row);
	}
	return rc;
}

/* 64 rows that all have codes; the bits of those that match. */
static uint64_t test_codes(const struct probe *p, const uint32_t *code, uint64_t rows)
{
	const uint8_t *verdicts = p->reach->verdicts;
	uint64_t yes = 0, unknown = 0;

	if (rows == UINT64_MAX) {
		for (unsigned k = 0; k < 64; k++) {
			uint8_t verdict = verdicts[code[k]];

			yes |= (uint64_t)(verdict >> 1) << k;
			unknown |= (uint64_t)!verdict << k;
		}
		rows = unknown;
	}
	for (; rows; rows &= rows - 1)
		yes |= test_code(p, code[__builtin_ctzll(rows)]) ? rows & -rows : 0;
	return yes;
}

static void probe_all_codes(const struct probe *p)
{
	for (uint32_t w = p->left->from; w < p->left->to; w++) {
		uint64_t yes = test_codes(p, p->values->code + (size_t)w * 64, p->left->bit[w]);

		p->out->bit[w] |= yes;
		p->left->bit[w] &= ~yes;
	}
}

/* Every row has a value. */
static int probe_all_rows(const struct probe *p, struct err *err)
{
	int rc = 0;

	if (p->values->dict) {
		probe_all_codes(p);
		return 0;
	}
	for (uint32_t w = p->left->from; w < p->left->to; w++) {
		for (uint64_t bits = p->left->bit[w]; bits && rc == 0; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);

			rc = test_value(p, row, row, err);
		}
	}
	return rc;
}

/* The first value of a row not below `row`. */
static uint32_t find_value(const struct block_values *values, uint32_t row)
{
	uint32_t low = 0, high = values->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (values->row_of[middle] < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int probe_some_rows(const struct probe *p, struct err *err)
{
	const struct block_values *values = p->values;
	uint32_t end = p->left->to * 64;
	int rc = 0;

	for (uint32_t i = find_value(values, p->left->from * 64);
	     i < values->count && values->row_of[i] < end && rc == 0; i++)
		if (row_set_has(p->left, values->row_of[i]))
			rc = test_value(p, i, values->row_of[i], err);
	return rc;
}

/* A string is a value, whatever it says. */
static bool needs_no_look(const struct probe *p)
{
	return p->node->kind == QUERY_EXISTS && p->reach->kind == REACH_VALUE && p->reach->is_string;
}

static void take_rows(struct probe *p)
{
	for (uint32_t i = 0; i < p->values->count; i++) {
		uint32_t row = p->values->row_of ? p->values->row_of[i] : i;

		if (!row_set_has(p->left, row))
			continue;
		row_set_add(p->out, row);
		row_set_remove(p->left, row);
	}
}

static int probe_column(struct probe *p, struct err *err)
{
	int rc = block_values(p->block, p->reach->column, &p->values, err);

	if (rc < 0 || !p->values)
		return rc;
	if (needs_no_look(p)) {
		take_rows(p);
		return 0;
	}
	if (p->values->dict && !p->reach->verdicts) {
		p->reach->verdicts = try_array(p->values->dict->count, 1);
		if (!p->reach->verdicts)
			return err_set(err, E_NO_MEMORY, "not enough memory for a search");
	}
	if (p->values->dict)
		p->v->work += row_set_count(p->left);
	return p->values->row_of ? probe_some_rows(p, err) : probe_all_rows(p, err);
}

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
	struct probe p = {v, b, plan->node, NULL, NULL, &left, out};
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
		p.reach = &v->leaf[leaf].reach[r];
		rc = probe_column(&p, err);
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
