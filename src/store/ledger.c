/* A ledger: its life, its keys and ids, its tree. ledger_priv.h says how it works. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/signed_head_priv.h"
#include "store/store_priv.h"

#define ID_LABEL      "stele id v1"
#define SEGMENT_LABEL "stele segments v1"

struct ledger *ledger__new(struct store *s, uint32_t number)
{
	struct ledger *l = xalloc(sizeof(*l));

	l->store = s;
	l->number = number;
	l->merge_span_us = s->config.merge_span_us;
	l->received_last = INT64_MIN;
	l->received_size = INT64_MIN;
	l->tree_cache = tree_cache_new();
	mutex_init(&l->mutex);
	cond_init(&l->changed);
	return l;
}

static void free_ciphers(struct ledger *l)
{
	while (l->ciphers) {
		struct cipher_slot *slot = l->ciphers;

		l->ciphers = slot->next;
		id_cipher_free(slot->cipher);
		free(slot);
	}
}

struct ledger *ledger__free(struct ledger *l)
{
	if (!l)
		return NULL;
	must(!l->head && !l->is_applying);
	for (size_t i = 0; i < l->part_count; i++)
		segment_unref(l->parts[i].segment);
	for (size_t i = 0; i < l->chunk_count; i++)
		chunk_unref(l->chunks[i]);
	free(l->parts);
	free(l->hashes);
	free(l->chunks);
	free(l->shown);
	free(l->frontier);
	free_ciphers(l);
	tree_cache_free(l->tree_cache);
	kept_head__free(l->signed_head);
	mem_wipe(l->id_key, sizeof(l->id_key));
	mem_wipe(&l->file_key, sizeof(l->file_key));
	cond_release(&l->changed);
	mutex_release(&l->mutex);
	free(l);
	return NULL;
}

int ledger__need_key(struct ledger *l, struct err *err)
{
	struct store *s = l->store;
	struct key key;
	int rc = 0;

	mutex_lock(&l->mutex);
	if (!l->has_key) {
		rc = s->config.key(s->config.user, l->number, &key, err);
		if (rc == 0) {
			key_derive(&key, ID_LABEL, span_of(NULL, 0), l->id_key, sizeof(l->id_key));
			key_derive(&key, SEGMENT_LABEL, span_of(NULL, 0), l->file_key.b, sizeof(l->file_key.b));
			l->has_key = true;
			mem_wipe(&key, sizeof(key));
		}
	}
	mutex_unlock(&l->mutex);
	return rc;
}

/* ---- the tree ---- */

static int read_frontier(struct ledger *l, struct merkle_frontier *ret, struct err *err)
{
	struct part *p = &l->parts[l->part_count - 1];
	struct segment_merkle merkle;
	struct segment *s;
	int rc;

	if (!p->segment) {
		rc = ledger__open_file(l, p->first, p->next, &s, err);
		if (rc < 0)
			return rc;
		ledger__set_segment_locked(l, p, s);
	}
	rc = segment_merkle_get(p->segment, &merkle, err);
	if (rc == 0 && merkle.frontier.size != p->next)
		rc = err_corrupt(err, 0, "ledger %u: the segment from %llu to %llu has a tree of %llu records",
				 l->number, (unsigned long long)p->first, (unsigned long long)p->next,
				 (unsigned long long)merkle.frontier.size);
	if (rc < 0)
		return rc;
	l->received_last = segment_received_max(p->segment);
	l->received_size = l->received_last;
	*ret = merkle.frontier;
	return 0;
}

/* Of a ledger all of whose files are gone. */
static int read_hashes_frontier(struct ledger *l, struct merkle_frontier *ret, struct err *err)
{
	struct hashes *h;
	int rc = ledger__open_hashes(l, &l->hashes[l->hash_count - 1], &h, err);

	if (rc < 0)
		return rc;
	l->received_last = hashes_head(h)->received_max;
	l->received_size = l->received_last;
	*ret = hashes_head(h)->frontier;
	hashes_close(h);
	return 0;
}

static void break_locked(struct ledger *l, const struct err *why)
{
	struct part *last = l->part_count > 0 ? &l->parts[l->part_count - 1] : NULL;

	l->broken = E_CORRUPT;
	l->broken_err = *why;
	if (last && !last->is_damaged) {
		atomic_fetch_add(&l->store->damaged, 1);
		last->is_damaged = true;
	}
}

