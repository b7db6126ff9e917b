/*
 * Removing what retention says: whole files from the front of a ledger.
 *
 *	gather group roots, check the tree ──> put <first>-<next>.hashes ──> forget the files ──> delete them
 *	                                       (from here they are gone)
 *
 * The hashes are the mark: once they are durable the records before `next` are gone, whatever becomes of the files,
 * and opening the store deletes what a crash left of them. So there is one commit point, and the tree's hashes cannot
 * be missing where records are. Snapshots taken before keep reading; the space is free when the last of them goes.
 *
 * A put that failed may have left its object all the same. Then no merge may join files on both sides of that mark, and
 * the next try goes at least as far.
 *
 * Before anything is written the groups of the files are added up and must give the frontiers that the files say: what
 * is kept for ever is not copied unseen.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/prune.h"
#include "store/store_priv.h"

#define CHECK_GROUPS (16u * HASHES_PAGE_GROUPS) /* read at a time */

/* ---- the tree of full groups ---- */

/* The frontier of the full groups alone. */
static void cut_frontier(const struct merkle_frontier *f, struct merkle_frontier *ret)
{
	*ret = *f;
	ret->size -= f->size % MERKLE_GROUP;
}

static bool is_same_tree(const struct merkle_frontier *groups, const struct merkle_frontier *whole)
{
	if (groups->size != whole->size - whole->size % MERKLE_GROUP)
		return false;
	for (unsigned k = 0; k < MERKLE_LEVELS_MAX; k++) {
		if ((groups->size >> k & 1) && memcmp(&groups->node[k], &whole->node[k], sizeof(whole->node[k])) != 0)
			return false;
	}
	return true;
}

static void add_groups(struct merkle_frontier *tree, struct digest *d, const struct sha256 *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		merkle_append_group(tree, d, &groups[i]);
}

/* ---- hashes ---- */

int ledger__open_hashes(struct ledger *l, const struct hash_part *part, struct hashes **ret, struct err *err)
{
	const struct hashes_head *head;
	char name[PART_NAME_MAX];
	struct object *object;
	struct hashes *h = NULL;
	int rc;

	part__hashes_name(l->number, part->first, part->next, name);
	rc = object_open(l->store->objects, name, &object, err);
	if (rc == 0)
		rc = hashes_open(object, &h, err);
	if (rc < 0) {
		err_set_field(err, name, strlen(name));
		return rc;
	}
	head = hashes_head(h);
	if (head->ledger != l->number || head->first != part->first || head->next != part->next) {
		err_set_field(err, name, strlen(name));
		hashes_close(h);
		return err_corrupt(err, 0, "%s holds the hashes of other records", name);
	}
	*ret = h;
	return 0;
}

static int check_groups(struct hashes *h, struct digest *d, struct merkle_frontier *tree, struct err *err)
{
	const struct hashes_head *head = hashes_head(h);
	uint64_t left = hashes_group_count(head->first, head->next);
	struct sha256 *groups = xarray(CHECK_GROUPS, sizeof(*groups));
	int rc = 0;

	while (left > 0 && rc == 0) {
		size_t n = left < CHECK_GROUPS ? (size_t)left : CHECK_GROUPS;

		rc = hashes_groups(h, tree->size / MERKLE_GROUP, n, groups, err);
		if (rc == 0)
			add_groups(tree, d, groups, n);
		left -= n;
	}
	free(groups);
	if (rc == 0 && !is_same_tree(tree, &head->frontier))
		rc = err_corrupt(err, -1, "ledger %u: the hashes up to record %llu do not give their tree",
				 head->ledger, (unsigned long long)head->next);
	return rc;
}

/* The hashes that lie before the mark, copied; freed by the caller. */
static struct hash_part *copy_hashes(struct ledger *l, uint64_t mark, size_t *ret_count)
{
	struct hash_part *copy;
	size_t n = 0;

	mutex_lock(&l->mutex);
	copy = xarray(l->hash_count + 1, sizeof(*copy));
	while (n < l->hash_count && l->hashes[n].next <= mark) {
		copy[n] = l->hashes[n];
		n++;
	}
	mutex_unlock(&l->mutex);
	*ret_count = n;
	return copy;
}

