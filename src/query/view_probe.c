/*
 * One term on one column of one block: by codes where the column has a dictionary, whose values are judged once a
 * segment; else by the values' text. When many rows are in question all values of the block are put together at once,
 * and one search for what each match must hold finds the few that are worth a close look.
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

static int probe(struct probe *p, struct err *err)
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

int view__probe(struct view *v, struct block *b, const struct query_node *node, struct reach *reach,
		struct row_set *left, struct row_set *out, struct err *err)
{
	struct probe p = {v, b, node, reach, NULL, left, out};

	return probe(&p, err);
}
