/*
 * A hash table of entries that are also in a list by age. Entries are numbered, in an array that grows to what was ever
 * needed at once; number 0 is none. A pending entry is in the table and not in the list.
 */
#include "store/idempotency.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/reader.h"
#include "base/thread.h"

#define KEEP_US   ((int64_t)IDEMPOTENCY_HOURS * 3600 * 1000000)
#define CAP_FIRST 16u

struct entry {
	struct idempotency_use use;
	bool is_pending;
	struct ledger_append *waiting; /* chained to the pending one, the last first */
	uint32_t chain;                /* next in the bucket, or next free one */
	uint32_t older;
	uint32_t newer;
};

struct idempotency {
	struct mutex mutex;
	size_t keys_max;
	struct entry *entries; /* [cap]; 0 is not used */
	uint32_t *buckets;     /* [cap], a power of two */
	uint32_t cap;
	uint32_t free;
	uint32_t oldest;
	uint32_t newest;
	size_t listed;
};

struct idempotency *idempotency_new(size_t keys_max)
{
	struct idempotency *t = xalloc(sizeof(*t));

	mutex_init(&t->mutex);
	t->keys_max = keys_max;
	return t;
}

struct idempotency *idempotency_free(struct idempotency *t)
{
	if (t) {
		mutex_release(&t->mutex);
		free(t->entries);
		free(t->buckets);
		free(t);
	}
	return NULL;
}

/* ---- the table ---- */

/* A key is bytes of a SHA-256: any of them are a good hash. */
static uint32_t *bucket_of(struct idempotency *t, const uint8_t *key)
{
	return &t->buckets[get_u32le(key) & (t->cap - 1)];
}

static void put_in_bucket(struct idempotency *t, uint32_t n)
{
	uint32_t *bucket = bucket_of(t, t->entries[n].use.key);

	t->entries[n].chain = *bucket;
	*bucket = n;
}

/* Called when no entry is free: all but 0 are in the table. */
static void grow(struct idempotency *t)
{
	uint32_t before = t->cap;

	t->cap = before ? 2 * before : CAP_FIRST;
	t->entries = xrealloc(t->entries, t->cap * sizeof(*t->entries));
	memset(t->entries + before, 0, (t->cap - before) * sizeof(*t->entries));
	free(t->buckets);
	t->buckets = xarray(t->cap, sizeof(*t->buckets));
	for (uint32_t n = 1; n < before; n++)
		put_in_bucket(t, n);
	for (uint32_t n = before ? before : 1; n < t->cap; n++) {
		t->entries[n].chain = t->free;
		t->free = n;
	}
}

static uint32_t find(struct idempotency *t, const uint8_t *key)
{
	uint32_t n = t->cap ? *bucket_of(t, key) : 0;

	while (n && memcmp(t->entries[n].use.key, key, JOURNAL_IDEMPOTENCY_LEN) != 0)
		n = t->entries[n].chain;
	return n;
}

static uint32_t add(struct idempotency *t, const uint8_t *key)
{
	uint32_t n;

	if (!t->free)
		grow(t);
	n = t->free;
	t->free = t->entries[n].chain;
	t->entries[n] = (struct entry){.is_pending = true};
	memcpy(t->entries[n].use.key, key, JOURNAL_IDEMPOTENCY_LEN);
	put_in_bucket(t, n);
	return n;
}

static void unlist(struct idempotency *t, uint32_t n)
{
	struct entry *e = &t->entries[n];

	*(e->older ? &t->entries[e->older].newer : &t->oldest) = e->newer;
	*(e->newer ? &t->entries[e->newer].older : &t->newest) = e->older;
	t->listed--;
}

static void drop(struct idempotency *t, uint32_t n)
{
	struct entry *e = &t->entries[n];
	uint32_t *at = bucket_of(t, e->use.key);

	if (!e->is_pending)
		unlist(t, n);
	while (*at != n)
		at = &t->entries[*at].chain;
	*at = e->chain;
	e->chain = t->free;
	t->free = n;
}

/* The entry is no longer pending: `use` is known, and it is the newest. */
static void enlist(struct idempotency *t, uint32_t n, const struct idempotency_use *use)
{
	struct entry *e = &t->entries[n];

	e->use = *use;
	e->is_pending = false;
	e->older = t->newest;
	e->newer = 0;
	*(t->newest ? &t->entries[t->newest].newer : &t->oldest) = n;
	t->newest = n;
	if (++t->listed > t->keys_max)
		drop(t, t->oldest);
}

static void drop_expired(struct idempotency *t, int64_t now_us)
{
	while (t->oldest && t->entries[t->oldest].use.received_us + KEEP_US <= now_us)
		drop(t, t->oldest);
}

