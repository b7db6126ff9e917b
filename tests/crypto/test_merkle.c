#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/merkle.h"
#include "sample.h"
#include "tree.h"

#define LEAVES_MAX 600
#define STOP       7

static struct digest *d;
static struct sha256 leaves[8 * LEAVES_MAX];

/* What the group callback was given. */
struct groups {
	uint64_t count;
	uint64_t stop_at; /* the callback fails at this group */
	struct sha256 root[64];
};

static int note_group(void *user, uint64_t number, const struct sha256 *root)
{
	struct groups *g = user;

	assert_int_equal(number, g->count);
	assert_true(number < 64);
	g->root[g->count++] = *root;
	return g->count > g->stop_at ? STOP : 0;
}

static void assert_groups(const struct groups *g, size_t n)
{
	assert_int_equal(g->count, n / MERKLE_GROUP);
	for (size_t i = 0; i < g->count; i++) {
		struct sha256 want = naive_root(d, leaves + i * MERKLE_GROUP, MERKLE_GROUP);

		assert_memory_equal(&g->root[i], &want, sizeof(want));
	}
}

/* Compares what is valid of two frontiers. */
static void assert_same_frontier(const struct merkle_frontier *a, const struct merkle_frontier *b)
{
	assert_int_equal(a->size, b->size);
	for (unsigned k = 0; k < MERKLE_LEVELS_MAX; k++)
		if (a->size >> k & 1)
			assert_memory_equal(&a->node[k], &b->node[k], SHA256_LEN);
}

static void assert_root(const struct merkle_frontier *f, size_t n)
{
	struct sha256 want = naive_root(d, leaves, n);
	struct sha256 got;

	assert_int_equal(f->size, n);
	merkle_root(f, d, &got);
	assert_memory_equal(&got, &want, sizeof(want));
}

static void test_merkle__matches_the_classic_roots(void **state)
{
	struct sha256 classic[8], root;
	struct merkle_frontier f;

	classic_leaves(d, classic);
	merkle_init(&f);
	for (size_t n = 0; n <= 8; n++) {
		merkle_root(&f, d, &root);
		assert_hex(root.b, sizeof(root.b), classic_roots[n]);
		if (n < 8)
			assert_false(merkle_append(&f, d, &classic[n], NULL));
	}
}

static void test_merkle__matches_the_testdata_log(void **state)
{
	static const char *const words[15] = {"one",  "two", "three",  "four",  "five",     "six",     "seven", "eit",
					      "nain", "ten", "ileven", "twelf", "threeten", "fourten", "fivten"};
	struct merkle_frontier f;
	struct sha256 root;

	merkle_init(&f);
	for (size_t i = 0; i < 15; i++) {
		struct sha256 leaf;

		digest_leaf(d, span_str(words[i]), &leaf);
		merkle_append(&f, d, &leaf, NULL);
	}
	merkle_root(&f, d, &root); /* base64 rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs= */
	assert_hex(root.b, sizeof(root.b), "aca6c38a90af86e5f5199ee0e4105ef2c03a05b27b8daff59e4e36eefdfcddcb");
}

static void test_merkle__append_equals_the_recursion(void **state)
{
	struct groups g = {.stop_at = UINT64_MAX};
	struct merkle_frontier f;

	merkle_init(&f);
	for (size_t n = 0; n <= LEAVES_MAX; n++) {
		struct sha256 root;

		assert_root(&f, n);
		if (merkle_append(&f, d, &leaves[n], &root)) {
			assert_int_equal((n + 1) % MERKLE_GROUP, 0);
			g.root[g.count++] = root;
		}
	}
	assert_groups(&g, LEAVES_MAX + 1);
}

/* Every size at once, from every start within a group. */
static void test_merkle__append_leaves_equals_append_from_any_start(void **state)
{
	struct merkle_frontier one, many, start;

	merkle_init(&start);
	for (size_t first = 0; first <= MERKLE_GROUP; first++) {
		one = start;
		for (size_t n = 0; n <= MERKLE_GROUP + 1; n += first % 7 + 1) {
			many = start;
			assert_int_equal(merkle_append_leaves(&many, d, leaves + first, n, NULL, NULL), 0);
			while (one.size < first + n)
				merkle_append(&one, d, &leaves[one.size], NULL);
			assert_same_frontier(&many, &one);
		}
		merkle_append(&start, d, &leaves[first], NULL);
	}
}

static size_t random_step(struct rng *r, size_t left)
{
	size_t n = rng_below(r, 4) ? rng_below(r, 40) : rng_below(r, 700);

	return n < left ? n : left;
}

static void test_merkle__append_leaves_equals_the_recursion_however_split(void **state)
{
	struct rng rng = seeded_rng();

	for (size_t round = 0; round < 150; round++) {
		size_t n = rng_below(&rng, LEAVES_MAX + 1);
		struct groups g = {.stop_at = UINT64_MAX};
		struct merkle_frontier f;

		merkle_init(&f);
		while (f.size < n) {
			size_t step = random_step(&rng, n - f.size);

			assert_int_equal(merkle_append_leaves(&f, d, leaves + f.size, step, note_group, &g), 0);
		}
		assert_root(&f, n);
		assert_groups(&g, n);
	}
}

static void test_merkle__append_leaves_hands_out_many_groups(void **state)
{
	struct groups g = {.stop_at = UINT64_MAX};
	struct merkle_frontier f;
	size_t n = sizeof(leaves) / sizeof(*leaves);

	merkle_init(&f);
	assert_int_equal(merkle_append_leaves(&f, d, leaves, n, note_group, &g), 0);
	assert_root(&f, n);
	assert_groups(&g, n);
}

