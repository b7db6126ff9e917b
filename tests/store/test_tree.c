/*
 * The tree of a ledger against the recursion of RFC 6962, wherever its records are: in the tail, in images, in files,
 * in merged files, and with groups that begin in one of these and end in another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/store_priv.h"
#include "store/tree.h"
#include "store_model.h"

static struct model m;
static struct rng r;
static struct digest *d;

/* What is read of ledger 1, and what it must be. */
static struct snapshot *snapshot;
static struct tree *tree;
static struct sha256 *leaves;
static struct span *records;

static int open_model(void **state)
{
	rng_init(&r, model_seed());
	model_init(&m, simdisk_new(1));
	model_open(&m);
	d = digest_new();
	return 0;
}

static void close_view(void)
{
	tree = tree_free(tree);
	snapshot = snapshot_free(snapshot);
	free(leaves);
	free(records);
	leaves = NULL;
	records = NULL;
}

static int close_model(void **state)
{
	close_view();
	model_release(&m);
	simdisk_free(m.disk);
	digest_free(d);
	return 0;
}

static void open_view(void)
{
	const struct model_records *sure = &m.expected[0].sure;
	struct err err = ERR_INIT;
	size_t at = 0;

	close_view();
	assert_int_equal(ledger_snapshot(model_ledger(&m, 0), &snapshot, &err), 0);
	assert_int_equal(snapshot->size, sure->count);
	tree = tree_new(snapshot);
	records = xarray(sure->count + 1, sizeof(*records));
	leaves = xarray(sure->count + 1, sizeof(*leaves));
	for (size_t i = 0; i < sure->count; i++) {
		records[i] = span_of(sure->bytes.p + at, sure->len[i]);
		at += sure->len[i];
	}
	digest_leaves(d, records, sure->count, leaves);
}

/* MTH of RFC 6962 section 2.1, by its recursion. */
static struct sha256 naive(uint64_t first, size_t count)
{
	struct sha256 left, right, root;
	size_t half = 1;

	if (count == 1)
		return leaves[first];
	if (count == 0) {
		digest_sha256(d, span_of(NULL, 0), &root);
		return root;
	}
	while (2 * half < count)
		half *= 2;
	left = naive(first, half);
	right = naive(first + half, count - half);
	digest_node(d, &left, &right, &root);
	return root;
}

static void assert_hash(const struct sha256 *got, struct sha256 want)
{
	assert_memory_equal(got->b, want.b, SHA256_LEN);
}

/* ---- what is checked of a view ---- */

static void check_nodes(void)
{
	struct err err = ERR_INIT;
	struct sha256 got;

	for (unsigned level = 0; level < 64; level++) {
		uint64_t count = snapshot->size >> level;

		assert_int_equal(tree_node(tree, level, count, &got, &err), E_NOT_FOUND);
		for (unsigned i = 0; i < 4 && count > 0; i++) {
			uint64_t number = i == 0 ? 0 : i == 1 ? count - 1 : rng_next(&r) % count;

			assert_int_equal(tree_node(tree, level, number, &got, &err), 0);
			assert_hash(&got, naive(number << level, (size_t)1 << level));
		}
	}
}

static void check_roots(void)
{
	struct err err = ERR_INIT;
	struct sha256 got;

	for (int i = 0; i < 12; i++) {
		uint64_t size = i == 0 ? 0 : i == 1 ? snapshot->size : rng_next(&r) % (snapshot->size + 1);

		assert_int_equal(tree_root(tree, size, &got, &err), 0);
		assert_hash(&got, naive(0, size));
	}
	assert_int_equal(tree_root(tree, snapshot->size + 1, &got, &err), E_NOT_FOUND);
}

static void check_proofs(void)
{
	struct err err = ERR_INIT;
	struct merkle_proof p;

	for (int i = 0; i < 8 && snapshot->size > 0; i++) {
		uint64_t size = 1 + rng_next(&r) % snapshot->size;
		uint64_t index = rng_next(&r) % size;
		struct sha256 root = naive(0, size);
		struct sha256 old = naive(0, index);

		assert_int_equal(tree_prove_inclusion(tree, index, size, &p, &err), 0);
		assert_true(merkle_verify_inclusion(d, index, size, &leaves[index], p.hash, p.count, &root));
		assert_int_equal(tree_prove_consistency(tree, index, size, &p, &err), 0);
		assert_true(merkle_verify_consistency(d, index, size, p.hash, p.count, &old, &root));
		assert_int_equal(tree_prove_inclusion(tree, size, size, &p, &err), E_INVALID);
		assert_int_equal(tree_prove_consistency(tree, size + 1, size, &p, &err), E_INVALID);
	}
	assert_int_equal(tree_prove_inclusion(tree, 0, snapshot->size + 1, &p, &err), E_INVALID);
	assert_int_equal(tree_prove_consistency(tree, 0, snapshot->size + 1, &p, &err), E_INVALID);
}

