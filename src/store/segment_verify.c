/*
 * Checking a whole segment: every checksum, every record, every hash.
 *
 * The work is cut into units, which the members of a team take one after the other: the dictionaries and the index,
 * then each block. A block's whole groups of 256 are compared with the stored roots right away; the leaf hashes before
 * its first and behind its last group, which go together with those of its neighbours, are kept until all is done. Then
 * the tree is put together in order. So the fault that is told is the first one, whoever came upon it.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/team.h"
#include "codec/record.h"
#include "store/segment_priv.h"

/* What is left of a block that was checked. */
struct block_check {
	struct sha256 edge[2 * (MERKLE_GROUP - 1)]; /* leaf hashes: `head`, then `tail` */
	uint32_t head;                              /* before the first group that begins in the block */
	uint32_t groups;                            /* that are whole in the block, and compared */
	uint32_t tail;                              /* behind them */
	int rc;
	struct err err;
};

struct verifier {
	struct segment *s;
	struct segment_merkle stored;
	const struct merkle_frontier *before; /* NULL: not known */
	uint64_t tree_from;                   /* records before it are not hashed */
	segment_pace_fn *pace;
	void *user;

	_Atomic uint32_t unit; /* the next to be taken: 0 is what all blocks share, k + 1 block k */
	_Atomic bool has_failed;
	int shared_rc;
	struct err shared_err;
	struct block_check **block; /* [block_count]; NULL: not looked at */
};

/* Records of one group, or of a part of one, that are hashed together. */
struct run {
	struct record_checker *checker;
	struct digest *digest;
	struct buf bytes;
	size_t end[MERKLE_GROUP]; /* of each in bytes */
	uint32_t count;
};

static int keep_pace(const struct verifier *v, uint64_t bytes, struct err *err)
{
	int rc = v->pace ? v->pace(v->user, bytes) : 0;

	return rc < 0 ? err_set(err, rc, "the check was ended") : 0;
}

static int wrong(const struct verifier *v, uint64_t index, const char *what, struct err *err)
{
	int rc = err_corrupt(err, -1, "record %llu: %s", (unsigned long long)index, what);

	if (err)
		err->position = (int64_t)index;
	return segment__damaged(v->s, rc, err);
}

/* Compares the root of the group that ends with record `last`. */
static int check_group(const struct verifier *v, uint64_t last, const struct sha256 *root, struct err *err)
{
	uint64_t group = last / MERKLE_GROUP - v->s->first / MERKLE_GROUP;

	if (group >= v->stored.group_count || memcmp(&v->stored.groups[group], root, sizeof(*root)) != 0)
		return wrong(v, last, "the Merkle hash of its group of 256 does not fit the records", err);
	return 0;
}

/* ---- a block ---- */

static int take_record(const struct verifier *v, struct block *b, uint32_t row, struct run *run, struct err *err)
{
	size_t start = run->bytes.len;
	struct record_ref ref;
	int rc = block_record(b, row, &run->bytes, err);

	if (rc < 0)
		return rc;
	if (record_checker_check(run->checker, span_from(buf_span(&run->bytes), start), &ref, NULL) < 0)
		return wrong(v, b->info.first + row, "it is not in canonical form", err);
	run->end[run->count++] = run->bytes.len;
	return 0;
}

static void hash_run(struct run *run, struct sha256 *ret)
{
	struct span record[MERKLE_GROUP];

	for (uint32_t i = 0; i < run->count; i++) {
		size_t start = i > 0 ? run->end[i - 1] : 0;

		record[i] = span_of(run->bytes.p + start, run->end[i] - start);
	}
	digest_leaves(run->digest, record, run->count, ret);
}

