/*
 * Checking everything: every segment (its checksums, records and Merkle groups), the trees from the first record to
 * the last, the heads, and the journal once more from the disk. A fault is reported and the rest is checked.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/signed_head.h"
#include "store/store_priv.h"
#include "store/tree.h"

struct verify {
	struct store *store;
	struct team *team; /* shares the blocks of a segment */
	store_fault_fn *found;
	void *user;
	uint64_t records;
	int rc; /* the first fault's */
	struct err err;
};

/* Notes a fault (rc < 0); returns whether it was none. */
static bool note(struct verify *v, int rc, const struct err *err)
{
	if (rc >= 0)
		return true;
	if (v->found)
		v->found(v->user, err);
	if (v->rc == 0) {
		v->rc = rc;
		v->err = *err;
	}
	return false;
}

/* ---- a ledger ---- */

/* A ledger's records as they are now, and the tree over them. */
static int take_view(struct ledger *l, struct snapshot **ret, struct merkle_frontier *ret_tree, struct err *err)
{
	int rc = ledger_snapshot(l, ret, err);

	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	rc = ledger__warm_locked(l, err);
	if (rc >= 0)
		*ret_tree = *l->shown;
	mutex_unlock(&l->mutex);
	if (rc < 0)
		*ret = snapshot_free(*ret);
	return rc;
}

/* The damaged segment at or behind `from`; false when there is none. */
static bool next_damaged(struct ledger *l, uint64_t from, uint64_t *ret_first, uint64_t *ret_next)
{
	bool is_found = false;

	mutex_lock(&l->mutex);
	for (size_t i = 0; i < l->part_count && !is_found; i++) {
		if (!l->parts[i].is_damaged || l->parts[i].first < from)
			continue;
		*ret_first = l->parts[i].first;
		*ret_next = l->parts[i].next;
		is_found = true;
	}
	mutex_unlock(&l->mutex);
	return is_found;
}

/* Opens each damaged segment once more, which says what is wrong with which file. */
static void note_damaged(struct verify *v, struct ledger *l)
{
	uint64_t first, next;

	for (uint64_t from = 0; next_damaged(l, from, &first, &next); from = next) {
		struct segment *segment = NULL;
		struct err err = ERR_INIT;
		int rc = ledger__open_file(l, first, next, &segment, &err);

		note(v, rc, &err);
		segment_unref(segment);
	}
}

/* Checks the segments; `tree` becomes that behind the last one. Behind a gap the groups of 256 are checked, but not
 * that they are of the tree. */
static void check_segments(struct verify *v, struct snapshot *s, struct merkle_frontier *tree)
{
	for (size_t i = 0; i < s->segment_count; i++) {
		struct segment *segment = s->segments[i];
		struct segment_merkle merkle;
		struct err err = ERR_INIT;
		int rc = segment_merkle_get(segment, &merkle, &err);

		if (rc == 0)
			rc = segment_verify(segment, tree->size == segment_first(segment) ? tree : NULL, v->team, &err);
		if (note(v, rc, &err)) {
			*tree = merkle.frontier;
			v->records += segment_next(segment) - segment_first(segment);
		}
	}
}

static void check_tail(struct verify *v, const struct snapshot_tail *t, struct digest *d, struct merkle_frontier *tree)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct span record = snapshot_tail_record(t, i);
		struct err err = ERR_INIT;
		struct record_ref ref;
		struct sha256 leaf;

		note(v, record_check(record, &ref, &err), &err);
		digest_leaf(d, record, &leaf);
		(void)merkle_append(tree, d, &leaf, NULL); /* whether a group was filled */
		v->records++;
	}
}

static void compare_trees(struct verify *v, struct ledger *l, struct digest *d, const struct merkle_frontier *a,
			  const struct merkle_frontier *b)
{
	struct err err = ERR_INIT;
	struct sha256 root_a;
	struct sha256 root_b;

	merkle_root(a, d, &root_a);
	merkle_root(b, d, &root_b);
	if (a->size != b->size || memcmp(&root_a, &root_b, sizeof(root_a)) != 0)
		note(v,
		     err_corrupt(&err, -1, "ledger %u: the tree of %llu records is not that of the records", l->number,
				 (unsigned long long)b->size),
		     &err);
}

