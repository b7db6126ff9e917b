/* Checking what is in use. Each file is opened anew, so that nothing that a search has loaded hides what is on the
 * disk, and nothing loaded here takes a search's place in a cache. */
#include "store/store_check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"

/* 0 when a failure is a fault of what was checked, which is then told; else the failure. */
static int judge(struct store_check *c, int rc, const struct err *why, struct err *err)
{
	if (rc == E_CORRUPT || rc == E_IO || rc == E_NOT_FOUND || rc == E_UNSUPPORTED || rc == E_CRYPTO) {
		c->found(c->user, why);
		return 0;
	}
	if (rc < 0 && err)
		*err = *why;
	return rc < 0 ? rc : 0;
}

/* ---- files ---- */

/* The file that holds `position`, or begins behind it; false when there is none. */
static bool find_file(struct ledger *l, uint64_t position, struct part *ret, struct part *ret_before)
{
	bool is_found = false;

	mutex_lock(&l->mutex);
	for (size_t i = 0; i < l->file_count && !is_found; i++) {
		if (l->parts[i].next <= position)
			continue;
		*ret = l->parts[i];
		*ret_before = i > 0 ? l->parts[i - 1] : (struct part){0};
		is_found = true;
	}
	mutex_unlock(&l->mutex);
	return is_found;
}

static bool is_file(struct ledger *l, const struct part *p)
{
	bool is_found = false;

	mutex_lock(&l->mutex);
	for (size_t i = 0; i < l->file_count && !is_found; i++)
		is_found = l->parts[i].first == p->first && l->parts[i].next == p->next;
	mutex_unlock(&l->mutex);
	return is_found;
}

/* The tree before the first file: that of the records that are gone. */
static void begin_tree(struct ledger *l, struct store_check *c, uint64_t first)
{
	struct err why = ERR_INIT;
	int rc = ledger__check_hashes(l, first, &c->tree, &why);

	c->has_tree = rc == 0 && c->tree.size == first;
	if (rc < 0)
		c->found(c->user, &why);
}

/* A merge may have moved the border that the last step ended at: then the tree is the one that the file before says,
 * which was checked, or is damaged and was told. */
static void find_tree(struct ledger *l, struct store_check *c, const struct part *p, const struct part *before)
{
	struct segment_merkle merkle;
	struct segment *s = NULL;

	if (c->has_tree && c->tree.size == p->first)
		return;
	if (p->first == ledger_first(l)) {
		begin_tree(l, c, p->first);
		return;
	}
	c->has_tree = before->next == p->first && ledger__open_file(l, before->first, before->next, &s, NULL) == 0 &&
		      segment_merkle_get(s, &merkle, NULL) == 0 && merkle.frontier.size == p->first;
	if (c->has_tree)
		c->tree = merkle.frontier;
	segment_unref(s);
}

static int check_segment(struct store_check *c, struct segment *s, struct err *err)
{
	struct segment_merkle merkle;
	struct err why = ERR_INIT;
	int rc = segment_verify_paced(s, c->has_tree ? &c->tree : NULL, c->pace, c->user, &why);

	if ((rc = judge(c, rc, &why, err)) < 0)
		return rc;
	c->has_tree = segment_merkle_get(s, &merkle, NULL) == 0;
	if (c->has_tree)
		c->tree = merkle.frontier;
	return 0;
}

static int check_file(struct ledger *l, struct store_check *c, const struct part *p, const struct part *before,
		      struct err *err)
{
	struct err why = ERR_INIT;
	struct segment *s;
	int rc;

	find_tree(l, c, p, before);
	rc = ledger__open_file(l, p->first, p->next, &s, &why);
	if (rc < 0) {
		if (!is_file(l, p))
			return 1; /* it was replaced meanwhile */
		rc = judge(c, rc, &why, err);
		c->has_tree = false;
	} else {
		rc = check_segment(c, s, err);
		segment_unref(s);
	}
	if (rc < 0)
		return rc;
	c->position = p->next;
	c->records += p->next - p->first;
	return 1;
}

/* ---- the head ---- */