int ledger__check_hashes(struct ledger *l, uint64_t mark, struct merkle_frontier *ret_tree, struct err *err)
{
	struct merkle_frontier tree;
	struct tool *t = store__take_tool(l->store);
	size_t count;
	struct hash_part *parts = copy_hashes(l, mark, &count);
	int rc = 0;

	merkle_init(&tree);
	merkle_init(ret_tree);
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct hashes *h = NULL;

		rc = ledger__open_hashes(l, &parts[i], &h, err);
		if (rc == 0)
			rc = check_groups(h, t->digest, &tree, err);
		if (rc == 0)
			*ret_tree = hashes_head(h)->frontier;
		hashes_close(h);
	}
	free(parts);
	store__give_tool(l->store, t);
	return rc;
}

/* ---- deleting ---- */

struct sweep {
	uint64_t mark;
	struct part *found;
	size_t count;
};

static int take_name(void *user, const char *name)
{
	struct sweep *w = user;
	struct part p = {0};

	if (part__parse_name(name, &p.first, &p.next) && p.first < w->mark) {
		w->found = xrealloc(w->found, (w->count + 1) * sizeof(*w->found));
		w->found[w->count++] = p;
	}
	return 0;
}

static int sweep_once(struct ledger *l, uint64_t mark, size_t *ret_count, struct err *err)
{
	struct sweep w = {.mark = mark};
	char name[PART_NAME_MAX];
	int rc;

	snprintf(name, sizeof(name), "%u", l->number);
	rc = object_list(l->store->objects, name, take_name, &w, err);
	for (size_t i = 0; i < w.count && rc == 0; i++) {
		part__name(l->number, w.found[i].first, w.found[i].next, name);
		rc = object_delete(l->store->objects, name, err);
		if (rc == E_NOT_FOUND)
			rc = 0; /* whoever merged it deleted it just now */
	}
	free(w.found);
	*ret_count = w.count;
	return rc;
}

/* Listing makes durable what was deleted before it. */
int ledger__sweep(struct ledger *l, uint64_t mark, struct err *err)
{
	size_t count = 1;
	int rc = 0;

	while (count > 0 && rc == 0)
		rc = sweep_once(l, mark, &count, err);
	return rc;
}

/* ---- pruning ---- */

void ledger__claim_files_locked(struct ledger *l)
{
	while (l->is_merging)
		cond_wait(&l->changed, &l->mutex);
	l->is_merging = true;
}

void ledger__unclaim_files(struct ledger *l)
{
	mutex_lock(&l->mutex);
	l->is_merging = false;
	cond_broadcast(&l->changed);
	mutex_unlock(&l->mutex);
	sealer__queue(l->store, l, SEAL_MERGE);
}

struct pruning {
	struct ledger *l;
	struct part *files; /* that go; ranges alone */
	size_t count;
	struct hashes_head head;
	struct merkle_frontier tree; /* of the full groups so far */
	struct buf groups;
};

/* The files that end at or before `before`, as many as may go in one step. */
static size_t count_files_locked(const struct ledger *l, uint64_t before)
{
	size_t n = 0;

	while (n < l->file_count && l->parts[n].next <= before &&
	       (n == 0 || l->parts[n].next - l->pruned <= PRUNE_ROWS_MAX))
		n++;
	return n;
}

static int begin_tree(struct pruning *p, struct err *err)
{
	struct ledger *l = p->l;
	struct hashes *h;
	int rc;

	merkle_init(&p->tree);
	if (l->hash_count == 0)
		return 0;
	rc = ledger__open_hashes(l, &l->hashes[l->hash_count - 1], &h, err);
	if (rc < 0)
		return rc;
	cut_frontier(&hashes_head(h)->frontier, &p->tree);
	hashes_close(h);
	return 0;
}

static int take_segment(struct pruning *p, struct digest *d, struct segment *s, struct err *err)
{
	struct segment_merkle merkle;
	int rc = segment_merkle_get(s, &merkle, err);

	if (rc < 0)
		return rc;
	if (merkle.group_count == hashes_group_count(segment_first(s), segment_next(s)) &&
	    merkle.frontier.size == segment_next(s)) {
		add_groups(&p->tree, d, merkle.groups, merkle.group_count);
		if (is_same_tree(&p->tree, &merkle.frontier)) {
			buf_put(&p->groups, merkle.groups, merkle.group_count * sizeof(*merkle.groups));
			p->head.frontier = merkle.frontier;
			p->head.received_max = segment_received_max(s);
			return 0;
		}
	}
	return err_corrupt(err, -1, "ledger %u: the tree of records %llu to %llu is not that of the ones before",
			   p->l->number, (unsigned long long)segment_first(s), (unsigned long long)segment_next(s));
}

