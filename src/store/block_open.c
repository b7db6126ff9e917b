/* Opening a block: its header, its slots' places; chunks are read and checked one by one when they are first needed. */
#include "base/hash.h"
#include "base/mem.h"
#include "store/segment_priv.h"

int block__damaged(const struct block *b, int64_t off, struct err *err, const char *what)
{
	int rc = err_corrupt(err, off < 0 ? (int64_t)b->info.off : (int64_t)b->info.off + off, "block %u: %s",
			     b->number, what);

	return segment__damaged(b->segment, rc, err);
}

/* ---- header ---- */

static int read_shapes(struct block *b, struct reader *from, struct err *err)
{
	uint64_t count = reader_varint(from);
	struct ints run;
	int64_t *place;
	int rc = 0;

	if (from->failed || count == 0 || count > b->info.rows)
		return block__damaged(b, -1, err, "its shapes make no sense");
	b->shape = xarray(count, sizeof(*b->shape));
	b->shape_rows = xarray(count, sizeof(*b->shape_rows));
	b->row_shape = xarray(b->info.rows, sizeof(*b->row_shape));
	b->shape_count = (uint32_t)count;
	for (uint64_t k = 0; k < count; k++) {
		uint64_t shape = reader_varint(from);

		if (from->failed || shape >= shape_set_count(b->segment->shapes))
			return block__damaged(b, -1, err, "its shapes make no sense");
		b->shape[k] = (uint32_t)shape;
	}
	if (count == 1) {
		b->shape_rows[0] = b->info.rows;
		return 0;
	}
	rc = ints_open(&run, from, b->info.rows, err);
	if (rc < 0)
		return segment__damaged_at(b->segment, b->info.off, rc, err);
	place = xarray(b->info.rows, sizeof(*place));
	ints_read(&run, 0, b->info.rows, place);
	ints_release(&run);
	for (uint32_t r = 0; r < b->info.rows && rc == 0; r++) {
		if (place[r] < 0 || (uint64_t)place[r] >= count) {
			rc = block__damaged(b, -1, err, "a row's shape is not there");
			break;
		}
		b->row_shape[r] = (uint16_t)place[r];
		b->shape_rows[place[r]]++;
	}
	free(place);
	return rc;
}

static int read_slot(struct block *b, struct reader *from, struct block_slot *s, uint64_t *off, struct err *err)
{
	uint64_t column = reader_varint(from), len;
	uint8_t kind = reader_u8(from);

	if (from->failed || kind > SLOT_TEMPLATE || column < COLUMN_RAW ||
	    column >= shape_set_column_count(b->segment->shapes) || b->slot_of[column])
		return block__damaged(b, -1, err, "its columns make no sense");
	s->column = (uint32_t)column;
	s->kind = (enum slot_kind)kind;
	if (s->kind == SLOT_DERIVED) {
		uint64_t source = reader_varint(from);

		s->from = source ? (uint32_t)source - 1 : MAP_FROM_SHAPE;
		return source <= shape_set_column_count(b->segment->shapes)
			       ? 0
			       : block__damaged(b, -1, err, "its columns make no sense");
	}
	if (s->kind == SLOT_TEMPLATE) {
		uint64_t refs = reader_varint(from);

		if (refs > TEMPLATE_REFS_MAX)
			return block__damaged(b, -1, err, "its columns make no sense");
		s->refs = xarray(refs + 1, sizeof(*s->refs));
		s->ref_count = (uint32_t)refs;
		for (uint64_t k = 0; k < refs; k++) {
			uint64_t ref = reader_varint(from);

			s->refs[k] = ref < UINT32_MAX ? (uint32_t)ref : UINT32_MAX; /* no column has that number */
		}
	}
	len = reader_varint(from);
	if (from->failed || len > b->info.bytes)
		return block__damaged(b, -1, err, "its columns make no sense");
	s->len = (uint32_t)len;
	if (len <= SLOT_INLINE_MAX) {
		s->is_inline = true;
		s->chunk = reader_bytes(from, len);
		return from->failed ? block__damaged(b, -1, err, "its columns make no sense") : 0;
	}
	s->crc = reader_u32(from);
	s->off = (uint32_t)*off;
	*off += s->len;
	return from->failed || *off > b->info.bytes ? block__damaged(b, -1, err, "its columns make no sense") : 0;
}

/* Counts values and shapes of each column in one pass over the shapes, since there may be hundreds of both. */
static int count_slots(struct block *b, struct err *err)
{
	for (uint32_t k = 0; k < b->shape_count; k++) {
		const struct shape *s = shape_set_get(b->segment->shapes, b->shape[k]);

		for (uint32_t h = 0; h < s->hole_count; h++) {
			uint32_t slot = b->slot_of[s->column[h]];

			if (slot) {
				b->slot[slot - 1].count += b->shape_rows[k];
				b->slot[slot - 1].shapes_count++;
			} else if (s->column[h] >= COLUMN_RAW) {
				return block__damaged(b, -1, err, "a column of a shape is not there");
			}
		}
	}
	for (uint32_t k = 0; k < b->slot_count; k++)
		if (b->slot[k].count == 0 || b->slot[k].count > b->info.rows)
			return block__damaged(b, -1, err, "a column belongs to no row");
	return 0;
}

