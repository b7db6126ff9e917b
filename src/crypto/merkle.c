/*
 * The frontier is a binary counter: appending a subtree of 2^k leaves is adding 1 at bit k, and each carry is one node
 * hash of the subtree that was there and the one that comes.
 */
#include "crypto/merkle.h"

#define GROUP_LEVEL 8 /* log2 of MERKLE_GROUP */

void merkle_init(struct merkle_frontier *f)
{
	memset(f, 0, sizeof(*f));
}

/* Carries the subtree `root` of 2^level leaves in; f->size is a multiple of 2^level. Passing by a full group, sets
 * *ret_group (unless NULL). */
static void carry(struct merkle_frontier *f, struct digest *d, unsigned level, const struct sha256 *root,
		  struct sha256 *ret_group)
{
	struct sha256 node = *root;
	unsigned k = level;

	must(UINT64_MAX - f->size >= (uint64_t)1 << level);
	for (; f->size >> k & 1; k++) {
		if (k == GROUP_LEVEL && ret_group)
			*ret_group = node;
		digest_node(d, &f->node[k], &node, &node);
	}
	if (k == GROUP_LEVEL && ret_group)
		*ret_group = node;
	f->node[k] = node;
	f->size += (uint64_t)1 << level;
}

bool merkle_append(struct merkle_frontier *f, struct digest *d, const struct sha256 *leaf, struct sha256 *ret_group)
{
	carry(f, d, 0, leaf, ret_group);
	return f->size % MERKLE_GROUP == 0;
}

/*
 * Appends 1 to 256 leaves that all belong to the group under way, level by level: the new nodes of a level, behind the
 * odd one that waits in the frontier, are hashed in pairs, and what is odd then waits in its place. True, and the root,
 * when the group is full now.
 */
static bool fill_group(struct merkle_frontier *f, struct digest *d, const struct sha256 *leaves, size_t n,
		       struct sha256 *ret_group)
{
	struct sha256 node[MERKLE_GROUP + 1];
	size_t n_nodes = n;
	uint64_t size = f->size;

	memcpy(node + 1, leaves, n * sizeof(*leaves));
	for (unsigned k = 0; k < GROUP_LEVEL && n_nodes; k++) {
		bool is_odd = size >> k & 1;
		struct sha256 *first = is_odd ? node : node + 1;

		if (is_odd)
			node[0] = f->node[k];
		n_nodes += is_odd;
		if (n_nodes & 1)
			f->node[k] = first[n_nodes - 1];
		n_nodes /= 2;
		digest_nodes(d, first, n_nodes, first);
		if (is_odd)
			memmove(node + 1, node, n_nodes * sizeof(*node));
	}
	if (n_nodes == 0) {
		f->size += n;
		return false;
	}
	f->size -= f->size % MERKLE_GROUP;
	carry(f, d, GROUP_LEVEL, &node[1], ret_group);
	return true;
}

int merkle_append_leaves(struct merkle_frontier *f, struct digest *d, const struct sha256 *leaves, size_t n,
			 merkle_group_fn *group, void *user)
{
	int rc = 0;

	must(UINT64_MAX - f->size >= n);
	while (n && rc == 0) {
		size_t room = MERKLE_GROUP - f->size % MERKLE_GROUP;
		size_t n_now = n < room ? n : room;
		struct sha256 root;

		if (fill_group(f, d, leaves, n_now, &root) && group)
			rc = group(user, f->size / MERKLE_GROUP - 1, &root);
		leaves += n_now;
		n -= n_now;
	}
	return rc;
}

void merkle_append_group(struct merkle_frontier *f, struct digest *d, const struct sha256 *group)
{
	must(f->size % MERKLE_GROUP == 0);
	carry(f, d, GROUP_LEVEL, group, NULL);
}

void merkle_append_subtree(struct merkle_frontier *f, struct digest *d, unsigned level, const struct sha256 *root)
{
	must(level < MERKLE_LEVELS_MAX && f->size % ((uint64_t)1 << level) == 0);
	carry(f, d, level, root, NULL);
}

void merkle_root(const struct merkle_frontier *f, struct digest *d, struct sha256 *ret)
{
	struct sha256 root;
	bool has_root = false;

	for (unsigned k = 0; k < MERKLE_LEVELS_MAX; k++) {
		if (!(f->size >> k & 1))
			continue;
		if (has_root)
			digest_node(d, &f->node[k], &root, &root);
		else
			root = f->node[k];
		has_root = true;
	}
	if (!has_root)
		digest_sha256(d, span_of(NULL, 0), &root);
	*ret = root;
}

void merkle_frontier_put(struct buf *to, const struct merkle_frontier *f)
{
	buf_put_u64(to, f->size);
	for (unsigned k = MERKLE_LEVELS_MAX; k-- > 0;)
		if (f->size >> k & 1)
			buf_put(to, f->node[k].b, SHA256_LEN);
}

int merkle_frontier_get(struct reader *from, struct merkle_frontier *ret, struct err *err)
{
	struct merkle_frontier f;

	merkle_init(&f);
	f.size = reader_u64(from);
	for (unsigned k = MERKLE_LEVELS_MAX; k-- > 0;) {
		struct span hash;

		if (!(f.size >> k & 1))
			continue;
		hash = reader_bytes(from, SHA256_LEN);
		if (hash.len)
			memcpy(f.node[k].b, hash.p, SHA256_LEN);
	}
	if (from->failed)
		return err_corrupt(err, -1, "a Merkle frontier of %llu leaves ends early", (unsigned long long)f.size);
	*ret = f;
	return 0;
}
