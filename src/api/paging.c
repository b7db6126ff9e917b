/* The table is short, so it is walked. Bindings are compared by 128 bits of hash: two that meet would get pages of
 * their own searches, at the other's place. */
#include "api/paging.h"

#include "api/limits.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/thread.h"

#define KEEP_NS (INT64_C(1000000000) * PAGING_KEEP_S)

struct entry {
	uint64_t hash[2];
	struct paging_place place;
	int64_t used_ns; /* 0: never */
};

struct paging {
	struct mutex mu; /* guards the entries */
	struct entry entry[PAGINGS_MAX];
};

struct paging *paging_new(void)
{
	struct paging *p = xalloc(sizeof(*p));

	mutex_init(&p->mu);
	return p;
}

struct paging *paging_free(struct paging *p)
{
	if (!p)
		return NULL;
	mutex_release(&p->mu);
	free(p);
	return NULL;
}

static bool is_of(const struct entry *e, const uint64_t hash[2], int64_t now_ns)
{
	return e->used_ns != 0 && now_ns - e->used_ns < KEEP_NS && e->hash[0] == hash[0] && e->hash[1] == hash[1];
}

/* The entry at `start`, else the newest, else NULL. */
static struct entry *find_locked(struct paging *p, const uint64_t hash[2], uint64_t start, int64_t now_ns)
{
	struct entry *best = NULL;

	for (size_t i = 0; i < PAGINGS_MAX; i++) {
		struct entry *e = &p->entry[i];
		bool is_there = e->place.next == start;

		if (!is_of(e, hash, now_ns))
			continue;
		if (!best || (is_there && best->place.next != start) ||
		    (is_there == (best->place.next == start) && e->used_ns > best->used_ns))
			best = e;
	}
	return best;
}

static void hash_of(struct span binding, uint64_t ret[2])
{
	ret[0] = hash64(binding.p, binding.len, 1);
	ret[1] = hash64(binding.p, binding.len, 2);
}

bool paging_find(struct paging *p, struct span binding, uint64_t start, struct paging_place *ret)
{
	int64_t now_ns = clock_mono_ns();
	uint64_t hash[2];
	struct entry *e;

	hash_of(binding, hash);
	mutex_lock(&p->mu);
	e = find_locked(p, hash, start, now_ns);
	if (e) {
		e->used_ns = now_ns;
		*ret = e->place;
		if (ret->next != start)
			ret->after = UINT64_MAX;
	}
	mutex_unlock(&p->mu);
	return e != NULL;
}

static struct entry *oldest_locked(struct paging *p)
{
	struct entry *oldest = &p->entry[0];

	for (size_t i = 1; i < PAGINGS_MAX; i++) {
		if (p->entry[i].used_ns < oldest->used_ns)
			oldest = &p->entry[i];
	}
	return oldest;
}

/* A first page is somebody new; another one moves who was at its start. */
void paging_put(struct paging *p, struct span binding, uint64_t start, const struct paging_place *place)
{
	int64_t now_ns = clock_mono_ns();
	struct entry *e = NULL;
	uint64_t hash[2];

	hash_of(binding, hash);
	mutex_lock(&p->mu);
	if (start > 0)
		e = find_locked(p, hash, start, now_ns);
	if (!e)
		e = oldest_locked(p);
	*e = (struct entry){{hash[0], hash[1]}, *place, now_ns};
	mutex_unlock(&p->mu);
}
