#include "store/tree_cache.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

#define SLOTS_FIRST 16u

struct slot {
	struct sha256 node;
	bool is_known;
};

struct tree_cache {
	struct mutex mutex; /* guards the slots */
	struct slot *slots; /* by number */
	size_t slot_count;
};

struct tree_cache *tree_cache_new(void)
{
	struct tree_cache *c = xalloc(sizeof(*c));

	mutex_init(&c->mutex);
	return c;
}

struct tree_cache *tree_cache_free(struct tree_cache *c)
{
	if (!c)
		return NULL;
	mutex_release(&c->mutex);
	free(c->slots);
	free(c);
	return NULL;
}

bool tree_cache_get(struct tree_cache *c, uint64_t number, struct sha256 *ret)
{
	bool is_known;

	mutex_lock(&c->mutex);
	is_known = number < c->slot_count && c->slots[number].is_known;
	if (is_known)
		*ret = c->slots[number].node;
	mutex_unlock(&c->mutex);
	return is_known;
}

static bool grow_locked(struct tree_cache *c, uint64_t number)
{
	size_t count = c->slot_count ? c->slot_count : SLOTS_FIRST;
	struct slot *slots;

	while (count <= number)
		count *= 2;
	slots = try_realloc(c->slots, count * sizeof(*slots));
	if (!slots)
		return false;
	memset(slots + c->slot_count, 0, (count - c->slot_count) * sizeof(*slots));
	c->slots = slots;
	c->slot_count = count;
	return true;
}

void tree_cache_put(struct tree_cache *c, uint64_t number, const struct sha256 *node)
{
	mutex_lock(&c->mutex);
	if (number < c->slot_count || grow_locked(c, number))
		c->slots[number] = (struct slot){*node, true};
	mutex_unlock(&c->mutex);
}