/* ---- appends ---- */

static struct idempotency_use use_of(const struct journal_frame *f)
{
	struct idempotency_use use = {
		.fingerprint = f->fingerprint,
		.first = f->first,
		.count = f->count,
		.received_us = f->received_us,
		.sequence = f->sequence,
	};

	memcpy(use.key, f->idempotency, JOURNAL_IDEMPOTENCY_LEN);
	return use;
}

enum idempotency_answer idempotency_begin(struct idempotency *t, struct ledger_append *a, int64_t now_us,
					  struct idempotency_use *ret_use)
{
	enum idempotency_answer answer = IDEMPOTENCY_NEW;
	uint32_t n;

	mutex_lock(&t->mutex);
	drop_expired(t, now_us);
	n = find(t, a->write.frame.idempotency);
	if (n && t->entries[n].is_pending) {
		a->next = t->entries[n].waiting;
		t->entries[n].waiting = a;
		answer = IDEMPOTENCY_WAIT;
	} else if (n && t->entries[n].use.received_us + KEEP_US > now_us) {
		*ret_use = t->entries[n].use;
		answer = IDEMPOTENCY_SEEN;
	} else {
		if (n) /* carried over, and so behind younger ones in the list */
			drop(t, n);
		(void)add(t, a->write.frame.idempotency);
	}
	mutex_unlock(&t->mutex);
	return answer;
}

struct ledger_append *idempotency_settle(struct idempotency *t, const struct ledger_append *a)
{
	struct idempotency_use use = use_of(&a->write.frame);
	struct ledger_append *waiting;
	uint32_t n;

	mutex_lock(&t->mutex);
	n = find(t, use.key);
	must(n && t->entries[n].is_pending);
	waiting = t->entries[n].waiting;
	t->entries[n].waiting = NULL;
	if (a->rc == 0)
		enlist(t, n, &use);
	else
		drop(t, n);
	mutex_unlock(&t->mutex);
	return waiting;
}

static void load_locked(struct idempotency *t, const struct idempotency_use *use)
{
	uint32_t n = find(t, use->key);

	if (n)
		drop(t, n);
	enlist(t, add(t, use->key), use);
}

void idempotency_load(struct idempotency *t, const struct idempotency_use *use)
{
	mutex_lock(&t->mutex);
	load_locked(t, use);
	mutex_unlock(&t->mutex);
}

/* ---- carrying over: key 16 | fingerprint 8 | first 8 | count 4 | received 8 ---- */

uint32_t idempotency_collect(struct idempotency *t, uint64_t before, int64_t now_us, struct buf *to)
{
	uint32_t count = 0;

	mutex_lock(&t->mutex);
	drop_expired(t, now_us);
	for (uint32_t n = t->oldest; n; n = t->entries[n].newer) {
		const struct idempotency_use *use = &t->entries[n].use;

		if (use->sequence >= before)
			continue;
		buf_put(to, use->key, JOURNAL_IDEMPOTENCY_LEN);
		buf_put_u64(to, use->fingerprint);
		buf_put_u64(to, use->first);
		buf_put_u32(to, use->count);
		buf_put_u64(to, (uint64_t)use->received_us);
		count++;
	}
	mutex_unlock(&t->mutex);
	return count;
}

void idempotency_carried(struct idempotency *t, uint64_t before, uint64_t sequence)
{
	mutex_lock(&t->mutex);
	for (uint32_t n = t->oldest; n; n = t->entries[n].newer) {
		if (t->entries[n].use.sequence < before)
			t->entries[n].use.sequence = sequence;
	}
	mutex_unlock(&t->mutex);
}

int idempotency_load_carried(struct idempotency *t, struct span payload, uint32_t count, uint64_t sequence,
			     struct err *err)
{
	struct reader r = reader_of(payload);

	if (payload.len != (uint64_t)count * IDEMPOTENCY_USE_LEN)
		return err_corrupt(err, 0, "frame %llu: %u keys in %zu bytes; %u each are expected",
				   (unsigned long long)sequence, count, payload.len, IDEMPOTENCY_USE_LEN);
	mutex_lock(&t->mutex);
	for (uint32_t i = 0; i < count; i++) {
		struct idempotency_use use = {.sequence = sequence};

		memcpy(use.key, reader_bytes(&r, JOURNAL_IDEMPOTENCY_LEN).p, JOURNAL_IDEMPOTENCY_LEN);
		use.fingerprint = reader_u64(&r);
		use.first = reader_u64(&r);
		use.count = reader_u32(&r);
		use.received_us = (int64_t)reader_u64(&r);
		load_locked(t, &use);
	}
	mutex_unlock(&t->mutex);
	return 0;
}
