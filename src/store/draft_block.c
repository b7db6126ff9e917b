/* Writing one block into a draft: header, then chunks; docs/format/segment.md "Block". */
#include "base/hash.h"
#include "base/mem.h"
#include "codec/ints.h"
#include "store/draft.h"

/* The block's own small table of shapes, and each row's place in it. */
static void put_shapes(struct draft *d, const uint32_t *shape, size_t rows, struct buf *header)
{
	uint32_t count = shape_set_count(d->shapes), used = 0;
	uint32_t *local = xarray(count, sizeof(*local)); /* 1 + place */
	int64_t *place = xarray(rows, sizeof(*place));
	struct buf table = BUF_INIT;

	for (size_t r = 0; r < rows; r++) {
		if (!local[shape[r]]) {
			local[shape[r]] = ++used;
			buf_put_varint(&table, shape[r]);
		}
		place[r] = local[shape[r]] - 1;
	}
	buf_put_varint(header, used);
	buf_put_span(header, buf_span(&table));
	if (used > 1)
		ints_encode(place, rows, header);
	if (table.failed)
		header->failed = true;
	buf_release(&table);
	free(place);
	free(local);
}

static void put_slot(const struct draft_slot *s, struct buf *header)
{
	buf_put_varint(header, s->column);
	buf_put_u8(header, (uint8_t)s->kind);
	if (s->kind == SLOT_DERIVED) {
		buf_put_varint(header, s->from == MAP_FROM_SHAPE ? 0 : (uint64_t)s->from + 1);
		return;
	}
	if (s->kind == SLOT_TEMPLATE) {
		buf_put_varint(header, s->ref_count);
		for (uint32_t k = 0; k < s->ref_count; k++)
			buf_put_varint(header, s->refs[k]);
	}
	buf_put_varint(header, s->chunk.len);
	if (s->chunk.len > SLOT_INLINE_MAX)
		buf_put_u32(header, crc32c(0, s->chunk.p, s->chunk.len));
	else
		buf_put_span(header, s->chunk);
}

static void put_times(const int64_t *time, size_t rows, struct buf *header, struct buf *chunks)
{
	size_t at = chunks->len;

	ints_encode(time, rows, chunks);
	buf_put_varint(header, chunks->len - at);
	if (buf_ok(chunks))
		buf_put_u32(header, crc32c(0, chunks->p + at, chunks->len - at));
}

static void note_block(struct draft *d, size_t at, size_t header_bytes, size_t rows, const int64_t *time,
		       const int64_t *received)
{
	struct draft_block b = {{d->next, (uint32_t)rows, time[0], time[0], at - d->start, (uint32_t)(d->to->len - at)},
				(uint32_t)header_bytes};

	for (size_t r = 0; r < rows; r++) {
		b.info.time_min = time[r] < b.info.time_min ? time[r] : b.info.time_min;
		b.info.time_max = time[r] > b.info.time_max ? time[r] : b.info.time_max;
		d->received_max = received[r] > d->received_max ? received[r] : d->received_max;
	}
	d->time_min = b.info.time_min < d->time_min ? b.info.time_min : d->time_min;
	d->time_max = b.info.time_max > d->time_max ? b.info.time_max : d->time_max;
	if (d->block_count == d->block_cap) {
		d->block_cap = d->block_cap ? d->block_cap * 2 : 4;
		d->block = xrealloc(d->block, d->block_cap * sizeof(*d->block));
	}
	d->block[d->block_count++] = b;
	d->next += rows;
}

int draft_put_block(struct draft *d, const uint32_t *shape, size_t rows, const struct draft_slot *slots,
		    size_t slot_count, const int64_t *time, const int64_t *received, struct err *err)
{
	struct buf header = BUF_INIT, chunks = BUF_INIT;
	size_t at = d->to->len;
	int rc = 0;

	must(rows > 0 && rows <= BLOCK_ROWS_MAX);
	if (d->block_count == SEGMENT_BLOCKS_MAX)
		return err_set(err, E_QUOTA, "a segment has at most %u blocks", SEGMENT_BLOCKS_MAX);
	buf_put_u64(&header, 0); /* checksum and length, filled in below */
	buf_put_varint(&header, rows);
	put_shapes(d, shape, rows, &header);
	put_times(time, rows, &header, &chunks);
	put_times(received, rows, &header, &chunks);
	buf_put_varint(&header, slot_count);
	for (size_t k = 0; k < slot_count; k++) {
		put_slot(&slots[k], &header);
		if (slots[k].kind != SLOT_DERIVED && slots[k].chunk.len > SLOT_INLINE_MAX)
			buf_put_span(&chunks, slots[k].chunk);
	}
	if (!buf_ok(&header) || !buf_ok(&chunks)) {
		rc = err_set(err, E_NO_MEMORY, "not enough memory to write a block");
		goto out;
	}
	put_u32le(header.p + 4, (uint32_t)header.len);
	put_u32le(header.p, crc32c(0, header.p + 4, header.len - 4));
	buf_put_span(d->to, buf_span(&header));
	buf_put_span(d->to, buf_span(&chunks));
	if (!buf_ok(d->to)) {
		rc = err_set(err, E_NO_MEMORY, "not enough memory to write a block");
		goto out;
	}
	note_block(d, at, header.len, rows, time, received);
out:
	buf_release(&header);
	buf_release(&chunks);
	return rc;
}