static void list_shapes(struct block *b)
{
	uint32_t at = 0;

	for (uint32_t k = 0; k < b->slot_count; k++) {
		b->slot[k].shapes_at = at;
		at += b->slot[k].shapes_count;
		b->slot[k].shapes_count = 0;
	}
	b->slot_shapes = xarray(at + 1, sizeof(*b->slot_shapes));
	for (uint32_t k = 0; k < b->shape_count; k++) {
		const struct shape *shape = shape_set_get(b->segment->shapes, b->shape[k]);

		for (uint32_t h = 0; h < shape->hole_count; h++) {
			uint32_t slot = b->slot_of[shape->column[h]];
			struct block_slot *s = slot ? &b->slot[slot - 1] : NULL;

			if (s)
				b->slot_shapes[s->shapes_at + s->shapes_count++] = k;
		}
	}
}

static int read_slots(struct block *b, struct reader *from, struct err *err)
{
	uint64_t count = reader_varint(from);
	uint64_t off = b->header_len;
	int rc;

	b->time_off = b->header_len;
	off += (uint64_t)b->time_len + b->received_len;
	if (from->failed || count > shape_set_column_count(b->segment->shapes) || off > b->info.bytes)
		return block__damaged(b, -1, err, "its columns make no sense");
	b->slot = xarray(count + 1, sizeof(*b->slot));
	for (uint64_t k = 0; k < count; k++) {
		rc = read_slot(b, from, &b->slot[k], &off, err);
		b->slot_count++;
		if (rc < 0)
			return rc;
		b->slot_of[b->slot[k].column] = (uint32_t)k + 1;
	}
	if (reader_left(from) != 0 || off != b->info.bytes)
		return block__damaged(b, -1, err, "its length does not fit its columns");
	rc = count_slots(b, err);
	if (rc == 0)
		list_shapes(b);
	return rc;
}

static int read_header(struct block *b, struct err *err)
{
	struct reader from = reader_of(span_of(b->header, b->header_len));
	uint32_t crc = reader_u32(&from), len = reader_u32(&from);
	uint64_t time_len, received_len;
	int rc;

	if (from.failed || len != b->header_len || crc32c(0, b->header + 4, b->header_len - 4) != crc)
		return block__damaged(b, 0, err, "the header's checksum does not fit");
	if (reader_varint(&from) != b->info.rows)
		return block__damaged(b, 0, err, "it has another number of rows than the directory says");
	rc = read_shapes(b, &from, err);
	if (rc < 0)
		return rc;
	time_len = reader_varint(&from);
	b->time_crc = reader_u32(&from);
	received_len = reader_varint(&from);
	b->received_crc = reader_u32(&from);
	if (from.failed || time_len > b->info.bytes || received_len > b->info.bytes)
		return block__damaged(b, 0, err, "its times make no sense");
	b->time_len = (uint32_t)time_len;
	b->received_len = (uint32_t)received_len;
	return read_slots(b, &from, err);
}

int block_open(struct segment *s, uint32_t block, struct block **ret, struct err *err)
{
	struct block *b = xalloc(sizeof(*b));
	int rc;

	must(block < s->block_count);
	b->segment = segment_ref(s);
	b->number = block;
	b->info = s->block[block];
	b->header_len = s->header_bytes[block];
	b->slot_of = xarray(shape_set_column_count(s->shapes), sizeof(*b->slot_of));
	b->header = try_alloc(b->header_len);
	rc = b->header ? object_read(s->object, b->info.off, b->header_len, b->header, err)
		       : err_set(err, E_NO_MEMORY, "not enough memory for a block");
	if (rc == 0)
		rc = read_header(b, err);
	if (rc < 0) {
		block_close(b);
		return rc;
	}
	*ret = b;
	return 0;
}

static void release_chunk(struct block_slot *s)
{
	ints_release(&s->codes);
	column_release(&s->run);
	s->templates = template_close(s->templates);
	free(s->owned);
	s->owned = NULL;
}

static void release_slot(struct block_slot *s)
{
	release_chunk(s);
	free(s->refs);
	free(s->row_of);
	free(s->code);
}

struct block *block_close(struct block *b)
{
	if (!b)
		return NULL;
	for (uint32_t k = 0; k < b->slot_count; k++)
		release_slot(&b->slot[k]);
	free(b->slot);
	free(b->slot_of);
	free(b->slot_shapes);
	free(b->shape_marks);
	free(b->shape_before);
	free(b->header);
	free(b->whole);
	free(b->shape);
	free(b->shape_rows);
	free(b->row_shape);
	free(b->time);
	free(b->received);
	id_cipher_free(b->ids);
	segment_unref(b->segment);
	free(b);
	return NULL;
}

