/*
 * Columns without a dictionary: typed where all values are of one type, else templates over the record's other columns,
 * else text. References go from a column to those that come before it in one order - by mean length, then by number -
 * so they never run in circles: long texts are written from short ones. Where they would lead deeper than a reader
 * follows, the text is kept as it is.
 */
#include "base/mem.h"
#include "codec/template.h"
#include "store/gather.h"

#define SAMPLE_ROWS     16u /* rows looked at to find columns worth referring to */
#define REFS_FIT        95u /* percent of values that references alone must explain */
#define HOLES_FIT       90u /* … and templates with holes */
#define TEMPLATE_VALUES 32u /* fewer values are not worth a template */

static bool comes_before(const struct gather_column *a, const struct gather_column *b)
{
	uint64_t x = a->bytes * b->count, y = b->bytes * a->count;

	return x != y ? x < y : a->column < b->column;
}

struct candidates {
	struct gather_column *column[TEMPLATE_REFS_MAX];
	uint64_t found[TEMPLATE_REFS_MAX]; /* bytes found in the sample */
	size_t count;
	uint32_t rows_with_any;
};

static void add_candidate(struct candidates *x, struct gather_column *c, uint64_t bytes)
{
	size_t weakest = 0;

	for (size_t k = 0; k < x->count; k++) {
		if (x->column[k] == c) {
			x->found[k] += bytes;
			return;
		}
		if (x->found[k] < x->found[weakest])
			weakest = k;
	}
	if (x->count < TEMPLATE_REFS_MAX) {
		weakest = x->count++;
	} else if (x->found[weakest] >= bytes) {
		return;
	}
	x->column[weakest] = c;
	x->found[weakest] = bytes;
}

/* Looks for the other values of one record in value i of column c. */
static void sample_row(const struct gather *g, const struct gather_column *c, uint32_t i, struct candidates *x)
{
	const struct shape *shape = shape_set_get(g->d->shapes, g->shape[c->row[i]]);
	struct span text = c->value[i];
	bool any = false;

	for (uint32_t k = 0; k < shape->hole_count; k++) {
		uint32_t column = shape->column[k];
		struct gather_column *other = column >= COLUMN_FIXED_COUNT ? g->column[column] : NULL;
		struct span v;

		if (!other || other == c || !shape_set_column(g->d->shapes, column)->is_string ||
		    !comes_before(other, c))
			continue;
		v = other->value[gather_is_full(g, other) ? c->row[i] : gather_at_row(g, other)[c->row[i]]];
		if (v.len < TEMPLATE_REF_MIN || v.len > text.len || !memmem(text.p, text.len, v.p, v.len))
			continue;
		add_candidate(x, other, v.len);
		any = true;
	}
	x->rows_with_any += any;
}

static void find_candidates(const struct gather *g, const struct gather_column *c, struct candidates *x)
{
	uint32_t rows = c->count < SAMPLE_ROWS ? c->count : SAMPLE_ROWS;

	memset(x, 0, sizeof(*x));
	for (uint32_t k = 0; k < rows; k++)
		sample_row(g, c, (uint32_t)((uint64_t)k * c->count / rows), x);
}

/* The candidate's value in the record of each value of c. */
static const struct span *align(const struct gather *g, const struct gather_column *c, struct gather_column *of,
				struct span **ret_owned)
{
	const uint16_t *at_row;
	struct span *v;

	*ret_owned = NULL;
	if (gather_is_full(g, c) && gather_is_full(g, of))
		return of->value;
	at_row = gather_at_row(g, of);
	v = *ret_owned = xarray(c->count, sizeof(*v));
	for (uint32_t i = 0; i < c->count; i++)
		if (at_row[c->row[i]] != 0xffff)
			v[i] = of->value[at_row[c->row[i]]];
	return v;
}

/* The index keys of a column stored as templates; `words` says what the referenced columns do not cover. */
static void template_keys(const struct gather *g, struct gather_column *c, const struct template_words *words)
{
	struct buf scratch = BUF_INIT;
	const struct span *hole = (const struct span *)(const void *)words->holes.p;
	size_t holes = words->holes.len / sizeof(*hole), at = 0;
	bool whole = gather_indexes_whole(g, c);

	for (size_t i = 0; i < words->literal.len; i++) {
		if (words->literal.p[i] != '\n')
			continue;
		gather_plain_keys(span_of(words->literal.p + at, i - at), &c->keys);
		at = i + 1;
	}
	for (size_t k = 0; k < holes; k++)
		token_value_keys(hole[k], true, false, &scratch, &c->keys);
	for (uint32_t i = 0; i < c->count; i++) {
		if (!words->complete)
			gather_value_keys(g, c, c->value[i], &scratch, &c->keys);
		else if (whole)
			gather_whole_key(c->value[i], &scratch, &c->keys);
	}
	buf_release(&scratch);
}

