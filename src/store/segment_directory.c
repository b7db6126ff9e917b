/* Reading a segment's directory: every number is checked against what it counts before it is used. */
#include "base/mem.h"
#include "store/segment_priv.h"
#include "store/token_index_priv.h"

static int bad(struct err *err, const char *what)
{
	return err_corrupt(err, -1, "the directory's %s make no sense", what);
}

/* Fixed columns are not stored as such, so they must be what the reader takes them for. */
static bool is_fixed_right(uint32_t column, struct span path, uint8_t kind)
{
	static const char *const name[COLUMN_FIXED_COUNT] = {"id", "time", "received", ""};

	return column >= COLUMN_FIXED_COUNT || (span_eq_str(path, name[column]) && kind == (column != COLUMN_RAW));
}

static int read_columns(struct segment *s, struct reader *from, struct err *err)
{
	uint64_t count = reader_varint(from);

	if (from->failed || count < COLUMN_FIXED_COUNT || count > SHAPE_COLUMNS_MAX)
		return bad(err, "columns");
	for (uint64_t k = 0; k < count; k++) {
		uint8_t kind = reader_u8(from);
		struct span path = reader_bytes(from, reader_varint(from));
		uint32_t column;

		if (from->failed || kind > 1 || !is_fixed_right((uint32_t)k, path, kind) ||
		    shape_set_add_column(s->shapes, path, kind, &column) < 0 || column != k)
			return bad(err, "columns");
	}
	s->dict = xarray(count, sizeof(struct segment_dict *));
	return 0;
}

static int read_shapes(struct segment *s, struct reader *from, struct err *err)
{
	uint64_t count = reader_varint(from);
	uint32_t column[RECORD_VALUES_MAX], columns = shape_set_column_count(s->shapes);
	struct span literal[RECORD_VALUES_MAX + 1];
	size_t bytes;

	if (from->failed || count == 0 || count > SHAPE_MAX)
		return bad(err, "shapes");
	for (uint64_t k = 0; k < count; k++) {
		uint64_t holes = reader_varint(from);
		uint32_t shape;

		if (from->failed || holes > RECORD_VALUES_MAX)
			return bad(err, "shapes");
		for (uint64_t h = 0; h < holes; h++) {
			uint64_t c = reader_varint(from);

			if (c >= columns)
				return bad(err, "shapes");
			column[h] = (uint32_t)c;
		}
		bytes = 0;
		for (uint64_t h = 0; h <= holes; h++) {
			literal[h] = reader_bytes(from, reader_varint(from));
			bytes += literal[h].len;
		}
		if (from->failed || bytes > RECORD_BYTES_MAX ||
		    shape_set_add(s->shapes, column, literal, (uint32_t)holes, &shape) < 0 || shape != k)
			return bad(err, "shapes");
	}
	return 0;
}

static int read_blocks(struct segment *s, struct reader *from, struct err *err)
{
	uint64_t count = reader_varint(from), next = s->first, size = s->size;

	if (from->failed || count == 0 || count > SEGMENT_BLOCKS_MAX)
		return bad(err, "blocks");
	s->block_count = (uint32_t)count;
	s->block = xarray(count, sizeof(*s->block));
	s->header_bytes = xarray(count, sizeof(*s->header_bytes));
	for (uint64_t k = 0; k < count; k++) {
		struct segment_block_info *b = &s->block[k];
		uint64_t rows = reader_varint(from), bytes, header;

		b->first = next;
		b->time_min = (int64_t)reader_u64(from);
		b->time_max = (int64_t)reader_u64(from);
		b->off = reader_varint(from);
		bytes = reader_varint(from);
		header = reader_varint(from);
		if (from->failed || rows == 0 || rows > BLOCK_ROWS_MAX || b->off > size || bytes > size - b->off ||
		    bytes > UINT32_MAX || header > bytes || header < 8)
			return bad(err, "blocks");
		b->rows = (uint32_t)rows;
		b->bytes = (uint32_t)bytes;
		s->header_bytes[k] = (uint32_t)header;
		next += rows;
	}
	return next == s->next ? 0 : bad(err, "blocks");
}

/* A dictionary's values are different ones, so at most one of them is empty; and a map has no more codes than its
 * source. What is allocated on the word of a count is then no more than the segment's own bytes account for. */