static int gather_hashes(struct pruning *p, struct err *err)
{
	struct tool *t = store__take_tool(p->l->store);
	int rc = begin_tree(p, err);

	for (size_t i = 0; i < p->count && rc == 0; i++) {
		struct segment *s = NULL;

		rc = ledger__open_file(p->l, p->files[i].first, p->files[i].next, &s, err);
		if (rc == 0)
			rc = take_segment(p, t->digest, s, err);
		segment_unref(s);
	}
	store__give_tool(p->l->store, t);
	if (rc == 0 && !buf_ok(&p->groups))
		rc = err_set(err, E_NO_MEMORY, "there is no memory for the hashes of the records that go");
	return rc;
}

static int write_hashes(struct pruning *p, struct err *err)
{
	char name[PART_NAME_MAX];
	struct buf bytes = BUF_INIT;
	int rc;

	hashes_put(&bytes, &p->head, (const struct sha256 *)(const void *)p->groups.p);
	part__hashes_name(p->l->number, p->head.first, p->head.next, name);
	rc = buf_ok(&bytes) ? ledger__put_object(p->l, name, buf_span(&bytes), err)
			    : err_set(err, E_NO_MEMORY, "there is no memory for the hashes of the records that go");
	buf_release(&bytes);
	return rc;
}

static void forget_files_locked(struct ledger *l, const struct pruning *p)
{
	ledger__remove_parts_locked(l, 0, p->count);
	l->file_count -= p->count;
	atomic_fetch_add(&l->store->pruned, p->head.next - l->pruned);
	l->pruned = p->head.next;
	l->pruning = 0;
	l->hashes = xrealloc(l->hashes, (l->hash_count + 1) * sizeof(*l->hashes));
	l->hashes[l->hash_count++] = (struct hash_part){p->head.first, p->head.next};
	l->needs_sweep = true;
}

/* With the files claimed. */
static int prune_files(struct pruning *p, struct err *err)
{
	struct ledger *l = p->l;
	int rc = gather_hashes(p, err);

	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	l->pruning = p->head.next;
	mutex_unlock(&l->mutex);
	rc = write_hashes(p, err); /* from here on the records are gone */
	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	forget_files_locked(l, p);
	mutex_unlock(&l->mutex);
	return 1;
}

static int sweep_claimed(struct ledger *l, struct err *err)
{
	int rc;

	if (!l->needs_sweep)
		return 0;
	rc = ledger__sweep(l, l->pruned, err);
	if (rc == 0)
		l->needs_sweep = false;
	return rc;
}

/* 1: something went, and there may be more; 0: nothing is left to do. */
static int prune_step(struct ledger *l, uint64_t before, struct err *err)
{
	struct pruning p = {.l = l};
	int swept;
	int rc = 0;

	mutex_lock(&l->mutex);
	ledger__claim_files_locked(l);
	p.count = count_files_locked(l, before > l->pruning ? before : l->pruning);
	p.files = xarray(p.count + 1, sizeof(*p.files));
	for (size_t i = 0; i < p.count; i++)
		p.files[i] = (struct part){.first = l->parts[i].first, .next = l->parts[i].next};
	p.head = (struct hashes_head){.ledger = l->number, .first = l->pruned};
	mutex_unlock(&l->mutex);
	if (p.count > 0) {
		p.head.next = p.files[p.count - 1].next;
		rc = prune_files(&p, err);
	}
	if (rc >= 0) {
		swept = sweep_claimed(l, err);
		rc = swept < 0 ? swept : rc;
	}
	ledger__unclaim_files(l);
	buf_release(&p.groups);
	free(p.files);
	return rc;
}

int ledger_prune(struct ledger *l, uint64_t before, uint64_t *ret_first, struct err *err)
{
	struct store *s = l->store;
	uint64_t was = ledger_first(l);
	int rc = ledger__need_key(l, err);

	if (rc == 0) {
		do {
			rc = prune_step(l, before, err);
		} while (rc > 0);
	}
	*ret_first = ledger_first(l);
	if (rc == 0 && *ret_first > was && s->config.pruned)
		s->config.pruned(s->config.user, l->number, *ret_first);
	return rc;
}
