#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../base/seed.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/token_index.h"
#include "store/token_index_priv.h"

#define WORDS (SEGMENT_BLOCKS_MAX / 64)

/* The twin: every prefix in order with a bit for each block. */
struct twin {
	uint64_t *key;
	uint64_t (*blocks)[WORDS];
	size_t count;
	size_t at; /* how far the comparison with the index has come */
	uint32_t key_bits;
};

struct index {
	struct buf pages;
	struct buf table;
	struct token_index *x;
};

/* ---- making both ---- */

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t *sorted_keys(struct rng *rng, size_t count, uint64_t spread)
{
	uint64_t *key = xarray(count + 1, sizeof(*key));

	for (size_t i = 0; i < count; i++)
		key[i] = spread ? UINT64_MAX - rng_below(rng, spread) : rng_next(rng);
	qsort(key, count, sizeof(*key), compare_u64);
	return key;
}

/* Mostly one block, sometimes a few, many or all. */
static size_t random_blocks(struct rng *rng, uint32_t block_count, uint16_t *ret_blocks)
{
	static const uint32_t percent[] = {2, 10, 50, 90, 100};
	uint32_t chance = percent[rng_below(rng, 5)];
	size_t n = 0;

	if (rng_below(rng, 8) == 0)
		for (uint32_t i = 0; i < block_count; i++)
			if (rng_below(rng, 100) < chance)
				ret_blocks[n++] = (uint16_t)i;
	if (n == 0)
		ret_blocks[n++] = (uint16_t)rng_below(rng, block_count);
	return n;
}

static void twin_add(struct twin *t, uint64_t key, const uint16_t *blocks, size_t n)
{
	uint64_t prefix = key >> (64 - t->key_bits);

	if (t->count == 0 || t->key[t->count - 1] != prefix)
		t->key[t->count++] = prefix;
	for (size_t i = 0; i < n; i++)
		t->blocks[t->count - 1][blocks[i] / 64] |= UINT64_C(1) << blocks[i] % 64;
}

static struct twin make_twin(size_t count, uint32_t key_bits)
{
	struct twin t = {xarray(count + 1, 8), xarray(count + 1, sizeof(uint64_t[WORDS])), 0, 0, key_bits};

	return t;
}

static void free_twin(struct twin *t)
{
	free(t->key);
	free(t->blocks);
}

/* Writes the index out and opens it again; the table has bytes behind it that are not its own. */
static struct index open_written(struct token_index_writer *w)
{
	struct index ix = {BUF_INIT, BUF_INIT, NULL};
	struct reader table;

	assert_int_equal(token_index_writer_finish(w, &ix.pages, &ix.table, NULL), 0);
	token_index_writer_free(w);
	buf_put_str(&ix.table, "next");
	table = reader_of(buf_span(&ix.table));
	assert_int_equal(token_index_open(&table, &ix.x, NULL), 0);
	assert_int_equal(reader_left(&table), 4);
	return ix;
}

static void free_index(struct index *ix)
{
	buf_release(&ix->pages);
	buf_release(&ix->table);
	ix->x = token_index_close(ix->x);
	assert_null(ix->x);
}

static struct span page_of(const struct index *ix, uint32_t page)
{
	uint64_t off;
	uint32_t len;

	token_index_page_at(ix->x, page, &off, &len);
	assert_true(off + len <= ix->pages.len);
	return span_of(ix->pages.p + off, len);
}

/* ---- comparing both ---- */

static int compare_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	uint64_t expected[WORDS] = {0};
	struct twin *t = user;

	assert_true(t->at < t->count);
	assert_true(key == t->key[t->at] << (64 - t->key_bits));
	for (size_t i = 0; i < block_count; i++) {
		assert_true(i == 0 || blocks[i] > blocks[i - 1]);
		expected[blocks[i] / 64] |= UINT64_C(1) << blocks[i] % 64;
	}
	assert_memory_equal(expected, t->blocks[t->at], sizeof(expected));
	t->at++;
	return 0;
}

