/* What stands behind the blocks: dictionary packs, index pages, Merkle groups, directory, footer. */
#include <zstd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "codec/ints.h"
#include "store/draft.h"
#include "store/segment_priv.h"

#define PACK_LEVEL      3
#define DIRECTORY_LEVEL 3

static int compress(struct span from, int level, struct buf *to)
{
	size_t bound = ZSTD_compressBound(from.len), n;
	uint8_t *room = buf_room(to, bound);

	if (!room)
		return E_NO_MEMORY;
	n = ZSTD_compress(room, bound, from.p, from.len, level);
	if (ZSTD_isError(n))
		return E_INTERNAL;
	buf_commit(to, n);
	return 0;
}

/* ---- packs ---- */

struct pack {
	uint64_t off;
	uint32_t len, raw_len, crc;
};

struct packer {
	struct draft *d;
	struct buf raw;     /* the pack being filled */
	struct buf columns; /* directory entries of the columns that have a dictionary */
	uint32_t column_count;
	struct pack *pack;
	uint32_t pack_count;
};

static int flush_pack(struct packer *p)
{
	struct buf *to = p->d->to;
	size_t at = to->len;
	int rc;

	if (p->raw.len == 0)
		return 0;
	rc = buf_ok(&p->raw) ? compress(buf_span(&p->raw), PACK_LEVEL, to) : E_NO_MEMORY;
	if (rc < 0)
		return rc;
	p->pack = xrealloc(p->pack, (p->pack_count + 1) * sizeof(*p->pack));
	p->pack[p->pack_count++] = (struct pack){at - p->d->start, (uint32_t)(to->len - at), (uint32_t)p->raw.len,
						 crc32c(0, to->p + at, to->len - at)};
	buf_reset(&p->raw);
	return 0;
}

static void put_run(const uint32_t *value, uint32_t n, struct buf *to)
{
	int64_t *v = xarray(n, sizeof(*v));

	for (uint32_t i = 0; i < n; i++)
		v[i] = value[i] == MAP_UNKNOWN ? -1 : (int64_t)value[i];
	for (uint32_t i = 0; i < n; i += SEGMENT_RUN_MAX)
		ints_encode(v + i, n - i < SEGMENT_RUN_MAX ? n - i : SEGMENT_RUN_MAX, to);
	free(v);
}

static void put_dict(const struct draft_dict *x, bool partial, struct buf *to)
{
	uint32_t *len = xarray(x->count, sizeof(*len));

	for (uint32_t k = 0; k < x->count; k++)
		len[k] = x->offset[k + 1] - x->offset[k];
	put_run(len, x->count, to);
	if (!partial)
		put_run(x->rows, x->count, to);
	buf_put_span(to, buf_span(&x->text));
	free(len);
}

/* The codes of a map that are known: up to the source's size. */
static uint32_t map_len(const struct draft *d, const struct draft_map *m)
{
	uint32_t of = m->from == MAP_FROM_SHAPE ? shape_set_count(d->shapes) : d->dict[m->from]->count;

	return of < m->cap ? of : m->cap;
}

static int put_column(struct packer *p, uint32_t column)
{
	const struct draft_dict *x = p->d->dict[column];
	const struct draft_map *m = p->d->map[column];
	struct buf *dir = &p->columns;
	bool partial;

	if (!x || x->count == 0)
		return 0;
	partial = x->partial || p->d->has_raw;
	if (p->raw.len && p->raw.len + x->text.len > PACK_BYTES) {
		int rc = flush_pack(p);

		if (rc < 0)
			return rc;
	}
	p->column_count++;
	buf_put_varint(dir, column);
	buf_put_varint(dir, p->pack_count);
	buf_put_varint(dir, p->raw.len);
	buf_put_varint(dir, x->count);
	buf_put_varint(dir, x->text.len);
	buf_put_u8(dir, (uint8_t)((partial ? SEGMENT_DICT_PARTIAL : 0) | (m ? SEGMENT_DICT_MAP : 0)));
	put_dict(x, partial, &p->raw);
	if (m) {
		uint32_t len = map_len(p->d, m);

		buf_put_varint(dir, m->from == MAP_FROM_SHAPE ? 0 : (uint64_t)m->from + 1);
		buf_put_varint(dir, len);
		put_run(m->to, len, &p->raw);
	}
	return 0;
}

/* Writes the packs; the directory's part about them goes to `dir`. */
static int put_packs(struct draft *d, struct buf *dir)
{
	struct packer p = {.d = d};
	int rc = 0;

	for (uint32_t c = 0; c < shape_set_column_count(d->shapes) && rc == 0; c++)
		rc = put_column(&p, c);
	if (rc == 0)
		rc = flush_pack(&p);
	buf_put_varint(dir, p.pack_count);
	for (uint32_t k = 0; k < p.pack_count; k++) {
		buf_put_varint(dir, p.pack[k].off);
		buf_put_varint(dir, p.pack[k].len);
		buf_put_varint(dir, p.pack[k].raw_len);
		buf_put_u32(dir, p.pack[k].crc);
	}
	buf_put_varint(dir, p.column_count);
	buf_put_span(dir, buf_span(&p.columns));
	free(p.pack);
	buf_release(&p.raw);
	buf_release(&p.columns);
	return rc;
}

