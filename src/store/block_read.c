/* Values and records out of an opened block. */
#include "base/mem.h"
#include "codec/timestamp.h"
#include "store/segment_priv.h"

#define PLACE_NONE 0xffffu

/* How deep references may lead. They run from longer columns to shorter ones, so real ones are few; damage could make
 * them run in circles. */
#define REF_DEPTH_MAX 32u

/* Marks the shapes that have the column: [shape_count], the caller frees it. */
static uint8_t *mark_shapes(const struct block *b, const struct block_slot *s)
{
	uint8_t *has = xarray(b->shape_count, 1);

	for (uint32_t k = 0; k < s->shapes_count; k++)
		has[b->slot_shapes[s->shapes_at + k]] = 1;
	return has;
}

static void make_places(struct block *b, struct block_slot *s)
{
	uint8_t *has = mark_shapes(b, s);
	uint16_t n = 0;

	s->at_row = xarray(b->info.rows, sizeof(*s->at_row));
	for (uint32_t r = 0; r < b->info.rows; r++)
		s->at_row[r] = has[b->row_shape[r]] ? n++ : PLACE_NONE;
	free(has);
}

int block__place(struct block *b, struct block_slot *s, uint32_t row, uint32_t *ret, struct err *err)
{
	if (s->count == b->info.rows) {
		*ret = row;
		return 0;
	}
	if (!s->at_row)
		make_places(b, s);
	*ret = s->at_row[row];
	return *ret == PLACE_NONE ? block__damaged(b, -1, err, "a row refers to a column it does not have") : 0;
}

static void make_rows(struct block *b, struct block_slot *s)
{
	uint8_t *has;
	uint32_t n = 0;

	if (s->row_of || s->count == b->info.rows)
		return;
	has = mark_shapes(b, s);
	s->row_of = xarray(s->count + 1, sizeof(*s->row_of));
	for (uint32_t r = 0; r < b->info.rows; r++) {
		s->row_of[n] = (uint16_t)r;
		n += has[b->row_shape[r]];
	}
	free(has);
}

static uint32_t row_of(struct block *b, struct block_slot *s, uint32_t i)
{
	make_rows(b, s);
	return s->row_of ? s->row_of[i] : i;
}

/* ---- codes ---- */

static int derived_code(struct block *b, struct block_slot *s, uint32_t i, uint32_t *ret, struct err *err)
{
	uint32_t row = row_of(b, s, i), from = 0, place;
	int rc;

	if (s->from == MAP_FROM_SHAPE) {
		from = b->shape[b->row_shape[row]];
	} else {
		struct block_slot *source = block__slot(b, s->from);

		if (!source || source->kind != SLOT_DICT)
			return block__damaged(b, -1, err, "a column follows from one that is not there");
		rc = block__place(b, source, row, &place, err);
		if (rc == 0)
			rc = block__code(b, source, place, &from, err);
		if (rc < 0)
			return rc;
	}
	if (from >= s->dict->map_count)
		return block__damaged(b, -1, err, "a column's map is too short");
	*ret = s->dict->map[from];
	return 0;
}

int block__code(struct block *b, struct block_slot *s, uint32_t i, uint32_t *ret, struct err *err)
{
	uint32_t code = 0;
	int rc = block__open_slot(b, s, err);

	if (rc < 0)
		return rc;
	if (s->kind == SLOT_DERIVED) {
		rc = derived_code(b, s, i, &code, err);
	} else {
		int64_t v = ints_get(&s->codes, i);

		code = v < 0 || v > UINT32_MAX ? MAP_UNKNOWN : (uint32_t)v;
	}
	if (rc < 0)
		return rc;
	if (code >= s->dict->dict.count)
		return block__damaged(b, s->off, err, "a code is not in its dictionary");
	*ret = code;
	return 0;
}

int block__codes(struct block *b, struct block_slot *s, struct err *err)
{
	int64_t *v;
	int rc = block__open_slot(b, s, err);

	if (rc < 0 || s->code)
		return rc;
	s->code = xarray(s->count, sizeof(*s->code));
	if (s->kind == SLOT_DERIVED) {
		for (uint32_t i = 0; i < s->count && rc == 0; i++)
			rc = block__code(b, s, i, &s->code[i], err);
		return rc;
	}
	v = xarray(s->count, sizeof(*v));
	ints_read(&s->codes, 0, s->count, v);
	for (uint32_t i = 0; i < s->count && rc == 0; i++) {
		if (v[i] < 0 || v[i] >= s->dict->dict.count)
			rc = block__damaged(b, s->off, err, "a code is not in its dictionary");
		s->code[i] = (uint32_t)v[i];
	}
	free(v);
	return rc;
}

int block_values(struct block *b, uint32_t column, const struct block_values **ret, struct err *err)
{
	struct block_slot *s = block__slot(b, column);
	int rc = 0;

	*ret = NULL;
	if (!s)
		return 0;
	if (!s->values_made) {
		rc = block__open_slot(b, s, err);
		if (rc == 0 && s->dict)
			rc = block__codes(b, s, err);
		if (rc < 0)
			return rc;
		make_rows(b, s);
		s->values = (struct block_values){s->count, s->row_of, s->dict ? &s->dict->dict : NULL, s->code};
		s->values_made = true;
	}
	*ret = &s->values;
	return 0;
}

/* ---- text ---- */

struct ref_context {
	struct block *block;
	struct block_slot *slot;
	unsigned depth;
};

