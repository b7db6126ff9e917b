/* The keys that are listed first, whose texts are kept in slots of one size. */
#include "base/mem.h"
#include "query/sort_priv.h"

int sort_heap_init(struct sort_heap *h, uint32_t cap, bool ascending, struct err *err)
{
	*h = (struct sort_heap){.cap = cap, .ascending = ascending, .version = 1};
	h->key = try_array(cap, sizeof(*h->key));
	h->slot = try_array(cap, sizeof(*h->slot));
	return h->key && h->slot ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for sorting");
}

void sort_heap_release(struct sort_heap *h)
{
	free(h->key);
	free(h->slot);
	free(h->text);
	*h = (struct sort_heap){0};
}

bool sort_heap_takes(const struct sort_heap *h, const struct sort_key *key)
{
	return h->count < h->cap || sort_key_is_before(key, &h->key[0], h->ascending);
}

static void swap(struct sort_heap *h, uint32_t a, uint32_t b)
{
	struct sort_key key = h->key[a];
	uint32_t slot = h->slot[a];

	h->key[a] = h->key[b];
	h->slot[a] = h->slot[b];
	h->key[b] = key;
	h->slot[b] = slot;
}

static void sift_up(struct sort_heap *h, uint32_t at)
{
	while (at > 0 && sort_key_is_before(&h->key[(at - 1) / 2], &h->key[at], h->ascending)) {
		swap(h, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void sift_down(struct sort_heap *h, uint32_t n)
{
	uint32_t at = 0;

	for (uint32_t child; (child = at * 2 + 1) < n; at = child) {
		if (child + 1 < n && sort_key_is_before(&h->key[child], &h->key[child + 1], h->ascending))
			child++;
		if (!sort_key_is_before(&h->key[at], &h->key[child], h->ascending))
			return;
		swap(h, at, child);
	}
}

/* Sets key `at` and copies its texts to its slot. */
static int set_key(struct sort_heap *h, uint32_t at, const struct sort_key *key, struct err *err)
{
	if (!h->text && key->text.len > 0) {
		h->text = try_array(h->cap, SORT_KEY_BYTES);
		if (!h->text)
			return err_set(err, E_NO_MEMORY, "not enough memory for sorting");
	}
	if (h->text)
		sort_key_copy(key, h->text + (size_t)h->slot[at] * SORT_KEY_BYTES, &h->key[at]);
	else
		h->key[at] = *key;
	return 0;
}

int sort_heap_offer(struct sort_heap *h, const struct sort_key *key, struct err *err)
{
	struct sort_key root;
	bool is_same;
	int rc;

	if (h->count < h->cap) {
		h->slot[h->count] = h->count;
		rc = set_key(h, h->count, key, err);
		if (rc == 0)
			sift_up(h, h->count++);
		h->version++;
		return rc;
	}
	root = h->key[0];
	if (!sort_key_is_before(key, &root, h->ascending))
		return 0;
	is_same = sort_key_is_same(key, &root);
	rc = set_key(h, 0, key, err);
	if (rc == 0)
		sift_down(h, h->count);
	h->version += !is_same; /* with the same value it was not the root alone that had it */
	return rc;
}

void sort_heap_finish(struct sort_heap *h)
{
	for (uint32_t n = h->count; n > 1; n--) {
		swap(h, 0, n - 1);
		sift_down(h, n - 1);
	}
}
