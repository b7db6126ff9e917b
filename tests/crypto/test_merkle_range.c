#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/merkle_range.h"
#include "sample.h"
#include "tree.h"

#define LEAVES_MAX 70
#define LARGE      3000

static struct digest *d;
static struct sha256 leaves[LARGE];
static struct sha256 roots[LEAVES_MAX + 1];

/* The prover may ask only for what is full in the tree. */
struct tree {
	uint64_t size;
	size_t asked;
	size_t fail_at; /* the call that fails, counted from 1; 0 for none */
};

static int fetch_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	struct tree *t = user;

	assert_true(level < 64 && (number + 1) << level <= t->size);
	if (++t->asked == t->fail_at)
		return E_IO;
	*ret = naive_root(d, leaves + (number << level), (size_t)1 << level);
	return 0;
}

/* The same decomposition by recursion over the tree: what lies outside of [first, next) and is full is one hash. */
static void naive_cover(uint64_t at, uint64_t width, uint64_t first, uint64_t next, uint64_t size,
			struct merkle_range_proof *p)
{
	bool is_outside = at + width <= first || at >= next;

	if (at >= size || (at >= first && at + width <= next))
		return;
	if (is_outside && at + width <= size) {
		p->hash[p->count++] = naive_root(d, leaves + at, width);
		return;
	}
	assert_true(width > 1);
	naive_cover(at, width / 2, first, next, size, p);
	naive_cover(at + width / 2, width / 2, first, next, size, p);
}

static struct merkle_range_proof proof_of(uint64_t first, uint64_t next, uint64_t size)
{
	struct tree t = {size, 0, 0};
	struct merkle_range_proof p;

	assert_int_equal(merkle_prove_range(first, next, size, fetch_node, &t, &p), 0);
	assert_int_equal(p.count, merkle_range_count(first, next, size));
	return p;
}

static bool holds(uint64_t first, uint64_t next, uint64_t size, const struct sha256 *run, size_t n,
		  const struct merkle_range_proof *p, const struct sha256 *root)
{
	struct merkle_range r;

	return merkle_range_begin(&r, first, next, size, p->hash, p->count) && merkle_range_add(&r, d, run, n) &&
	       merkle_range_end(&r, d, root);
}

static void test_merkle_range__equals_the_recursion_and_verifies(void **state)
{
	for (uint64_t n = 1; n <= LEAVES_MAX; n++) {
		for (uint64_t a = 0; a <= n; a++) {
			for (uint64_t b = a; b <= n; b++) {
				struct merkle_range_proof got = proof_of(a, b, n);
				struct merkle_range_proof want = {0};

				if (a < b) {
					naive_cover(0, 128, a, b, n, &want);
					assert_int_equal(got.count, want.count);
					assert_memory_equal(got.hash, want.hash, want.count * SHA256_LEN);
				}
				assert_true(holds(a, b, n, leaves + a, b - a, &got, &roots[n]));
			}
		}
	}
}

/* One leaf more or less, at either end, another leaf, two swapped; any bit of the proof; any hash more or less. */
static void assert_no_damage_holds(uint64_t a, uint64_t b, uint64_t n)
{
	struct merkle_range_proof p = proof_of(a, b, n), q;
	struct sha256 run[LEAVES_MAX + 2];

	memcpy(run, leaves + a, (b - a) * sizeof(*run));
	for (size_t i = 0; i < b - a; i++) {
		run[i].b[i % SHA256_LEN] ^= 1;
		assert_false(holds(a, b, n, run, b - a, &p, &roots[n]));
		run[i] = leaves[a + i];
		if (i > 0) {
			run[i - 1] = leaves[a + i];
			run[i] = leaves[a + i - 1];
			assert_false(holds(a, b, n, run, b - a, &p, &roots[n]));
			run[i - 1] = leaves[a + i - 1];
			run[i] = leaves[a + i];
		}
	}
	for (size_t i = 0; i < p.count; i++) {
		q = p;
		q.hash[i].b[i % SHA256_LEN] ^= 0x80;
		assert_false(holds(a, b, n, run, b - a, &q, &roots[n]));
		q = p;
		q.count--;
		memmove(&q.hash[i], &q.hash[i + 1], (q.count - i) * sizeof(*q.hash));
		assert_false(holds(a, b, n, run, b - a, &q, &roots[n]));
	}
	for (size_t i = 0; i <= p.count; i++) {
		q = p;
		memmove(&q.hash[i + 1], &q.hash[i], (q.count - i) * sizeof(*q.hash));
		q.hash[i] = roots[n];
		q.count++;
		assert_false(holds(a, b, n, run, b - a, &q, &roots[n]));
	}
	if (b > a)
		assert_false(holds(a, b, n, run, b - a - 1, &p, &roots[n]));
	run[b - a] = leaves[b];
	assert_false(holds(a, b, n, run, b - a + 1, &p, &roots[n]));
	assert_false(holds(a, b, n, run, b - a, &p, &roots[n - 1]));
	assert_false(holds(a + 1, b, n, run, b - a, &p, &roots[n]));
	assert_false(holds(a, b + 1, n, run, b - a, &p, &roots[n]));
	assert_false(holds(a + 1, b + 1, n, run, b - a, &p, &roots[n]));
	assert_false(holds(a, b, b - 1, run, b - a, &p, &roots[n]));
}