static int read_dict(struct segment *s, struct reader *from, struct err *err)
{
	uint64_t column = reader_varint(from), pack = reader_varint(from), at = reader_varint(from);
	uint64_t count = reader_varint(from), text_len = reader_varint(from);
	uint8_t flags = reader_u8(from);
	struct segment_dict *x;

	if (from->failed || column >= shape_set_column_count(s->shapes) || s->dict[column] || pack >= s->pack_count ||
	    at > s->pack[pack].raw_len || text_len > s->pack[pack].raw_len || count == 0 || count > text_len + 1 ||
	    (flags & ~(SEGMENT_DICT_PARTIAL | SEGMENT_DICT_MAP)))
		return bad(err, "dictionaries");
	x = s->dict[column] = xalloc(sizeof(*x));
	x->pack = (uint32_t)pack;
	x->at = (uint32_t)at;
	x->count = (uint32_t)count;
	x->text_len = (uint32_t)text_len;
	x->flags = flags;
	if (flags & SEGMENT_DICT_MAP) {
		uint64_t source = reader_varint(from), len = reader_varint(from);

		if (from->failed || source > shape_set_column_count(s->shapes) || len > UINT32_MAX)
			return bad(err, "maps");
		x->map_from = source ? (uint32_t)source - 1 : MAP_FROM_SHAPE;
		x->map_count = (uint32_t)len;
	}
	return 0;
}

static int check_maps(const struct segment *s, struct err *err)
{
	for (uint32_t c = 0; c < shape_set_column_count(s->shapes); c++) {
		const struct segment_dict *x = s->dict[c], *source;

		if (!x || !(x->flags & SEGMENT_DICT_MAP))
			continue;
		source = x->map_from == MAP_FROM_SHAPE ? NULL : s->dict[x->map_from];
		if (x->map_from == MAP_FROM_SHAPE ? x->map_count > shape_set_count(s->shapes)
						  : !source || x->map_count > source->count)
			return bad(err, "maps");
	}
	return 0;
}

static int read_packs(struct segment *s, struct reader *from, struct err *err)
{
	uint64_t packs = reader_varint(from), columns;

	if (from->failed || packs > shape_set_column_count(s->shapes))
		return bad(err, "packs");
	s->pack = xarray(packs + 1, sizeof(*s->pack));
	s->pack_count = (uint32_t)packs;
	for (uint64_t k = 0; k < packs; k++) {
		uint64_t len, raw_len;

		s->pack[k].off = reader_varint(from);
		len = reader_varint(from);
		raw_len = reader_varint(from);
		s->pack[k].crc = reader_u32(from);
		if (len > s->size || len > UINT32_MAX || raw_len > PACK_BYTES_MAX)
			return bad(err, "packs");
		s->pack[k].len = (uint32_t)len;
		s->pack[k].raw_len = (uint32_t)raw_len;
	}
	columns = reader_varint(from);
	if (from->failed || columns > shape_set_column_count(s->shapes))
		return bad(err, "dictionaries");
	for (uint64_t k = 0; k < columns; k++) {
		int rc = read_dict(s, from, err);

		if (rc < 0)
			return rc;
	}
	return check_maps(s, err);
}

static int read_index(struct segment *s, struct reader *from, struct err *err)
{
	struct reader table;
	int rc;

	s->index_off = reader_varint(from);
	s->index_len = reader_varint(from);
	table = reader_of(reader_bytes(from, reader_varint(from)));
	if (from->failed || s->index_off > s->size || s->index_len > s->size - s->index_off)
		return bad(err, "index parts");
	rc = token_index_open(&table, &s->index, err);
	if (rc == 0 && (reader_left(&table) != 0 || s->index->block_count != s->block_count))
		return bad(err, "index parts");
	return rc;
}

static int read_merkle(struct segment *s, struct reader *from, struct err *err)
{
	int rc;

	s->groups_off = reader_varint(from);
	s->group_count = reader_varint(from);
	s->groups_crc = reader_u32(from);
	if (from->failed || s->group_count != s->next / MERKLE_GROUP - s->first / MERKLE_GROUP)
		return bad(err, "Merkle groups");
	rc = merkle_frontier_get(from, &s->frontier, err);
	if (rc == 0 && s->frontier.size != s->next)
		return bad(err, "Merkle frontier");
	return rc;
}

int segment__read_directory(struct segment *s, struct span directory, struct err *err)
{
	struct reader from = reader_of(directory);
	int rc = read_columns(s, &from, err);

	if (rc == 0)
		rc = read_shapes(s, &from, err);
	if (rc == 0)
		rc = read_blocks(s, &from, err);
	if (rc == 0)
		rc = read_packs(s, &from, err);
	if (rc == 0)
		rc = read_index(s, &from, err);
	if (rc == 0)
		rc = read_merkle(s, &from, err);
	if (rc == 0 && (from.failed || reader_left(&from) != 0))
		rc = bad(err, "lengths");
	return rc;
}