static void assert_same_entries(const struct index *ix, struct twin *t)
{
	t->at = 0;
	for (uint32_t i = 0; i < token_index_page_count(ix->x); i++)
		assert_int_equal(token_index_each(ix->x, page_of(ix, i), compare_entry, t, NULL), 0);
	assert_int_equal(t->at, t->count);
	assert_int_equal(token_index_entries(ix->x), t->count);
	assert_int_equal(token_index_bits(ix->x), t->key_bits);
}

static void lookup(const struct index *ix, uint64_t key, uint64_t ret_blocks[WORDS])
{
	uint64_t off;
	uint32_t len;

	memset(ret_blocks, 0, sizeof(uint64_t[WORDS]));
	if (!token_index_page(ix->x, key, &off, &len))
		return;
	assert_true(off + len <= ix->pages.len);
	assert_int_equal(token_index_find(ix->x, span_of(ix->pages.p + off, len), key, ret_blocks, NULL), 0);
}

static void assert_same_answer(const struct index *ix, const struct twin *t, uint64_t key)
{
	static const uint64_t none[WORDS];
	uint64_t prefix = key >> (64 - t->key_bits);
	const uint64_t *at = bsearch(&prefix, t->key, t->count, 8, compare_u64);
	uint64_t got[WORDS];

	lookup(ix, key, got);
	assert_memory_equal(got, at ? t->blocks[at - t->key] : none, sizeof(got));
}

static void check_index(struct rng *rng, size_t count, uint32_t block_count, uint32_t key_bits, uint64_t spread)
{
	struct token_index_writer *w = token_index_writer_new(block_count, key_bits);
	uint64_t *key = sorted_keys(rng, count, spread);
	struct twin t = make_twin(count, key_bits);
	uint16_t blocks[SEGMENT_BLOCKS_MAX];
	struct index ix;

	for (size_t i = 0; i < count; i++) {
		size_t n = random_blocks(rng, block_count, blocks);

		token_index_writer_add(w, key[i], blocks, n);
		twin_add(&t, key[i], blocks, n);
	}
	ix = open_written(w);
	assert_same_entries(&ix, &t);
	for (int i = 0; i < 300; i++) {
		if (count > 0)
			assert_same_answer(&ix, &t, key[rng_below(rng, count)]);
		assert_same_answer(&ix, &t, rng_next(rng));
		assert_same_answer(&ix, &t, UINT64_MAX - rng_below(rng, spread ? spread : 1));
	}
	assert_same_answer(&ix, &t, 0);
	free_index(&ix);
	free_twin(&t);
	free(key);
}

/* ---- tests ---- */

static void test_token_index__answers_as_the_twin_does(void **state)
{
	static const uint32_t block_counts[] = {1, 2, 3, 7, 16, 100, 127, 128, 129, 1000, 1024};
	static const uint32_t key_bits[] = {8, 13, 24, 29, 33, 57, 63, 64};
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (int i = 0; i < 160; i++) {
		size_t count = rng_below(&rng, i % 8 == 0 ? 9000 : 600);
		uint64_t spread = rng_below(&rng, 4) == 0 ? UINT64_C(1) << rng_below(&rng, 64) : 0;

		check_index(&rng, count, block_counts[rng_below(&rng, 11)], key_bits[rng_below(&rng, 8)], spread);
	}
}

static void test_token_index__takes_every_small_count(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (size_t count = 0; count < 300; count++)
		check_index(&rng, count, 16, 32, 0);
}

/* Differences beyond any quotient, next to differences of one. */
static void test_token_index__takes_keys_far_apart(void **state)
{
	static const uint64_t keys[] = {0,         1, 2, 3, UINT64_C(1) << 62, (UINT64_C(1) << 62) + 1, UINT64_MAX - 1,
					UINT64_MAX};
	struct token_index_writer *w = token_index_writer_new(128, 64);
	struct twin t = make_twin(8, 64);
	struct index ix;

	(void)state;
	for (uint16_t i = 0; i < 8; i++) {
		token_index_writer_add(w, keys[i], &i, 1);
		twin_add(&t, keys[i], &i, 1);
	}
	ix = open_written(w);
	assert_same_entries(&ix, &t);
	for (int i = 0; i < 8; i++)
		assert_same_answer(&ix, &t, keys[i]);
	free_index(&ix);
	free_twin(&t);
}

