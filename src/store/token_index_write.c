/*
 * Writing the token index: entries are collected into groups of 128, a full group is encoded on its own (its first key
 * stands in the page's restart table), and pages are closed before they get too long. Nothing is ever encoded twice,
 * and memory is that of the finished pages.
 */
#include "store/token_index.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/reader.h"
#include "store/token_index_priv.h"

#define FALSE_HIT_BITS 7u /* a key that is not there is found once in 2^7 lookups, or so */

/* A group's body at most: for each entry an escaped difference (25 + 64 bits), the symbol (11), the count (19) and a
 * bitmap. */
#define BODY_MAX (TOKEN_INDEX_GROUP * (25 + 64 + 11 + 19 + SEGMENT_BLOCKS_MAX) / 8 + 64)

_Static_assert(TOKEN_INDEX_PAGE_HEAD + BODY_MAX + TOKEN_INDEX_PAD <= TOKEN_INDEX_PAGE_MAX, "a group fits a page");

/* A full group takes 19 bytes at the very least: 127 differences of one bit, and its restart. */
#define PAGE_GROUPS_MAX (TOKEN_INDEX_PAGE / 19 + 2)

struct restart {
	uint64_t key; /* less the page's first */
	uint16_t off;
};

struct token_index_writer {
	uint32_t block_count;
	uint32_t key_bits;
	struct token_index_symbols symbols;

	/* the group that is being collected: entry i has blocks[block_end[i - 1]] to blocks[block_end[i] - 1] */
	uint32_t group_count;
	uint64_t key[TOKEN_INDEX_GROUP];
	uint32_t block_end[TOKEN_INDEX_GROUP];
	uint16_t *blocks; /* [TOKEN_INDEX_GROUP * block_count] */
	uint8_t body[BODY_MAX];

	/* the page that is being filled */
	uint64_t page_first;
	uint32_t page_entries;
	uint32_t page_groups;
	struct restart restart[PAGE_GROUPS_MAX];
	struct buf bodies;

	/* what is finished */
	uint64_t entries;
	uint32_t page_count;
	uint64_t page_before; /* first key of the page before */
	struct buf pages;
	struct buf rows; /* of the page table */
};

static uint32_t bit_length(uint64_t v)
{
	return v ? 64 - (uint32_t)__builtin_clzll(v) : 0;
}

/* log2 to the nearest integer. */
static uint32_t round_log2(uint64_t v)
{
	uint32_t floor = bit_length(v | 1) - 1;

	return floor + ((unsigned __int128)v * v >= (unsigned __int128)2 << 2 * floor);
}

/* Merging cannot make prefixes longer, so that a small segment has the bits its share of a full one will need. Those
 * below a full block are written anew from their records when they are merged, and need no more than a full block. */
uint32_t token_index_key_bits(uint64_t entries, uint64_t rows)
{
	uint64_t whole = rows < BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : rows;
	uint32_t growth = whole < SEGMENT_ROWS_MAX ? bit_length((SEGMENT_ROWS_MAX - 1) / whole) : 0;
	uint32_t bits = round_log2(entries) + FALSE_HIT_BITS + growth;

	return bits < 64 ? bits : 64;
}

struct token_index_writer *token_index_writer_new(uint32_t block_count, uint32_t key_bits)
{
	struct token_index_writer *w = xalloc(sizeof(*w));

	must(block_count >= 1 && block_count <= SEGMENT_BLOCKS_MAX);
	must(key_bits >= 1 && key_bits <= 64);
	w->block_count = block_count;
	w->key_bits = key_bits;
	w->symbols = token_index__symbols(block_count);
	w->blocks = xarray((size_t)TOKEN_INDEX_GROUP * block_count, sizeof(*w->blocks));
	return w;
}

struct token_index_writer *token_index_writer_free(struct token_index_writer *w)
{
	if (!w)
		return NULL;
	buf_release(&w->bodies);
	buf_release(&w->pages);
	buf_release(&w->rows);
	free(w->blocks);
	free(w);
	return NULL;
}

/* ---- bits ---- */

/* `word` holds `fill` < 8 bits that are not a whole byte yet. */
struct bit_writer {
	uint8_t *at;
	uint64_t word;
	uint32_t fill;
};

/* At most 56 bits; stores 8 bytes, so that the memory must go on a little. */
static inline void put_bits(struct bit_writer *b, uint64_t v, uint32_t n)
{
	b->word |= v << b->fill;
	b->fill += n;
	put_u64le(b->at, b->word);
	b->at += b->fill >> 3;
	b->word >>= b->fill & 56;
	b->fill &= 7;
}

static void put_long_bits(struct bit_writer *b, uint64_t v, uint32_t n)
{
	uint32_t low = n < 32 ? n : 32;

	put_bits(b, v & ((UINT64_C(1) << low) - 1), low);
	if (n > low)
		put_bits(b, v >> 32, n - low);
}