int ledger__warm_locked(struct ledger *l, struct err *err)
{
	struct merkle_frontier *frontier;
	struct err why = ERR_INIT;
	int rc = l->broken;

	if (l->shown)
		return 0;
	frontier = xalloc(sizeof(*frontier));
	merkle_init(frontier);
	if (rc == 0 && l->part_count + l->hash_count > 0) {
		rc = l->part_count > 0 ? read_frontier(l, frontier, &why) : read_hashes_frontier(l, frontier, &why);
		if (rc == E_CORRUPT || rc == E_NOT_FOUND) {
			rc = E_CORRUPT;
			break_locked(l, &why);
		}
	} else if (rc < 0) {
		why = l->broken_err;
	}
	if (rc < 0) {
		free(frontier);
		if (err)
			*err = why;
		return rc;
	}
	l->frontier = frontier;
	l->shown = xalloc(sizeof(*l->shown));
	*l->shown = *frontier;
	return 0;
}

void ledger__cool_locked(struct ledger *l)
{
	bool is_busy = l->head || l->is_applying || l->waiting || l->opening || l->is_filing || l->is_merging;

	if (is_busy || l->chunk_count > 0 || l->part_count > l->file_count)
		return;
	free(l->shown);
	free(l->frontier);
	l->shown = NULL;
	l->frontier = NULL;
	free_ciphers(l);
	ledger__close_files_locked(l);
}

int ledger_frontier(struct ledger *l, struct merkle_frontier *ret, struct err *err)
{
	int rc;

	mutex_lock(&l->mutex);
	rc = ledger__warm_locked(l, err);
	if (rc == 0)
		*ret = *l->shown;
	mutex_unlock(&l->mutex);
	return rc;
}

int ledger_root(struct ledger *l, uint64_t *ret_size, struct sha256 *ret_root, struct err *err)
{
	struct merkle_frontier frontier;
	struct tool *t;
	int rc = ledger_frontier(l, &frontier, err);

	if (rc < 0)
		return rc;
	t = store__take_tool(l->store);
	merkle_root(&frontier, t->digest, ret_root);
	store__give_tool(l->store, t);
	*ret_size = frontier.size;
	return 0;
}

/* ---- numbers and ids ---- */

uint64_t ledger_size(struct ledger *l)
{
	uint64_t size;

	mutex_lock(&l->mutex);
	size = l->size;
	mutex_unlock(&l->mutex);
	return size;
}

uint64_t ledger_first(struct ledger *l)
{
	uint64_t first;

	mutex_lock(&l->mutex);
	first = l->pruned;
	mutex_unlock(&l->mutex);
	return first;
}

struct id_cipher *ledger__take_cipher(struct ledger *l)
{
	struct cipher_slot *slot;
	struct id_cipher *c;

	mutex_lock(&l->mutex);
	slot = l->ciphers;
	if (slot)
		l->ciphers = slot->next;
	mutex_unlock(&l->mutex);
	if (!slot)
		return id_cipher_new(l->id_key);
	c = slot->cipher;
	free(slot);
	return c;
}

void ledger__give_cipher(struct ledger *l, struct id_cipher *c)
{
	struct cipher_slot *slot = xalloc(sizeof(*slot));

	slot->cipher = c;
	mutex_lock(&l->mutex);
	slot->next = l->ciphers;
	l->ciphers = slot;
	mutex_unlock(&l->mutex);
}

bool ledger_index_of_id(struct ledger *l, struct span id, uint64_t *ret_index)
{
	struct id_cipher *c = ledger__take_cipher(l);
	uint64_t index;
	bool is_ours = id_cipher_decode(c, id, &index) && index < ledger_size(l);

	ledger__give_cipher(l, c);
	if (is_ours)
		*ret_index = index;
	return is_ours;
}

void ledger_ids(struct ledger *l, uint64_t first, size_t count, uint8_t *to)
{
	struct id_cipher *c = ledger__take_cipher(l);

	id_cipher_encode(c, first, count, to);
	ledger__give_cipher(l, c);
}