static void test_token_index__unites_equal_prefixes(void **state)
{
	static const uint16_t some[] = {0, 5, 9}, others[] = {5, 6, 15}, one[] = {3};
	struct token_index_writer *w = token_index_writer_new(16, 8);
	uint64_t blocks[WORDS];
	struct index ix;

	(void)state;
	token_index_writer_add(w, UINT64_C(0x1100) << 48, one, 1);
	token_index_writer_add(w, UINT64_C(0x4200) << 48, some, 3);
	token_index_writer_add(w, UINT64_C(0x42a0) << 48, others, 3);
	token_index_writer_add(w, UINT64_C(0x42ff) << 48, one, 1);
	ix = open_written(w);
	assert_int_equal(token_index_entries(ix.x), 2);
	lookup(&ix, UINT64_C(0x4277) << 48, blocks);
	assert_int_equal(blocks[0], 0x8269);
	lookup(&ix, UINT64_C(0x1177) << 48, blocks);
	assert_int_equal(blocks[0], 1 << 3);
	lookup(&ix, UINT64_C(0x1000) << 48, blocks);
	assert_int_equal(blocks[0], 0);
	free_index(&ix);
}

static void test_token_index__chooses_key_bits(void **state)
{
	(void)state;
	assert_int_equal(token_index_key_bits(4500000, SEGMENT_ROWS_MAX), 22 + 7);
	assert_int_equal(token_index_key_bits(6500000, SEGMENT_ROWS_MAX), 23 + 7);
	assert_int_equal(token_index_key_bits(600000, 131072), 19 + 7 + 3);
	assert_int_equal(token_index_key_bits(600000, 131073), 19 + 7 + 3);
	assert_int_equal(token_index_key_bits(40000, BLOCK_ROWS_MAX), 15 + 7 + 7);
	assert_int_equal(token_index_key_bits(5, 1), 2 + 7 + 7);
	assert_int_equal(token_index_key_bits(0, 0), 0 + 7 + 7);
	assert_int_equal(token_index_key_bits(UINT64_MAX, 1), 64);
}

/* Eight eighths of a segment, cut to the prefixes the whole has use for, make what the whole would have. */
static void test_token_index__merges_without_loss(void **state)
{
	struct rng rng = seeded_rng(__func__);
	uint32_t whole_bits = token_index_key_bits(40000, SEGMENT_ROWS_MAX);
	uint32_t part_bits = token_index_key_bits(5000, SEGMENT_ROWS_MAX / 8);
	uint64_t *key = sorted_keys(&rng, 5000, 0);
	struct twin t = make_twin(5000, whole_bits), parts = make_twin(5000, part_bits);
	struct token_index_writer *w = token_index_writer_new(16, part_bits);
	struct index part, whole;

	(void)state;
	assert_true(part_bits >= whole_bits);
	for (size_t i = 0; i < 5000; i++) {
		uint16_t block = (uint16_t)rng_below(&rng, 16);

		token_index_writer_add(w, key[i], &block, 1);
		twin_add(&t, key[i], &block, 1);
		twin_add(&parts, key[i], &block, 1);
	}
	part = open_written(w);
	assert_same_entries(&part, &parts);
	w = token_index_writer_new(16, whole_bits);
	for (size_t i = 0; i < parts.count; i++) {
		uint16_t blocks[16];
		size_t n = 0;

		for (uint16_t b = 0; b < 16; b++)
			if (parts.blocks[i][0] >> b & 1)
				blocks[n++] = b;
		token_index_writer_add(w, parts.key[i] << (64 - part_bits), blocks, n);
	}
	whole = open_written(w);
	assert_same_entries(&whole, &t);
	free_index(&part);
	free_index(&whole);
	free_twin(&t);
	free_twin(&parts);
	free(key);
}