/* `n` zeros and a one. */
static void put_unary(struct bit_writer *b, uint32_t n)
{
	for (; n >= 32; n -= 32)
		put_bits(b, 0, 32);
	put_bits(b, UINT64_C(1) << n, n + 1);
}

static inline void put_difference(struct bit_writer *b, uint64_t d, uint32_t k, uint32_t key_bits)
{
	uint64_t quotient = d >> k;
	uint64_t rest = d - (quotient << k);

	if (quotient >= TOKEN_INDEX_UNARY_MAX) {
		put_unary(b, TOKEN_INDEX_UNARY_MAX);
		put_long_bits(b, d, key_bits);
	} else if (k <= 32) {
		put_bits(b, (rest << 1 | 1) << quotient, (uint32_t)quotient + 1 + k);
	} else {
		put_unary(b, (uint32_t)quotient);
		put_long_bits(b, rest, k);
	}
}

static inline void put_symbol(struct bit_writer *b, const struct token_index_symbols *s, uint32_t symbol)
{
	uint32_t v = symbol + s->short_count;

	if (symbol < s->short_count)
		put_bits(b, symbol, s->bits);
	else
		put_bits(b, v >> 1 | (v & 1) << s->bits, s->bits + 1);
}

/* ---- several blocks ---- */

/* Elias gamma; v > 0. */
static void put_gamma(struct bit_writer *b, uint32_t v)
{
	uint32_t bits = bit_length(v) - 1;

	put_unary(b, bits);
	put_bits(b, v - (UINT64_C(1) << bits), bits);
}

static void put_list(struct bit_writer *b, uint32_t block_count, const uint16_t *blocks, uint32_t n)
{
	uint32_t k = token_index__list_rice(block_count, n);
	uint32_t next = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t gap = blocks[i] - next;

		put_unary(b, gap >> k);
		put_bits(b, gap & ((1u << k) - 1), k);
		next = blocks[i] + 1u;
	}
}

static void put_bitmap(struct bit_writer *b, uint32_t block_count, const uint16_t *blocks, uint32_t n)
{
	uint32_t i = 0;

	for (uint32_t from = 0; from < block_count; from += 32) {
		uint32_t width = block_count - from < 32 ? block_count - from : 32;
		uint64_t word = 0;

		for (; i < n && blocks[i] < from + width; i++)
			word |= UINT64_C(1) << (blocks[i] - from);
		put_bits(b, word, width);
	}
}

static void put_several(struct token_index_writer *w, struct bit_writer *b, const uint16_t *blocks, uint32_t n)
{
	put_symbol(b, &w->symbols, w->symbols.several);
	put_gamma(b, n - 1);
	if (n == w->block_count)
		return;
	if (token_index__is_list(w->block_count, n))
		put_list(b, w->block_count, blocks, n);
	else
		put_bitmap(b, w->block_count, blocks, n);
}

/* ---- groups and pages ---- */

/* The Rice parameter for the differences of the group, each less one: about log2 of ln(golden ratio) times their mean
 * (Kiely 2004, "Selecting the Golomb parameter in Rice coding"). */
static uint32_t choose_rice(const struct token_index_writer *w)
{
	uint64_t steps = w->group_count - 1;
	uint64_t mean = steps ? (w->key[steps] - w->key[0] - steps) / steps : 0;

	return bit_length(mean / 2 - mean / 64);
}

/* Returns the length of the body. */
static size_t encode_group(struct token_index_writer *w)
{
	struct bit_writer b = {w->body, 0, 0};
	uint32_t k = choose_rice(w);
	uint32_t from = 0;

	put_bits(&b, k, TOKEN_INDEX_RICE_BITS);
	for (uint32_t i = 0; i < w->group_count; i++) {
		if (i > 0)
			put_difference(&b, w->key[i] - w->key[i - 1] - 1, k, w->key_bits);
		if (w->block_end[i] - from == 1)
			put_symbol(&b, &w->symbols, w->blocks[from]);
		else
			put_several(w, &b, w->blocks + from, w->block_end[i] - from);
		from = w->block_end[i];
	}
	return (size_t)(b.at - w->body) + (b.fill > 0);
}

/* In bytes, of the restart's key; at least one. */
static uint32_t key_width(uint64_t key)
{
	return key ? (bit_length(key) + 7) / 8 : 1;
}

static void put_restarts(struct token_index_writer *w, uint32_t width)
{
	for (uint32_t i = 1; i < w->page_groups; i++) {
		uint8_t key[8];

		put_u64le(key, w->restart[i].key);
		buf_put(&w->pages, key, width);
		buf_put_u16(&w->pages, w->restart[i].off);
	}
}