/* ---- chunks ---- */

/* The bytes of a chunk, checked. *ret_owned is set when they were read by themselves. */
static int read_chunk(struct block *b, uint32_t off, uint32_t len, uint32_t crc, struct span *ret, uint8_t **ret_owned,
		      struct err *err)
{
	const uint8_t *in_memory = object_memory(b->segment->object);
	uint8_t *p = NULL;
	int rc = 0;

	if (in_memory) {
		*ret = span_of(in_memory + b->info.off + off, len);
	} else if (b->whole) {
		*ret = span_of(b->whole + off, len);
	} else {
		p = try_alloc(len + 1);
		rc = p ? object_read(b->segment->object, b->info.off + off, len, p, err)
		       : err_set(err, E_NO_MEMORY, "not enough memory for a column");
		*ret = span_of(p, len);
	}
	if (rc == 0 && crc32c(0, ret->p, len) != crc)
		rc = block__damaged(b, off, err, "a column's checksum does not fit");
	if (rc < 0)
		free(p);
	else
		*ret_owned = p;
	return rc;
}

static int open_templates(struct block *b, struct block_slot *s, struct err *err)
{
	int rc = template_open(s->chunk, s->count, s->ref_count, &s->templates, err);

	/* References in circles are found when a value is read (see block_value_text). */
	for (uint32_t k = 0; k < s->ref_count && rc == 0; k++)
		if (!block__slot(b, s->refs[k]) || s->refs[k] == s->column)
			rc = block__damaged(b, s->off, err, "a text refers to a column that is not there");
	return rc;
}

static int open_chunk(struct block *b, struct block_slot *s, struct err *err)
{
	struct reader from = reader_of(s->chunk);
	int rc = 0;

	if (s->kind == SLOT_DICT) {
		rc = segment__dict(b->segment, s->column, &s->dict, err);
		if (rc == 0)
			rc = ints_open(&s->codes, &from, s->count, err);
	} else if (s->kind == SLOT_COLUMN) {
		rc = column_open(&s->run, &from, s->count, err);
	} else if (s->kind == SLOT_TEMPLATE) {
		rc = open_templates(b, s, err);
	} else {
		rc = segment__dict(b->segment, s->column, &s->dict, err);
		if (rc == 0 && (!s->dict->map || s->dict->map_from != s->from))
			rc = block__damaged(b, -1, err, "a column's map is not there");
	}
	if (rc == 0 && (s->kind == SLOT_DICT || s->kind == SLOT_COLUMN) && reader_left(&from) != 0)
		rc = block__damaged(b, s->off, err, "a column is longer than its values");
	return rc;
}

int block__open_slot(struct block *b, struct block_slot *s, struct err *err)
{
	int rc = 0;

	if (s->opened)
		return 0;
	if (s->kind != SLOT_DERIVED && !s->is_inline)
		rc = read_chunk(b, s->off, s->len, s->crc, &s->chunk, &s->owned, err);
	if (rc == 0)
		rc = open_chunk(b, s, err);
	if (rc < 0) {
		release_chunk(s);
		return segment__damaged_at(b->segment, b->info.off + s->off, rc, err);
	}
	s->opened = true;
	return 0;
}

struct block_slot *block__slot(struct block *b, uint32_t column)
{
	if (column >= shape_set_column_count(b->segment->shapes) || !b->slot_of[column])
		return NULL;
	return &b->slot[b->slot_of[column] - 1];
}

/* ---- times ---- */

static int read_times(struct block *b, uint32_t off, uint32_t len, uint32_t crc, int64_t **to, struct err *err)
{
	struct span chunk;
	struct reader from;
	struct ints run;
	uint8_t *owned = NULL;
	int64_t *v;
	int rc;

	if (*to)
		return 0;
	rc = read_chunk(b, off, len, crc, &chunk, &owned, err);
	if (rc < 0)
		return rc;
	from = reader_of(chunk);
	rc = ints_open(&run, &from, b->info.rows, err);
	if (rc == 0) {
		v = xarray(b->info.rows, sizeof(*v));
		ints_read(&run, 0, b->info.rows, v);
		ints_release(&run);
		*to = v;
	}
	free(owned);
	return segment__damaged_at(b->segment, b->info.off + off, rc, err);
}

int block_times(struct block *b, const int64_t **ret_time, struct err *err)
{
	int rc = read_times(b, b->time_off, b->time_len, b->time_crc, &b->time, err);

	if (rc == 0)
		*ret_time = b->time;
	return rc;
}

int block_received(struct block *b, const int64_t **ret_received, struct err *err)
{
	int rc = read_times(b, b->time_off + b->time_len, b->received_len, b->received_crc, &b->received, err);

	if (rc == 0)
		*ret_received = b->received;
	return rc;
}