/* ---- directory ---- */

static void put_schema(const struct draft *d, struct buf *dir)
{
	buf_put_varint(dir, shape_set_column_count(d->shapes));
	for (uint32_t c = 0; c < shape_set_column_count(d->shapes); c++) {
		const struct shape_column *column = shape_set_column(d->shapes, c);

		buf_put_u8(dir, column->is_string);
		buf_put_varint(dir, column->path.len);
		buf_put_span(dir, column->path);
	}
	buf_put_varint(dir, shape_set_count(d->shapes));
	for (uint32_t k = 0; k < shape_set_count(d->shapes); k++) {
		const struct shape *s = shape_set_get(d->shapes, k);

		buf_put_varint(dir, s->hole_count);
		for (uint32_t h = 0; h < s->hole_count; h++)
			buf_put_varint(dir, s->column[h]);
		for (uint32_t h = 0; h <= s->hole_count; h++) {
			buf_put_varint(dir, s->literal[h].len);
			buf_put_span(dir, s->literal[h]);
		}
	}
}

static void put_blocks(const struct draft *d, struct buf *dir)
{
	buf_put_varint(dir, d->block_count);
	for (uint32_t k = 0; k < d->block_count; k++) {
		const struct draft_block *b = &d->block[k];

		buf_put_varint(dir, b->info.rows);
		buf_put_u64(dir, (uint64_t)b->info.time_min);
		buf_put_u64(dir, (uint64_t)b->info.time_max);
		buf_put_varint(dir, b->info.off);
		buf_put_varint(dir, b->info.bytes);
		buf_put_varint(dir, b->header_bytes);
	}
}

static int put_index(struct draft *d, struct buf *dir, struct err *err)
{
	struct buf table = BUF_INIT;
	uint64_t off, len;
	int rc = draft__write_index(d, &table, &off, &len, err);

	buf_put_varint(dir, off);
	buf_put_varint(dir, len);
	buf_put_varint(dir, table.len);
	buf_put_span(dir, buf_span(&table));
	buf_release(&table);
	return rc;
}

static void put_merkle(struct draft *d, const struct segment_merkle *merkle, struct buf *dir)
{
	size_t at = d->to->len, bytes = merkle->group_count * sizeof(merkle->groups[0]);

	buf_put(d->to, merkle->groups, bytes);
	buf_put_varint(dir, at - d->start);
	buf_put_varint(dir, merkle->group_count);
	buf_put_u32(dir, buf_ok(d->to) ? crc32c(0, d->to->p + at, bytes) : 0);
	merkle_frontier_put(dir, &merkle->frontier);
}

static int put_footer(struct draft *d, struct span dir, struct err *err)
{
	uint8_t f[SEGMENT_FOOTER_BYTES] = {0};
	size_t at = d->to->len;

	if (compress(dir, DIRECTORY_LEVEL, d->to) < 0)
		return err_set(err, E_NO_MEMORY, "not enough memory to write a segment's directory");
	put_u16le(f, SEGMENT_VERSION);
	put_u32le(f + 4, d->ledger);
	put_u64le(f + 8, d->first);
	put_u64le(f + 16, d->next);
	put_u64le(f + 24, (uint64_t)d->time_min);
	put_u64le(f + 32, (uint64_t)d->time_max);
	put_u64le(f + 40, (uint64_t)d->received_max);
	put_u64le(f + 48, at - d->start);
	put_u32le(f + 56, (uint32_t)(d->to->len - at));
	put_u32le(f + 60, (uint32_t)dir.len);
	put_u32le(f + 64, crc32c(0, d->to->p + at, d->to->len - at));
	put_u32le(f + 68, crc32c(0, f, 68));
	memcpy(f + 72, SEGMENT_MAGIC, SEGMENT_MAGIC_LEN);
	buf_put(d->to, f, sizeof(f));
	return buf_ok(d->to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory to write a segment");
}

int draft_finish(struct draft *d, const struct segment_merkle *merkle, struct err *err)
{
	struct buf dir = BUF_INIT;
	int rc;

	must(merkle->frontier.size == d->next && d->block_count > 0);
	put_schema(d, &dir);
	put_blocks(d, &dir);
	rc = put_packs(d, &dir);
	if (rc < 0)
		err_set(err, rc, "a segment's dictionaries cannot be written");
	if (rc == 0)
		rc = put_index(d, &dir, err);
	if (rc == 0) {
		put_merkle(d, merkle, &dir);
		rc = buf_ok(&dir) ? put_footer(d, buf_span(&dir), err) : err_set(err, E_NO_MEMORY, "not enough memory");
	}
	buf_release(&dir);
	return rc;
}
