/*
 * Reading the pages of the token index. Every byte may be damaged in a way its checksum does not show, so that lengths,
 * offsets, keys and blocks are checked where they are used: the worst that can come of wrong bytes is a wrong answer.
 *
 * The decoder of entries is one loop for lookups and merges. Difference and block of an ordinary entry come out of one
 * 64-bit load; the eight zero bytes at a page's end are what makes that load legal at every bit of a body.
 */
#include "store/token_index.h"

#include "base/hash.h"
#include "store/token_index_priv.h"

/* Up to this Rice parameter one load has it all: 24 bits of quotient, 21, 11 of block make 56. */
#define FAST_RICE_MAX 21u

/* ---- a page and its groups ---- */

struct page {
	const uint8_t *p;
	uint32_t entries;
	uint32_t groups;
	uint32_t width; /* of a restart's key */
	uint64_t first;
	uint32_t bodies; /* offset of the first body */
	uint32_t end;    /* of the last one */
};

static int open_page(struct span bytes, struct page *ret, struct err *err)
{
	uint32_t groups, width;
	size_t restarts;

	if (bytes.len < TOKEN_INDEX_PAGE_MIN || bytes.len > TOKEN_INDEX_PAGE_MAX)
		return err_corrupt(err, 0, "token index: a page cannot have %zu bytes", bytes.len);
	if (get_u32le(bytes.p) != crc32c(0, bytes.p + 4, bytes.len - 4))
		return err_corrupt(err, 0, "token index: the page does not match its checksum");
	groups = (get_u16le(bytes.p + 4) + TOKEN_INDEX_GROUP - 1) / TOKEN_INDEX_GROUP;
	width = bytes.p[6];
	if (groups == 0 || width < 1 || width > 8 || bytes.p[7] != 0)
		return err_corrupt(err, 4, "token index: the page's head is not valid");
	restarts = (size_t)(groups - 1) * (width + 2);
	if (restarts > bytes.len - TOKEN_INDEX_PAGE_MIN)
		return err_corrupt(err, 4, "token index: the page is too short for %u groups", groups);
	ret->p = bytes.p;
	ret->entries = get_u16le(bytes.p + 4);
	ret->groups = groups;
	ret->width = width;
	ret->first = get_u64le(bytes.p + 8);
	ret->bodies = TOKEN_INDEX_PAGE_HEAD + (uint32_t)restarts;
	ret->end = (uint32_t)bytes.len - TOKEN_INDEX_PAD;
	return 0;
}

static const uint8_t *find_restart(const struct page *page, uint32_t group)
{
	return page->p + TOKEN_INDEX_PAGE_HEAD + (size_t)(group - 1) * (page->width + 2);
}

/* Relative to the page's first key. A body and the padding follow, so that eight bytes are always there. */
static uint64_t restart_key(const struct page *page, uint32_t group)
{
	return group ? get_u64le(find_restart(page, group)) & UINT64_MAX >> (64 - 8 * page->width) : 0;
}

static uint32_t group_start(const struct page *page, uint32_t group)
{
	if (group == 0)
		return page->bodies;
	return group < page->groups ? page->bodies + get_u16le(find_restart(page, group) + page->width) : page->end;
}

static uint32_t group_entries(const struct page *page, uint32_t group)
{
	return group + 1 < page->groups ? TOKEN_INDEX_GROUP : page->entries - group * TOKEN_INDEX_GROUP;
}

/* ---- entries of a group ---- */

/* A place in a group: after read_entry it stands behind the entry, or before the list of its blocks if it has several.
 * `at` and `end` count bits from the page's start. */
struct cursor {
	const struct token_index *x;
	const uint8_t *p;
	uint64_t at;
	uint64_t end;
	uint32_t rice;
	uint64_t key;
	uint32_t block; /* or symbols.several */
};

/* At least 57 bits are good; what lies past the end of a body is caught by the check of `at` that follows. */
static inline uint64_t peek_bits(const struct cursor *c)
{
	return get_u64le(c->p + (c->at >> 3)) >> (c->at & 7);
}

static inline bool is_inside(const struct cursor *c)
{
	return c->at <= c->end;
}

/* At most 32 bits; past the end 0, and the cursor stays outside. */
static uint32_t take_bits(struct cursor *c, uint32_t n)
{
	uint64_t v;

	if (!is_inside(c))
		return 0;
	v = peek_bits(c) & ((UINT64_C(1) << n) - 1);
	c->at += n;
	return (uint32_t)v;
}

static uint64_t take_long_bits(struct cursor *c, uint32_t n)
{
	uint64_t low = take_bits(c, n < 32 ? n : 32);

	return n > 32 ? low | (uint64_t)take_bits(c, n - 32) << 32 : low;
}

