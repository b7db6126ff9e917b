/*
 * One term on one column of one block: by codes where the column has a dictionary, whose values are judged once a
 * segment; else by the values' text. A text that is made of others is not put together as long as these show that it
 * cannot match. Otherwise, when many rows are in question, all values of the block are put together at once, and one
 * search for what each match must hold finds the few that are worth a close look.
 */
#include "base/mem.h"
#include "query/match_priv.h"
#include "query/view_priv.h"

enum verdict { VERDICT_NONE = 0, VERDICT_NO = 1, VERDICT_YES = 2 };

/* What it costs to look at a value's text, in rows looked at by code; and to put one together with all the others. */
#define TEXT_WORK      25u
#define TEXT_WORK_BULK 12u

/* All values of a block are put together when one in so many rows of it is in question. */
#define ROWS_PER_QUESTION 16u

/* Reading a value by itself takes so many times what putting it together with all others does. */
#define CLOSE_LOOK_TIMES 24u

/* A dictionary of so many bytes is judged whole: one search is cheaper than asking value by value. */
#define DICT_BYTES_AT_ONCE (256u << 10)

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

static void take_row(const struct probe *p, uint32_t row)
{
	row_set_add(p->out, row);
	row_set_remove(p->left, row);
}

/* ---- by codes ---- */

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

/* Most values cannot match, and that is seen at once. */
static void judge_dict(const struct probe *p)
{
	const struct dict *d = p->values->dict;
	uint32_t code = 0;

	if (p->node->needle.len == 0 || d->offset[d->count] > DICT_BYTES_AT_ONCE)
		return;
	memset(p->reach->verdicts, VERDICT_NO, d->count);
	while ((code = needle_next_value(d->text, d->offset, code, d->count, p->node->needle)) < d->count)
		(void)judge_code(p, code++);
}

