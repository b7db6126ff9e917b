/*
 * The token index over any bytes: the first ones as a page table and then as a single page. Checksums are put right, so
 * that what lies behind them is reached. What a page gives must be in order and within its blocks: a writer, which
 * aborts otherwise, takes it, and gives it back.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/token_index.h"
#include "store/token_index_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct copy {
	struct token_index_writer *w;
	uint64_t hash;
};

static void mix_entry(uint64_t *hash, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	*hash = hash64(&key, sizeof(key), *hash);
	*hash = hash64(blocks, block_count * sizeof(*blocks), *hash);
}

static int copy_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	struct copy *copy = user;

	token_index_writer_add(copy->w, key, blocks, block_count);
	mix_entry(&copy->hash, key, blocks, block_count);
	return 0;
}

static int hash_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	mix_entry(user, key, blocks, block_count);
	return 0;
}

/* Reads back what the writer made of the entries of a good page. */
static void check_copy(struct token_index_writer *w, uint64_t expected)
{
	struct buf pages = BUF_INIT, table = BUF_INIT;
	struct token_index *x;
	struct reader reader;
	uint64_t hash = 0;

	must(token_index_writer_finish(w, &pages, &table, NULL) == 0);
	reader = reader_of(buf_span(&table));
	must(token_index_open(&reader, &x, NULL) == 0);
	for (uint32_t i = 0; i < token_index_page_count(x); i++) {
		uint64_t off;
		uint32_t len;

		token_index_page_at(x, i, &off, &len);
		must(token_index_each(x, span_of(pages.p + off, len), hash_entry, &hash, NULL) == 0);
	}
	must(hash == expected);
	token_index_close(x);
	buf_release(&pages);
	buf_release(&table);
}

static void try_page(const struct token_index *x, const uint8_t *p, size_t len)
{
	struct copy copy = {token_index_writer_new(x->block_count, x->key_bits), 0};
	uint64_t blocks[SEGMENT_BLOCKS_MAX / 64] = {0};
	uint8_t *page = xalloc(len);

	memcpy(page, p, len);
	if (len >= 4)
		put_u32le(page, crc32c(0, page + 4, len - 4));
	if (token_index_each(x, span_of(page, len), copy_entry, &copy, NULL) == 0)
		check_copy(copy.w, copy.hash);
	for (uint64_t i = 0; i < 16; i++)
		(void)!token_index_find(x, span_of(page, len), i << 60 | hash64(p, len, i) >> 4, blocks, NULL);
	if (len >= 24)
		(void)!token_index_find(x, span_of(page, len), get_u64le(page + 16), blocks, NULL);
	for (uint32_t i = x->block_count; i < SEGMENT_BLOCKS_MAX; i++)
		must((blocks[i / 64] >> i % 64 & 1) == 0);
	token_index_writer_free(copy.w);
	free(page);
}

static void try_table(const uint8_t *data, size_t size)
{
	struct reader reader = reader_of(span_of(data, size));
	struct token_index *x;

	if (token_index_open(&reader, &x, NULL) < 0)
		return;
	for (uint32_t i = 0; i < token_index_page_count(x); i++) {
		uint64_t off;
		uint32_t len;

		token_index_page_at(x, i, &off, &len);
		if (off + len <= reader_left(&reader))
			try_page(x, reader.p + off, len);
	}
	token_index_close(x);
}

/* All of the input but its first three bytes is a page, and the table is one that fits it. */
static void try_single_page(const uint8_t *data, size_t size)
{
	uint64_t key_bits = data[0] % 64 + 1, block_count = get_u16le(data + 1) % SEGMENT_BLOCKS_MAX + 1;
	const uint8_t *page = data + 3;
	struct buf table = BUF_INIT;
	struct token_index *x;
	struct reader reader;

	buf_put_varint(&table, key_bits);
	buf_put_varint(&table, block_count);
	buf_put_varint(&table, 1);
	buf_put_varint(&table, 1);
	buf_put_varint(&table, size > 19 ? get_u64le(page + 8) & UINT64_MAX >> (64 - key_bits) : 0);
	buf_put_varint(&table, size - 3);
	reader = reader_of(buf_span(&table));
	if (token_index_open(&reader, &x, NULL) == 0) {
		try_page(x, page, size - 3);
		token_index_close(x);
	}
	buf_release(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_table(data, size);
	if (size > 3)
		try_single_page(data, size);
	return 0;
}
