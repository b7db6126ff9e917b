/*
 * Merging neighbours. A full block is carried over: its chunks stay as they are but for the codes, which change with
 * the united dictionaries; so a merge costs a fraction of encoding. Runs of short blocks are decoded and encoded anew,
 * cut so that blocks end on multiples of BLOCK_ROWS_MAX.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "codec/ints.h"
#include "store/draft.h"
#include "store/segment_priv.h"

#define UNMAPPED 0xffffffffu

/* How one source's numbers become the draft's; UNMAPPED: the draft has no room for it, and what needs it is rebuilt. */
struct translation {
	struct segment *from;
	uint32_t *column;   /* [columns] */
	uint32_t *shape;    /* [shapes] */
	uint32_t **code;    /* [columns] per code of the source's dictionary; made on first use */
	bool *map_agrees;   /* [columns] the source's map is united with the draft's */
	bool *map_tried;    /* [columns] */
	uint16_t *block_of; /* [blocks] the draft's block, 0xffff: rebuilt */
};

static int unless_full(int rc)
{
	return rc == E_QUOTA ? 0 : rc;
}

static int start_translation(struct translation *t, struct draft *d, struct segment *from)
{
	uint32_t columns = shape_set_column_count(from->shapes), shapes = shape_set_count(from->shapes);
	int rc = 0;

	memset(t, 0, sizeof(*t));
	t->from = from;
	t->column = xarray(columns, sizeof(*t->column));
	t->shape = xarray(shapes, sizeof(*t->shape));
	t->code = xarray(columns, sizeof(uint32_t *));
	t->map_agrees = xarray(columns, sizeof(*t->map_agrees));
	t->map_tried = xarray(columns, sizeof(*t->map_tried));
	t->block_of = xarray(from->block_count, sizeof(*t->block_of));
	memset(t->block_of, 0xff, from->block_count * sizeof(*t->block_of));
	for (uint32_t c = 0; c < columns && rc == 0; c++) {
		const struct shape_column *def = shape_set_column(from->shapes, c);

		t->column[c] = UNMAPPED;
		rc = unless_full(shape_set_add_column(d->shapes, def->path, def->is_string, &t->column[c]));
	}
	for (uint32_t k = 0; k < shapes && rc == 0; k++) {
		const struct shape *s = shape_set_get(from->shapes, k);
		uint32_t column[RECORD_VALUES_MAX];

		bool is_mapped = true;

		t->shape[k] = UNMAPPED;
		for (uint32_t h = 0; h < s->hole_count; h++) {
			column[h] = t->column[s->column[h]];
			is_mapped &= column[h] != UNMAPPED;
		}
		if (is_mapped)
			rc = unless_full(shape_set_add(d->shapes, column, s->literal, s->hole_count, &t->shape[k]));
	}
	draft_fit_columns(d);
	return rc;
}

static void stop_translation(struct translation *t)
{
	for (uint32_t c = 0; t->code && c < shape_set_column_count(t->from->shapes); c++)
		free(t->code[c]);
	free(t->column);
	free(t->shape);
	free(t->code);
	free(t->map_agrees);
	free(t->map_tried);
	free(t->block_of);
}

/* The draft's codes of a source's dictionary; a value the draft's is too full for stays UNMAPPED. */
static int translate_dict(struct translation *t, struct draft *d, uint32_t column, const uint32_t **ret,
			  struct err *err)
{
	const struct segment_dict *x;
	struct draft_dict *to;
	int rc;

	if (t->code[column]) {
		*ret = t->code[column];
		return 0;
	}
	rc = segment__dict(t->from, column, &x, err);
	if (rc < 0)
		return rc;
	to = draft_dict(d, t->column[column]);
	t->code[column] = xarray(x->dict.count, sizeof(uint32_t));
	for (uint32_t k = 0; k < x->dict.count; k++) {
		struct span v = dict_get(&x->dict, k);

		if (!draft_dict_intern(to, v, hash64(v.p, v.len, 0), &t->code[column][k]))
			t->code[column][k] = UNMAPPED;
	}
	*ret = t->code[column];
	return 0;
}

/* Unites the source's map for a column with the draft's; false when they contradict each other. Half-united entries do
 * no harm: they are true of the source. */
