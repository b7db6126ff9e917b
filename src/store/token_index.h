/*
 * The token index of a segment: from a 64-bit key (codec/token.h) to the blocks that hold it;
 * docs/format/token-index.md.
 *
 * Keys are kept by their first `key_bits` bits, sorted, in pages of about 8 KiB, each with its own CRC32C; a small page
 * table (in memory once the segment is open) leads to the one page that can hold a key. So a rare value costs one page
 * read a segment, and a key that is not there is found with probability of about entries / 2^key_bits. Within a page
 * keys are stored as differences (Rice code) and blocks as one number, a short list or a bitmap, whichever is smallest.
 */
#ifndef STELE_STORE_TOKEN_INDEX_H
#define STELE_STORE_TOKEN_INDEX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"

/* ---- writing ---- */

struct token_index_writer;

/* `key_bits` (<= 64): token_index_key_bits says how many for a number of entries. `block_count` <= SEGMENT_BLOCKS_MAX.
 */
struct token_index_writer *token_index_writer_new(uint32_t block_count, uint32_t key_bits);
struct token_index_writer *token_index_writer_free(struct token_index_writer *w);

/* log2(entries) plus the margin that keeps false hits rare, also after merges when the segment is small. */
uint32_t token_index_key_bits(uint64_t entries, uint64_t rows);

/* Adds a key with the blocks that hold it, keys ascending; an equal prefix is united with the one before. `blocks` are
 * block numbers, ascending, at least one. Anything else aborts. */
void token_index_writer_add(struct token_index_writer *w, uint64_t key, const uint16_t *blocks, size_t block_count);

/* Appends the pages to `pages`, and to `table` what token_index_open wants: offsets are from the first page. Once, as
 * the last call before _free. E_NO_MEMORY. */
int token_index_writer_finish(struct token_index_writer *w, struct buf *pages, struct buf *table, struct err *err)
	__attribute__((warn_unused_result));

/* ---- reading ---- */

struct token_index;

/* Reads the table off the front of `table`; nothing of it is borrowed. E_CORRUPT, E_NO_MEMORY. */
int token_index_open(struct reader *table, struct token_index **ret, struct err *err)
	__attribute__((warn_unused_result));
struct token_index *token_index_close(struct token_index *x);
uint32_t token_index_bits(const struct token_index *x);
uint64_t token_index_entries(const struct token_index *x);
uint32_t token_index_page_count(const struct token_index *x);

/* Where the page that can hold `key` lies (from the first page); false when there is none. */
bool token_index_page(const struct token_index *x, uint64_t key, uint64_t *ret_off, uint32_t *ret_len);
void token_index_page_at(const struct token_index *x, uint32_t page, uint64_t *ret_off, uint32_t *ret_len);

/* Looks a key up in its page (checks the page's CRC): sets the bits of its blocks in blocks[], which the caller
 * cleared. `page` is what token_index_page names for this key. E_CORRUPT with the offset within the page. */
int token_index_find(const struct token_index *x, struct span page, uint64_t key, uint64_t *blocks, struct err *err)
	__attribute__((warn_unused_result));

/* All entries of a page in order, for merging: key prefix (left-aligned in 64 bits) and its blocks. What `fn` returns
 * ends the walk when it is not 0, and is returned. */
typedef int token_index_entry_fn(void *user, uint64_t key, const uint16_t *blocks, size_t block_count);
int token_index_each(const struct token_index *x, struct span page, token_index_entry_fn *fn, void *user,
		     struct err *err) __attribute__((warn_unused_result));

#endif