/* Zeros before a one. More than `max` of them put the cursor outside. */
static uint32_t take_unary(struct cursor *c, uint32_t max)
{
	uint32_t n = 0;

	while (is_inside(c) && n <= max) {
		uint64_t word = peek_bits(c) & UINT32_MAX;
		uint32_t zeros = word ? (uint32_t)__builtin_ctzll(word) : 32;

		n += zeros;
		c->at += zeros + (word != 0);
		if (word && n <= max)
			return n;
	}
	c->at = c->end + 1;
	return 0;
}

static uint64_t take_long_difference(struct cursor *c)
{
	uint32_t quotient = take_unary(c, TOKEN_INDEX_UNARY_MAX);

	if (quotient == TOKEN_INDEX_UNARY_MAX)
		return take_long_bits(c, c->x->key_bits);
	if (c->rice > 0 && quotient > UINT64_MAX >> c->rice)
		return UINT64_MAX;
	return (uint64_t)quotient << c->rice | take_long_bits(c, c->rice);
}

static inline uint32_t decode_symbol(struct cursor *c, uint64_t word)
{
	const struct token_index_symbols *s = &c->x->symbols;
	uint32_t v = (uint32_t)(word & ((UINT64_C(1) << s->bits) - 1));

	c->at += s->bits;
	if (v < s->short_count)
		return v;
	c->at++;
	return (v << 1 | (uint32_t)(word >> s->bits & 1)) - s->short_count;
}

/* The group's first entry, whose key the restart has. */
static bool read_first_entry(struct cursor *c)
{
	c->rice = take_bits(c, TOKEN_INDEX_RICE_BITS);
	if (!is_inside(c))
		return false;
	c->block = decode_symbol(c, peek_bits(c));
	return is_inside(c);
}

/* The cursor is inside. False when the bytes make no sense. */
static inline bool read_entry(struct cursor *c)
{
	uint64_t word = peek_bits(c);
	uint32_t quotient = (uint32_t)__builtin_ctzll(word | UINT64_C(1) << TOKEN_INDEX_UNARY_MAX);
	uint64_t difference;

	if (quotient < TOKEN_INDEX_UNARY_MAX && c->rice <= FAST_RICE_MAX) {
		word >>= quotient + 1;
		difference = (uint64_t)quotient << c->rice | (word & ((UINT64_C(1) << c->rice) - 1));
		word >>= c->rice;
		c->at += quotient + 1 + c->rice;
	} else {
		difference = take_long_difference(c);
		if (!is_inside(c))
			return false;
		word = peek_bits(c);
	}
	if (difference >= c->x->key_max - c->key)
		return false;
	c->key += difference + 1;
	c->block = decode_symbol(c, word);
	return is_inside(c);
}

static uint32_t take_gamma(struct cursor *c)
{
	uint32_t bits = take_unary(c, 31);

	return 1u << bits | take_bits(c, bits);
}

/* Fills blocks[] (ascending) and returns how many there are; 0 when the bytes make no sense. */
static uint32_t take_list(struct cursor *c, uint32_t n, uint16_t *ret_blocks)
{
	uint32_t k = token_index__list_rice(c->x->block_count, n);
	uint32_t block = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t gap = take_unary(c, SEGMENT_BLOCKS_MAX) << k;

		block += gap | take_bits(c, k);
		if (!is_inside(c) || block >= c->x->block_count)
			return 0;
		ret_blocks[i] = (uint16_t)block++;
	}
	return n;
}

static uint32_t take_bitmap(struct cursor *c, uint32_t n, uint16_t *ret_blocks)
{
	uint32_t block_count = c->x->block_count;
	uint32_t count = 0;

	for (uint32_t from = 0; from < block_count; from += 32) {
		uint32_t word = take_bits(c, block_count - from < 32 ? block_count - from : 32);

		for (; word; word &= word - 1)
			ret_blocks[count++] = (uint16_t)(from + (uint32_t)__builtin_ctz(word));
	}
	return is_inside(c) && count == n ? n : 0;
}

/* What follows the symbol "several"; ret_blocks has room for block_count. Returns their number, 0 when the bytes make
 * no sense. */
static uint32_t take_several(struct cursor *c, uint16_t *ret_blocks)
{
	uint32_t block_count = c->x->block_count;
	uint32_t n = take_gamma(c);

	if (!is_inside(c) || n >= block_count)
		return 0;
	n++;
	if (n < block_count)
		return token_index__is_list(block_count, n) ? take_list(c, n, ret_blocks)
							    : take_bitmap(c, n, ret_blocks);
	for (uint32_t i = 0; i < n; i++)
		ret_blocks[i] = (uint16_t)i;
	return n;
}