static void test_token_index__takes_two_bytes_an_entry(void **state)
{
	enum { COUNT = 360000 }; /* where the nearest power of two is farthest below, fingerprints are longest */
	struct rng rng = seeded_rng(__func__);
	uint64_t *key = sorted_keys(&rng, COUNT, 0);
	struct token_index_writer *w = token_index_writer_new(128, token_index_key_bits(COUNT, SEGMENT_ROWS_MAX));
	uint64_t off = 0, hits = 0;
	struct index ix;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		uint16_t block = (uint16_t)rng_below(&rng, 128);

		token_index_writer_add(w, key[i], &block, 1);
	}
	ix = open_written(w);
	assert_true((double)(ix.pages.len + ix.table.len) / (double)token_index_entries(ix.x) < 2.07);
	for (uint32_t i = 0; i < token_index_page_count(ix.x); i++) {
		uint64_t at;
		uint32_t len;

		token_index_page_at(ix.x, i, &at, &len);
		assert_int_equal(at, off);
		assert_true(len <= TOKEN_INDEX_PAGE);
		off += len;
	}
	assert_int_equal(off, ix.pages.len);
	for (int i = 0; i < 20000; i++) {
		uint64_t blocks[WORDS];

		lookup(&ix, rng_next(&rng), blocks);
		hits += blocks[0] || blocks[1];
	}
	assert_true(hits < 20000 * 2 / 128);
	free_index(&ix);
	free(key);
}

/* The bytes themselves, worked out by hand from docs/format/token-index.md: so that the format is not changed unawares.
 */
static void test_token_index__writes_these_bytes(void **state)
{
	static const uint8_t table[] = {16, 10, 3, 1, 0x81, 0x02, 29};
	/* clang-format off */
	static const uint8_t page[] = {
		0x4b, 0x0d, 0xec, 0x02,       /* crc32c */
		3, 0, 1, 0,                   /* entries, restart key width */
		0x01, 0x01, 0, 0, 0, 0, 0, 0, /* first key */
		0xc3, 0xfc, 0x17, 0xcd, 0x01, /* body: 34 bits */
		0, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	static const uint16_t first[] = {3}, second[] = {2, 7}, third[] = {9};
	struct token_index_writer *w = token_index_writer_new(10, 16);
	struct index ix;

	(void)state;
	token_index_writer_add(w, UINT64_C(0x0101) << 48, first, 1);
	token_index_writer_add(w, UINT64_C(0x0111) << 48, second, 2);
	token_index_writer_add(w, UINT64_C(0x0113) << 48, third, 1);
	(void)state;
	ix = open_written(w);
	assert_int_equal(ix.table.len, sizeof(table) + 4);
	assert_memory_equal(ix.table.p, table, sizeof(table));
	assert_int_equal(ix.pages.len, sizeof(page));
	assert_memory_equal(ix.pages.p, page, sizeof(page));
	free_index(&ix);
}

/* ---- damage ---- */

static struct index make_damageable(uint32_t block_count, size_t count)
{
	struct token_index_writer *w = token_index_writer_new(block_count, 40);
	uint16_t blocks[SEGMENT_BLOCKS_MAX];
	struct rng rng;

	rng_init(&rng, 7);
	for (size_t i = 0; i < count; i++)
		token_index_writer_add(w, (i * 1000003 + 5) << 24, blocks, random_blocks(&rng, block_count, blocks));
	return open_written(w);
}

static int count_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	(void)key;
	assert_true(block_count > 0 && block_count <= SEGMENT_BLOCKS_MAX);
	for (size_t i = 0; i < block_count; i++)
		assert_true(blocks[i] < 100);
	++*(size_t *)user;
	return 0;
}

static int stop_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	(void)key;
	(void)blocks;
	(void)block_count;
	return ++*(size_t *)user == 3 ? 42 : 0;
}

/* Puts the checksum right, as a fault in the writer would. */
static void seal(uint8_t *page, size_t len)
{
	put_u32le(page, crc32c(0, page + 4, len - 4));
}

