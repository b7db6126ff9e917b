/* A table of sets; a key is known by its hash, under a seed that nobody else knows. */
#include "api/recent.h"

#include "api/limits.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/thread.h"

struct entry {
	uint64_t hash;
	struct recent recent; /* count 0: free */
};

struct recents {
	uint32_t seconds;
	bool is_sliding;
	uint64_t seed;
	struct mutex mu; /* guards the table */
	struct entry entry[RECENT_SETS][RECENT_WAYS];
};

struct recents *recents_new(uint32_t seconds, bool is_sliding)
{
	struct recents *w = xalloc(sizeof(*w));

	w->seconds = seconds;
	w->is_sliding = is_sliding;
	rand_bytes(&w->seed, sizeof(w->seed));
	mutex_init(&w->mu);
	return w;
}

struct recents *recents_free(struct recents *w)
{
	if (!w)
		return NULL;
	mutex_release(&w->mu);
	free(w);
	return NULL;
}

/* The entry of a key, or NULL. */
static struct entry *find_locked(struct entry *set, uint64_t hash, int64_t now_s)
{
	for (unsigned i = 0; i < RECENT_WAYS; i++) {
		if (set[i].hash == hash && set[i].recent.count > 0 && set[i].recent.ends_s > now_s)
			return &set[i];
	}
	return NULL;
}

/* A place for a new key: one that is free or over, else that of what ends first. */
static struct entry *make_room_locked(struct entry *set)
{
	struct entry *found = &set[0];

	for (unsigned i = 1; i < RECENT_WAYS; i++) {
		if (set[i].recent.ends_s < found->recent.ends_s)
			found = &set[i];
	}
	return found;
}

static struct recent count(struct recents *w, struct span key, int64_t now_s, bool is_one_more)
{
	uint64_t hash = hash64(key.p, key.len, w->seed);
	struct entry *set = w->entry[hash % RECENT_SETS], *e;
	struct recent now = {0, now_s + w->seconds};

	mutex_lock(&w->mu);
	e = find_locked(set, hash, now_s);
	if (e && !w->is_sliding)
		now.ends_s = e->recent.ends_s;
	if (e)
		now.count = e->recent.count;
	if (is_one_more) {
		now.count += now.count < UINT32_MAX;
		e = e ? e : make_room_locked(set);
		*e = (struct entry){hash, now};
	} else if (e) {
		now = e->recent;
	}
	mutex_unlock(&w->mu);
	return now;
}

struct recent recents_add(struct recents *w, struct span key, int64_t now_s)
{
	return count(w, key, now_s, true);
}

struct recent recents_look(struct recents *w, struct span key, int64_t now_s)
{
	return count(w, key, now_s, false);
}
