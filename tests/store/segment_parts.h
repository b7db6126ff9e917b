/* Parts of a sample and their merging, for the tests of merging. Include after cmocka.h. */
#ifndef STELE_TESTS_STORE_SEGMENT_PARTS_H
#define STELE_TESTS_STORE_SEGMENT_PARTS_H

#include "segment_sample.h"
#include "store/draft.h"

#define PARTS_MAX 4096u

/* ---- parts and their merging ---- */

struct parts {
	struct segment *segment[PARTS_MAX];
	size_t count;
};

/* Cuts the sample into images at random places; with `aligned` none crosses a multiple of BLOCK_ROWS_MAX. */
static inline void build_parts(const struct sample *s, struct rng *r, bool aligned, struct parts *ret)
{
	struct merkle_frontier frontier = frontier_before(s->first);

	ret->count = 0;
	for (size_t at = 0, n; at < s->count; at += n) {
		size_t left = BLOCK_ROWS_MAX - (size_t)(s->first + at) % BLOCK_ROWS_MAX;

		if (!aligned)
			left = BLOCK_ROWS_MAX;
		if (left > s->count - at)
			left = s->count - at;
		n = pick(r, 3) ? left : 1 + pick(r, pick(r, 2) ? 3 : left);
		n = n < left ? n : left;
		assert_true(ret->count < PARTS_MAX);
		ret->segment[ret->count++] = sample_build(s, at, n, &frontier);
	}
}

static inline struct segment *merge_run(struct segment *const *part, size_t count)
{
	struct buf bytes = BUF_INIT;
	struct err err = ERR_INIT;

	if (segment_merge(part, count, sample_key, &bytes, &err) < 0)
		fail_msg("%s", err.message);
	return open_image(&bytes);
}

/* Replaces parts [at, at + count) by what they merge into. */
static inline void merge_at(struct parts *p, size_t at, size_t count)
{
	struct segment *merged = merge_run(p->segment + at, count);

	for (size_t k = 0; k < count; k++)
		segment_unref(p->segment[at + k]);
	p->segment[at] = merged;
	memmove(p->segment + at + 1, p->segment + at + count, (p->count - at - count) * sizeof(struct segment *));
	p->count -= count - 1;
}

static inline void merge_at_random(struct parts *p, struct rng *r)
{
	while (p->count > 1) {
		size_t at = pick(r, p->count - 1), count = 2 + pick(r, 7);

		merge_at(p, at, count < p->count - at ? count : p->count - at);
	}
}

/* Every block ends on a multiple, at the end, or where a carried (full) one starts. */
static inline void check_ends(const struct segment *segment)
{
	for (uint32_t k = 0; k + 1 < segment_block_count(segment); k++) {
		const struct segment_block_info *b = segment_block_info(segment, k);
		bool is_end = (b->first + b->rows) % BLOCK_ROWS_MAX == 0;

		assert_true(is_end || b->rows == BLOCK_ROWS_MAX ||
			    segment_block_info(segment, k + 1)->rows == BLOCK_ROWS_MAX);
	}
}

static inline void check_merkle(const struct sample *s, struct segment *segment)
{
	struct merkle_frontier frontier = frontier_before(s->first);
	struct segment_merkle merkle;
	struct sha256 leaf, group, want, have;
	size_t n = 0;

	assert_int_equal(segment_merkle_get(segment, &merkle, NULL), 0);
	for (size_t i = 0; i < s->count; i++) {
		digest_leaf(s->digest, s->record[i], &leaf);
		if (merkle_append(&frontier, s->digest, &leaf, &group))
			assert_memory_equal(&merkle.groups[n++], &group, sizeof(group));
	}
	assert_int_equal(n, merkle.group_count);
	merkle_root(&frontier, s->digest, &want);
	merkle_root(&merkle.frontier, s->digest, &have);
	assert_memory_equal(&want, &have, sizeof(want));
}

/* Builds parts, merges them in the order chance has it, compares all of the result. Returns the rows stored raw. */
static inline size_t check_merged(const struct sample *s, struct rng *r, bool aligned)
{
	struct merkle_frontier before = frontier_before(s->first);
	struct parts *p = xalloc(sizeof(*p));
	struct segment *merged;
	size_t raws;

	build_parts(s, r, aligned, p);
	merge_at_random(p, r);
	merged = p->segment[0];
	assert_int_equal(segment_first(merged), s->first);
	assert_int_equal(segment_next(merged), s->first + s->count);
	raws = check_segment(s, merged, &before);
	check_ends(merged);
	check_merkle(s, merged);
	check_counts(s, merged);
	if (aligned)
		assert_int_equal(segment_block_count(merged),
				 (s->first + s->count - 1) / BLOCK_ROWS_MAX - s->first / BLOCK_ROWS_MAX + 1);
	segment_unref(merged);
	free(p);
	return raws;
}

/* The dictionary of a string column in a block; NULL when the block has the values themselves. */
static inline const struct dict *column_dict(struct block *b, const char *path)
{
	const struct block_values *v = NULL;

	for (uint32_t c = 0; c < segment_column_count(b->segment); c++)
		if (span_eq_str(segment_column(b->segment, c)->path, path))
			assert_int_equal(block_values(b, c, &v, NULL), 0);
	assert_non_null(v);
	return v->dict;
}

#endif
