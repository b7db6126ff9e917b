/*
 * Where a node comes from:
 *
 *	level 16 and above   folded from those of level 16, which the ledger keeps (tree_cache.h)
 *	level 8 to 15        folded from the groups, which segments and chunks have
 *	level 0 to 7         folded from the leaves, which are hashed from the records of one group
 *
 * Of records that retention removed there are the roots of their groups, and the frontier behind the last one, which is
 * all that proofs of what is left ask of a group that is gone in part (tree_pruned.h).
 */
#include "store/tree.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"
#include "store/tree_pruned.h"

#define GROUP_LEVEL 8u /* log2 of MERKLE_GROUP */

_Static_assert(1u << GROUP_LEVEL == MERKLE_GROUP && MERKLE_GROUP == TILE_WIDTH, "a group is a tile of leaves");
_Static_assert(TREE_CACHE_LEVEL - GROUP_LEVEL == TILE_HEIGHT, "a kept node is a tile of groups");

struct tree {
	struct snapshot *snapshot;
	struct tool *tool;
	struct tree_pruned pruned;
	bool has_group;
	uint64_t group; /* whose records are here */
	unsigned from;  /* the first of them that retention has left */
	unsigned count; /* one past the last of them: 256, or less in the last group */
	struct buf bytes;
	uint32_t len[MERKLE_GROUP];
	struct sha256 leaf[MERKLE_GROUP];
};

struct tree *tree_new(struct snapshot *s)
{
	struct tree *t = xalloc(sizeof(*t));

	t->snapshot = s;
	t->tool = store__take_tool(s->ledger->store);
	t->pruned.ledger = s->ledger;
	t->pruned.first = s->first;
	return t;
}

struct tree *tree_free(struct tree *t)
{
	if (!t)
		return NULL;
	store__give_tool(t->snapshot->ledger->store, t->tool);
	tree_pruned_release(&t->pruned);
	buf_release(&t->bytes);
	free(t);
	return NULL;
}

static int fail_absent(const struct tree *t, unsigned level, uint64_t number, struct err *err)
{
	return err_set(err, E_NOT_FOUND, "a tree of %" PRIu64 " records has no full node %" PRIu64 " of level %u",
		       t->snapshot->size, number, level);
}

/* Folds 2^levels hashes into the first, in place. */
static void fold(struct tree *t, struct sha256 *hash, unsigned levels)
{
	for (size_t pairs = ((size_t)1 << levels) / 2; pairs > 0; pairs /= 2)
		digest_nodes(t->tool->digest, hash, pairs, hash);
}

/* ---- groups ---- */

/* The root of a full group of the snapshot, as it is stored. */
static int get_group(struct tree *t, uint64_t number, struct sha256 *ret, struct err *err)
{
	uint64_t last = number * MERKLE_GROUP + MERKLE_GROUP - 1;
	struct segment *s = snapshot__segment(t->snapshot, last);
	struct segment_merkle merkle;
	uint64_t at;
	int rc;

	if (!s)
		return snapshot__tail_group(t->snapshot, number, ret, err);
	rc = segment_merkle_get(s, &merkle, err);
	if (rc < 0)
		return rc;
	at = number - segment_first(s) / MERKLE_GROUP;
	if (at >= merkle.group_count)
		return err_corrupt(err, -1, "the segment from %" PRIu64 " has no Merkle hash of group %" PRIu64,
				   segment_first(s), number);
	*ret = merkle.groups[at];
	return 0;
}

/* The root of 2^levels groups from `first` on, levels <= 8. */
static int fold_groups(struct tree *t, uint64_t first, unsigned levels, struct sha256 *ret, struct err *err)
{
	struct sha256 hash[TILE_WIDTH];
	size_t count = (size_t)1 << levels;
	size_t n = 1;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i += n) {
		if (first + i < t->snapshot->first / MERKLE_GROUP) {
			rc = tree_pruned_groups(&t->pruned, first + i, count - i, &hash[i], &n, err);
		} else {
			n = 1;
			rc = get_group(t, first + i, &hash[i], err);
		}
	}
	if (rc < 0)
		return rc;
	fold(t, hash, levels);
	*ret = hash[0];
	return 0;
}

/* A node of TREE_CACHE_LEVEL. */
static int get_wide(struct tree *t, uint64_t number, struct sha256 *ret, struct err *err)
{
	struct tree_cache *cache = t->snapshot->ledger->tree_cache;
	int rc;

	if (tree_cache_get(cache, number, ret))
		return 0;
	rc = fold_groups(t, number << TILE_HEIGHT, TILE_HEIGHT, ret, err);
	if (rc == 0)
		tree_cache_put(cache, number, ret);
	return rc;
}