/* The run ends before record `next`: it is a whole group, or stays for later. */
static int end_run(const struct verifier *v, struct block_check *c, struct run *run, uint64_t next, struct err *err)
{
	struct sha256 leaf[MERKLE_GROUP];
	int rc = 0;

	if (next > v->tree_from && run->count == MERKLE_GROUP) {
		hash_run(run, leaf);
		for (size_t n = MERKLE_GROUP / 2; n > 0; n /= 2)
			digest_nodes(run->digest, leaf, n, leaf);
		rc = check_group(v, next - 1, &leaf[0], err);
		c->groups++;
	} else if (next > v->tree_from) {
		hash_run(run, c->edge + c->head + c->tail);
		if (c->groups == 0 && next % MERKLE_GROUP == 0)
			c->head = run->count;
		else
			c->tail += run->count;
	}
	run->count = 0;
	buf_reset(&run->bytes);
	return rc;
}

static int check_rows(const struct verifier *v, struct block *b, struct block_check *c, struct run *run,
		      struct err *err)
{
	const int64_t *time, *received;
	uint64_t next = b->info.first;
	int rc = block_times(b, &time, err);

	if (rc == 0)
		rc = block_received(b, &received, err); /* records stored raw do not ask for it */
	for (uint32_t r = 0; rc == 0 && r < b->info.rows; r++) {
		if (time[r] < b->info.time_min || time[r] > b->info.time_max)
			rc = wrong(v, next, "its time lies outside its block's", err);
		else
			rc = take_record(v, b, r, run, err);
		next++;
		if (rc == 0 && (next % MERKLE_GROUP == 0 || r + 1 == b->info.rows))
			rc = end_run(v, c, run, next, err);
	}
	return rc;
}

static void check_block(struct verifier *v, uint32_t number, struct run *run)
{
	struct block_check *c = xalloc(sizeof(*c));
	struct block *b = NULL;

	c->err = (struct err)ERR_INIT;
	run->count = 0;
	buf_reset(&run->bytes);
	c->rc = block__open(v->s, number, &b, &c->err);
	if (c->rc == 0)
		c->rc = check_rows(v, b, c, run, &c->err);
	block_close(b);
	if (c->rc == 0)
		c->rc = keep_pace(v, v->s->block[number].bytes, &c->err);
	v->block[number] = c;
	if (c->rc < 0)
		atomic_store(&v->has_failed, true);
}

/* ---- what the blocks share ---- */

/* Every index page and every dictionary is read, so that each checksum is checked; the reader does the checking. */
static int skip_entry(void *user, uint64_t key, const uint16_t *blocks, size_t block_count)
{
	(void)user;
	(void)key;
	(void)blocks;
	(void)block_count;
	return 0;
}

static int check_index(const struct verifier *v, struct err *err)
{
	struct segment *s = v->s;
	int rc = 0;

	for (uint32_t k = 0; k < token_index_page_count(s->index) && rc == 0; k++) {
		struct buf page = BUF_INIT;

		rc = segment__index_page(s, k, &page, err);
		if (rc == 0)
			rc = segment__index_damaged(
				s, k, token_index_each(s->index, buf_span(&page), skip_entry, NULL, err), err);
		if (rc == 0)
			rc = keep_pace(v, page.len, err);
		buf_release(&page);
	}
	return rc;
}

static int check_dicts(const struct verifier *v, struct err *err)
{
	struct segment *s = v->s;
	int rc = 0;

	for (uint32_t c = 0; c < shape_set_column_count(s->shapes) && rc == 0; c++) {
		const struct segment_dict *x;

		if (s->dict[c])
			rc = segment__dict(s, c, &x, err);
	}
	for (uint32_t k = 0; k < s->pack_count && rc == 0; k++)
		rc = keep_pace(v, s->pack[k].len, err);
	return rc;
}

static void check_shared(struct verifier *v)
{
	v->shared_rc = check_dicts(v, &v->shared_err);
	if (v->shared_rc == 0)
		v->shared_rc = check_index(v, &v->shared_err);
	if (v->shared_rc < 0)
		atomic_store(&v->has_failed, true);
}

/* ---- all ---- */

/* Units are taken in order, so all before one that fails are done in the end, by whoever took them. */
static void work(void *user, unsigned member)
{
	struct verifier *v = user;
	struct run run = {.checker = record_checker_new(), .digest = digest_new()};
	uint32_t unit;

	(void)member;
	while (!atomic_load(&v->has_failed) && (unit = atomic_fetch_add(&v->unit, 1)) <= v->s->block_count) {
		if (unit == 0)
			check_shared(v);
		else
			check_block(v, unit - 1, &run);
	}
	record_checker_free(run.checker);
	digest_free(run.digest);
	buf_release(&run.bytes);
}