static void test_merkle_range__damage_fails(void **state)
{
	for (uint64_t n = 1; n <= 33; n++) {
		for (uint64_t a = 0; a < n; a++) {
			for (uint64_t b = a + 1; b <= n; b++)
				assert_no_damage_holds(a, b, n);
		}
	}
}

/* Two hashes given as one leaf would make the run shorter; leaves and nodes have different prefixes. */
static void test_merkle_range__node_bytes_are_no_entry(void **state)
{
	struct merkle_range_proof p = {1, {naive_root(d, leaves + 2, 2)}};
	struct sha256 fake;

	digest_leaf(d, span_of(leaves, 2 * SHA256_LEN), &fake);
	assert_false(holds(0, 1, 2, &fake, 1, &p, &roots[4]));
	assert_false(holds(0, 1, 3, &fake, 1, &p, &roots[4]));
}

static void test_merkle_range__large_runs_in_pieces(void **state)
{
	struct rng rng = seeded_rng();

	for (size_t round = 0; round < 200; round++) {
		uint64_t n = 1 + rng_below(&rng, LARGE);
		uint64_t a = rng_below(&rng, n + 1);
		uint64_t b = a + rng_below(&rng, n - a + 1);
		struct merkle_range_proof p = proof_of(a, b, n);
		struct sha256 root = naive_root(d, leaves, n);
		struct merkle_range r;

		assert_true(merkle_range_begin(&r, a, b, n, p.hash, p.count));
		for (uint64_t at = a; at < b;) {
			uint64_t step = 1 + rng_below(&rng, b - at);

			assert_true(merkle_range_add(&r, d, leaves + at, step));
			at += step;
		}
		assert_true(merkle_range_end(&r, d, &root));
	}
}

/* A tree of equal leaves: its full subtrees of one level are equal, so trees of any size fit in 64 hashes. */
static int fetch_level(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	*ret = ((const struct merkle_frontier *)user)->node[level];
	return 0;
}

static void test_merkle_range__works_up_to_the_largest_tree(void **state)
{
	struct rng rng = seeded_rng();
	struct sha256 run[300];
	struct merkle_frontier f;

	f.node[0] = leaves[0];
	for (unsigned k = 1; k < MERKLE_LEVELS_MAX; k++)
		digest_node(d, &f.node[k - 1], &f.node[k - 1], &f.node[k]);
	for (size_t i = 0; i < 300; i++)
		run[i] = leaves[0];
	for (size_t round = 0; round < 2000; round++) {
		uint64_t size = round ? (rng_next(&rng) >> rng_below(&rng, 63)) | 1 : UINT64_MAX;
		uint64_t first = round ? rng_below(&rng, size) : 0;
		uint64_t len = rng_below(&rng, (size - first < 300 ? size - first : 300) + 1);
		struct merkle_range_proof p;
		struct sha256 root;

		f.size = size;
		merkle_root(&f, d, &root);
		assert_int_equal(merkle_prove_range(first, first + len, size, fetch_level, &f, &p), 0);
		assert_true(holds(first, first + len, size, run, len, &p, &root));
	}
	assert_true(merkle_range_count(UINT64_MAX, UINT64_MAX, UINT64_MAX) == 64);
	assert_true(merkle_range_count(0, 1, UINT64_MAX) <= MERKLE_RANGE_MAX);
}

static void test_merkle_range__what_is_not_in_the_tree_is_refused(void **state)
{
	struct tree t = {8, 0, 0};
	struct merkle_range_proof p;

	assert_int_equal(merkle_prove_range(0, 9, 8, fetch_node, &t, &p), E_INVALID);
	assert_int_equal(merkle_prove_range(5, 4, 8, fetch_node, &t, &p), E_INVALID);
	assert_int_equal(t.asked, 0);
}

/* Fails each fetch in turn until one run passes. */
static void test_merkle_range__failed_fetch_ends_the_proving(void **state)
{
	int rc = E_IO;

	for (size_t nth = 1; rc != 0; nth++) {
		struct tree t = {107, 0, nth};
		struct merkle_range_proof p;

		rc = merkle_prove_range(29, 91, 107, fetch_node, &t, &p);
		assert_int_equal(t.asked, rc == 0 ? nth - 1 : nth);
		assert_true(rc == 0 || rc == E_IO);
	}
}

static int set_up(void **state)
{
	d = digest_new();
	for (size_t i = 0; i < LARGE; i++)
		digest_leaf(d, span_of(&i, sizeof(i)), &leaves[i]);
	for (size_t n = 0; n <= LEAVES_MAX; n++)
		roots[n] = naive_root(d, leaves, n);
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
		cmocka_unit_test(test_merkle_range__equals_the_recursion_and_verifies),
		cmocka_unit_test(test_merkle_range__damage_fails),
		cmocka_unit_test(test_merkle_range__node_bytes_are_no_entry),
		cmocka_unit_test(test_merkle_range__large_runs_in_pieces),
		cmocka_unit_test(test_merkle_range__works_up_to_the_largest_tree),
		cmocka_unit_test(test_merkle_range__what_is_not_in_the_tree_is_refused),
		cmocka_unit_test(test_merkle_range__failed_fetch_ends_the_proving),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
