/*
 * The blocks hang in two lists: all of them by when they were last used, and those of one segment and number, which the
 * segment has the heads of. Both are guarded by the cache's mutex. An idle block holds no reference to its segment,
 * else a segment would never go; it is taken out of both lists before anything else becomes of it, and freeing one
 * looks at no segment, so that one thread may free a block while another closes its segment.
 */
#include "store/block_cache.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "store/segment_priv.h"

struct block_cache {
	struct mutex mutex; /* guards the lists and their bytes */
	struct block *newest;
	struct block *oldest;
	size_t bytes;
	size_t bytes_max;
	_Atomic uint64_t hits;
	_Atomic uint64_t misses;
};

struct block_cache *block_cache_new(size_t bytes_max)
{
	struct block_cache *c = xalloc(sizeof(*c));

	mutex_init(&c->mutex);
	c->bytes_max = bytes_max;
	return c;
}

struct block_cache *block_cache_free(struct block_cache *c)
{
	if (c) {
		must(!c->newest && c->bytes == 0);
		mutex_release(&c->mutex);
		free(c);
	}
	return NULL;
}

void segment_use_cache(struct segment *s, struct block_cache *c)
{
	must(!s->cache);
	s->cache = c;
	s->idle = xarray(s->block_count, sizeof(struct block *));
}

void block_cache_figures(struct block_cache *c, struct block_cache_figures *ret)
{
	mutex_lock(&c->mutex);
	*ret = (struct block_cache_figures){atomic_load(&c->hits), atomic_load(&c->misses), c->bytes};
	mutex_unlock(&c->mutex);
}

static void link_locked(struct block_cache *c, struct block *b)
{
	struct block **same = &b->segment->idle[b->number];

	b->older = c->newest;
	b->newer = NULL;
	if (c->newest)
		c->newest->newer = b;
	else
		c->oldest = b;
	c->newest = b;
	b->next_same = *same;
	*same = b;
	c->bytes += b->idle_bytes;
}

static void unlink_locked(struct block_cache *c, struct block *b)
{
	struct block **same = &b->segment->idle[b->number];

	*(b->newer ? &b->newer->older : &c->newest) = b->older;
	*(b->older ? &b->older->newer : &c->oldest) = b->newer;
	while (*same != b)
		same = &(*same)->next_same;
	*same = b->next_same;
	c->bytes -= b->idle_bytes;
}

static void free_chain(struct block *b)
{
	while (b) {
		struct block *next = b->next_same;

		block__free(b);
		b = next;
	}
}

struct block *block__take_idle(struct segment *s, uint32_t number)
{
	struct block_cache *c = s->cache;
	struct block *b;

	if (!c)
		return NULL;
	mutex_lock(&c->mutex);
	b = s->idle[number];
	if (b)
		unlink_locked(c, b);
	mutex_unlock(&c->mutex);
	atomic_fetch_add(b ? &c->hits : &c->misses, 1);
	return b;
}

void block__give_idle(struct block *b)
{
	struct block_cache *c = b->segment->cache;
	struct block *gone = NULL;

	b->idle_bytes = block__memory(b);
	if (b->idle_bytes > c->bytes_max / BLOCK_CACHE_SHARE) {
		block__free(b);
		return;
	}
	mutex_lock(&c->mutex);
	link_locked(c, b);
	while (c->bytes > c->bytes_max) {
		struct block *old = c->oldest;

		unlink_locked(c, old);
		old->next_same = gone;
		gone = old;
	}
	mutex_unlock(&c->mutex);
	free_chain(gone);
}

void block__drop_idle(struct segment *s)
{
	struct block_cache *c = s->cache;
	struct block *gone = NULL;

	if (!c)
		return;
	mutex_lock(&c->mutex);
	for (uint32_t k = 0; k < s->block_count; k++) {
		while (s->idle[k]) {
			struct block *b = s->idle[k];

			unlink_locked(c, b);
			b->next_same = gone;
			gone = b;
		}
	}
	mutex_unlock(&c->mutex);
	free_chain(gone);
	free(s->idle);
	s->idle = NULL;
}