struct folding {
	const struct verifier *v;
	uint64_t next; /* record behind the leaves that were appended */
	struct err *err;
};

static int on_group(void *user, uint64_t number, const struct sha256 *root)
{
	struct folding *f = user;

	(void)number; /* counted from where the hashes start */
	return check_group(f->v, (f->next / MERKLE_GROUP + 1) * MERKLE_GROUP - 1, root, f->err);
}

static int append_edge(struct folding *f, struct merkle_frontier *tree, struct digest *d, const struct sha256 *leaf,
		       uint32_t count)
{
	int rc = merkle_append_leaves(tree, d, leaf, count, on_group, f);

	f->next += count;
	return rc;
}

static int fold_block(struct folding *f, struct merkle_frontier *tree, struct digest *d, const struct block_check *c)
{
	uint64_t first = f->v->s->first / MERKLE_GROUP;
	int rc = append_edge(f, tree, d, c->edge, c->head);

	if (rc < 0 || c->rc < 0) {
		if (rc == 0 && f->err)
			*f->err = c->err;
		return rc < 0 ? rc : c->rc;
	}
	for (uint32_t i = 0; i < c->groups; i++) {
		merkle_append_group(tree, d, &f->v->stored.groups[f->next / MERKLE_GROUP - first]);
		f->next += MERKLE_GROUP;
	}
	return append_edge(f, tree, d, c->edge + c->head, c->tail);
}

static int check_end(const struct verifier *v, const struct merkle_frontier *tree, struct digest *d, struct err *err)
{
	uint64_t groups = v->s->next / MERKLE_GROUP - v->s->first / MERKLE_GROUP;
	struct sha256 want, have;

	merkle_root(tree, d, &have);
	merkle_root(&v->stored.frontier, d, &want);
	if (groups != v->stored.group_count || (v->before && memcmp(&have, &want, sizeof(want)) != 0))
		return wrong(v, v->s->next - 1, "the Merkle root after it is not the stored one", err);
	return 0;
}

/* Puts the tree together, in order, up to the first fault. */
static int fold(const struct verifier *v, struct err *err)
{
	struct folding f = {v, v->tree_from, err};
	struct digest *d = digest_new();
	struct merkle_frontier tree;
	int rc = v->shared_rc;

	merkle_init(&tree);
	if (v->before)
		tree = *v->before;
	if (rc < 0 && err)
		*err = v->shared_err;
	for (uint32_t k = 0; k < v->s->block_count && rc == 0; k++)
		rc = fold_block(&f, &tree, d, v->block[k]);
	if (rc == 0)
		rc = check_end(v, &tree, d, err);
	digest_free(d);
	return rc;
}

static int verify(struct verifier *v, struct team *team, struct err *err)
{
	struct segment *s = v->s;
	int rc = segment_merkle_get(s, &v->stored, err);

	if (rc < 0)
		return rc;
	must(!v->before || v->before->size == s->first);
	v->tree_from = v->before ? s->first : (s->first + MERKLE_GROUP - 1) / MERKLE_GROUP * MERKLE_GROUP;
	v->shared_err = (struct err)ERR_INIT;
	v->block = xarray(s->block_count, sizeof(struct block_check *));
	team_run(team, work, v);
	rc = fold(v, err);
	for (uint32_t k = 0; k < s->block_count; k++)
		free(v->block[k]);
	free(v->block);
	return rc;
}

int segment_verify(struct segment *s, const struct merkle_frontier *before, struct team *team, struct err *err)
{
	struct verifier v = {.s = s, .before = before};

	return verify(&v, team, err);
}

int segment_verify_paced(struct segment *s, const struct merkle_frontier *before, segment_pace_fn *pace, void *user,
			 struct err *err)
{
	struct verifier v = {.s = s, .before = before, .pace = pace, .user = user};

	return verify(&v, NULL, err);
}
