/*
 * What writer and reader of the token index agree on; docs/format/token-index.md has the layout in full.
 *
 * Bits are taken from each byte's lowest upwards. A page is
 *
 *	crc32c (4)  entries (2)  restart key width (1)  0 (1)  first key (8)
 *	restarts: for each group but the first: its first key less the page's (width), offset of its body (2)
 *	bodies of the groups
 *	eight zero bytes, so that a reader may load 64 bits at any bit of a body
 */
#ifndef STELE_STORE_TOKEN_INDEX_PRIV_H
#define STELE_STORE_TOKEN_INDEX_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "store/limits.h"

#define TOKEN_INDEX_GROUP     128u   /* entries between restarts: a lookup decodes 64 of them on average */
#define TOKEN_INDEX_PAGE      8192u  /* a page is not longer, unless a single group is */
#define TOKEN_INDEX_PAGE_MAX  32768u /* more than a group whose entries all have bitmaps */
#define TOKEN_INDEX_PAGE_HEAD 16u
#define TOKEN_INDEX_PAD       8u
#define TOKEN_INDEX_PAGE_MIN  (TOKEN_INDEX_PAGE_HEAD + 1 + TOKEN_INDEX_PAD)
#define TOKEN_INDEX_RICE_BITS 6u  /* the group's Rice parameter, at the front of its body */
#define TOKEN_INDEX_UNARY_MAX 24u /* a quotient of so much or more: the difference follows in key_bits bits */

/*
 * Blocks are written as one of block_count + 1 symbols, the last of which says "several, as follows", in truncated
 * binary: the first `short_count` symbols take `bits` bits, the others one more. Where there is one block only there is
 * one symbol and it takes no bits.
 */
struct token_index_symbols {
	uint32_t several;
	uint32_t bits;
	uint32_t short_count;
};

static inline struct token_index_symbols token_index__symbols(uint32_t block_count)
{
	uint32_t count = block_count > 1 ? block_count + 1 : 1;
	uint32_t bits = 31 - (uint32_t)__builtin_clz(count);

	return (struct token_index_symbols){block_count, bits, (2u << bits) - count};
}

/* The Rice parameter of the gaps between `n` of the blocks. */
static inline uint32_t token_index__list_rice(uint32_t block_count, uint32_t n)
{
	uint32_t gap = block_count / (n + 1);

	return gap > 1 ? 31 - (uint32_t)__builtin_clz(gap) : 0;
}

/* Several blocks are a list of gaps when that is sure to be shorter than a bitmap. */
static inline bool token_index__is_list(uint32_t block_count, uint32_t n)
{
	uint32_t k = token_index__list_rice(block_count, n);

	return n * (k + 1) + ((block_count - n) >> k) < block_count;
}

/* An open index is its page table. */
struct token_index {
	uint32_t key_bits;
	uint32_t block_count;
	struct token_index_symbols symbols;
	uint64_t key_max;
	uint64_t entries;
	uint32_t page_count;
	uint64_t *first; /* [page_count] first key of each page */
	uint32_t *off;   /* [page_count + 1] */
};

/* The last page that begins at or before `prefix`; false when all begin after it. */
bool token_index__find_page(const struct token_index *x, uint64_t prefix, uint32_t *ret_page);

#endif