/* The tree that was signed is that of the records. What is damaged was reported, and cannot be compared. */
static void check_signed(struct verify *v, struct ledger *l, struct snapshot *s)
{
	struct signed_head head;
	struct buf copy = BUF_INIT;
	struct err err = ERR_INIT;
	struct sha256 root;
	struct tree *tree;
	int rc = ledger_signed_head(l, &head, &copy, &err);

	buf_release(&copy);
	if (rc <= 0 || s->damaged_count > 0) {
		note(v, rc, &err);
		return;
	}
	if (head.size > s->size) {
		rc = err_corrupt(&err, -1, "ledger %u has %llu records, and a checkpoint of %llu was signed", l->number,
				 (unsigned long long)s->size, (unsigned long long)head.size);
	} else {
		tree = tree_new(s);
		rc = tree_root(tree, head.size, &root, &err);
		tree_free(tree);
		if (rc == 0 && memcmp(&root, &head.root, sizeof(root)) != 0)
			rc = err_corrupt(&err, -1, "ledger %u: its first %llu records are not those that were signed",
					 l->number, (unsigned long long)head.size);
	}
	note(v, rc, &err);
}

static void check_ledger(struct verify *v, struct ledger *l)
{
	struct merkle_frontier tree;
	struct merkle_frontier shown;
	struct err err = ERR_INIT;
	struct snapshot *s;
	struct tool *t;
	int rc = ledger__need_key(l, &err);

	if (rc >= 0)
		rc = take_view(l, &s, &shown, &err);
	if (!note(v, rc, &err))
		return;
	t = store__take_tool(v->store);
	note(v, ledger__check_hashes(l, s->first, &tree, &err), &err);
	note_damaged(v, l);
	check_segments(v, s, &tree);
	for (size_t i = 0; i < s->tail_count; i++)
		check_tail(v, &s->tails[i], t->digest, &tree);
	if (shown.size == s->size) /* else records came in between */
		compare_trees(v, l, t->digest, &tree, &shown);
	check_signed(v, l, s);
	store__give_tool(v->store, t);
	snapshot_free(s);
}

/* ---- the journal ---- */

static int check_records(struct ledger *l, struct record_batch *b, const struct journal_frame *f, struct err *err)
{
	struct sha256 *leaves = try_array(b->count, sizeof(*leaves));
	int rc = leaves ? 0 : E_NO_MEMORY;

	if (rc == 0)
		ledger__prepare(l, b, 0, f->first, f->received_us, leaves);
	for (size_t i = 0; i < b->count && rc == 0; i++) {
		struct record_ref ref;

		rc = record_check(span_of(b->bytes.p + b->refs[i].off, b->refs[i].len), &ref, err);
	}
	free(leaves);
	return rc;
}

int store__check_frame(struct store *s, const struct journal_frame *f, struct span payload, struct err *err)
{
	struct record_batch b = RECORD_BATCH_INIT;
	struct ledger *l;
	int rc;

	if (f->kind != JOURNAL_RECORDS)
		return 0;
	l = store__ledger(s, f->ledger);
	rc = ledger__need_key(l, err);
	if (rc == 0 && f->first > ledger_size(l))
		rc = err_corrupt(err, -1, "ledger %u: frame %llu has records from %llu on; the ledger has %llu",
				 l->number, (unsigned long long)f->sequence, (unsigned long long)f->first,
				 (unsigned long long)ledger_size(l));
	if (rc == 0) {
		rc = journal_decode(payload, f->count, &b);
		if (rc < 0)
			err_set(err, rc, "the payload of frame %llu is none of %u records",
				(unsigned long long)f->sequence, f->count);
	}
	if (rc == 0)
		rc = check_records(l, &b, f, err);
	record_batch_release(&b);
	return rc;
}

static int check_frame(void *user, const struct journal_frame *f, struct span payload, struct err *err)
{
	struct verify *v = user;
	struct err why = ERR_INIT;

	(void)err;
	note(v, store__check_frame(v->store, f, payload, &why), &why);
	return 0;
}

int store_verify(struct store *s, struct team *team, store_fault_fn *found, void *user, uint64_t *ret_records,
		 struct err *err)
{
	struct verify v = {.store = s, .team = team, .found = found, .user = user};
	size_t count;
	struct ledger **all = store__all(s, &count);
	struct err why = ERR_INIT;

	for (size_t i = 0; i < count; i++)
		check_ledger(&v, all[i]);
	free(all);
	note(&v, journal_walk(s->journal, check_frame, &v, &why), &why);
	if (v.rc < 0 && err)
		*err = v.err;
	*ret_records = v.records;
	return v.rc;
}
