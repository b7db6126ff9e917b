/* Checking a whole segment: every checksum, every record, every hash. */
#include "base/mem.h"
#include "codec/record.h"
#include "store/segment_priv.h"

struct verifier {
	struct segment *s;
	struct segment_merkle stored;
	struct merkle_frontier frontier;
	struct digest *digest;
	size_t group;     /* the next stored group */
	struct buf bytes; /* the record at hand */
};

static int wrong(const struct verifier *v, uint64_t index, const char *what, struct err *err)
{
	int rc = err_corrupt(err, -1, "record %llu: %s", (unsigned long long)index, what);

	if (err)
		err->position = (int64_t)index;
	return segment__damaged(v->s, rc, err);
}

static int check_record(struct verifier *v, struct block *b, uint32_t row, struct err *err)
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
		return wrong(v, index, "it is not in canonical form", err);
	digest_leaf(v->digest, buf_span(&v->bytes), &leaf);
	if (!merkle_append(&v->frontier, v->digest, &leaf, &group))
		return 0;
	if (v->group >= v->stored.group_count || memcmp(&v->stored.groups[v->group++], &group, sizeof(group)) != 0)
		return wrong(v, index, "the Merkle hash of its group of 256 does not fit the records", err);
	return 0;
}

static int check_block(struct verifier *v, uint32_t number, struct err *err)
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
			rc = wrong(v, b->info.first + r, "its time lies outside its block's", err);
		else
			rc = check_record(v, b, r, err);
	}
	block_close(b);
	return rc;
}

/* Every index page and every dictionary is read, so that each checksum is checked; the reader does the checking. */
static int skip_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	(void)user;
	(void)key;
	(void)blocks;
	(void)block_count;
	return 0;
}

static int check_index(struct segment *s, struct err *err)
{
	int rc = 0;

	for (uint32_t k = 0; k < token_index_page_count(s->index) && rc == 0; k++) {
		struct buf page = BUF_INIT;

		rc = segment__index_page(s, k, &page, err);
		if (rc == 0)
			rc = segment__index_damaged(
				s, k, token_index_each(s->index, buf_span(&page), skip_entry, NULL, err), err);
		buf_release(&page);
	}
	return rc;
}

static int check_dicts(struct segment *s, struct err *err)
{
	int rc = 0;

	for (uint32_t c = 0; c < shape_set_column_count(s->shapes) && rc == 0; c++) {
		const struct segment_dict *x;

		if (s->dict[c])
			rc = segment__dict(s, c, &x, err);
	}
	return rc;
}

int segment_verify(struct segment *s, const struct merkle_frontier *before, struct err *err)
{
	struct verifier v = {.s = s, .frontier = *before, .digest = digest_new()};
	struct sha256 want, have;
	int rc;

	must(before->size == s->first);
	rc = segment_merkle_get(s, &v.stored, err);
	if (rc == 0)
		rc = check_dicts(s, err);
	if (rc == 0)
		rc = check_index(s, err);
	for (uint32_t k = 0; k < s->block_count && rc == 0; k++)
		rc = check_block(&v, k, err);
	if (rc == 0) {
		merkle_root(&v.frontier, v.digest, &have);
		merkle_root(&v.stored.frontier, v.digest, &want);
		if (v.group != v.stored.group_count || memcmp(&have, &want, sizeof(want)) != 0)
			rc = wrong(&v, s->next - 1, "the Merkle root after it is not the stored one", err);
	}
	digest_free(v.digest);
	buf_release(&v.bytes);
	return rc;
}