static int check_tails(struct store_check *c, const struct snapshot *s, struct digest *d, struct err *err)
{
	for (size_t i = 0; i < s->tail_count; i++) {
		const struct snapshot_tail *t = &s->tails[i];
		int rc;

		for (uint32_t k = 0; k < t->count; k++) {
			struct span record = snapshot_tail_record(t, k);
			struct err why = ERR_INIT;
			struct record_ref ref;
			struct sha256 leaf;

			(void)judge(c, record_check(record, &ref, &why), &why, NULL); /* told */
			digest_leaf(d, record, &leaf);
			(void)merkle_append(&c->tree, d, &leaf, NULL); /* whether a group was filled */
		}
		c->records += t->count;
		if ((rc = c->pace(c->user, 0)) < 0)
			return err_set(err, rc, "the check was ended");
	}
	return 0;
}

static void compare_trees(struct ledger *l, struct store_check *c, struct digest *d,
			  const struct merkle_frontier *shown)
{
	struct sha256 have, want;
	struct err why = ERR_INIT;

	merkle_root(&c->tree, d, &have);
	merkle_root(shown, d, &want);
	if (memcmp(&have, &want, sizeof(want)) == 0)
		return;
	(void)err_corrupt(&why, -1, "ledger %u: the tree of %llu records is not that of the records", l->number,
			  (unsigned long long)shown->size);
	c->found(c->user, &why);
}

/* A head and the tree over it, as they are at one moment. */
struct view {
	struct snapshot *snapshot;
	struct merkle_frontier shown;
	bool has_shown;
};

static int take_view(struct ledger *l, struct view *ret, struct err *err)
{
	int rc = ledger_snapshot(l, &ret->snapshot, err);

	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	ret->has_shown = l->shown && l->shown->size == ret->snapshot->size;
	if (ret->has_shown)
		ret->shown = *l->shown;
	mutex_unlock(&l->mutex);
	return 0;
}

static int check_images(struct store_check *c, const struct snapshot *s, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < s->segment_count && rc == 0; i++) {
		struct segment *image = s->segments[i];

		if (segment_first(image) < c->position)
			continue;
		if (c->has_tree && c->tree.size != segment_first(image))
			c->has_tree = false;
		rc = check_segment(c, image, err);
		c->position = segment_next(image);
		c->records += segment_next(image) - segment_first(image);
	}
	return rc;
}

static int check_head(struct ledger *l, struct store_check *c, struct err *err)
{
	struct view v = {NULL};
	struct tool *t;
	int rc = take_view(l, &v, err);

	if (rc < 0)
		return rc;
	if (!c->has_tree && c->position == ledger_first(l))
		begin_tree(l, c, c->position);
	rc = check_images(c, v.snapshot, err);
	t = store__take_tool(l->store);
	if (rc == 0 && c->has_tree) {
		rc = check_tails(c, v.snapshot, t->digest, err);
		if (rc == 0 && v.has_shown && c->tree.size == v.shown.size)
			compare_trees(l, c, t->digest, &v.shown);
	}
	store__give_tool(l->store, t);
	c->position = v.snapshot->size;
	snapshot_free(v.snapshot);
	return rc;
}

int ledger_check(struct ledger *l, struct store_check *c, struct err *err)
{
	struct part p, before;
	uint64_t first = ledger_first(l);
	int rc = ledger__need_key(l, err);

	if (rc < 0)
		return rc;
	if (c->position < first) {
		c->position = first;
		c->has_tree = false;
	}
	if (find_file(l, c->position, &p, &before))
		return check_file(l, c, &p, &before, err);
	return check_head(l, c, err);
}

/* ---- the journal ---- */

struct journal_check {
	struct store *store;
	struct store_check *check;
};

static int check_frame(void *user, const struct journal_frame *f, struct span payload, struct err *err)
{
	struct journal_check *j = user;
	struct err why = ERR_INIT;
	int rc = store__check_frame(j->store, f, payload, &why);

	if ((rc = judge(j->check, rc, &why, err)) < 0)
		return rc;
	rc = j->check->pace(j->check->user, payload.len);
	return rc < 0 ? err_set(err, rc, "the check was ended") : 0;
}

int store_check_journal(struct store *s, struct store_check *c, uint64_t *number, struct err *err)
{
	struct journal_check j = {.store = s, .check = c};
	struct err why = ERR_INIT;
	bool is_end = false;
	int rc = journal_walk_next(s->journal, number, &is_end, check_frame, &j, &why);

	if ((rc = judge(c, rc, &why, err)) < 0)
		return rc;
	return !is_end;
}