static void test_token_index__stops_when_told(void **state)
{
	struct index ix = make_damageable(100, 300);
	size_t seen = 0;

	(void)state;
	assert_int_equal(token_index_each(ix.x, page_of(&ix, 0), stop_entry, &seen, NULL), 42);
	assert_int_equal(seen, 3);
	free_index(&ix);
}

static void test_token_index__detects_every_flipped_bit(void **state)
{
	struct index ix = make_damageable(100, 300);
	struct span page = page_of(&ix, 0);
	uint64_t blocks[WORDS] = {0};
	size_t seen = 0;

	(void)state;
	for (size_t bit = 0; bit < page.len * 8; bit++) {
		struct err err = ERR_INIT;

		ix.pages.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(token_index_find(ix.x, page, 5 << 24, blocks, &err), E_CORRUPT);
		assert_int_equal(err.offset, 0);
		assert_int_equal(token_index_each(ix.x, page, count_entry, &seen, NULL), E_CORRUPT);
		ix.pages.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(blocks[0], 0);
	assert_int_equal(seen, 0);
	free_index(&ix);
}

/* With the checksum put right, damage may give wrong answers, but none outside the blocks there are. */
static void test_token_index__bounds_damage_that_checks_out(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct index ix = make_damageable(100, 300);
	struct span page = page_of(&ix, 0);
	uint8_t *damaged = xalloc(page.len);
	int refused = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		size_t len = i % 4 ? page.len : page.len - rng_below(&rng, page.len - 8);
		uint64_t blocks[WORDS] = {0};
		size_t seen = 0;
		uint8_t *copy;

		memcpy(damaged, page.p, page.len);
		for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--)
			damaged[4 + rng_below(&rng, rng_below(&rng, 2) ? 40 : page.len - 4)] ^= (uint8_t)rng_next(&rng);
		copy = xalloc(len);
		memcpy(copy, damaged, len);
		seal(copy, len);
		refused += token_index_each(ix.x, span_of(copy, len), count_entry, &seen, NULL) < 0;
		assert_true(seen <= UINT16_MAX);
		for (uint64_t key = 0; key < 300; key += 37)
			refused +=
				token_index_find(ix.x, span_of(copy, len), (key * 1000003 + 5) << 24, blocks, NULL) < 0;
		assert_true(blocks[1] >> 36 == 0 && blocks[2] == 0);
		free(copy);
	}
	assert_true(refused > 4000);
	free(damaged);
	free_index(&ix);
}

/* Changes one byte of a good page, puts the checksum right and expects refusal at `offset`. */
static void assert_refused(size_t at, uint8_t value, int64_t offset)
{
	struct index ix = make_damageable(100, 300);
	struct span page = page_of(&ix, 0);
	struct err err = ERR_INIT;
	size_t seen = 0;

	assert_true(ix.pages.p[at] != value);
	ix.pages.p[at] = value;
	seal(ix.pages.p, page.len);
	assert_int_equal(token_index_each(ix.x, page, count_entry, &seen, &err), E_CORRUPT);
	assert_int_equal(err.offset, offset);
	free_index(&ix);
}

static void test_token_index__refuses_pages_that_cannot_be(void **state)
{
	struct index ix = make_damageable(100, 300);
	uint32_t width = ix.pages.p[6];
	uint32_t bodies = TOKEN_INDEX_PAGE_HEAD + 2 * (width + 2);
	uint64_t blocks[WORDS];

	(void)state;
	assert_refused(5, 0xff, 4);                   /* more groups than fit */
	assert_refused(6, 0, 4);                      /* no key width */
	assert_refused(6, 9, 4);                      /* too wide */
	assert_refused(7, 1, 4);                      /* reserved */
	assert_refused(8 + 7, 0xff, bodies);          /* first key beyond key_bits */
	assert_refused(16 + width + 1, 0xff, bodies); /* a body behind the page's end */
	assert_int_equal(token_index_find(ix.x, span_of(ix.pages.p, 24), 5 << 24, blocks, NULL), E_CORRUPT);
	assert_int_equal(token_index_find(ix.x, span_of(NULL, 0), 5 << 24, blocks, NULL), E_CORRUPT);
	free_index(&ix);
}

