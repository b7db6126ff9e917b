/*
 * Proving works on ranges [first, end) of leaves that start at a multiple of the least power of two that covers them.
 * Their root is that of a tree of end - first leaves, whose maximal full subtrees are full nodes of the whole tree.
 */
#include "crypto/merkle_proof.h"

/* Where nodes come from. */
struct source {
	struct digest *d;
	merkle_node_fn *node;
	void *user;
};

static bool is_same(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->b, b->b, SHA256_LEN) == 0;
}

/* The root of leaves [first, end), folded from the narrowest full subtree, which is the last, to the widest. */
static int hash_range(const struct source *from, uint64_t first, uint64_t end, struct sha256 *ret)
{
	uint64_t n = end - first;
	struct sha256 root;
	bool has_root = false;

	for (unsigned k = 0; k < 64; k++) {
		struct sha256 node;
		int rc;

		if (!(n >> k & 1))
			continue;
		rc = from->node(from->user, k, (end >> k) - 1, &node);
		if (rc != 0)
			return rc;
		if (has_root)
			digest_node(from->d, &node, &root, &root);
		else
			root = node;
		has_root = true;
	}
	*ret = root;
	return 0;
}

/*
 * At each level the sibling is a full node, or the last and maybe partial one, or not there. `fn` and `last` are the
 * numbers of the node above the leaf and of the last node at that level.
 */
int merkle_prove_inclusion(struct digest *d, uint64_t index, uint64_t size, merkle_node_fn *node, void *user,
			   struct merkle_proof *ret)
{
	struct source from = {d, node, user};
	struct merkle_proof proof = {0};
	uint64_t fn = index;
	uint64_t last = size - 1;

	if (index >= size)
		return E_INVALID;
	for (unsigned k = 0; last; k++, fn >>= 1, last >>= 1) {
		uint64_t sibling = fn ^ 1;
		int rc = 0;

		if (sibling < last)
			rc = node(user, k, sibling, &proof.hash[proof.count]);
		else if (sibling == last)
			rc = hash_range(&from, sibling << k, size, &proof.hash[proof.count]);
		if (rc != 0)
			return rc;
		proof.count += sibling <= last;
	}
	must(proof.count <= MERKLE_INCLUSION_MAX);
	*ret = proof;
	return 0;
}

/* The largest power of two below n, n >= 2. */
static uint64_t split_point(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct merkle_proof *p)
{
	for (size_t i = 0, j = p->count; i + 1 < j; i++) {
		struct sha256 h = p->hash[--j];

		p->hash[j] = p->hash[i];
		p->hash[i] = h;
	}
}

/*
 * SUBPROOF of RFC 6962 with its recursion unrolled: [first, end) is the part of the tree in which the old one still
 * ends, and each step down notes the other half, so the hashes come from the root down.
 */
static int prove_growth(const struct source *from, uint64_t old_size, uint64_t size, struct merkle_proof *p)
{
	uint64_t first = 0;
	uint64_t end = size;
	int rc = 0;

	while (rc == 0 && old_size != end) {
		uint64_t middle = first + split_point(end - first);

		if (old_size <= middle) {
			rc = hash_range(from, middle, end, &p->hash[p->count++]);
			end = middle;
		} else {
			rc = hash_range(from, first, middle, &p->hash[p->count++]);
			first = middle;
		}
	}
	if (rc == 0 && first != 0) /* else it is the old root itself, which the verifier has */
		rc = hash_range(from, first, end, &p->hash[p->count++]);
	reverse(p);
	return rc;
}

int merkle_prove_consistency(struct digest *d, uint64_t old_size, uint64_t size, merkle_node_fn *node, void *user,
			     struct merkle_proof *ret)
{
	struct source from = {d, node, user};
	struct merkle_proof proof = {0};
	int rc = 0;

	if (old_size > size)
		return E_INVALID;
	if (old_size != 0)
		rc = prove_growth(&from, old_size, size, &proof);
	if (rc == 0)
		*ret = proof;
	return rc;
}

static void climb(uint64_t *fn, uint64_t *sn)
{
	*fn >>= 1;
	*sn >>= 1;
}

/* From a node that is the last of its level up to where it is a right child, or the leftmost. */
static void climb_to_sibling(uint64_t *fn, uint64_t *sn)
{
	while (!(*fn & 1) && *fn != 0)
		climb(fn, sn);
}

bool merkle_verify_inclusion(struct digest *d, uint64_t index, uint64_t size, const struct sha256 *leaf,
			     const struct sha256 *path, size_t path_len, const struct sha256 *root)
{
	uint64_t fn = index;
	uint64_t sn = size - 1;
	struct sha256 r = *leaf;

	if (index >= size)
		return false;
	for (size_t i = 0; i < path_len; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			digest_node(d, &path[i], &r, &r);
			climb_to_sibling(&fn, &sn);
		} else {
			digest_node(d, &r, &path[i], &r);
		}
		climb(&fn, &sn);
	}
	return sn == 0 && is_same(&r, root);
}

/* 0 < old_size < size and the path, with the old root put before it where it is a node of the new tree, not empty. */
static bool verify_growth(struct digest *d, uint64_t old_size, uint64_t size, const struct sha256 *first,
			  const struct sha256 *rest, size_t rest_len, const struct sha256 *old_root,
			  const struct sha256 *root)
{
	uint64_t fn = old_size - 1;
	uint64_t sn = size - 1;
	struct sha256 fr = *first;
	struct sha256 sr = *first;

	while (fn & 1)
		climb(&fn, &sn);
	for (size_t i = 0; i < rest_len; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			digest_node(d, &rest[i], &fr, &fr);
			digest_node(d, &rest[i], &sr, &sr);
			climb_to_sibling(&fn, &sn);
		} else {
			digest_node(d, &sr, &rest[i], &sr);
		}
		climb(&fn, &sn);
	}
	return sn == 0 && is_same(&fr, old_root) && is_same(&sr, root);
}

static bool is_empty_root(struct digest *d, const struct sha256 *root)
{
	struct sha256 empty;

	digest_sha256(d, span_of(NULL, 0), &empty);
	return is_same(root, &empty);
}

bool merkle_verify_consistency(struct digest *d, uint64_t old_size, uint64_t size, const struct sha256 *path,
			       size_t path_len, const struct sha256 *old_root, const struct sha256 *root)
{
	if (old_size > size)
		return false;
	if (old_size == 0 && !is_empty_root(d, old_root))
		return false;
	if (old_size == size)
		return path_len == 0 && is_same(old_root, root);
	if (old_size == 0)
		return path_len == 0;
	if (path_len == 0)
		return false;
	if ((old_size & (old_size - 1)) == 0)
		return verify_growth(d, old_size, size, old_root, path, path_len, old_root, root);
	return verify_growth(d, old_size, size, &path[0], path + 1, path_len - 1, old_root, root);
}
