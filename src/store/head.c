/* Chunks of raw records; see head.h. */
#include "store/head.h"

#include <stdlib.h>

#include "base/mem.h"

#define PIECE_FIRST 16u        /* records in the first table */
#define SLAB_FIRST  512u       /* bytes of the first slab; each next one is twice as large */
#define SLAB_BYTES  (1u << 20) /* up to this */

struct chunk_slab {
	struct chunk_slab *older;
	size_t bytes;
	uint8_t p[];
};

/* From a durable record there is no way back: without memory for it the process ends, and the journal has it. */
static void *alloc_must(size_t size)
{
	void *p = try_alloc(size);

	must(p);
	return p;
}

struct chunk *chunk_new(uint64_t first, uint64_t limit)
{
	struct chunk *c = xalloc(sizeof(*c));

	must(limit > first && limit - first <= BLOCK_ROWS_MAX);
	atomic_init(&c->refs, 1);
	c->first = first;
	c->rows_max = (uint32_t)(limit - first);
	return c;
}

struct chunk *chunk_ref(struct chunk *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

struct chunk *chunk_unref(struct chunk *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return NULL;
	while (c->slabs) {
		struct chunk_slab *s = c->slabs;

		c->slabs = s->older;
		free(s);
	}
	for (size_t i = 0; i < CHUNK_PIECES; i++)
		free(c->piece[i]);
	free(c->groups);
	free(c->frontier);
	segment_unref(c->image);
	free(c);
	return NULL;
}

/* Piece 0 holds records 0 to 15, piece k those from 2^(k+3) to before 2^(k+4). */
static unsigned piece_of(uint32_t i, uint32_t *ret_start)
{
	unsigned k = i < PIECE_FIRST ? 0 : 28 - (unsigned)__builtin_clz(i);

	*ret_start = k == 0 ? 0 : 1u << (k + 3);
	return k;
}

struct span chunk_record(const struct chunk *c, uint32_t i)
{
	uint32_t start;
	unsigned k = piece_of(i, &start);

	return c->piece[k][i - start];
}

static struct span *place_for(struct chunk *c, uint32_t i)
{
	uint32_t start;
	unsigned k = piece_of(i, &start);

	if (!c->piece[k])
		c->piece[k] = alloc_must((k == 0 ? PIECE_FIRST : start) * sizeof(struct span));
	return &c->piece[k][i - start];
}

/* Room for a record of `len` bytes, when about `coming` bytes come with it. */
static uint8_t *record_room(struct chunk *c, size_t len, size_t coming)
{
	struct chunk_slab *s = c->slabs;

	if (c->slab_left < len) {
		size_t bytes = s ? 2 * s->bytes : SLAB_FIRST;

		if (bytes < coming)
			bytes = coming;
		if (bytes > SLAB_BYTES)
			bytes = SLAB_BYTES;
		if (bytes < len)
			bytes = len;
		s = alloc_must(sizeof(*s) + bytes);
		s->older = c->slabs;
		s->bytes = bytes;
		c->slabs = s;
		c->slab_left = bytes;
	}
	c->slab_left -= len;
	return s->p + (s->bytes - c->slab_left - len);
}

void chunk_append(struct chunk *c, const struct record_batch *b, size_t from, size_t count)
{
	const struct record_ref *last = &b->refs[from + count - 1];
	size_t coming = last->off + last->len - b->refs[from].off;

	must(c->state == CHUNK_OPEN && count <= c->rows_max - c->count);
	for (size_t i = from; i < from + count; i++) {
		const struct record_ref *ref = &b->refs[i];
		uint8_t *p = record_room(c, ref->len, coming);

		memcpy(p, b->bytes.p + ref->off, ref->len);
		*place_for(c, c->count) = span_of(p, ref->len);
		c->count++;
		c->bytes += ref->len;
		coming -= ref->len;
	}
}

void chunk_add_group(struct chunk *c, const struct sha256 *root)
{
	size_t most = c->rows_max / MERKLE_GROUP + 1;

	if (!c->groups)
		c->groups = xarray(most, sizeof(*c->groups));
	must(c->group_count < most);
	c->groups[c->group_count++] = *root;
}

struct sha256 chunk_group(const struct chunk *c, uint64_t number)
{
	must(c->groups && number >= c->first / MERKLE_GROUP);
	return c->groups[number - c->first / MERKLE_GROUP];
}

void chunk_close(struct chunk *c, const struct merkle_frontier *frontier)
{
	must(c->state == CHUNK_OPEN && c->count > 0 && frontier->size == c->first + c->count);
	c->frontier = xalloc(sizeof(*c->frontier));
	*c->frontier = *frontier;
	c->state = CHUNK_CLOSED;
}

int chunk_build(const struct chunk *c, uint32_t ledger, const uint8_t id_key[ID_KEY_LEN], struct segment **ret_image,
		const uint8_t **ret_bytes, size_t *ret_len, struct err *err)
{
	struct segment_merkle merkle = {
		.frontier = *c->frontier,
		.groups = c->groups,
		.group_count = c->group_count,
	};
	struct span *records = xarray(c->count, sizeof(*records));
	struct buf bytes = BUF_INIT;
	struct object *object;
	int rc;

	for (uint32_t i = 0; i < c->count; i++)
		records[i] = chunk_record(c, i);
	rc = segment_build(ledger, id_key, c->first, records, c->count, &merkle, &bytes, err);
	free(records);
	if (rc < 0) {
		buf_release(&bytes);
		return rc;
	}
	object = object_of_memory(bytes.p, bytes.len);
	rc = segment_open(object, id_key, ret_image, err);
	if (rc == 0) {
		*ret_bytes = bytes.p;
		*ret_len = bytes.len;
	}
	return rc;
}
