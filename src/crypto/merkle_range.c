/* Both sides walk the same subtrees: the prover fetches their roots, the verifier appends them to a frontier. */
#include "crypto/merkle_range.h"

/* The level of the widest full subtree that starts at leaf `at` and ends within `size`; at < size. */
static unsigned widest_at(uint64_t at, uint64_t size)
{
	unsigned room = 63 - (unsigned)__builtin_clzll(size - at);
	unsigned place = at ? (unsigned)__builtin_ctzll(at) : 63;

	return place < room ? place : room;
}

size_t merkle_range_count(uint64_t first, uint64_t next, uint64_t size)
{
	size_t count = (size_t)__builtin_popcountll(first);

	while (next < size) {
		next += (uint64_t)1 << widest_at(next, size);
		count++;
	}
	return count;
}

int merkle_prove_range(uint64_t first, uint64_t next, uint64_t size, merkle_node_fn *node, void *user,
		       struct merkle_range_proof *ret)
{
	struct merkle_range_proof proof = {0};
	int rc = 0;

	if (first > next || next > size)
		return E_INVALID;
	must(merkle_range_count(first, next, size) <= MERKLE_RANGE_MAX);
	for (unsigned k = MERKLE_LEVELS_MAX; k-- > 0 && rc == 0;) {
		if (first >> k & 1)
			rc = node(user, k, (first >> k) - 1, &proof.hash[proof.count++]);
	}
	while (next < size && rc == 0) {
		unsigned k = widest_at(next, size);

		rc = node(user, k, next >> k, &proof.hash[proof.count++]);
		next += (uint64_t)1 << k;
	}
	if (rc == 0)
		*ret = proof;
	return rc;
}

bool merkle_range_begin(struct merkle_range *r, uint64_t first, uint64_t next, uint64_t size, const struct sha256 *path,
			size_t path_len)
{
	if (first > next || next > size || path_len != merkle_range_count(first, next, size))
		return false;
	merkle_init(&r->tree);
	r->tree.size = first;
	for (unsigned k = MERKLE_LEVELS_MAX; k-- > 0;) {
		if (first >> k & 1)
			r->tree.node[k] = *path++;
	}
	r->next = next;
	r->size = size;
	r->right = path;
	return true;
}

bool merkle_range_add(struct merkle_range *r, struct digest *d, const struct sha256 *leaves, size_t n)
{
	if (n > r->next - r->tree.size)
		return false;
	must(merkle_append_leaves(&r->tree, d, leaves, n, NULL, NULL) == 0);
	return true;
}

bool merkle_range_end(struct merkle_range *r, struct digest *d, const struct sha256 *root)
{
	struct sha256 have;

	if (r->tree.size != r->next)
		return false;
	while (r->tree.size < r->size)
		merkle_append_subtree(&r->tree, d, widest_at(r->tree.size, r->size), r->right++);
	merkle_root(&r->tree, d, &have);
	return memcmp(&have, root, sizeof(have)) == 0;
}