static int value_at_depth(struct block *b, struct block_slot *s, uint32_t i, unsigned depth, struct buf *to,
			  struct err *err);

static int get_ref(void *user, size_t ref, size_t i, struct buf *to, struct err *err)
{
	struct ref_context *c = user;
	struct block_slot *source = block__slot(c->block, c->slot->refs[ref]);
	uint32_t place;
	int rc = block__place(c->block, source, row_of(c->block, c->slot, (uint32_t)i), &place, err);

	return rc < 0 ? rc : value_at_depth(c->block, source, place, c->depth + 1, to, err);
}

static int value_at_depth(struct block *b, struct block_slot *s, uint32_t i, unsigned depth, struct buf *to,
			  struct err *err)
{
	uint32_t code;
	int rc = block__open_slot(b, s, err);

	if (rc < 0)
		return rc;
	if (depth > REF_DEPTH_MAX)
		return block__damaged(b, -1, err, "texts refer to each other in a circle");
	if (s->kind == SLOT_TEMPLATE) {
		struct ref_context c = {b, s, depth};

		return template_get(s->templates, i, get_ref, &c, to, err);
	}
	if (s->kind == SLOT_COLUMN) {
		column_get(&s->run, i, to);
		return 0;
	}
	rc = block__code(b, s, i, &code, err);
	if (rc == 0)
		buf_put_span(to, dict_get(&s->dict->dict, code));
	return rc;
}

int block__value(struct block *b, struct block_slot *s, uint32_t i, struct buf *to, struct err *err)
{
	int rc;

	must(i < s->count);
	rc = value_at_depth(b, s, i, 0, to, err);
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a value");
	return rc;
}

int block_value_text(struct block *b, uint32_t column, uint32_t i, struct buf *to, struct err *err)
{
	struct block_slot *s = block__slot(b, column);

	must(s != NULL);
	return block__value(b, s, i, to, err);
}

/* ---- records ---- */

int block__read_whole(struct block *b, struct err *err)
{
	int rc;

	if (b->whole || object_memory(b->segment->object))
		return 0;
	b->whole = try_alloc(b->info.bytes);
	if (!b->whole)
		return err_set(err, E_NO_MEMORY, "not enough memory for a block");
	rc = object_read(b->segment->object, b->info.off, b->info.bytes, b->whole, err);
	if (rc < 0) {
		free(b->whole);
		b->whole = NULL;
	}
	return rc;
}

static int put_time(const int64_t *time, uint32_t row, struct block *b, struct buf *to, struct err *err)
{
	uint8_t *room = buf_room(to, TIMESTAMP_LEN);

	if (time[row] < TIMESTAMP_MIN_US || time[row] > TIMESTAMP_MAX_US)
		return block__damaged(b, -1, err, "a time is out of range");
	if (room) {
		timestamp_format(time[row], room);
		buf_commit(to, TIMESTAMP_LEN);
	}
	return 0;
}

static int put_fixed(struct block *b, uint32_t column, uint32_t row, struct buf *to, struct err *err)
{
	uint8_t id[ID_TEXT_LEN];
	const int64_t *time;
	int rc;

	switch (column) {
	case COLUMN_ID:
		if (!b->ids)
			b->ids = id_cipher_new(b->segment->id_key);
		id_cipher_encode(b->ids, b->info.first + row, 1, id);
		buf_put(to, id, sizeof(id));
		return 0;
	case COLUMN_TIME_OF:
		rc = block_times(b, &time, err);
		break;
	default:
		rc = block_received(b, &time, err);
		break;
	}
	return rc < 0 ? rc : put_time(time, row, b, to, err);
}

/* Where each value of each row lies in its column, in one pass over the rows. */
static void make_hole_places(struct block *b)
{
	uint32_t *next = xarray(b->slot_count + 1, sizeof(*next));
	uint32_t total = 0, at = 0;

	for (uint32_t k = 0; k < b->shape_count; k++)
		total += b->shape_rows[k] * shape_set_get(b->segment->shapes, b->shape[k])->hole_count;
	b->hole_place = xarray(total + 1, sizeof(*b->hole_place));
	b->hole_at = xarray(b->info.rows, sizeof(*b->hole_at));
	for (uint32_t r = 0; r < b->info.rows; r++) {
		const struct shape *shape = shape_set_get(b->segment->shapes, b->shape[b->row_shape[r]]);

		b->hole_at[r] = at;
		for (uint32_t h = 0; h < shape->hole_count; h++)
			b->hole_place[at++] = (uint16_t)next[b->slot_of[shape->column[h]]]++;
	}
	free(next);
}

int block_record(struct block *b, uint32_t row, struct buf *to, struct err *err)
{
	const struct shape *shape;
	size_t start = to->len;
	int rc = block__read_whole(b, err);

	must(row < b->info.rows);
	if (!b->hole_place)
		make_hole_places(b);
	shape = shape_set_get(b->segment->shapes, b->shape[b->row_shape[row]]);
	for (uint32_t h = 0; h < shape->hole_count && rc == 0; h++) {
		uint32_t column = shape->column[h];

		buf_put_span(to, shape->literal[h]);
		if (column < COLUMN_RAW)
			rc = put_fixed(b, column, row, to, err);
		else
			rc = value_at_depth(b, &b->slot[b->slot_of[column] - 1], b->hole_place[b->hole_at[row] + h], 0,
					    to, err);
	}
	buf_put_span(to, shape->literal[shape->hole_count]);
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a record");
	if (rc < 0)
		to->len = start;
	return rc;
}