static int need_verdicts(const struct probe *p, struct err *err)
{
	if (p->reach->verdicts)
		return 0;
	p->reach->verdicts = try_array(p->values->dict->count, 1);
	if (!p->reach->verdicts)
		return err_set(err, E_NO_MEMORY, "not enough memory for a search");
	judge_dict(p);
	return 0;
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

/* The values of the rows in question. */
static void values_in_question(const struct probe *p, uint32_t *ret_from, uint32_t *ret_to)
{
	uint32_t from = p->left->from * 64, to = p->left->to * 64;

	if (p->values->row_of) {
		*ret_from = find_value(p->values, from);
		*ret_to = find_value(p->values, to);
	} else {
		*ret_from = from;
		*ret_to = to < p->values->count ? to : p->values->count;
	}
}

static inline uint32_t row_of(const struct probe *p, uint32_t i)
{
	return p->values->row_of ? p->values->row_of[i] : i;
}

static void probe_codes(const struct probe *p)
{
	uint32_t from, to;

	p->v->work += row_set_count(p->left);
	if (!p->values->row_of) {
		probe_all_codes(p);
		return;
	}
	values_in_question(p, &from, &to);
	for (uint32_t i = from; i < to; i++)
		if (row_set_has(p->left, row_of(p, i)) && test_code(p, p->values->code[i]))
			take_row(p, row_of(p, i));
}

/* ---- by text ---- */

static void probe_texts(const struct probe *p, const struct block_texts *t)
{
	uint32_t i, to;

	values_in_question(p, &i, &to);
	p->v->work += (uint64_t)(to - i) * TEXT_WORK_BULK;
	while ((i = needle_next_value(t->text, t->offset, i, to, p->node->needle)) < to) {
		struct span text = span_of(t->text + t->offset[i], t->offset[i + 1] - t->offset[i]);

		if (row_set_has(p->left, row_of(p, i)) && match_text(p, text))
			take_row(p, row_of(p, i));
		i++;
	}
}

static int test_text(const struct probe *p, uint32_t i, struct err *err)
{
	struct buf *text = &p->v->text;
	int rc;

	buf_reset(text);
	rc = block_value_text(p->block, p->reach->column, i, text, err);
	if (rc == 0 && match_text(p, buf_span(text)))
		take_row(p, row_of(p, i));
	p->v->work += TEXT_WORK;
	return rc;
}

static int probe_each_text(const struct probe *p, struct err *err)
{
	uint32_t i, to;
	int rc = 0;

	values_in_question(p, &i, &to);
	for (; i < to && rc == 0; i++)
		if (row_set_has(p->left, row_of(p, i)))
			rc = test_text(p, i, err);
	return rc;
}

/* ---- by what texts are made of ---- */

static int find_hits(const struct query_node *node, const struct dict *d, uint8_t **ret, struct err *err)
{
	uint32_t code = needle_next_value(d->text, d->offset, 0, d->count, node->needle);
	uint8_t *hit;

	*ret = NULL;
	if (code == d->count)
		return 0;
	hit = try_array(d->count, 1);
	if (!hit)
		return err_set(err, E_NO_MEMORY, "not enough memory for a search");
	for (; code < d->count; code = needle_next_value(d->text, d->offset, code + 1, d->count, node->needle))
		hit[code] = 1;
	*ret = hit;
	return 0;
}

/* block_dict_hits_fn: found once a segment. */
static int need_hits(void *user, uint32_t column, const struct dict *d, const uint8_t **ret, struct err *err)
{
	const struct probe *p = user;
	struct view *v = p->v;
	uint8_t *hit;
	int rc;

	for (uint32_t k = 0; k < v->hits_count; k++) {
		if (v->hits[k].node == p->node && v->hits[k].column == column) {
			*ret = v->hits[k].hit;
			return 0;
		}
	}
	rc = find_hits(p->node, d, &hit, err);
	if (rc < 0)
		return rc;
	v->hits = xrealloc(v->hits, (v->hits_count + 1) * sizeof(*v->hits));
	v->hits[v->hits_count++] = (struct dict_hits){p->node, column, hit};
	*ret = hit;
	return 0;
}

/* Whether the values in question that may match are few. */
static bool are_few(const struct probe *p, const uint8_t *flags)
{
	uint32_t i, to, n = 0;

	values_in_question(p, &i, &to);
	for (; i < to; i++)
		n += flags[i];
	return n * CLOSE_LOOK_TIMES <= p->values->count;
}

static int probe_flagged(const struct probe *p, const uint8_t *flags, struct err *err)
{
	uint32_t i, to;
	int rc = 0;

	values_in_question(p, &i, &to);
	p->v->work += to - i;
	for (; i < to && rc == 0; i++)
		if (flags[i] && row_set_has(p->left, row_of(p, i)))
			rc = test_text(p, i, err);
	return rc;
}

/* Returns 1 when too little is known for that to be worth it. */
static int probe_parts(const struct probe *p, struct err *err)
{
	uint8_t flags[BLOCK_ROWS_MAX] = {0};
	int rc;

	if (p->node->needle.len == 0)
		return 1;
	rc = block_hold(p->block, p->reach->column, p->node->needle, need_hits, (void *)(uintptr_t)p, flags, err);
	if (rc != 0)
		return rc;
	return are_few(p, flags) ? probe_flagged(p, flags, err) : 1;
}

static int probe_text(const struct probe *p, struct err *err)
{
	struct block_texts t = {0};
	int rc;

	if (row_set_count(p->left) * ROWS_PER_QUESTION < p->values->count)
		return probe_each_text(p, err);
	rc = probe_parts(p, err);
	if (rc <= 0)
		return rc;
	rc = block_texts(p->block, p->reach->column, &t, err);
	if (rc == 0 && t.text)
		probe_texts(p, &t);
	else if (rc == 0)
		rc = probe_each_text(p, err);
	return rc;
}

/* ---- both ---- */

/* A string is a value, whatever it says. */
static bool needs_no_look(const struct probe *p)
{
	return p->node->kind == QUERY_EXISTS && p->reach->kind == REACH_VALUE && p->reach->is_string;
}

static void take_rows(const struct probe *p)
{
	for (uint32_t i = 0; i < p->values->count; i++)
		if (row_set_has(p->left, row_of(p, i)))
			take_row(p, row_of(p, i));
}

int view__probe(struct view *v, struct block *b, const struct query_node *node, struct reach *reach,
		struct row_set *left, struct row_set *out, struct err *err)
{
	struct probe p = {v, b, node, reach, NULL, left, out};
	int rc = block_values(b, reach->column, &p.values, err);

	if (rc < 0 || !p.values)
		return rc;
	if (needs_no_look(&p)) {
		take_rows(&p);
		return 0;
	}
	if (!p.values->dict)
		return probe_text(&p, err);
	rc = need_verdicts(&p, err);
	if (rc == 0)
		probe_codes(&p);
	return rc;
}
