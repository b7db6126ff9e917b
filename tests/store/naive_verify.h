/*
 * The naive twin of segment_verify: one record after the other, one hash after the other, on one thread. Include after
 * cmocka.h.
 */
#ifndef STELE_TESTS_STORE_NAIVE_VERIFY_H
#define STELE_TESTS_STORE_NAIVE_VERIFY_H

#include "base/mem.h"
#include "codec/record.h"
#include "store/segment_priv.h"

struct naive_verifier {
	struct segment *s;
	struct segment_merkle stored;
	struct merkle_frontier frontier;
	struct digest *digest;
	size_t group;  /* the next stored group */
	bool has_tree; /* else the frontier is that of the groups from `tree_from` on */
	uint64_t tree_from;
	struct buf bytes; /* the record at hand */
};

static inline int naive_wrong(const struct naive_verifier *v, uint64_t index, const char *what, struct err *err)
{
	int rc = err_corrupt(err, -1, "record %llu: %s", (unsigned long long)index, what);

	if (err)
		err->position = (int64_t)index;
	return segment__damaged(v->s, rc, err);
}

static inline int naive_check_record(struct naive_verifier *v, struct block *b, uint32_t row, struct err *err)
{
	uint64_t index = b->info.first + row;
	struct record_ref ref;
	struct sha256 leaf, group;
	int rc;

	buf_reset(&v->bytes);
	rc = block_record(b, row, &v->bytes, err);
	if (rc < 0)
		return rc;
	if (record_check(buf_span(&v->bytes), &ref, NULL) < 0)
		return naive_wrong(v, index, "it is not in canonical form", err);
	if (index < v->tree_from)
		return 0;
	digest_leaf(v->digest, buf_span(&v->bytes), &leaf);
	if (!merkle_append(&v->frontier, v->digest, &leaf, &group))
		return 0;
	if (v->group >= v->stored.group_count || memcmp(&v->stored.groups[v->group++], &group, sizeof(group)) != 0)
		return naive_wrong(v, index, "the Merkle hash of its group of 256 does not fit the records", err);
	return 0;
}

static inline int naive_check_block(struct naive_verifier *v, uint32_t number, struct err *err)
{
	struct block *b = NULL;
	const int64_t *time, *received;
	int rc = block__open(v->s, number, &b, err);

	if (rc == 0)
		rc = block_times(b, &time, err);
	if (rc == 0)
		rc = block_received(b, &received, err); /* records stored raw do not ask for it */
	for (uint32_t r = 0; rc == 0 && r < b->info.rows; r++) {
		if (time[r] < b->info.time_min || time[r] > b->info.time_max)
			rc = naive_wrong(v, b->info.first + r, "its time lies outside its block's", err);
		else
			rc = naive_check_record(v, b, r, err);
	}
	block_close(b);
	return rc;
}

static inline int naive_skip_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	(void)user;
	(void)key;
	(void)blocks;
	(void)block_count;
	return 0;
}

static inline int naive_check_index(const struct naive_verifier *v, struct err *err)
{
	struct segment *s = v->s;
	int rc = 0;

	for (uint32_t k = 0; k < token_index_page_count(s->index) && rc == 0; k++) {
		struct buf page = BUF_INIT;

		rc = segment__index_page(s, k, &page, err);
		if (rc == 0)
			rc = segment__index_damaged(
				s, k, token_index_each(s->index, buf_span(&page), naive_skip_entry, NULL, err), err);
		buf_release(&page);
	}
	return rc;
}

static inline int naive_check_dicts(const struct naive_verifier *v, struct err *err)
{
	struct segment *s = v->s;
	int rc = 0;

	for (uint32_t c = 0; c < shape_set_column_count(s->shapes) && rc == 0; c++) {
		const struct segment_dict *x;

		if (s->dict[c])
			rc = segment__dict(s, c, &x, err);
	}
	return rc;
}

/* Where the hashes start: at `before`, or without it at the first group that begins in the segment. */
static inline void naive_begin_tree(struct naive_verifier *v, const struct merkle_frontier *before)
{
	v->has_tree = before != NULL;
	if (before) {
		must(before->size == v->s->first);
		v->frontier = *before;
		return;
	}
	merkle_init(&v->frontier);
	v->tree_from = (v->s->first + MERKLE_GROUP - 1) / MERKLE_GROUP * MERKLE_GROUP;
	v->group = v->tree_from > v->s->first && v->stored.group_count > 0;
}

static inline int naive_check_end(struct naive_verifier *v, struct err *err)
{
	struct sha256 want, have;

	merkle_root(&v->frontier, v->digest, &have);
	merkle_root(&v->stored.frontier, v->digest, &want);
	if (v->group != v->stored.group_count || (v->has_tree && memcmp(&have, &want, sizeof(want)) != 0))
		return naive_wrong(v, v->s->next - 1, "the Merkle root after it is not the stored one", err);
	return 0;
}

static inline int naive_verify(struct segment *s, const struct merkle_frontier *before, struct err *err)
{
	struct naive_verifier v = {.s = s, .digest = digest_new()};
	int rc = segment_merkle_get(s, &v.stored, err);

	naive_begin_tree(&v, before);
	if (rc == 0)
		rc = naive_check_dicts(&v, err);
	if (rc == 0)
		rc = naive_check_index(&v, err);
	for (uint32_t k = 0; k < s->block_count && rc == 0; k++)
		rc = naive_check_block(&v, k, err);
	if (rc == 0)
		rc = naive_check_end(&v, err);
	digest_free(v.digest);
	buf_release(&v.bytes);
	return rc;
}

#endif
