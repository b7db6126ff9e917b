/* The table is short, so it is walked. Bindings are compared by 128 bits of hash: two that meet would get pages of
 * their own searches, at the other's place. */
#include "api/paging.h"

#include "api/limits.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/thread.h"

#define KEEP_NS (INT64_C(1000000000) * PAGING_KEEP_S)

struct entry {
	uint64_t hash[2];
	struct paging_place place;
	int64_t used_ns; /* 0: never */
};

struct paging {
	uint64_t seed[2]; /* of hashes: nobody can choose searches that meet */
	struct mutex mu;  /* guards the entries */
	struct entry entry[PAGINGS_MAX];
};

struct paging *paging_new(void)
{
	struct paging *p = xalloc(sizeof(*p));

	rand_bytes(p->seed, sizeof(p->seed));
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

/* Clients that share a key and a search cannot be told apart. In the order of newest first, who goes on behind the
 * place of one that saw more records may see a row twice, but misses none. */
static bool is_newer(const struct entry *a, const struct entry *b)
{
	return a->place.size > b->place.size || (a->place.size == b->place.size && a->used_ns > b->used_ns);
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
		    (is_there == (best->place.next == start) && is_newer(e, best)))
			best = e;
	}
	return best;
}

static void hash_of(const struct paging *p, struct span binding, uint64_t ret[2])
{
	for (size_t i = 0; i < 2; i++)
		ret[i] = hash64(binding.p, binding.len, p->seed[i]);
}

bool paging_find(struct paging *p, struct span binding, uint64_t start, struct paging_place *ret)
{
	int64_t now_ns = clock_mono_ns();
	uint64_t hash[2];
	struct entry *e;

	hash_of(p, binding, hash);
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

/* Of those that look at as many records as `newest`, the last before `start`; NULL: none is. */
static const struct entry *before_locked(const struct paging *p, const struct entry *newest, uint64_t start,
					 int64_t now_ns)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < PAGINGS_MAX; i++) {
		const struct entry *e = &p->entry[i];

		if (is_of(e, newest->hash, now_ns) && e->place.size == newest->place.size && e->place.next <= start &&
		    (!best || e->place.next > best->place.next))
			best = e;
	}
	return best;
}

bool paging_near(struct paging *p, struct span binding, uint64_t start, struct paging_place *ret)
{
	int64_t now_ns = clock_mono_ns();
	const struct entry *near;
	uint64_t hash[2];
	struct entry *e;

	hash_of(p, binding, hash);
	mutex_lock(&p->mu);
	e = find_locked(p, hash, start, now_ns);
	if (e) {
		e->used_ns = now_ns;
		near = e->place.next == start ? e : before_locked(p, e, start, now_ns);
		*ret = near ? near->place : e->place;
		if (!near) {
			ret->next = 0;
			ret->after = UINT64_MAX;
		}
	}
	mutex_unlock(&p->mu);
	return e != NULL;
}

/* The entry that was not used for longest: of all, or of a search that has its share. */
static struct entry *oldest_locked(struct paging *p, const uint64_t hash[2], int64_t now_ns)
{
	struct entry *oldest = &p->entry[0], *own = NULL;
	unsigned count = 0;

	for (size_t i = 0; i < PAGINGS_MAX; i++) {
		struct entry *e = &p->entry[i];

		if (e->used_ns < oldest->used_ns)
			oldest = e;
		if (!is_of(e, hash, now_ns))
			continue;
		count++;
		if (!own || e->used_ns < own->used_ns)
			own = e;
	}
	return count < PAGING_PLACES_MAX ? oldest : own;
}

/* Beside the place that the page began at, which stays: it may be asked for again. */
void paging_put(struct paging *p, struct span binding, uint64_t start, const struct paging_place *place)
{
	int64_t now_ns = clock_mono_ns();
	uint64_t hash[2];
	struct entry *e;

	hash_of(p, binding, hash);
	mutex_lock(&p->mu);
	e = start > 0 ? find_locked(p, hash, start, now_ns) : NULL;
	if (e)
		e->used_ns = now_ns;
	*oldest_locked(p, hash, now_ns) = (struct entry){{hash[0], hash[1]}, *place, now_ns};
	mutex_unlock(&p->mu);
}