/* Puts a cursor on the group's first entry, before its blocks. */
static int open_group(const struct token_index *x, const struct page *page, uint32_t group, struct cursor *ret,
		      struct err *err)
{
	uint64_t step = restart_key(page, group);
	uint32_t start = group_start(page, group);
	uint32_t end = group_start(page, group + 1);
	struct cursor c = {x, page->p, (uint64_t)start * 8, (uint64_t)end * 8, 0, page->first + step, 0};

	if (page->first > x->key_max || step > x->key_max - page->first)
		return err_corrupt(err, start, "token index: group %u begins with no valid key", group);
	if (start >= end || end > page->end || !read_first_entry(&c))
		return err_corrupt(err, start, "token index: group %u does not lie in its page", group);
	*ret = c;
	return 0;
}

static int corrupt_entry(const struct cursor *c, struct err *err)
{
	uint64_t at = is_inside(c) ? c->at : c->end;

	return err_corrupt(err, (int64_t)(at / 8), "token index: an entry is damaged");
}

/* ---- lookup ---- */

/* The last group that begins at or before `prefix`, which is not before the page's first key. */
static uint32_t find_group(const struct page *page, uint64_t prefix)
{
	uint32_t low = 0, high = page->groups - 1;

	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (restart_key(page, middle) <= prefix - page->first)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void set_block(uint64_t *blocks, uint32_t block)
{
	blocks[block / 64] |= UINT64_C(1) << block % 64;
}

/* Walks the group up to `prefix`; the blocks of entries on the way are read only as far as that is needed to pass
 * them. */
static int find_in_group(struct cursor *c, uint32_t entries, uint64_t prefix, uint64_t *blocks, struct err *err)
{
	uint16_t several[SEGMENT_BLOCKS_MAX];

	for (uint32_t i = 0; i < entries; i++) {
		uint32_t n = 1;

		if (i > 0 && !read_entry(c))
			return corrupt_entry(c, err);
		if (c->key > prefix)
			return 0;
		if (c->block == c->x->symbols.several)
			n = take_several(c, several);
		else
			several[0] = (uint16_t)c->block;
		if (n == 0)
			return corrupt_entry(c, err);
		for (uint32_t j = 0; j < n && c->key == prefix; j++)
			set_block(blocks, several[j]);
	}
	return 0;
}

int token_index_find(const struct token_index *x, struct span page, uint64_t key, uint64_t *blocks, struct err *err)
{
	uint64_t prefix = key >> (64 - x->key_bits);
	struct page opened;
	struct cursor c;
	uint32_t number, group;
	int rc;

	if (!token_index__find_page(x, prefix, &number))
		return 0;
	rc = open_page(page, &opened, err);
	if (rc < 0)
		return rc;
	if (opened.first != x->first[number])
		return err_corrupt(err, 8, "token index: this is not page %u", number);
	group = find_group(&opened, prefix);
	rc = open_group(x, &opened, group, &c, err);
	return rc < 0 ? rc : find_in_group(&c, group_entries(&opened, group), prefix, blocks, err);
}

/* ---- all entries ---- */

static inline int give_entry(struct cursor *c, token_index_entry_fn *fn, void *user, uint16_t *several, struct err *err)
{
	uint64_t key = c->key << (64 - c->x->key_bits);
	uint32_t n = 1;

	if (c->block == c->x->symbols.several)
		n = take_several(c, several);
	else
		several[0] = (uint16_t)c->block;
	return n > 0 ? fn(user, key, several, n) : corrupt_entry(c, err);
}

static int each_of_group(struct cursor *c, uint32_t entries, token_index_entry_fn *fn, void *user, struct err *err)
{
	uint16_t several[SEGMENT_BLOCKS_MAX];
	int rc = give_entry(c, fn, user, several, err);

	for (uint32_t i = 1; rc == 0 && i < entries; i++)
		rc = read_entry(c) ? give_entry(c, fn, user, several, err) : corrupt_entry(c, err);
	if (rc == 0 && (c->end < c->at || c->end - c->at >= 8))
		rc = corrupt_entry(c, err);
	return rc;
}

int token_index_each(const struct token_index *x, struct span page, token_index_entry_fn *fn, void *user,
		     struct err *err)
{
	struct cursor c = {0};
	struct page opened;
	int rc = open_page(page, &opened, err);

	for (uint32_t group = 0; rc == 0 && group < opened.groups; group++) {
		uint64_t last = c.key;

		rc = open_group(x, &opened, group, &c, err);
		if (rc == 0 && group > 0 && c.key <= last)
			rc = err_corrupt(err, (int64_t)(c.at / 8), "token index: group %u is out of order", group);
		if (rc == 0)
			rc = each_of_group(&c, group_entries(&opened, group), fn, user, err);
	}
	return rc;
}
