/*
 * The index of a draft: the keys of the blocks it encoded and the entries of the segments it took blocks from, merged
 * in order of keys. Each source is a cursor; a binary heap gives the smallest.
 */
#include "base/mem.h"
#include "store/draft.h"
#include "store/segment_priv.h"
#include "store/token_index.h"

/* One page of a segment's index, decoded. */
struct page_entries {
	struct buf key;   /* u64 */
	struct buf from;  /* u32: where the entry's blocks start in `block`; one more than keys */
	struct buf block; /* u16 */
	const uint16_t *block_of;
};

struct cursor {
	uint64_t key;
	const uint16_t *blocks;
	size_t block_count;

	/* an encoded block's keys */
	const struct draft_keys *keys;
	size_t at;

	/* or a segment's index */
	struct segment *segment;
	uint32_t page;
	struct page_entries entries;
};

static int take_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	struct page_entries *e = user;
	size_t before = e->block.len;
	uint32_t end;

	for (size_t k = 0; k < block_count; k++) {
		uint16_t block = e->block_of[blocks[k]];

		if (block != 0xffff)
			buf_put(&e->block, &block, sizeof(block));
	}
	if (e->block.len == before)
		return 0; /* only in blocks that were rebuilt: their keys come anew */
	end = (uint32_t)(e->block.len / sizeof(uint16_t));
	buf_put(&e->key, &key, sizeof(key));
	buf_put(&e->from, &end, sizeof(end));
	return buf_ok(&e->key) && buf_ok(&e->from) && buf_ok(&e->block) ? 0 : E_NO_MEMORY;
}

/* Decodes pages until one has an entry; 1 at the end. */
static int load_page(struct cursor *c, struct err *err)
{
	struct page_entries *e = &c->entries;
	const struct token_index *x = segment__index(c->segment);
	uint32_t zero = 0;

	for (c->at = 0; c->page < token_index_page_count(x);) {
		struct buf page = BUF_INIT;
		int rc;

		buf_reset(&e->key);
		buf_reset(&e->from);
		buf_reset(&e->block);
		buf_put(&e->from, &zero, sizeof(zero));
		rc = segment__index_page(c->segment, c->page++, &page, err);
		if (rc == 0)
			rc = token_index_each(x, buf_span(&page), take_entry, e, err);
		buf_release(&page);
		if (rc < 0)
			return rc;
		if (e->key.len)
			return 0;
	}
	return 1;
}

static int next_of_segment(struct cursor *c, struct err *err)
{
	const uint32_t *from;

	if (++c->at >= c->entries.key.len / sizeof(uint64_t)) {
		int rc = load_page(c, err);

		if (rc != 0)
			return rc;
	}
	from = (const uint32_t *)(const void *)c->entries.from.p + c->at;
	if (get_u64le(c->entries.key.p + c->at * 8) < c->key)
		return segment__damaged(c->segment, err_corrupt(err, -1, "the index's pages are out of order"), err);
	c->key = get_u64le(c->entries.key.p + c->at * 8);
	c->blocks = (const uint16_t *)(const void *)c->entries.block.p + from[0];
	c->block_count = from[1] - from[0];
	return 0;
}

static int next_of_keys(struct cursor *c)
{
	if (c->at >= c->keys->count)
		return 1;
	c->key = c->keys->key[c->at++];
	c->blocks = &c->keys->block;
	c->block_count = 1;
	return 0;
}

/* 0, 1 at the end, or an error. */
static int advance(struct cursor *c, struct err *err)
{
	return c->keys ? next_of_keys(c) : next_of_segment(c, err);
}

static void sift_down(struct cursor **heap, size_t n, size_t i)
{
	struct cursor *c = heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && heap[child + 1]->key < heap[child]->key)
			child++;
		if (c->key <= heap[child]->key)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = c;
}

static int merge(struct token_index_writer *w, struct cursor **heap, size_t n, struct err *err)
{
	for (size_t i = n; i > 0; i--)
		sift_down(heap, n, i - 1);
	while (n) {
		struct cursor *c = heap[0];
		int rc;

		token_index_writer_add(w, c->key, c->blocks, c->block_count);
		rc = advance(c, err);
		if (rc < 0)
			return rc;
		if (rc == 1)
			heap[0] = heap[--n];
		if (n)
			sift_down(heap, n, 0);
	}
	return 0;
}

static void start_cursors(struct draft *d, struct cursor *cursor, uint64_t *ret_entries, uint32_t *ret_bits_max)
{
	size_t n = 0;

	*ret_entries = 0;
	*ret_bits_max = 64;
	for (size_t k = 0; k < d->keys_count; k++, n++) {
		cursor[n].keys = &d->keys[k];
		*ret_entries += d->keys[k].count;
	}
	for (size_t k = 0; k < d->index_count; k++, n++) {
		const struct token_index *x = segment__index(d->index[k].segment);

		cursor[n].segment = d->index[k].segment;
		cursor[n].entries.block_of = d->index[k].block_of;
		cursor[n].at = SIZE_MAX - 1; /* before the first page */
		*ret_entries += token_index_entries(x);
		if (token_index_bits(x) < *ret_bits_max)
			*ret_bits_max = token_index_bits(x);
	}
}

int draft__write_index(struct draft *d, struct buf *table, uint64_t *ret_off, uint64_t *ret_len, struct err *err)
{
	size_t count = d->keys_count + d->index_count, live = 0;
	struct cursor *cursor = xarray(count + 1, sizeof(*cursor));
	struct cursor **heap = xarray(count + 1, sizeof(struct cursor *));
	struct token_index_writer *w = NULL;
	uint64_t entries;
	uint32_t bits, bits_max;
	size_t at = d->to->len;
	int rc = 0;

	start_cursors(d, cursor, &entries, &bits_max);
	bits = token_index_key_bits(entries, d->next - d->first);
	w = token_index_writer_new(d->block_count, bits < bits_max ? bits : bits_max);
	for (size_t k = 0; k < count && rc >= 0; k++) {
		rc = advance(&cursor[k], err);
		if (rc == 0)
			heap[live++] = &cursor[k];
	}
	if (rc >= 0)
		rc = merge(w, heap, live, err);
	if (rc >= 0)
		rc = token_index_writer_finish(w, d->to, table, err);
	*ret_off = at - d->start;
	*ret_len = d->to->len - at;
	for (size_t k = 0; k < count; k++) {
		buf_release(&cursor[k].entries.key);
		buf_release(&cursor[k].entries.from);
		buf_release(&cursor[k].entries.block);
	}
	token_index_writer_free(w);
	free(heap);
	free(cursor);
	return rc;
}
