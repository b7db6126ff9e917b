/* What of a ledger may go, and what keeps it from going late: how far merges reach, and how old the head is. */
#include "store/prune.h"
#include "store/store_priv.h"

static void add_file(struct ledger_expiry *x, const struct part *p)
{
	if (x->segments == 0)
		x->received_min = p->received_min;
	x->received_max = p->received_max;
	x->next = p->next;
	x->bytes += p->bytes;
	x->segments++;
}

static int look_at_files_locked(struct ledger *l, int64_t before_us, struct ledger_expiry *x, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->file_count; i++) {
		if (!l->parts[i].is_damaged)
			rc = ledger__know_times_locked(l, i, err);
		if (l->parts[i].is_damaged) {
			x->is_blocked = true;
			return 0;
		}
		if (rc < 0 || l->parts[i].received_max >= before_us)
			return rc;
		add_file(x, &l->parts[i]);
	}
	return 0;
}

/* The root of the tree that ends with file `last`. */
static int find_root(struct ledger *l, const struct part *last, struct sha256 *ret, struct err *err)
{
	struct segment_merkle merkle;
	struct segment *s;
	struct tool *t;
	int rc = ledger__open_file(l, last->first, last->next, &s, err);

	if (rc < 0)
		return rc;
	rc = segment_merkle_get(s, &merkle, err);
	if (rc == 0) {
		t = store__take_tool(l->store);
		merkle_root(&merkle.frontier, t->digest, ret);
		store__give_tool(l->store, t);
	}
	segment_unref(s);
	return rc;
}

int ledger_expiry(struct ledger *l, int64_t before_us, struct ledger_expiry *ret, struct err *err)
{
	struct ledger_expiry x = {0};
	struct part last = {0};
	int rc = ledger__need_key(l, err);

	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	ledger__claim_files_locked(l);
	x.first = x.next = l->pruned;
	rc = look_at_files_locked(l, before_us, &x, err);
	if (x.segments > 0)
		last = l->parts[x.segments - 1];
	mutex_unlock(&l->mutex);
	if (rc == 0 && x.segments > 0)
		rc = find_root(l, &last, &x.root, err);
	ledger__unclaim_files(l);
	if (rc == 0)
		*ret = x;
	return rc;
}

void ledger_set_merge_span_us(struct ledger *l, int64_t span_us)
{
	bool is_new;

	mutex_lock(&l->mutex);
	is_new = l->merge_span_us != span_us;
	l->merge_span_us = span_us;
	mutex_unlock(&l->mutex);
	if (is_new)
		sealer__queue(l->store, l, SEAL_MERGE);
}

int ledger_head_since(struct ledger *l, int64_t *ret_received_us, struct err *err)
{
	struct snapshot *s;
	struct record_ref ref;
	struct span record;
	uint64_t sealed = atomic_load(&l->sealed);
	int rc = ledger_snapshot(l, &s, err);

	*ret_received_us = INT64_MAX;
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->segment_count; i++) {
		if (segment_first(s->segments[i]) < sealed)
			continue;
		rc = segment_received_min(s->segments[i], ret_received_us, err);
		goto out;
	}
	if (s->tail_count > 0) {
		record = snapshot_tail_record(&s->tails[0], 0);
		rc = record_check(record, &ref, err);
		if (rc == 0 && !timestamp_parse_canonical(record.p + ref.received_off, ret_received_us))
			rc = err_corrupt(err, -1, "ledger %u: a record has no time of arrival", l->number);
	}
out:
	snapshot_free(s);
	return rc;
}
