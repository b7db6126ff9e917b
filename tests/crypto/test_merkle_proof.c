#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"
#include "sample.h"
#include "tree.h"

#define LEAVES_MAX 129

static struct digest *d;
static struct sha256 leaves[LEAVES_MAX];
static struct sha256 roots[LEAVES_MAX + 1];

/* A tree of `size` of the leaves; the prover may ask only for what is full in it. */
struct tree {
	const struct sha256 *leaf;
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
	*ret = naive_root(d, t->leaf + (number << level), (size_t)1 << level);
	return 0;
}

/* PATH(m, D[n]) of RFC 6962 section 2.1.1. */
static void naive_path(size_t m, const struct sha256 *leaf, size_t n, struct merkle_proof *p)
{
	size_t k;

	if (n == 1)
		return;
	k = naive_split(n);
	if (m < k) {
		naive_path(m, leaf, k, p);
		p->hash[p->count++] = naive_root(d, leaf + k, n - k);
	} else {
		naive_path(m - k, leaf + k, n - k, p);
		p->hash[p->count++] = naive_root(d, leaf, k);
	}
}

/* SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2. */
static void naive_subproof(size_t m, const struct sha256 *leaf, size_t n, bool b, struct merkle_proof *p)
{
	size_t k;

	if (m == n) {
		if (!b)
			p->hash[p->count++] = naive_root(d, leaf, m);
		return;
	}
	k = naive_split(n);
	if (m <= k) {
		naive_subproof(m, leaf, k, b, p);
		p->hash[p->count++] = naive_root(d, leaf + k, n - k);
	} else {
		naive_subproof(m - k, leaf + k, n - k, false, p);
		p->hash[p->count++] = naive_root(d, leaf, k);
	}
}

static struct merkle_proof inclusion_of(uint64_t index, uint64_t size)
{
	struct tree t = {leaves, size, 0, 0};
	struct merkle_proof p;

	assert_int_equal(merkle_prove_inclusion(d, index, size, fetch_node, &t, &p), 0);
	return p;
}

static struct merkle_proof consistency_of(uint64_t old_size, uint64_t size)
{
	struct tree t = {leaves, size, 0, 0};
	struct merkle_proof p;

	assert_int_equal(merkle_prove_consistency(d, old_size, size, fetch_node, &t, &p), 0);
	return p;
}

static bool holds_inclusion(uint64_t index, uint64_t size, const struct merkle_proof *p)
{
	return merkle_verify_inclusion(d, index, size, &leaves[index % LEAVES_MAX], p->hash, p->count, &roots[size]);
}

static bool holds_consistency(uint64_t old_size, uint64_t size, const struct merkle_proof *p)
{
	return merkle_verify_consistency(d, old_size, size, p->hash, p->count, &roots[old_size], &roots[size]);
}

static void assert_same_proof(const struct merkle_proof *got, const struct merkle_proof *want)
{
	assert_int_equal(got->count, want->count);
	assert_memory_equal(got->hash, want->hash, want->count * SHA256_LEN);
}

static void test_merkle_proof__inclusion_equals_the_recursion_and_verifies(void **state)
{
	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		for (size_t i = 0; i < n; i++) {
			struct merkle_proof got = inclusion_of(i, n);
			struct merkle_proof want = {0};

			naive_path(i, leaves, n, &want);
			assert_same_proof(&got, &want);
			assert_true(holds_inclusion(i, n, &got));
		}
	}
}

static void test_merkle_proof__consistency_equals_the_recursion_and_verifies(void **state)
{
	for (size_t n = 0; n <= LEAVES_MAX; n++) {
		for (size_t m = 0; m <= n; m++) {
			struct merkle_proof got = consistency_of(m, n);
			struct merkle_proof want = {0};

			if (m)
				naive_subproof(m, leaves, n, true, &want);
			assert_same_proof(&got, &want);
			assert_true(holds_consistency(m, n, &got));
		}
	}
}