static void take_refs(struct gather_column *c, const struct candidates *x, const bool *used)
{
	c->refs = xarray(TEMPLATE_REFS_MAX, sizeof(*c->refs));
	for (size_t k = 0; k < x->count; k++)
		if (used[k])
			c->refs[c->ref_count++] = x->column[k]->column;
}

static bool try_template(struct gather *g, struct gather_column *c, const struct candidates *x, bool refs_only,
			 unsigned fit)
{
	const struct span *ref[TEMPLATE_REFS_MAX];
	struct span *owned[TEMPLATE_REFS_MAX];
	struct template_words words = {false, BUF_INIT, BUF_INIT};
	struct template_source source = {c->value, c->count, ref, x->count};
	bool used[TEMPLATE_REFS_MAX], ok;

	for (size_t k = 0; k < x->count; k++)
		ref[k] = align(g, c, x->column[k], &owned[k]);
	ok = template_encode(&source, refs_only, fit, &c->chunk, used, &words);
	if (ok) {
		take_refs(c, x, used);
		template_keys(g, c, &words);
		c->kind = SLOT_TEMPLATE;
		c->decided = true;
	}
	for (size_t k = 0; k < x->count; k++)
		free(owned[k]);
	buf_release(&words.literal);
	buf_release(&words.holes);
	return ok;
}

bool gather_try_refs(struct gather *g, struct gather_column *c)
{
	struct candidates x;

	if (c->count < TEMPLATE_VALUES || !shape_set_column(g->d->shapes, c->column)->is_string)
		return false;
	find_candidates(g, c, &x);
	return x.rows_with_any * 100 >= SAMPLE_ROWS * HOLES_FIT && try_template(g, c, &x, true, REFS_FIT);
}

static int make_column(struct gather *g, struct gather_column *c, struct buf *scratch)
{
	struct candidates x;

	if (shape_set_column(g->d->shapes, c->column)->is_string && c->count >= TEMPLATE_VALUES &&
	    column_classify(c->value, c->count) == COLUMN_TEXT) {
		find_candidates(g, c, &x);
		if (try_template(g, c, &x, false, HOLES_FIT))
			return 0;
	}
	column_encode(c->value, c->count, &c->chunk);
	for (uint32_t i = 0; i < c->count; i++)
		gather_value_keys(g, c, c->value[i], scratch, &c->keys);
	c->kind = SLOT_COLUMN;
	c->decided = true;
	return 0;
}

static int compare_before(const void *a, const void *b)
{
	const struct gather_column *x = *(struct gather_column *const *)a, *y = *(struct gather_column *const *)b;

	return comes_before(x, y) ? -1 : comes_before(y, x);
}

/* The index keys stay: they hold every word of the values, by way of the references or not. */
static void keep_text(struct gather_column *c)
{
	free(c->refs);
	c->refs = NULL;
	c->ref_count = 0;
	c->kind = SLOT_COLUMN;
	buf_reset(&c->chunk);
	column_encode(c->value, c->count, &c->chunk);
}

static void limit_depth(struct gather *g)
{
	struct gather_column **order = xarray(g->present_count + 1, sizeof(struct gather_column *));
	uint32_t n = 0;

	for (uint32_t k = 0; k < g->present_count; k++)
		if (g->column[g->present[k]]->kind == SLOT_TEMPLATE)
			order[n++] = g->column[g->present[k]];
	if (n)
		qsort(order, n, sizeof(struct gather_column *), compare_before);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t depth = 0;

		for (uint32_t r = 0; r < order[k]->ref_count; r++) {
			uint32_t of = g->column[order[k]->refs[r]]->ref_depth + 1;

			depth = of > depth ? of : depth;
		}
		if (depth > SEGMENT_REF_DEPTH_MAX)
			keep_text(order[k]);
		else
			order[k]->ref_depth = depth;
	}
	free(order);
}

int gather_make_columns(struct gather *g, struct err *err)
{
	struct buf scratch = BUF_INIT;
	int rc = 0;

	for (uint32_t k = 0; k < g->present_count && rc == 0; k++) {
		struct gather_column *c = g->column[g->present[k]];

		if (!c->decided)
			rc = make_column(g, c, &scratch);
		if (c->kind == SLOT_COLUMN || c->kind == SLOT_TEMPLATE)
			draft_dict(g->d, c->column)->partial = true;
	}
	limit_depth(g);
	for (uint32_t k = 0; k < g->present_count && rc == 0; k++) {
		const struct gather_column *c = g->column[g->present[k]];

		if (!buf_ok(&c->chunk) || !buf_ok(&c->keys))
			rc = err_set(err, E_NO_MEMORY, "not enough memory to encode a block");
	}
	buf_release(&scratch);
	return rc;
}
