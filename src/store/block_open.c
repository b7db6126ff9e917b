/* Opening a block: its header, its slots' places. */
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

/* The shape of each row, and how many rows have each. */
static int read_row_shapes(struct block *b, struct reader *from, struct err *err)
{
	struct ints run;
	uint16_t max = 0;
	int rc = ints_open(&run, from, b->info.rows, err);

	if (rc < 0)
		return segment__damaged_at(b->segment, b->info.off, rc, err);
	ints_read_u16(&run, 0, b->info.rows, b->row_shape);
	for (uint32_t r = 0; r < b->info.rows; r++)
		max = b->row_shape[r] > max ? b->row_shape[r] : max;
	ints_release(&run);
	if (max >= b->shape_count)
		return block__damaged(b, -1, err, "a row's shape is not there");
	block__count_shapes(b, 0, b->info.rows, b->shape_rows);
	return 0;
}

static int read_shapes(struct block *b, struct reader *from, struct err *err)
{
	uint64_t count = reader_varint(from);

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
	if (count > 1)
		return read_row_shapes(b, from, err);
	b->shape_rows[0] = (uint16_t)b->info.rows;
	return 0;
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

int block__open(struct segment *s, uint32_t number, struct block **ret, struct err *err)
{
	struct block *b = xalloc(sizeof(*b));
	int rc;

	must(number < s->block_count);
	b->segment = segment_ref(s);
	b->number = number;
	b->info = s->block[number];
	b->header_len = s->header_bytes[number];
	b->slot_of = xarray(shape_set_column_count(s->shapes), sizeof(*b->slot_of));
	b->header = try_alloc(b->header_len);
	rc = b->header ? segment__read(s, b->info.off, b->header_len, b->header, err)
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

int block_open(struct segment *s, uint32_t block, struct block **ret, struct err *err)
{
	struct block *idle;
	int rc;

	must(block < s->block_count);
	idle = block__take_idle(s, block);
	if (idle) {
		segment_ref(s);
		*ret = idle;
		return 0;
	}
	rc = block__open(s, block, ret, err);
	if (rc == 0)
		(*ret)->is_kept = s->cache != NULL;
	return rc;
}

static void release_slot(struct block_slot *s)
{
	block__release_chunk(s);
	free(s->refs);
	free(s->row_of);
	free(s->code);
	free(s->made_text);
	free(s->made_offset);
}

void block__free(struct block *b)
{
	for (uint32_t k = 0; k < b->slot_count; k++)
		release_slot(&b->slot[k]);
	free(b->slot);
	free(b->slot_of);
	free(b->slot_shapes);
	free(b->shape_before);
	free(b->header);
	free(b->whole);
	free(b->shape);
	free(b->shape_rows);
	free(b->row_shape);
	free(b->time);
	free(b->received);
	free(b->id_text);
	free(b);
}

struct block *block_close(struct block *b)
{
	struct segment *s;

	if (!b)
		return NULL;
	s = b->segment;
	segment__give_ids(s, b->ids);
	b->ids = NULL;
	if (b->is_kept)
		block__give_idle(b); /* and may be another's by now */
	else
		block__free(b);
	segment_unref(s);
	return NULL;
}

static size_t slot_memory(const struct block_slot *s)
{
	size_t bytes = sizeof(*s) + (s->owned ? s->len : 0) + s->ref_count * sizeof(*s->refs);

	if (s->row_of)
		bytes += s->count * sizeof(*s->row_of);
	if (s->code)
		bytes += s->count * sizeof(*s->code);
	if (s->templates)
		bytes += template_memory(s->templates);
	return bytes + ints_memory(&s->codes) + column_memory(&s->run);
}

size_t block__memory(const struct block *b)
{
	size_t bytes = sizeof(*b) + b->header_len + (b->whole ? b->info.bytes : 0) + b->texts_bytes;

	bytes += shape_set_column_count(b->segment->shapes) * sizeof(*b->slot_of);
	bytes += b->info.rows * sizeof(*b->row_shape);
	bytes += b->shape_count * (sizeof(*b->shape) + sizeof(*b->shape_rows) + sizeof(*b->shape_before));
	for (uint32_t k = 0; k < b->slot_count; k++)
		bytes += slot_memory(&b->slot[k]) + b->slot[k].shapes_count * sizeof(*b->slot_shapes);
	bytes += b->id_text ? BLOCK_IDS * ID_TEXT_LEN : 0;
	return bytes + b->info.rows * ((b->time ? sizeof(*b->time) : 0) + (b->received ? sizeof(*b->received) : 0));
}
