/* Values and records out of an opened block. */
#include "base/mem.h"
#include "codec/timestamp.h"
#include "store/segment_priv.h"

#define TEXTS_BY_ONE_MIN 16u /* of a small block */

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
		block__make_rows(b, s);
		s->values = (struct block_values){s->count, s->row_of, s->dict ? &s->dict->dict : NULL, s->code};
		s->values_made = true;
	}
	*ret = &s->values;
	return 0;
}

/* ---- text ---- */

/* References run from longer columns to shorter ones; damage could make them run in circles, or let a few bytes grow
 * without end. So their depth is bounded, no value is longer than a record, and each reference adds a byte at least:
 * that bounds the steps as well. */
struct ref_context {
	struct block *block;
	struct block_slot *slot;
	uint32_t row;
	unsigned depth;
	size_t start; /* of the outermost value */
};

static int value_at_depth(struct block *b, struct block_slot *s, uint32_t i, uint32_t row, unsigned depth, size_t start,
			  struct buf *to, struct err *err);

static int get_ref(void *user, size_t ref, size_t i, struct buf *to, struct err *err)
{
	struct ref_context *c = user;
	struct block_slot *source = block__slot(c->block, c->slot->refs[ref]);
	size_t before = to->len;
	uint32_t place;
	int rc = block__place(c->block, source, c->row, &place, err);

	if (rc == 0)
		rc = value_at_depth(c->block, source, place, c->row, c->depth + 1, c->start, to, err);
	if (rc == 0 && buf_ok(to) && (to->len == before || to->len - c->start > RECORD_BYTES_MAX))
		rc = block__damaged(c->block, c->slot->off, err, "a text refers to a value that cannot be");
	return rc;
}

/* Whether a column's texts are there; for who reads many of them they are made, once. Of a damaged column the sound
 * values are still read one by one. */
static bool has_texts(struct block *b, struct block_slot *s, unsigned depth)
{
	if (!s->texts_tried && ++s->values_asked > TEXTS_BY_ONE_MIN &&
	    s->values_asked > s->count / BLOCK_TEXTS_BY_ONE) {
		s->texts_tried = true;
		(void)!block__texts(b, s, NULL);
	}
	return s->texts.text && depth + s->texts_height <= SEGMENT_REF_DEPTH_MAX;
}

static int value_at_depth(struct block *b, struct block_slot *s, uint32_t i, uint32_t row, unsigned depth, size_t start,
			  struct buf *to, struct err *err)
{
	uint32_t code = 0;
	int rc = block__open_slot(b, s, err);

	if (rc < 0)
		return rc;
	if (depth > SEGMENT_REF_DEPTH_MAX)
		return block__damaged(b, -1, err, "texts refer to each other in a circle");
	if (s->kind == SLOT_TEMPLATE) {
		struct ref_context c = {b, s, row, depth, start};

		if (has_texts(b, s, depth)) {
			buf_put(to, s->texts.text + s->texts.offset[i], s->texts.offset[i + 1] - s->texts.offset[i]);
			return 0;
		}
		return template_get(s->templates, i, get_ref, &c, to, err);
	}
	if (s->kind == SLOT_COLUMN) {
		if (++s->values_asked == BLOCK_VALUES_BY_ONE)
			column_decode(&s->run);
		column_get(&s->run, i, to);
		return 0;
	}
	rc = block__code(b, s, i, row, &code, err);
	if (rc == 0)
		buf_put_span(to, dict_get(&s->dict->dict, code));
	return rc;
}

int block_value_text(struct block *b, uint32_t column, uint32_t i, struct buf *to, struct err *err)
{
	struct block_slot *s = block__slot(b, column);
	int rc;

	must(s != NULL && i < s->count);
	rc = value_at_depth(b, s, i, block__row(b, s, i), 0, to->len, to, err);
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a value");
	return rc;
}

/* ---- records ---- */

int block__read_whole(struct block *b, struct err *err)
{
	int rc;

	if (b->whole || segment__memory(b->segment))
		return 0;
	b->whole = try_alloc(b->info.bytes);
	if (!b->whole)
		return err_set(err, E_NO_MEMORY, "not enough memory for a block");
	rc = segment__read(b->segment, b->info.off, b->info.bytes, b->whole, err);
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

/* Ids cost less by the dozen: who asks for the next row may go on. */
static void make_ids(struct block *b, uint32_t row)
{
	uint32_t count = row == b->id_to && row > 0 ? BLOCK_IDS : 1;

	if (count > b->info.rows - row)
		count = b->info.rows - row;
	if (!b->ids)
		b->ids = segment__take_ids(b->segment);
	if (!b->id_text)
		b->id_text = xarray(BLOCK_IDS, ID_TEXT_LEN);
	id_cipher_encode(b->ids, b->info.first + row, count, b->id_text);
	b->id_from = row;
	b->id_to = row + count;
}

static void put_id(struct block *b, uint32_t row, struct buf *to)
{
	if (row < b->id_from || row >= b->id_to)
		make_ids(b, row);
	buf_put(to, b->id_text + (size_t)(row - b->id_from) * ID_TEXT_LEN, ID_TEXT_LEN);
}

static int put_fixed(struct block *b, uint32_t column, uint32_t row, struct buf *to, struct err *err)
{
	const int64_t *time;
	int rc;

	switch (column) {
	case COLUMN_ID:
		put_id(b, row, to);
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

int block_record(struct block *b, uint32_t row, struct buf *to, struct err *err)
{
	const struct shape *shape;
	size_t start = to->len;
	int rc = block__read_whole(b, err);

	must(row < b->info.rows);
	shape = shape_set_get(b->segment->shapes, b->shape[b->row_shape[row]]);
	for (uint32_t h = 0; h < shape->hole_count && rc == 0; h++) {
		uint32_t column = shape->column[h], place;
		struct block_slot *s;

		buf_put_span(to, shape->literal[h]);
		if (column < COLUMN_RAW) {
			rc = put_fixed(b, column, row, to, err);
			continue;
		}
		s = &b->slot[b->slot_of[column] - 1];
		rc = block__place(b, s, row, &place, err);
		if (rc == 0)
			rc = value_at_depth(b, s, place, row, 0, to->len, to, err);
		if (to->len - start > RECORD_BYTES_MAX)
			break;
	}
	buf_put_span(to, shape->literal[shape->hole_count]);
	if (rc == 0 && to->len - start > RECORD_BYTES_MAX)
		rc = block__damaged(b, -1, err, "a record is longer than any may be");
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a record");
	if (rc < 0)
		to->len = start;
	return rc;
}