static const struct {
	uint64_t a; /* index or old size */
	uint64_t size;
	bool is_consistency;
	const char *hash[4];
} vectors[] = {
	{6,
	 7,
	 false,
	 {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{5,
	 7,
	 false,
	 {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	  "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
	  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{2,
	 5,
	 true,
	 {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	  "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
	{6,
	 8,
	 true,
	 {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{4, 7, true, {"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e"}},
};

static void test_merkle_proof__matches_the_classic_vectors(void **state)
{
	struct sha256 classic[8];

	classic_leaves(d, classic);
	for (size_t v = 0; v < sizeof(vectors) / sizeof(*vectors); v++) {
		struct tree t = {classic, vectors[v].size, 0, 0};
		struct merkle_proof p;
		size_t n = 0;

		if (vectors[v].is_consistency)
			assert_int_equal(merkle_prove_consistency(d, vectors[v].a, t.size, fetch_node, &t, &p), 0);
		else
			assert_int_equal(merkle_prove_inclusion(d, vectors[v].a, t.size, fetch_node, &t, &p), 0);
		for (; vectors[v].hash[n]; n++)
			assert_hex(p.hash[n].b, SHA256_LEN, vectors[v].hash[n]);
		assert_int_equal(p.count, n);
	}
}

typedef bool holds_fn(uint64_t a, uint64_t size, const struct merkle_proof *p);

/* Every change of the path alone, for either kind of proof. */
static void assert_no_damage_holds(holds_fn *holds, uint64_t a, uint64_t size, const struct merkle_proof *p)
{
	struct merkle_proof q;

	for (size_t i = 0; i < p->count; i++) {
		q = *p;
		q.hash[i].b[i % SHA256_LEN] ^= 0x10;
		assert_false(holds(a, size, &q));
		q = *p; /* one left out */
		q.count--;
		memmove(&q.hash[i], &q.hash[i + 1], (q.count - i) * sizeof(*q.hash));
		assert_false(holds(a, size, &q));
	}
	for (size_t i = 0; i <= p->count; i++) {
		q = *p; /* one too many */
		memmove(&q.hash[i + 1], &q.hash[i], (q.count - i) * sizeof(*q.hash));
		q.hash[i] = i % 2 ? roots[size] : leaves[0];
		q.count++;
		assert_false(holds(a, size, &q));
	}
}

static void test_merkle_proof__damaged_inclusion_fails(void **state)
{
	for (size_t n = 1; n <= 40; n++) {
		for (size_t i = 0; i < n; i++) {
			struct merkle_proof p = inclusion_of(i, n);

			assert_no_damage_holds(holds_inclusion, i, n, &p);
			for (size_t j = 0; j < n + 2; j++)
				if (j != i)
					assert_false(merkle_verify_inclusion(d, j, n, &leaves[i], p.hash, p.count,
									     &roots[n]));
			assert_false(merkle_verify_inclusion(d, i, n, &leaves[i + 1], p.hash, p.count, &roots[n]));
			assert_false(merkle_verify_inclusion(d, i, n, &leaves[i], p.hash, p.count, &roots[n + 1]));
			assert_false(merkle_verify_inclusion(d, i, 2 * n + 1, &leaves[i], p.hash, p.count, &roots[n]));
		}
	}
}

static void test_merkle_proof__damaged_consistency_fails(void **state)
{
	for (size_t n = 1; n <= 40; n++) {
		for (size_t m = 1; m <= n; m++) {
			struct merkle_proof p = consistency_of(m, n);

			assert_no_damage_holds(holds_consistency, m, n, &p);
			for (size_t j = 0; j <= n + 2; j++)
				if (j != m)
					assert_false(merkle_verify_consistency(d, j, n, p.hash, p.count, &roots[m],
									       &roots[n]));
			if (m != n)
				assert_false(merkle_verify_consistency(d, m, n, p.hash, p.count, &roots[n], &roots[m]));
			assert_false(merkle_verify_consistency(d, m, n, p.hash, p.count, &roots[m - 1], &roots[n]));
			assert_false(merkle_verify_consistency(d, m, n, p.hash, p.count, &roots[m], &roots[n + 1]));
		}
	}
}

/* A log that rewrote its past cannot connect the two trees by any proof it makes. */
static void test_merkle_proof__consistency_of_a_fork_fails(void **state)
{
	struct sha256 forked[LEAVES_MAX];

	for (size_t n = 2; n <= 64; n++) {
		for (size_t m = 1; m < n; m++) {
			struct tree t = {forked, n, 0, 0};
			struct merkle_proof p;
			struct sha256 root;

			memcpy(forked, leaves, sizeof(forked));
			forked[m / 2].b[0] ^= 1;
			root = naive_root(d, forked, n);
			assert_int_equal(merkle_prove_consistency(d, m, n, fetch_node, &t, &p), 0);
			assert_false(merkle_verify_consistency(d, m, n, p.hash, p.count, &roots[m], &root));
		}
	}
}

/* The two hashes under a node, given as an entry, are no leaf in its place: leaves and nodes have different prefixes.
 */
static void test_merkle_proof__node_bytes_are_no_entry(void **state)
{
	struct sha256 right = naive_root(d, leaves + 2, 2);
	struct sha256 fake;

	digest_leaf(d, span_of(leaves, 2 * SHA256_LEN), &fake);
	assert_false(merkle_verify_inclusion(d, 0, 2, &fake, &right, 1, &roots[4]));
}

static void test_merkle_proof__empty_tree_has_its_own_root(void **state)
{
	assert_true(merkle_verify_consistency(d, 0, 0, NULL, 0, &roots[0], &roots[0]));
	assert_true(merkle_verify_consistency(d, 0, 9, NULL, 0, &roots[0], &roots[9]));
	assert_false(merkle_verify_consistency(d, 0, 9, NULL, 0, &roots[1], &roots[9]));
	assert_false(merkle_verify_consistency(d, 0, 9, &leaves[0], 1, &roots[0], &roots[9]));
	assert_false(merkle_verify_consistency(d, 0, 0, NULL, 0, &roots[1], &roots[1]));
	assert_false(merkle_verify_inclusion(d, 0, 0, &leaves[0], NULL, 0, &leaves[0]));
}

static void test_merkle_proof__missing_path_fails(void **state)
{
	for (size_t n = 2; n <= LEAVES_MAX; n++) {
		for (size_t m = 1; m < n; m++) {
			assert_false(merkle_verify_consistency(d, m, n, NULL, 0, &roots[m], &roots[n]));
			assert_false(merkle_verify_consistency(d, m, n, NULL, 0, &roots[n], &roots[n]));
			assert_false(merkle_verify_inclusion(d, m, n, &roots[n], NULL, 0, &roots[n]));
		}
	}
}

static void test_merkle_proof__what_is_not_in_the_tree_is_refused(void **state)
{
	struct tree t = {leaves, 8, 0, 0};
	struct merkle_proof p;

	assert_int_equal(merkle_prove_inclusion(d, 8, 8, fetch_node, &t, &p), E_INVALID);
	assert_int_equal(merkle_prove_inclusion(d, 0, 0, fetch_node, &t, &p), E_INVALID);
	assert_int_equal(merkle_prove_consistency(d, 9, 8, fetch_node, &t, &p), E_INVALID);
	assert_int_equal(t.asked, 0);
}

/* Fails each fetch in turn until one run passes. */
static void test_merkle_proof__failed_fetch_ends_the_proving(void **state)
{
	for (int is_consistency = 0; is_consistency < 2; is_consistency++) {
		int rc = E_IO;

		for (size_t nth = 1; rc != 0; nth++) {
			struct tree t = {leaves, 107, 0, nth};
			struct merkle_proof p, before;

			memset(&p, 0x5a, sizeof(p));
			before = p;
			rc = is_consistency ? merkle_prove_consistency(d, 91, 107, fetch_node, &t, &p)
					    : merkle_prove_inclusion(d, 91, 107, fetch_node, &t, &p);
			if (rc == 0) {
				assert_true(nth > 7 && t.asked == nth - 1);
				continue;
			}
			assert_int_equal(rc, E_IO);
			assert_int_equal(t.asked, nth);
			assert_memory_equal(&p, &before, sizeof(p));
		}
	}
}

/* A tree of equal leaves: its full subtrees of one level are equal, so trees of any size fit in 64 hashes. */
static int fetch_level(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	*ret = ((const struct merkle_frontier *)user)->node[level];
	return 0;
}

static void test_merkle_proof__works_up_to_the_largest_tree(void **state)
{
	struct rng rng = seeded_rng();
	struct merkle_frontier f;

	f.node[0] = leaves[0];
	for (unsigned k = 1; k < MERKLE_LEVELS_MAX; k++)
		digest_node(d, &f.node[k - 1], &f.node[k - 1], &f.node[k]);
	for (size_t round = 0; round < 2000; round++) {
		uint64_t size = round ? (rng_next(&rng) >> rng_below(&rng, 63)) | 1 : UINT64_MAX;
		uint64_t old_size = round ? 1 + rng_below(&rng, size) : UINT64_MAX - 1;
		struct sha256 root, old_root;
		struct merkle_proof p;

		f.size = old_size;
		merkle_root(&f, d, &old_root);
		f.size = size;
		merkle_root(&f, d, &root);
		assert_int_equal(merkle_prove_consistency(d, old_size, size, fetch_level, &f, &p), 0);
		assert_true(p.count <= MERKLE_CONSISTENCY_MAX);
		assert_true(merkle_verify_consistency(d, old_size, size, p.hash, p.count, &old_root, &root));
		assert_int_equal(merkle_prove_inclusion(d, old_size - 1, size, fetch_level, &f, &p), 0);
		assert_true(p.count <= MERKLE_INCLUSION_MAX);
		assert_true(merkle_verify_inclusion(d, old_size - 1, size, &leaves[0], p.hash, p.count, &root));
	}
}

static int set_up(void **state)
{
	d = digest_new();
	for (size_t i = 0; i < LEAVES_MAX; i++)
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
		cmocka_unit_test(test_merkle_proof__inclusion_equals_the_recursion_and_verifies),
		cmocka_unit_test(test_merkle_proof__consistency_equals_the_recursion_and_verifies),
		cmocka_unit_test(test_merkle_proof__matches_the_classic_vectors),
		cmocka_unit_test(test_merkle_proof__damaged_inclusion_fails),
		cmocka_unit_test(test_merkle_proof__damaged_consistency_fails),
		cmocka_unit_test(test_merkle_proof__consistency_of_a_fork_fails),
		cmocka_unit_test(test_merkle_proof__node_bytes_are_no_entry),
		cmocka_unit_test(test_merkle_proof__empty_tree_has_its_own_root),
		cmocka_unit_test(test_merkle_proof__missing_path_fails),
		cmocka_unit_test(test_merkle_proof__what_is_not_in_the_tree_is_refused),
		cmocka_unit_test(test_merkle_proof__failed_fetch_ends_the_proving),
		cmocka_unit_test(test_merkle_proof__works_up_to_the_largest_tree),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