static void check_tile(unsigned level, uint64_t number, unsigned width)
{
	struct sha256 got[TILE_WIDTH];
	struct err err = ERR_INIT;
	unsigned shift = level * TILE_HEIGHT;

	assert_int_equal(tree_tile(tree, level, number, width, got, &err), 0);
	for (unsigned i = 0; i < width; i++)
		assert_hash(&got[i], naive((number * TILE_WIDTH + i) << shift, (size_t)1 << shift));
}

static void check_tiles(void)
{
	struct err err = ERR_INIT;
	struct sha256 got[TILE_WIDTH];

	for (unsigned level = 0; level < 8; level++) {
		uint64_t hashes = snapshot->size >> (level * TILE_HEIGHT);
		uint64_t last = hashes / TILE_WIDTH;
		unsigned width = hashes % TILE_WIDTH;

		if (last > 0)
			check_tile(level, rng_next(&r) % last, TILE_WIDTH);
		if (width > 0)
			check_tile(level, last, width);
		if (width > 1)
			check_tile(level, last, 1 + (unsigned)(rng_next(&r) % width));
		assert_int_equal(tree_tile(tree, level, last, width + 1, got, &err), E_NOT_FOUND);
	}
}

static void check_entries(uint64_t number, unsigned width)
{
	struct buf got = BUF_INIT;
	struct err err = ERR_INIT;
	size_t at = 0;

	assert_int_equal(tree_entries(tree, number, width, &got, &err), 0);
	for (unsigned i = 0; i < width; i++) {
		struct span want = records[number * TILE_WIDTH + i];

		assert_true(at + 2 + want.len <= got.len);
		assert_int_equal(got.p[at] << 8 | got.p[at + 1], want.len);
		assert_memory_equal(got.p + at + 2, want.p, want.len);
		at += 2 + want.len;
	}
	assert_int_equal(at, got.len);
	buf_release(&got);
}

static void check_bundles(void)
{
	uint64_t last = snapshot->size / TILE_WIDTH;
	unsigned width = snapshot->size % TILE_WIDTH;
	struct buf got = BUF_INIT;
	struct err err = ERR_INIT;

	if (last > 0)
		check_entries(rng_next(&r) % last, TILE_WIDTH);
	if (width > 0)
		check_entries(last, width);
	if (width > 1)
		check_entries(last, 1 + (unsigned)(rng_next(&r) % width));
	assert_int_equal(tree_entries(tree, last, width + 1, &got, &err), E_NOT_FOUND);
	assert_int_equal(got.len, 0);
	buf_release(&got);
}

static void check_leaves(void)
{
	size_t count = (size_t)(rng_next(&r) % (snapshot->size + 1));
	uint64_t first = rng_next(&r) % (snapshot->size - count + 1);
	struct sha256 *got = xarray(count + 1, sizeof(*got));
	struct err err = ERR_INIT;

	assert_int_equal(tree_leaves(tree, first, count, got, &err), 0);
	assert_memory_equal(got, leaves + first, count * sizeof(*got));
	assert_int_equal(tree_leaves(tree, snapshot->size - count, count + 1, got, &err), E_NOT_FOUND);
	assert_int_equal(tree_leaves(tree, snapshot->size + 1, SIZE_MAX, got, &err), E_NOT_FOUND);
	free(got);
}

static void check_view(void)
{
	open_view();
	check_nodes();
	check_roots();
	check_proofs();
	check_tiles();
	check_bundles();
	check_leaves();
}

/* ---- steps ---- */

static void step_encode(void)
{
	struct err err = ERR_INIT;

	while (ledger__build_one(model_ledger(&m, 0), &err) > 0)
		continue;
}

static void step_file(void)
{
	struct err err = ERR_INIT;

	assert_true(ledger__file_images(model_ledger(&m, 0), true, &err) >= 0);
}

static void step_seal(void)
{
	struct err err = ERR_INIT;

	assert_int_equal(ledger_seal(model_ledger(&m, 0), &err), 0);
}

static void step_merge(void)
{
	struct err err = ERR_INIT;

	assert_int_equal(store_merge(m.store, &err), 0);
}

static void step_reopen(void)
{
	close_view(); /* it refers to the store */
	model_close(&m);
	model_open(&m);
}

static void test_tree__is_that_of_the_records_wherever_they_are(void **state)
{
	static void (*const steps[])(void) = {step_encode, step_file, step_seal, step_merge, step_reopen};

	check_view(); /* of nothing */
	for (int i = 0; i < 40; i++) {
		size_t rows = 1 + rng_next(&r) % (rng_next(&r) % 4 ? 40 : 900);

		assert_int_equal(model_append_to(&m, &r, 0, rows), 0);
		if (rng_next(&r) % 2)
			steps[rng_next(&r) % (sizeof(steps) / sizeof(steps[0]))]();
		check_view();
	}
}

/* Sizes at which something begins or ends: a group, a tile, a level. */
static void test_tree__is_right_around_the_edges(void **state)
{
	static const size_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 513};
	size_t size = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(model_append_to(&m, &r, 0, sizes[i] - size), 0);
		size = sizes[i];
		check_view();
	}
}

