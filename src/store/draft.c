/* The tables of a draft: dictionaries, maps, keys. Writing is draft_block.c, draft_index.c and draft_finish.c. */
#include "store/draft.h"

#include "base/hash.h"
#include "base/mem.h"

static void add_fixed_columns(struct draft *d)
{
	static const char *const name[COLUMN_FIXED_COUNT] = {"id", "time", "received", ""};
	const struct span none[2] = {{NULL, 0}, {NULL, 0}};
	const uint32_t raw = COLUMN_RAW;

	for (uint32_t c = 0; c < COLUMN_FIXED_COUNT; c++) {
		uint32_t column;

		must(shape_set_add_column(d->shapes, span_str(name[c]), c != COLUMN_RAW, &column) == 0 && column == c);
	}
	must(shape_set_add(d->shapes, &raw, none, 1, &d->raw_shape) == 0);
}

void draft_start(struct draft *d, uint32_t ledger, const uint8_t id_key[ID_KEY_LEN], uint64_t first, struct buf *to)
{
	uint8_t header[SEGMENT_HEADER_BYTES] = SEGMENT_MAGIC;

	memset(d, 0, sizeof(*d));
	d->ledger = ledger;
	d->first = d->next = first;
	d->ids = id_cipher_new(id_key);
	d->to = to;
	d->start = to->len;
	d->shapes = shape_set_new();
	d->time_min = INT64_MAX;
	d->time_max = d->received_max = INT64_MIN;
	add_fixed_columns(d);
	draft_fit_columns(d);
	put_u16le(header + SEGMENT_MAGIC_LEN, SEGMENT_VERSION);
	buf_put(to, header, sizeof(header));
}

static void free_dict(struct draft_dict *x)
{
	if (!x)
		return;
	free(x->offset);
	free(x->hash);
	free(x->rows);
	free(x->slot);
	buf_release(&x->text);
	free(x);
}

void draft_release(struct draft *d)
{
	for (uint32_t c = 0; c < d->column_cap; c++) {
		free_dict(d->dict[c]);
		if (d->map[c])
			free(d->map[c]->to);
		free(d->map[c]);
	}
	free(d->dict);
	free(d->map);
	free(d->block);
	for (size_t i = 0; i < d->keys_count; i++)
		free(d->keys[i].key);
	free(d->keys);
	for (size_t i = 0; i < d->index_count; i++)
		free(d->index[i].block_of);
	free(d->index);
	shape_set_free(d->shapes);
	id_cipher_free(d->ids);
	memset(d, 0, sizeof(*d));
}

void draft_fit_columns(struct draft *d)
{
	uint32_t need = shape_set_column_count(d->shapes), cap = d->column_cap ? d->column_cap : 64;

	if (need <= d->column_cap)
		return;
	while (cap < need)
		cap *= 2;
	d->dict = xrealloc(d->dict, cap * sizeof(struct draft_dict *));
	d->map = xrealloc(d->map, cap * sizeof(struct draft_map *));
	memset(d->dict + d->column_cap, 0, (cap - d->column_cap) * sizeof(struct draft_dict *));
	memset(d->map + d->column_cap, 0, (cap - d->column_cap) * sizeof(struct draft_map *));
	d->column_cap = cap;
}

/* ---- dictionaries ---- */

struct draft_dict *draft_dict(struct draft *d, uint32_t column)
{
	struct draft_dict *x = d->dict[column];

	if (x)
		return x;
	x = d->dict[column] = xalloc(sizeof(*x));
	x->cap = 4;
	x->offset = xarray(x->cap + 1, sizeof(*x->offset));
	x->hash = xarray(x->cap, sizeof(*x->hash));
	x->rows = xarray(x->cap, sizeof(*x->rows));
	x->slot_count = 8;
	x->slot = xarray(x->slot_count, sizeof(*x->slot));
	return x;
}

static void grow_dict(struct draft_dict *x)
{
	uint32_t mask;

	x->cap *= 2;
	x->offset = xrealloc(x->offset, (x->cap + 1) * sizeof(*x->offset));
	x->hash = xrealloc(x->hash, x->cap * sizeof(*x->hash));
	x->rows = xrealloc(x->rows, x->cap * sizeof(*x->rows));
	memset(x->rows + x->count, 0, (x->cap - x->count) * sizeof(*x->rows));
	free(x->slot);
	x->slot_count = x->cap * 2;
	x->slot = xarray(x->slot_count, sizeof(*x->slot));
	mask = x->slot_count - 1;
	for (uint32_t code = 0; code < x->count; code++) {
		uint32_t at = (uint32_t)x->hash[code] & mask;

		while (x->slot[at])
			at = (at + 1) & mask;
		x->slot[at] = code + 1;
	}
}

bool draft_dict_intern(struct draft_dict *x, struct span value, uint64_t hash, uint32_t *ret_code)
{
	uint32_t at = (uint32_t)hash & (x->slot_count - 1);

	for (; x->slot[at]; at = (at + 1) & (x->slot_count - 1)) {
		uint32_t code = x->slot[at] - 1;

		if (x->hash[code] == hash &&
		    span_eq(span_of(x->text.p + x->offset[code], x->offset[code + 1] - x->offset[code]), value)) {
			*ret_code = code;
			return true;
		}
	}
	if (x->count >= DICT_COUNT_MAX || x->text.len + value.len > DICT_BYTES_MAX)
		return false;
	buf_put_span(&x->text, value);
	if (!buf_ok(&x->text))
		return false;
	x->hash[x->count] = hash;
	x->slot[at] = x->count + 1;
	*ret_code = x->count++;
	x->offset[x->count] = (uint32_t)x->text.len;
	if (x->count == x->cap)
		grow_dict(x);
	return true;
}

/* ---- maps ---- */

struct draft_map *draft_map_new(struct draft *d, uint32_t column, uint32_t from)
{
	struct draft_map *m = xalloc(sizeof(*m));

	must(!d->map[column]);
	m->from = from;
	d->map[column] = m;
	return m;
}

bool draft_map_set(struct draft_map *m, uint32_t from_code, uint32_t code)
{
	if (from_code >= m->cap) {
		uint32_t cap = m->cap ? m->cap : 16;

		while (cap <= from_code)
			cap *= 2;
		m->to = xrealloc(m->to, cap * sizeof(*m->to));
		memset(m->to + m->cap, 0xff, (cap - m->cap) * sizeof(*m->to));
		m->cap = cap;
	}
	if (m->to[from_code] == MAP_UNKNOWN)
		m->to[from_code] = code;
	return m->to[from_code] == code;
}

/* ---- keys ---- */

void draft_keys_add(struct draft *d, uint16_t block, uint64_t *key, size_t count)
{
	if (d->keys_count == d->keys_cap) {
		d->keys_cap = d->keys_cap ? d->keys_cap * 2 : 4;
		d->keys = xrealloc(d->keys, d->keys_cap * sizeof(*d->keys));
	}
	d->keys[d->keys_count++] = (struct draft_keys){block, key, count};
}

void draft_index_add(struct draft *d, struct segment *segment, uint16_t *block_of)
{
	if (d->index_count == d->index_cap) {
		d->index_cap = d->index_cap ? d->index_cap * 2 : 4;
		d->index = xrealloc(d->index, d->index_cap * sizeof(*d->index));
	}
	d->index[d->index_count++] = (struct draft_index){segment, block_of};
}