static void close_page(struct token_index_writer *w)
{
	size_t start = w->pages.len;
	uint32_t width = key_width(w->restart[w->page_groups - 1].key);

	buf_put_u32(&w->pages, 0);
	buf_put_u16(&w->pages, (uint16_t)w->page_entries);
	buf_put_u16(&w->pages, (uint16_t)width);
	buf_put_u64(&w->pages, w->page_first);
	put_restarts(w, width);
	buf_put_span(&w->pages, buf_span(&w->bodies));
	buf_put_u64(&w->pages, 0);
	if (buf_ok(&w->pages)) {
		uint8_t *page = w->pages.p + start;
		size_t len = w->pages.len - start;

		put_u32le(page, crc32c(0, page + 4, len - 4));
		buf_put_varint(&w->rows, w->page_first - w->page_before);
		buf_put_varint(&w->rows, len);
	}
	w->page_before = w->page_first;
	w->page_count++;
	w->page_entries = 0;
	w->page_groups = 0;
	buf_reset(&w->bodies);
}

/* With the group that is to come, had it `body_len` bytes. */
static size_t page_size(const struct token_index_writer *w, size_t body_len)
{
	size_t restarts = w->page_groups * (key_width(w->key[0] - w->page_first) + 2);

	return TOKEN_INDEX_PAGE_HEAD + restarts + w->bodies.len + body_len + TOKEN_INDEX_PAD;
}

static void flush_group(struct token_index_writer *w)
{
	size_t len = encode_group(w);

	if (w->page_groups > 0 && page_size(w, len) > TOKEN_INDEX_PAGE)
		close_page(w);
	if (w->page_groups == 0)
		w->page_first = w->key[0];
	must(w->page_groups < PAGE_GROUPS_MAX && w->bodies.len <= UINT16_MAX);
	w->restart[w->page_groups++] = (struct restart){w->key[0] - w->page_first, (uint16_t)w->bodies.len};
	w->page_entries += w->group_count;
	w->entries += w->group_count;
	buf_put(&w->bodies, w->body, len);
	w->pages.failed |= w->bodies.failed;
	w->group_count = 0;
}

/* ---- entries ---- */

static void append_entry(struct token_index_writer *w, uint64_t prefix, const uint16_t *blocks, size_t n)
{
	uint32_t at = w->group_count ? w->block_end[w->group_count - 1] : 0;

	must(n > 0 && n <= w->block_count && blocks[n - 1] < w->block_count);
	w->blocks[at] = blocks[0];
	for (size_t i = 1; i < n; i++) {
		must(blocks[i] > blocks[i - 1]);
		w->blocks[at + i] = blocks[i];
	}
	w->key[w->group_count] = prefix;
	w->block_end[w->group_count++] = at + (uint32_t)n;
}

/* The union of the last entry's blocks and these becomes the last entry's. */
static void unite_entry(struct token_index_writer *w, const uint16_t *blocks, size_t n)
{
	uint32_t start = w->group_count > 1 ? w->block_end[w->group_count - 2] : 0;
	uint32_t end = w->block_end[w->group_count - 1];
	uint16_t both[SEGMENT_BLOCKS_MAX];
	size_t count = 0;

	must(n > 0 && blocks[n - 1] < w->block_count);
	for (uint32_t i = start, j = 0; i < end || j < n;) {
		uint16_t old = i < end ? w->blocks[i] : UINT16_MAX, new = j < n ? blocks[j] : UINT16_MAX;

		must(count < w->block_count);
		both[count++] = old < new ? old : new;
		i += old <= new;
		j += new <= old;
	}
	w->group_count--;
	append_entry(w, w->key[w->group_count], both, count);
}

void token_index_writer_add(struct token_index_writer *w, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	uint64_t prefix = key >> (64 - w->key_bits);
	uint64_t last = w->group_count ? w->key[w->group_count - 1] : 0;

	must(prefix >= last);
	if (w->group_count > 0 && prefix == last) {
		unite_entry(w, blocks, block_count);
		return;
	}
	if (w->group_count == TOKEN_INDEX_GROUP)
		flush_group(w);
	append_entry(w, prefix, blocks, block_count);
}

int token_index_writer_finish(struct token_index_writer *w, struct buf *pages, struct buf *table, struct err *err)
{
	if (w->group_count > 0)
		flush_group(w);
	if (w->page_groups > 0)
		close_page(w);
	if (!buf_ok(&w->pages) || !buf_ok(&w->rows) || !buf_grow(pages, w->pages.len) ||
	    !buf_grow(table, w->rows.len + 64))
		return err_set(err, E_NO_MEMORY, "no memory for a token index of %zu bytes", w->pages.len);
	buf_put_span(pages, buf_span(&w->pages));
	buf_put_varint(table, w->key_bits);
	buf_put_varint(table, w->block_count);
	buf_put_varint(table, w->entries);
	buf_put_varint(table, w->page_count);
	buf_put_span(table, buf_span(&w->rows));
	return 0;
}
