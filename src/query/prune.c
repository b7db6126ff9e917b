/* Pruning: the blocks of a segment that may hold a match, by the token index. */
#include <string.h>

#include "query/plan_priv.h"

static void set_all_blocks(const struct segment *s, uint64_t *blocks)
{
	uint32_t count = segment_block_count(s);

	memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	memset(blocks, 0xff, count / 64 * sizeof(*blocks));
	if (count % 64)
		blocks[count / 64] = (UINT64_C(1) << count % 64) - 1;
}

static bool has_blocks(const uint64_t *blocks)
{
	uint64_t any = 0;

	for (uint32_t w = 0; w < BLOCK_WORDS; w++)
		any |= blocks[w];
	return any != 0;
}

static void prune_id(const struct segment *s, uint64_t index, uint64_t *blocks)
{
	memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	for (uint32_t b = 0; b < segment_block_count(s); b++) {
		const struct segment_block_info *info = segment_block_info(s, b);

		if (index >= info->first && index - info->first < info->rows)
			blocks[b / 64] |= UINT64_C(1) << b % 64;
	}
}

/* Of the times of arrival only the last is known. */
static void prune_times(const struct segment *s, const struct plan_leaf *leaf, uint64_t *blocks)
{
	if (leaf->is_received && segment_received_max(s) < leaf->node->from_us)
		memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	for (uint32_t b = 0; leaf->is_time && b < segment_block_count(s); b++) {
		const struct segment_block_info *info = segment_block_info(s, b);

		if (!plan__touches_times(leaf, info->time_min, info->time_max))
			blocks[b / 64] &= ~(UINT64_C(1) << b % 64);
	}
}

static int prune_leaf(struct segment *s, const struct plan_leaf *leaf, uint64_t *blocks, struct err *err)
{
	uint64_t found[BLOCK_WORDS] = {0};
	int rc;

	if (leaf->is_id) {
		prune_id(s, leaf->index, blocks);
		return 0;
	}
	set_all_blocks(s, blocks);
	prune_times(s, leaf, blocks);
	for (uint32_t k = 0; k < leaf->key_count && has_blocks(blocks); k++) {
		rc = segment_lookup(s, leaf->key[k], found, err);
		if (rc < 0)
			return rc;
		for (uint32_t w = 0; w < BLOCK_WORDS; w++)
			blocks[w] &= found[w];
	}
	return 0;
}

static int prune(const struct plan *p, struct segment *s, const struct plan_node *n, uint64_t *blocks, struct err *err);

static int prune_children(const struct plan *p, struct segment *s, const struct plan_node *n, uint64_t *blocks,
			  struct err *err)
{
	uint64_t part[BLOCK_WORDS];
	bool is_and = n->kind == QUERY_AND;
	int rc;

	if (is_and)
		set_all_blocks(s, blocks);
	else
		memset(blocks, 0, BLOCK_WORDS * sizeof(*blocks));
	for (uint32_t k = 0; k < n->child_count && (!is_and || has_blocks(blocks)); k++) {
		rc = prune(p, s, &n->child[k], part, err);
		if (rc < 0)
			return rc;
		for (uint32_t w = 0; w < BLOCK_WORDS; w++)
			blocks[w] = is_and ? blocks[w] & part[w] : blocks[w] | part[w];
	}
	return 0;
}

/* The blocks that may hold a match; NOT of "may" says nothing. */
static int prune(const struct plan *p, struct segment *s, const struct plan_node *n, uint64_t *blocks, struct err *err)
{
	if (n->kind == QUERY_AND || n->kind == QUERY_OR)
		return prune_children(p, s, n, blocks, err);
	if (n->kind != QUERY_ALL && n->kind != QUERY_NOT)
		return prune_leaf(s, &p->leaf[n->leaf], blocks, err);
	set_all_blocks(s, blocks);
	return 0;
}

int plan__prune(const struct plan *p, struct segment *s, uint64_t blocks[BLOCK_WORDS], struct err *err)
{
	return prune(p, s, &p->root, blocks, err);
}

void plan__prune_nothing(const struct segment *s, uint64_t blocks[BLOCK_WORDS])
{
	set_all_blocks(s, blocks);
}