static int unite_maps(struct translation *t, struct draft *d, uint32_t column, bool *ret, struct err *err)
{
	const struct segment_dict *x;
	const uint32_t *code = NULL, *from_code = NULL;
	uint32_t from;
	struct draft_map *m = d->map[t->column[column]];
	int rc = segment__dict(t->from, column, &x, err);

	*ret = false;
	if (rc == 0)
		rc = translate_dict(t, d, column, &code, err);
	if (rc == 0 && x->map_from != MAP_FROM_SHAPE && t->column[x->map_from] == UNMAPPED)
		return 0;
	if (rc == 0 && x->map_from != MAP_FROM_SHAPE)
		rc = translate_dict(t, d, x->map_from, &from_code, err);
	if (rc < 0)
		return rc;
	from = x->map_from == MAP_FROM_SHAPE ? MAP_FROM_SHAPE : t->column[x->map_from];
	if (m && m->from != from)
		return 0;
	m = m ? m : draft_map_new(d, t->column[column], from);
	must(code);
	for (uint32_t k = 0; k < x->map_count; k++) {
		uint32_t source = from_code ? from_code[k] : t->shape[k];

		if (x->map[k] == MAP_UNKNOWN)
			continue;
		if (x->map[k] >= x->dict.count || source == UNMAPPED || code[x->map[k]] == UNMAPPED ||
		    !draft_map_set(m, source, code[x->map[k]]))
			return 0;
	}
	*ret = true;
	return 0;
}

/* ---- carrying a block over ---- */

struct carried {
	struct draft_slot *slot;
	struct buf *chunk; /* chunks made anew, per slot */
	size_t count;
};

static int compare_slots(const void *a, const void *b)
{
	uint32_t x = ((const struct draft_slot *)a)->column, y = ((const struct draft_slot *)b)->column;

	return (x > y) - (x < y);
}

/* The dictionary is full: the block keeps the values themselves. */
static int carry_values(struct draft *d, struct block *b, struct block_slot *s, struct draft_slot *to,
			struct buf *chunk, struct err *err)
{
	const struct block_values *v;
	struct span *value;
	int rc = block_values(b, s->column, &v, err);

	if (rc < 0)
		return rc;
	value = xarray(v->count, sizeof(*value));
	for (uint32_t i = 0; i < v->count; i++)
		value[i] = dict_get(v->dict, v->code[i]);
	column_encode(value, v->count, chunk);
	free(value);
	to->kind = SLOT_COLUMN;
	draft_dict(d, to->column)->partial = true;
	return 0;
}

static int carry_codes(struct translation *t, struct draft *d, struct block *b, struct block_slot *s,
		       struct draft_slot *to, struct buf *chunk, bool derived, struct err *err)
{
	const uint32_t *code;
	struct draft_dict *dict;
	int64_t *out;
	int rc = translate_dict(t, d, s->column, &code, err);

	if (rc == 0)
		rc = block__codes(b, s, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < s->count; i++)
		if (code[s->code[i]] == UNMAPPED)
			return carry_values(d, b, s, to, chunk, err);
	dict = draft_dict(d, to->column);
	for (uint32_t i = 0; i < s->count; i++)
		dict->rows[code[s->code[i]]]++;
	if (derived)
		return 0;
	out = xarray(s->count, sizeof(*out));
	for (uint32_t i = 0; i < s->count; i++)
		out[i] = code[s->code[i]];
	ints_encode(out, s->count, chunk);
	free(out);
	to->kind = SLOT_DICT;
	return 0;
}

static int carry_derived(struct translation *t, struct draft *d, struct block *b, struct block_slot *s,
			 struct draft_slot *to, struct buf *chunk, struct err *err)
{
	bool agrees;
	int rc = 0;

	if (!t->map_tried[s->column]) {
		rc = unite_maps(t, d, s->column, &agrees, err);
		if (rc < 0)
			return rc;
		t->map_tried[s->column] = true;
		t->map_agrees[s->column] = agrees;
	}
	agrees = t->map_agrees[s->column];
	to->from = s->from == MAP_FROM_SHAPE ? MAP_FROM_SHAPE : t->column[s->from];
	return carry_codes(t, d, b, s, to, chunk, agrees, err);
}

static int carry_slot(struct translation *t, struct draft *d, struct block *b, struct block_slot *s,
		      struct draft_slot *to, struct buf *chunk, struct err *err)
{
	int rc = block__open_slot(b, s, err);