/* The root of 2^levels nodes of TREE_CACHE_LEVEL, by recursion: it is as deep as the tree is above them. */
static int fold_wide(struct tree *t, uint64_t number, unsigned levels, struct sha256 *ret, struct err *err)
{
	struct sha256 left, right;
	int rc;

	if (levels == 0)
		return get_wide(t, number, ret, err);
	rc = fold_wide(t, 2 * number, levels - 1, &left, err);
	if (rc == 0)
		rc = fold_wide(t, 2 * number + 1, levels - 1, &right, err);
	if (rc == 0)
		digest_node(t->tool->digest, &left, &right, ret);
	return rc;
}

/* ---- leaves ---- */

static int read_group(struct tree *t, uint64_t number, struct err *err)
{
	uint64_t first = number * MERKLE_GROUP;
	uint64_t left = t->snapshot->size - first;
	uint64_t gone = t->snapshot->first > first ? t->snapshot->first - first : 0;

	t->has_group = false;
	t->group = number;
	t->count = left < MERKLE_GROUP ? (unsigned)left : MERKLE_GROUP;
	t->from = gone < t->count ? (unsigned)gone : t->count;
	buf_reset(&t->bytes);
	return snapshot_records(t->snapshot, first + t->from, t->count - t->from, &t->bytes, t->len + t->from, err);
}

static int keep_root(void *user, uint64_t number, const struct sha256 *root)
{
	*(struct sha256 *)user = *root;
	return 0;
}

/* The root of a full group, of whose front there is the frontier alone. */
static int fold_rest(struct tree *t, struct sha256 *ret, struct err *err)
{
	struct merkle_frontier f;
	int rc = tree_pruned_frontier(&t->pruned, err);

	if (rc < 0)
		return rc;
	f = t->pruned.frontier;
	(void)merkle_append_leaves(&f, t->tool->digest, t->leaf + t->from, t->count - t->from, keep_root, ret);
	return 0;
}

static int check_group(struct tree *t, struct err *err)
{
	struct sha256 hash[MERKLE_GROUP];
	struct sha256 stored;
	int rc;

	if (t->count < MERKLE_GROUP || t->from == MERKLE_GROUP)
		return 0;
	rc = get_group(t, t->group, &stored, err);
	if (rc == 0 && t->from > 0)
		rc = fold_rest(t, &hash[0], err);
	if (rc < 0)
		return rc;
	if (t->from == 0) {
		memcpy(hash, t->leaf, sizeof(hash));
		fold(t, hash, GROUP_LEVEL);
	}
	if (memcmp(&hash[0], &stored, sizeof(stored)) == 0)
		return 0;
	return err_corrupt(
		err, -1,
		"ledger %u: the Merkle hash stored of records %" PRIu64 " to %" PRIu64 " is not that of the records",
		t->snapshot->ledger->number, t->group * MERKLE_GROUP, t->group * MERKLE_GROUP + MERKLE_GROUP - 1);
}

/* Has the leaves of a group of which the snapshot has a record. */
static int need_group(struct tree *t, uint64_t number, struct err *err)
{
	struct span record[MERKLE_GROUP];
	size_t at = 0;
	int rc;

	if (t->has_group && t->group == number)
		return 0;
	rc = read_group(t, number, err);
	if (rc < 0)
		return rc;
	for (unsigned i = t->from; i < t->count; i++) {
		record[i] = span_of(t->bytes.p + at, t->len[i]);
		at += t->len[i];
	}
	digest_leaves(t->tool->digest, record + t->from, t->count - t->from, t->leaf + t->from);
	rc = check_group(t, err);
	t->has_group = rc == 0;
	return rc;
}

static int fail_expired(const struct tree *t, struct err *err)
{
	return err_set(err, E_NOT_FOUND, "retention removed the records before %" PRIu64, t->snapshot->first);
}

int tree_leaves(struct tree *t, uint64_t first, size_t count, struct sha256 *ret, struct err *err)
{
	if (first > t->snapshot->size || count > t->snapshot->size - first)
		return fail_absent(t, 0, first + count - 1, err);
	if (first < t->snapshot->first && count > 0)
		return fail_expired(t, err);
	while (count > 0) {
		size_t from = first % MERKLE_GROUP;
		size_t n = MERKLE_GROUP - from < count ? MERKLE_GROUP - from : count;
		int rc = need_group(t, first / MERKLE_GROUP, err);

		if (rc < 0)
			return rc;
		memcpy(ret, t->leaf + from, n * sizeof(*ret));
		ret += n;
		first += n;
		count -= n;
	}
	return 0;
}

/* ---- nodes ---- */

/* A node below a group that begins among the records that are gone: it is one of the frontier behind them, or its right
 * half is not gone whole. */