/* Past 65,536 records there are nodes that are kept. */
static void test_tree__keeps_wide_nodes(void **state)
{
	struct err err = ERR_INIT;
	struct sha256 kept, got;

	m.block_rows = BLOCK_ROWS_MAX;
	step_reopen();
	while (m.expected[0].sure.count < 2 * 65536 + 300)
		assert_int_equal(model_append_to(&m, &r, 0, 4096), 0);
	check_view();
	assert_true(tree_cache_get(model_ledger(&m, 0)->tree_cache, 1, &kept));
	assert_hash(&kept, naive(65536, 65536));
	step_seal();
	check_view();
	assert_int_equal(tree_node(tree, 17, 0, &got, &err), 0);
	assert_hash(&got, naive(0, 2 * 65536));
}

/* What is left after retention proves as before; the tree above groups is there in whole. */
static void test_tree__proves_what_retention_has_left(void **state)
{
	struct err err = ERR_INIT;
	struct sha256 got;

	for (int i = 0; i < 40; i++) { /* files that end within groups */
		assert_int_equal(model_append_to(&m, &r, 0, 1 + rng_below(&r, 600)), 0);
		step_seal();
	}
	for (int i = 0; i < 6; i++) {
		uint64_t before = m.expected[0].sure.count * (uint64_t)(i + 1) / 7;
		struct merkle_proof p;
		uint64_t first;

		assert_int_equal(model_prune(&m, 0, before), 0);
		if (i % 2)
			step_reopen();
		open_view();
		first = snapshot->first;
		for (int k = 0; k < 40; k++) {
			uint64_t size = first + 1 + rng_below(&r, snapshot->size - first);
			uint64_t index = first + (k < 3 ? 0 : rng_below(&r, size - first));
			struct sha256 root = naive(0, size);
			struct sha256 old = naive(0, index);

			assert_int_equal(tree_root(tree, size, &got, &err), 0);
			assert_hash(&got, root);
			assert_int_equal(tree_prove_inclusion(tree, index, size, &p, &err), 0);
			assert_true(merkle_verify_inclusion(d, index, size, &leaves[index], p.hash, p.count, &root));
			assert_int_equal(tree_prove_consistency(tree, index, size, &p, &err), 0);
			assert_true(merkle_verify_consistency(d, index, size, p.hash, p.count, &old, &root));
		}
		for (uint64_t n = 0; n < snapshot->size / MERKLE_GROUP; n++) {
			assert_int_equal(tree_node(tree, 8, n, &got, &err), 0);
			assert_hash(&got, naive(n * MERKLE_GROUP, MERKLE_GROUP));
		}
		if (first > 0)
			assert_int_equal(tree_leaves(tree, first - 1, 1, &got, &err), E_NOT_FOUND);
	}
}

/* A snapshot's tree does not change while the ledger grows. */
static void test_tree__stays_that_of_its_snapshot(void **state)
{
	struct err err = ERR_INIT;
	struct sha256 before, after;

	assert_int_equal(model_append_to(&m, &r, 0, 700), 0);
	open_view();
	assert_int_equal(tree_root(tree, 700, &before, &err), 0);
	assert_int_equal(model_append_to(&m, &r, 0, 700), 0);
	step_seal();
	assert_int_equal(tree_root(tree, 700, &after, &err), 0);
	assert_hash(&after, before);
	assert_int_equal(tree_root(tree, 701, &after, &err), E_NOT_FOUND);
}

/* Records that are not what their stored hash says are given out in no form. */
static void test_tree__refuses_records_that_do_not_fit_their_hash(void **state)
{
	struct segment_merkle merkle;
	struct err err = ERR_INIT;
	struct sha256 got[TILE_WIDTH];
	struct buf bundle = BUF_INIT;

	assert_int_equal(model_append_to(&m, &r, 0, 600), 0);
	step_seal();
	open_view();
	assert_int_equal(segment_merkle_get(snapshot->segments[0], &merkle, &err), 0);
	((struct sha256 *)(uintptr_t)merkle.groups)[0].b[7] ^= 1;
	assert_int_equal(tree_tile(tree, 0, 0, 256, got, &err), E_CORRUPT);
	assert_int_equal(tree_entries(tree, 0, 256, &bundle, &err), E_CORRUPT);
	assert_int_equal(tree_tile(tree, 0, 1, 256, got, &err), 0);
	((struct sha256 *)(uintptr_t)merkle.groups)[0].b[7] ^= 1;
	assert_int_equal(tree_tile(tree, 0, 0, 256, got, &err), 0);
	buf_release(&bundle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tree__is_that_of_the_records_wherever_they_are, open_model,
						close_model),
		cmocka_unit_test_setup_teardown(test_tree__is_right_around_the_edges, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_tree__keeps_wide_nodes, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_tree__proves_what_retention_has_left, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_tree__stays_that_of_its_snapshot, open_model, close_model),
		cmocka_unit_test_setup_teardown(test_tree__refuses_records_that_do_not_fit_their_hash, open_model,
						close_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
