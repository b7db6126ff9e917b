#include "store/tree_pruned.h"

#include "store/store_priv.h"

void tree_pruned_release(struct tree_pruned *p)
{
	p->open = hashes_close(p->open);
}

/* Opens the hashes that a record's are among. */
static int open_part(struct tree_pruned *p, uint64_t index, struct err *err)
{
	struct ledger *l = p->ledger;
	struct hash_part part = {0};

	if (p->open && hashes_head(p->open)->first <= index && index < hashes_head(p->open)->next)
		return 0;
	p->open = hashes_close(p->open);
	mutex_lock(&l->mutex);
	for (size_t i = 0; i < l->hash_count; i++) {
		if (l->hashes[i].first <= index && index < l->hashes[i].next)
			part = l->hashes[i];
	}
	mutex_unlock(&l->mutex);
	if (part.next == 0)
		return err_corrupt(err, -1, "ledger %u has no hashes of record %llu, which retention removed",
				   l->number, (unsigned long long)index);
	return ledger__open_hashes(l, &part, &p->open, err);
}

int tree_pruned_groups(struct tree_pruned *p, uint64_t group, size_t max, struct sha256 *ret, size_t *ret_count,
		       struct err *err)
{
	uint64_t left;
	int rc = open_part(p, group * MERKLE_GROUP + MERKLE_GROUP - 1, err);

	if (rc < 0)
		return rc;
	left = hashes_head(p->open)->next / MERKLE_GROUP - group;
	*ret_count = left < max ? (size_t)left : max;
	return hashes_groups(p->open, group, *ret_count, ret, err);
}

int tree_pruned_frontier(struct tree_pruned *p, struct err *err)
{
	int rc;

	if (p->has_frontier)
		return 0;
	merkle_init(&p->frontier);
	if (p->first > 0) {
		rc = open_part(p, p->first - 1, err);
		if (rc < 0)
			return rc;
		p->frontier = hashes_head(p->open)->frontier;
	}
	if (p->frontier.size != p->first)
		return err_corrupt(
			err, -1, "ledger %u: the hashes of what retention removed are of %llu records, not %llu",
			p->ledger->number, (unsigned long long)p->frontier.size, (unsigned long long)p->first);
	p->has_frontier = true;
	return 0;
}