static void test_token_index__refuses_another_page(void **state)
{
	struct index ix = make_damageable(100, 9000);
	uint64_t blocks[WORDS] = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_true(token_index_page_count(ix.x) > 1);
	assert_int_equal(token_index_find(ix.x, page_of(&ix, 1), 5 << 24, blocks, &err), E_CORRUPT);
	assert_int_equal(err.offset, 8);
	assert_int_equal(token_index_find(ix.x, page_of(&ix, 0), 5 << 24, blocks, &err), 0);
	free_index(&ix);
}

static int open_table(const uint8_t *p, size_t len)
{
	struct reader table = reader_of(span_of(p, len));
	struct token_index *x = NULL;
	int rc = token_index_open(&table, &x, NULL);

	token_index_close(x);
	return rc;
}

#define OPEN_TABLE(...) open_table((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_token_index__refuses_tables_that_cannot_be(void **state)
{
	(void)state;
	assert_int_equal(OPEN_TABLE(16, 10, 3, 2, 5, 28, 1, 40), 0);
	assert_int_equal(OPEN_TABLE(16, 10, 0, 0), 0);
	assert_int_equal(OPEN_TABLE(0, 10, 3, 1, 5, 28), E_CORRUPT);              /* no key bits */
	assert_int_equal(OPEN_TABLE(65, 10, 3, 1, 5, 28), E_CORRUPT);             /* too many */
	assert_int_equal(OPEN_TABLE(16, 0, 3, 1, 5, 28), E_CORRUPT);              /* no blocks */
	assert_int_equal(OPEN_TABLE(16, 0x81, 8, 3, 1, 5, 28), E_CORRUPT);        /* too many */
	assert_int_equal(OPEN_TABLE(16, 10, 0, 1, 5, 28), E_CORRUPT);             /* a page without entries */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 0), E_CORRUPT);                    /* entries without a page */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 2, 5, 28), E_CORRUPT);             /* too short */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 2, 5, 28, 1), E_CORRUPT);          /* too short */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 2, 5, 28, 0, 28), E_CORRUPT);      /* keys that do not ascend */
	assert_int_equal(OPEN_TABLE(8, 10, 3, 2, 0xff, 1, 28, 1, 28), E_CORRUPT); /* a key beyond key_bits */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 1, 5, 24), E_CORRUPT);             /* a page too short */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 1, 5, 0x81, 0x80, 2), E_CORRUPT);  /* too long */
	assert_int_equal(OPEN_TABLE(16, 10, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), E_CORRUPT);
}

static void test_token_index__refuses_every_cut_table(void **state)
{
	struct index ix = make_damageable(100, 9000);

	(void)state;
	for (size_t len = 0; len < ix.table.len - 4; len++)
		assert_int_equal(open_table(ix.table.p, len), E_CORRUPT);
	free_index(&ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_index__answers_as_the_twin_does),
		cmocka_unit_test(test_token_index__takes_every_small_count),
		cmocka_unit_test(test_token_index__takes_keys_far_apart),
		cmocka_unit_test(test_token_index__unites_equal_prefixes),
		cmocka_unit_test(test_token_index__chooses_key_bits),
		cmocka_unit_test(test_token_index__merges_without_loss),
		cmocka_unit_test(test_token_index__takes_two_bytes_an_entry),
		cmocka_unit_test(test_token_index__writes_these_bytes),
		cmocka_unit_test(test_token_index__stops_when_told),
		cmocka_unit_test(test_token_index__detects_every_flipped_bit),
		cmocka_unit_test(test_token_index__bounds_damage_that_checks_out),
		cmocka_unit_test(test_token_index__refuses_pages_that_cannot_be),
		cmocka_unit_test(test_token_index__refuses_another_page),
		cmocka_unit_test(test_token_index__refuses_tables_that_cannot_be),
		cmocka_unit_test(test_token_index__refuses_every_cut_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