static void test_merkle__append_leaves_stops_where_the_callback_says(void **state)
{
	struct groups g = {.stop_at = 2};
	struct merkle_frontier f;

	merkle_init(&f);
	assert_int_equal(merkle_append_leaves(&f, d, leaves, 10 * MERKLE_GROUP, note_group, &g), STOP);
	assert_root(&f, 3 * MERKLE_GROUP);
	assert_int_equal(g.count, 3);
	g.stop_at = UINT64_MAX;
	assert_int_equal(merkle_append_leaves(&f, d, leaves + f.size, 1000, note_group, &g), 0);
	assert_root(&f, 3 * MERKLE_GROUP + 1000);
	assert_groups(&g, 3 * MERKLE_GROUP + 1000);
}

static void test_merkle__append_group_equals_its_leaves(void **state)
{
	struct merkle_frontier f, want;

	merkle_init(&f);
	merkle_init(&want);
	for (size_t i = 0; i < 9; i++) {
		struct sha256 root = naive_root(d, leaves + i * MERKLE_GROUP, MERKLE_GROUP);

		merkle_append_group(&f, d, &root);
		merkle_append_leaves(&want, d, leaves + i * MERKLE_GROUP, MERKLE_GROUP, NULL, NULL);
		assert_same_frontier(&f, &want);
	}
}

static struct merkle_frontier frontier_of(size_t n)
{
	struct merkle_frontier f;

	merkle_init(&f);
	merkle_append_leaves(&f, d, leaves, n, NULL, NULL);
	return f;
}

static void test_merkle__frontier_survives_put_and_get(void **state)
{
	struct buf b = BUF_INIT;

	for (size_t n = 0; n <= LEAVES_MAX; n++) {
		struct merkle_frontier f = frontier_of(n);
		struct merkle_frontier got;
		struct reader r;

		buf_reset(&b);
		merkle_frontier_put(&b, &f);
		assert_int_equal(b.len, 8 + SHA256_LEN * __builtin_popcountll(n));
		buf_put_u8(&b, 0xaa);
		r = reader_of(buf_span(&b));
		assert_int_equal(merkle_frontier_get(&r, &got, NULL), 0);
		assert_same_frontier(&f, &got);
		assert_int_equal(reader_left(&r), 1);
	}
	buf_release(&b);
}

static void test_merkle__frontier_is_stored_widest_first(void **state)
{
	struct merkle_frontier f = frontier_of(5);
	struct sha256 wide = naive_root(d, leaves, 4);
	struct buf b = BUF_INIT;

	merkle_frontier_put(&b, &f);
	assert_hex(b.p, 8, "0500000000000000");
	assert_memory_equal(b.p + 8, &wide, SHA256_LEN);
	assert_memory_equal(b.p + 8 + SHA256_LEN, &leaves[4], SHA256_LEN);
	buf_release(&b);
}

static void test_merkle__truncated_frontier_is_corrupt_and_changes_nothing(void **state)
{
	struct merkle_frontier f = frontier_of(0x16b);
	struct merkle_frontier got, before;
	struct buf b = BUF_INIT;

	merkle_frontier_put(&b, &f);
	memset(&before, 0x5a, sizeof(before));
	for (size_t len = 0; len < b.len; len++) {
		struct reader r = reader_of(span_of(b.p, len));
		struct err err = ERR_INIT;

		got = before;
		assert_int_equal(merkle_frontier_get(&r, &got, &err), E_CORRUPT);
		assert_int_equal(err.code, E_CORRUPT);
		assert_memory_equal(&got, &before, sizeof(got));
	}
	buf_release(&b);
}

/* A size with more one bits than there are hashes cannot be read past the end. */
static void test_merkle__frontier_with_too_large_a_size_is_corrupt(void **state)
{
	struct merkle_frontier f = frontier_of(0x16b);
	struct merkle_frontier got;
	struct buf b = BUF_INIT;

	merkle_frontier_put(&b, &f);
	for (unsigned bit = 0; bit < 64; bit++) {
		struct reader r;

		put_u64le(b.p, 0x16b | (uint64_t)1 << bit);
		r = reader_of(buf_span(&b));
		if ((uint64_t)0x16b >> bit & 1)
			assert_int_equal(merkle_frontier_get(&r, &got, NULL), 0);
		else
			assert_int_equal(merkle_frontier_get(&r, &got, NULL), E_CORRUPT);
	}
	put_u64le(b.p, UINT64_MAX);
	{
		struct reader r = reader_of(buf_span(&b));

		assert_int_equal(merkle_frontier_get(&r, &got, NULL), E_CORRUPT);
	}
	buf_release(&b);
}

static int set_up(void **state)
{
	d = digest_new();
	for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++)
		digest_leaf(d, span_of(&i, sizeof(i)), &leaves[i]);
	return 0;
}

static int tear_down(void **state)
{
	d = digest_free(d);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merkle__matches_the_classic_roots),
		cmocka_unit_test(test_merkle__matches_the_testdata_log),
		cmocka_unit_test(test_merkle__append_equals_the_recursion),
		cmocka_unit_test(test_merkle__append_leaves_equals_append_from_any_start),
		cmocka_unit_test(test_merkle__append_leaves_equals_the_recursion_however_split),
		cmocka_unit_test(test_merkle__append_leaves_hands_out_many_groups),
		cmocka_unit_test(test_merkle__append_leaves_stops_where_the_callback_says),
		cmocka_unit_test(test_merkle__append_group_equals_its_leaves),
		cmocka_unit_test(test_merkle__frontier_survives_put_and_get),
		cmocka_unit_test(test_merkle__frontier_is_stored_widest_first),
		cmocka_unit_test(test_merkle__truncated_frontier_is_corrupt_and_changes_nothing),
		cmocka_unit_test(test_merkle__frontier_with_too_large_a_size_is_corrupt),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
