/* Sets of a few buckets each; the name's hash says which. */
#include "service/rate_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"
#include "service/limits.h"

struct slot {
	uint64_t name;
	struct rate_bucket bucket;
};

struct rate_table {
	struct mutex mu; /* guards the slots */
	struct slot slot[RATE_SETS][RATE_WAYS];
};

struct rate_table *rate_table_new(void)
{
	struct rate_table *t = xalloc(sizeof(*t));

	mutex_init(&t->mu);
	return t;
}

struct rate_table *rate_table_free(struct rate_table *t)
{
	if (!t)
		return NULL;
	mutex_release(&t->mu);
	free(t);
	return NULL;
}

/* The bucket of this name; else one that is full, whose name it gets once something is taken. */
static struct slot *find_locked(struct rate_table *t, uint64_t name)
{
	struct slot *set = t->slot[name % RATE_SETS];
	struct slot *best = &set[0];

	for (size_t i = 0; i < RATE_WAYS; i++) {
		if (set[i].name == name)
			return &set[i];
		if (set[i].bucket.full_ns < best->bucket.full_ns)
			best = &set[i];
	}
	return best;
}

static struct rate_bucket look_locked(struct rate_table *t, uint64_t name)
{
	const struct slot *slot = find_locked(t, name);

	return slot->name == name ? slot->bucket : (struct rate_bucket){0};
}

static bool has_all_locked(struct rate_table *t, struct rate_claim *claims, size_t count, int64_t now_ns)
{
	bool has_all = true;

	for (size_t i = 0; i < count; i++) {
		struct rate_claim *c = &claims[i];
		struct rate_bucket b;

		if (c->rate == 0)
			continue;
		b = look_locked(t, c->name);
		c->wait_s = rate_wait_s(&b, c->rate, c->count, now_ns);
		has_all = has_all && rate_has(&b, c->rate, c->count, now_ns);
	}
	return has_all;
}

static void take_locked(struct rate_table *t, const struct rate_claim *c, int64_t now_ns)
{
	struct slot *slot = find_locked(t, c->name);

	if (slot->name != c->name)
		*slot = (struct slot){.name = c->name};
	rate_take(&slot->bucket, c->rate, c->count, now_ns);
}

bool rate_table_take(struct rate_table *t, struct rate_claim *claims, size_t count, int64_t now_ns)
{
	bool has_all;

	mutex_lock(&t->mu);
	has_all = has_all_locked(t, claims, count, now_ns);
	for (size_t i = 0; i < count; i++) {
		struct rate_claim *c = &claims[i];
		struct rate_bucket b;

		if (c->rate == 0)
			continue;
		if (has_all)
			take_locked(t, c, now_ns);
		b = look_locked(t, c->name);
		c->left = rate_left(&b, c->rate, now_ns);
		c->full_s = rate_full_s(&b, now_ns);
	}
	mutex_unlock(&t->mu);
	return has_all;
}