static int get_partly_gone(struct tree *t, unsigned level, uint64_t number, struct sha256 *ret, struct err *err)
{
	uint64_t gone = t->snapshot->first;
	struct sha256 right;
	int rc = tree_pruned_frontier(&t->pruned, err);

	if (rc < 0)
		return rc;
	if ((gone >> level & 1) && number == (gone >> level) - 1) {
		*ret = t->pruned.frontier.node[level];
		return 0;
	}
	if (level == 0 || (number + 1) << level <= gone)
		return fail_expired(t, err);
	rc = tree_node(t, level - 1, 2 * number, ret, err);
	if (rc == 0)
		rc = tree_node(t, level - 1, 2 * number + 1, &right, err);
	if (rc == 0)
		digest_node(t->tool->digest, ret, &right, ret);
	return rc;
}

int tree_node(struct tree *t, unsigned level, uint64_t number, struct sha256 *ret, struct err *err)
{
	struct sha256 hash[MERKLE_GROUP];
	int rc;

	if (level >= 64 || number >= t->snapshot->size >> level)
		return fail_absent(t, level, number, err);
	if (level >= TREE_CACHE_LEVEL)
		return fold_wide(t, number, level - TREE_CACHE_LEVEL, ret, err);
	if (level >= GROUP_LEVEL)
		return fold_groups(t, number << (level - GROUP_LEVEL), level - GROUP_LEVEL, ret, err);
	if (number << level < t->snapshot->first)
		return get_partly_gone(t, level, number, ret, err);
	rc = tree_leaves(t, number << level, (size_t)1 << level, hash, err);
	if (rc < 0)
		return rc;
	fold(t, hash, level);
	*ret = hash[0];
	return 0;
}

int tree_root(struct tree *t, uint64_t size, struct sha256 *ret, struct err *err)
{
	struct merkle_frontier f = {.size = size};
	int rc = 0;

	if (size > t->snapshot->size)
		return fail_absent(t, 0, size - 1, err);
	for (unsigned k = 0; k < MERKLE_LEVELS_MAX && rc == 0; k++) {
		if (size >> k & 1)
			rc = tree_node(t, k, (size >> k) - 1, &f.node[k], err);
	}
	if (rc == 0)
		merkle_root(&f, t->tool->digest, ret);
	return rc;
}

/* ---- proofs ---- */

struct prover {
	struct tree *tree;
	struct err *err;
};

static int prove_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	const struct prover *p = user;

	return tree_node(p->tree, level, number, ret, p->err);
}

int tree_prove_inclusion(struct tree *t, uint64_t index, uint64_t size, struct merkle_proof *ret, struct err *err)
{
	struct prover p = {t, err};

	if (index >= size || size > t->snapshot->size)
		return err_set(err, E_INVALID,
			       "record %" PRIu64 " is not in a tree of %" PRIu64 " of %" PRIu64 " records", index, size,
			       t->snapshot->size);
	return merkle_prove_inclusion(t->tool->digest, index, size, prove_node, &p, ret);
}

int tree_prove_consistency(struct tree *t, uint64_t old_size, uint64_t size, struct merkle_proof *ret, struct err *err)
{
	struct prover p = {t, err};

	if (old_size > size || size > t->snapshot->size)
		return err_set(err, E_INVALID,
			       "sizes of a consistency proof ascend up to %" PRIu64 "; these are %" PRIu64
			       " and %" PRIu64,
			       t->snapshot->size, old_size, size);
	return merkle_prove_consistency(t->tool->digest, old_size, size, prove_node, &p, ret);
}

/* ---- tiles ---- */

int tree_tile(struct tree *t, unsigned level, uint64_t number, unsigned width, struct sha256 ret[TILE_WIDTH],
	      struct err *err)
{
	int rc = 0;

	must(width >= 1 && width <= TILE_WIDTH);
	if (tile_width_at(level, number, t->snapshot->size) < width)
		return fail_absent(t, level * TILE_HEIGHT, number * TILE_WIDTH + width - 1, err);
	if (level == 0)
		return tree_leaves(t, number * TILE_WIDTH, width, ret, err);
	for (unsigned i = 0; i < width && rc == 0; i++)
		rc = tree_node(t, level * TILE_HEIGHT, number * TILE_WIDTH + i, &ret[i], err);
	return rc;
}

int tree_entries(struct tree *t, uint64_t number, unsigned width, struct buf *to, struct err *err)
{
	size_t at = 0;
	int rc;

	must(width >= 1 && width <= TILE_WIDTH);
	if (tile_width_at(0, number, t->snapshot->size) < width)
		return fail_absent(t, 0, number * TILE_WIDTH + width - 1, err);
	if (number * TILE_WIDTH < t->snapshot->first)
		return fail_expired(t, err);
	if ((rc = need_group(t, number, err)) < 0)
		return rc;
	for (unsigned i = 0; i < width; i++) {
		buf_put_u8(to, (uint8_t)(t->len[i] >> 8));
		buf_put_u8(to, (uint8_t)t->len[i]);
		buf_put(to, t->bytes.p + at, t->len[i]);
		at += t->len[i];
	}
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "there is no memory for a bundle of %u records", width);
}