	if (rc < 0)
		return rc;
	*to = (struct draft_slot){.column = t->column[s->column], .kind = s->kind, .chunk = s->chunk};
	if (s->kind == SLOT_DICT) {
		rc = carry_codes(t, d, b, s, to, chunk, false, err);
	} else if (s->kind == SLOT_DERIVED) {
		rc = carry_derived(t, d, b, s, to, chunk, err);
	} else {
		draft_dict(d, to->column)->partial = true;
		if (s->kind == SLOT_TEMPLATE) {
			to->refs = xarray(s->ref_count + 1, sizeof(*to->refs));
			to->ref_count = s->ref_count;
			for (uint32_t k = 0; k < s->ref_count; k++)
				to->refs[k] = t->column[s->refs[k]];
		}
		return 0;
	}
	if (chunk->len)
		to->chunk = buf_span(chunk);
	return rc < 0 ? rc : (buf_ok(chunk) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory to merge"));
}

/* Whether the draft has the shapes of all rows, and so their columns. */
static bool is_mapped(const struct translation *t, const struct block *b)
{
	for (uint32_t k = 0; k < b->shape_count; k++)
		if (t->shape[b->shape[k]] == UNMAPPED)
			return false;
	return true;
}

/* A derived slot whose source lost its dictionary codes in this block cannot stay derived. */
static bool sources_hold(const struct carried *c)
{
	for (size_t k = 0; k < c->count; k++) {
		if (c->slot[k].kind != SLOT_DERIVED || c->slot[k].from == MAP_FROM_SHAPE)
			continue;
		for (size_t j = 0; j < c->count; j++)
			if (c->slot[j].column == c->slot[k].from && c->slot[j].kind != SLOT_DICT)
				return false;
	}
	return true;
}

static int put_carried(struct translation *t, struct draft *d, struct block *b, struct carried *c, struct err *err)
{
	uint32_t *shape = xarray(b->info.rows, sizeof(*shape));
	const int64_t *time, *received;
	int rc = block_times(b, &time, err);

	if (rc == 0)
		rc = block_received(b, &received, err);
	for (uint32_t r = 0; r < b->info.rows; r++)
		shape[r] = t->shape[b->shape[b->row_shape[r]]];
	qsort(c->slot, c->count, sizeof(*c->slot), compare_slots);
	if (rc == 0)
		rc = draft_put_block(d, shape, b->info.rows, c->slot, c->count, time, received, err);
	free(shape);
	return rc;
}

/* Carries one full block over; 1 when it must be rebuilt instead. */
static int carry_block(struct translation *t, struct draft *d, uint32_t number, struct err *err)
{
	struct block *b = NULL;
	struct carried c = {0};
	int rc = block__open(t->from, number, &b, err);

	if (rc < 0)
		return rc;
	if (!is_mapped(t, b)) {
		block_close(b);
		return 1;
	}
	rc = block__read_whole(b, err);
	c.count = b->slot_count;
	c.slot = xarray(c.count + 1, sizeof(*c.slot));
	c.chunk = xarray(c.count + 1, sizeof(*c.chunk));
	for (size_t k = 0; k < c.count && rc == 0; k++)
		rc = carry_slot(t, d, b, &b->slot[k], &c.slot[k], &c.chunk[k], err);
	if (rc == 0 && !sources_hold(&c)) {
		/* its records come again, and would be counted twice */
		for (size_t k = 0; k < c.count; k++)
			draft_dict(d, c.slot[k].column)->partial = true;
		rc = 1;
	}
	if (rc == 0) {
		d->has_raw |= block__slot(b, COLUMN_RAW) != NULL;
		t->block_of[number] = (uint16_t)d->block_count;
		rc = put_carried(t, d, b, &c, err);
	}
	for (size_t k = 0; k < c.count; k++) {
		free(c.slot[k].refs);
		buf_release(&c.chunk[k]);
	}
	free(c.slot);
	free(c.chunk);
	block_close(b);
	return rc;
}

/* ---- rebuilding short blocks ---- */

/* Records waiting to become a block. */
struct waiting {
	struct buf bytes;
	uint32_t len[BLOCK_ROWS_MAX];
	size_t count;
};

static int flush_waiting(struct waiting *w, struct draft *d, struct err *err)
{
	struct span *records;
	size_t at = 0;
	int rc;

	if (w->count == 0)
		return 0;
	records = xarray(w->count, sizeof(*records));
	for (size_t i = 0; i < w->count; at += w->len[i++])
		records[i] = span_of(w->bytes.p + at, w->len[i]);
	rc = draft_add_records(d, records, w->count, err);
	free(records);
	w->count = 0;
	buf_reset(&w->bytes);
	return rc;
}

static int take_short_block(struct waiting *w, struct draft *d, struct segment *from, uint32_t number, struct err *err)
{
	struct block *b = NULL;
	int rc = block__open(from, number, &b, err);

	for (uint32_t r = 0; rc == 0 && r < b->info.rows; r++) {
		size_t before = w->bytes.len;

		rc = block_record(b, r, &w->bytes, err);
		if (rc < 0)
			break;
		w->len[w->count++] = (uint32_t)(w->bytes.len - before);
		if ((b->info.first + r + 1) % BLOCK_ROWS_MAX == 0 || w->count == BLOCK_ROWS_MAX)
			rc = flush_waiting(w, d, err);
	}
	block_close(b);
	return rc;
}

static int merge_part(struct translation *t, struct draft *d, struct waiting *w, struct err *err)
{
	int rc = 0;

	for (uint32_t k = 0; k < t->from->block_count && rc == 0; k++) {
		rc = 1;
		if (t->from->block[k].rows == BLOCK_ROWS_MAX) {
			rc = flush_waiting(w, d, err);
			if (rc == 0)
				rc = carry_block(t, d, k, err);
		}
		if (rc == 1)
			rc = take_short_block(w, d, t->from, k, err);
	}
	return rc;
}

/* ---- Merkle ---- */

static int join_groups(struct segment *const *parts, size_t part_count, struct buf *groups, struct err *err)
{
	for (size_t k = 0; k < part_count; k++) {
		struct segment_merkle m;
		int rc = segment_merkle_get(parts[k], &m, err);

		if (rc < 0)
			return rc;
		buf_put(groups, m.groups, m.group_count * sizeof(*m.groups));
	}
	return buf_ok(groups) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory to merge");
}

static int finish_merge(struct draft *d, struct segment *const *parts, size_t part_count, struct err *err)
{
	struct buf groups = BUF_INIT;
	struct segment_merkle merkle;
	int rc = join_groups(parts, part_count, &groups, err);

	merkle.frontier = parts[part_count - 1]->frontier;
	merkle.groups = (const struct sha256 *)(const void *)groups.p;
	merkle.group_count = groups.len / sizeof(struct sha256);
	if (rc == 0)
		rc = draft_finish(d, &merkle, err);
	buf_release(&groups);
	return rc;
}

/* The index of a part comes along when a block of it does. A part that was rebuilt whole may be tiny and its keys
 * short: they would shorten all others. */
static void take_index(struct translation *t, struct draft *d)
{
	for (uint32_t k = 0; k < t->from->block_count; k++) {
		if (t->block_of[k] != 0xffff) {
			draft_index_add(d, t->from, t->block_of);
			t->block_of = NULL;
			return;
		}
	}
}

int segment_merge(struct segment *const *parts, size_t part_count, const uint8_t id_key[ID_KEY_LEN], struct buf *to,
		  struct err *err)
{
	struct translation *t = xarray(part_count, sizeof(*t));
	struct waiting *w = xalloc(sizeof(*w));
	struct draft d;
	int rc = 0;

	must(part_count > 0);
	draft_start(&d, parts[0]->ledger, id_key, parts[0]->first, to);
	for (size_t k = 0; k < part_count && rc == 0; k++) {
		must(k == 0 || parts[k]->first == parts[k - 1]->next);
		rc = start_translation(&t[k], &d, parts[k]);
		if (rc == 0)
			rc = merge_part(&t[k], &d, w, err);
	}
	if (rc == 0)
		rc = flush_waiting(w, &d, err);
	for (size_t k = 0; k < part_count && rc == 0; k++)
		take_index(&t[k], &d);
	if (rc == 0)
		rc = finish_merge(&d, parts, part_count, err);
	if (rc < 0)
		to->len = d.start;
	for (size_t k = 0; k < part_count; k++)
		if (t[k].from)
			stop_translation(&t[k]);
	free(t);
	buf_release(&w->bytes);
	free(w);
	draft_release(&d);
	return rc;
}
