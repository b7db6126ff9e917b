/*
 * The way of a batch into a ledger.
 *
 *	admitted ── encode ── [ key? number, submit ] ── patch, hash, fold ──┐
 *	                                 │                                   ├── apply ── show ── done
 *	                                 └──> journal: write, sync ──────────┘
 *
 * Encoding for the journal comes first because it does not need the numbers (ids and times are '0's, which cost
 * nothing); hashing, which does, then runs while the disk writes. What is in brackets is under the ledger's mutex. The
 * two ends meet in drain_locked.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_priv.h"

/* ---- done ---- */

static void land(struct store *s)
{
	mutex_lock(&s->flight_mutex);
	if (--s->in_flight == 0)
		cond_broadcast(&s->landed);
	mutex_unlock(&s->flight_mutex);
}

/* Gives the append back. `room` is what it took of the memory and does not need any more. */
static void complete(struct store *s, struct ledger_append *a, uint64_t room)
{
	buf_release(&a->write.payload);
	free(a->leaves);
	a->leaves = NULL;
	a->done(a);
	if (room > 0)
		memory__give(s, room);
	land(s);
}

static void answer_seen(struct ledger_append *a, const struct idempotency_use *use)
{
	if (use->fingerprint != a->fingerprint) {
		a->rc = err_set(&a->err, E_CONFLICT, "the idempotency key was used with another request body");
		return;
	}
	a->replayed = true;
	a->first = use->first;
	a->count = use->count;
	a->received_us = use->received_us;
}

/* Those that came with the key of `a` while it was under way get its answer. */
static void complete_chained(struct store *s, struct ledger_append *chained, const struct ledger_append *a)
{
	struct idempotency_use use = {.fingerprint = a->fingerprint,
				      .first = a->first,
				      .count = (uint32_t)a->count,
				      .received_us = a->received_us};

	while (chained) {
		struct ledger_append *next = chained->next;

		if (a->rc < 0) {
			chained->rc = a->rc;
			chained->err = a->err;
		} else {
			answer_seen(chained, &use);
		}
		complete(s, chained, chained->bytes);
		chained = next;
	}
}

static void finish(struct ledger *l, struct ledger_append *a)
{
	struct store *s = l->store;
	struct ledger_append *chained = NULL;

	if (a->write.frame.has_idempotency)
		chained = idempotency_settle(s->idempotency, a);
	complete_chained(s, chained, a);
	if (a->rc == 0)
		atomic_fetch_add(&s->records, a->count);
	complete(s, a, a->rc == 0 ? 0 : a->bytes);
}

/* ---- applying ---- */

static int add_group(void *user, uint64_t number, const struct sha256 *root)
{
	chunk_add_group(user, root);
	return 0;
}

/* leaves[0] belongs to record `at`; aligned runs of 256 are folded into their first place. */
static void grow_tree(struct ledger *l, struct digest *d, struct chunk *c, uint64_t at, const struct sha256 *leaves,
		      size_t count)
{
	while (count > 0) {
		size_t n = MERKLE_GROUP - at % MERKLE_GROUP;

		if (n > count)
			n = count;
		if (n == MERKLE_GROUP) {
			merkle_append_group(l->frontier, d, leaves);
			chunk_add_group(c, leaves);
		} else {
			(void)merkle_append_leaves(l->frontier, d, leaves, n, add_group, c); /* add_group goes on */
		}
		at += n;
		leaves += n;
		count -= n;
	}
}

/* The chunk for record `index`: the growing one, or a new one. New ones are shown with the batch. */
static struct chunk *chunk_for(struct ledger *l, uint64_t index)
{
	uint64_t rows = l->store->block_rows;

	if (!l->current) {
		l->current = chunk_new(index, (index / rows + 1) * rows);
		mutex_lock(&l->mutex);
		if (l->chunk_count == l->chunk_cap) {
			l->chunk_cap = l->chunk_cap ? 2 * l->chunk_cap : 1;
			l->chunks = xrealloc(l->chunks, l->chunk_cap * sizeof(*l->chunks));
		}
		l->chunks[l->chunk_count++] = l->current;
		mutex_unlock(&l->mutex);
	}
	return l->current;
}

bool ledger__apply(struct ledger *l, const struct record_batch *b, size_t from, uint64_t first,
		   const struct sha256 *leaves)
{
	struct tool *t = store__take_tool(l->store);
	bool has_closed = false;

	while (from < b->count) {
		struct chunk *c = chunk_for(l, first + from);
		size_t n = c->rows_max - c->count;

		if (n > b->count - from)
			n = b->count - from;
		chunk_append(c, b, from, n);
		grow_tree(l, t->digest, c, first + from, leaves + from, n);
		from += n;
		if (chunk_is_full(c)) {
			mutex_lock(&l->mutex);
			chunk_close(c, l->frontier);
			mutex_unlock(&l->mutex);
			l->current = NULL;
			has_closed = true;
		}
	}
	store__give_tool(l->store, t);
	return has_closed;
}

void ledger__show_locked(struct ledger *l, uint64_t size, int64_t received_us)
{
	l->size = size;
	l->received_size = received_us;
	*l->shown = *l->frontier;
}

/* Takes the durable and prepared appends at the front of the queue into the head, and completes them. With the mutex
 * held, which is given up for the work. */
static void drain_locked(struct ledger *l)
{
	struct ledger_append *a;

	while (!l->is_applying && l->waiting == 0 && (a = l->head) && a->is_answered && a->is_prepared) {
		bool has_work = false;

		l->is_applying = true;
		l->head = a->next;
		if (!l->head)
			l->tail = NULL;
		mutex_unlock(&l->mutex);
		if (a->rc == 0) {
			has_work = ledger__apply(l, a->batch, 0, a->first, a->leaves);
			atomic_fetch_add(&l->store->memory.head, a->bytes);
		}
		mutex_lock(&l->mutex);
		if (a->rc == 0)
			ledger__show_locked(l, a->first + a->count, a->received_us);
		l->is_applying = false;
		if (l->waiting > 0)
			cond_broadcast(&l->changed);
		mutex_unlock(&l->mutex);
		finish(l, a);
		if (has_work)
			sealer__queue(l->store, l, SEAL_HEAD);
		sealer__check(l->store);
		mutex_lock(&l->mutex);
	}
}

void ledger__claim_locked(struct ledger *l)
{
	l->waiting++;
	while (l->is_applying)
		cond_wait(&l->changed, &l->mutex);
	l->waiting--;
	l->is_applying = true;
}

void ledger__unclaim_locked(struct ledger *l)
{
	l->is_applying = false;
	cond_broadcast(&l->changed);
	drain_locked(l);
}

/* ---- the journal's answer ---- */

static void on_journal_done(struct journal_write *w, int rc)
{
	struct ledger_append *a = (struct ledger_append *)(void *)((char *)w - offsetof(struct ledger_append, write));
	struct ledger *l = a->ledger;

	mutex_lock(&l->mutex);
	l->submitted--;
	if (rc == 0) {
		l->durable = a->first + a->count;
	} else {
		a->rc = rc;
		(void)journal_state(l->store->journal, &a->err); /* says why, in words */
		if (l->submitted == 0)
			l->next = l->durable;
	}
	a->is_answered = true;
	drain_locked(l);
	mutex_unlock(&l->mutex);
}

/* ---- preparing ---- */

/* Halves `count` hashes until one is left, in place. */
static void fold_group(struct digest *d, struct sha256 *leaves)
{
	for (size_t pairs = MERKLE_GROUP / 2; pairs > 0; pairs /= 2)
		digest_nodes(d, leaves, pairs, leaves);
}

void ledger__prepare(struct ledger *l, struct record_batch *b, size_t from, uint64_t first, int64_t received_us,
		     struct sha256 *leaves)
{
	struct tool *t = store__take_tool(l->store);
	struct id_cipher *c = ledger__take_cipher(l);
	uint8_t ids[MERKLE_GROUP * ID_TEXT_LEN];
	struct span records[MERKLE_GROUP];
	uint8_t received[TIMESTAMP_LEN];

	timestamp_format(received_us, received);
	while (from < b->count) {
		size_t n = MERKLE_GROUP - (first + from) % MERKLE_GROUP;

		if (n > b->count - from)
			n = b->count - from;
		id_cipher_encode(c, first + from, n, ids);
		for (size_t i = 0; i < n; i++) {
			const struct record_ref *ref = &b->refs[from + i];
			uint8_t *p = b->bytes.p + ref->off;

			memcpy(p + ref->id_off, ids + i * ID_TEXT_LEN, ID_TEXT_LEN);
			memcpy(p + ref->received_off, received, TIMESTAMP_LEN);
			records[i] = span_of(p, ref->len);
		}
		digest_leaves(t->digest, records, n, leaves + from);
		if (n == MERKLE_GROUP)
			fold_group(t->digest, leaves + from);
		from += n;
	}
	ledger__give_cipher(l, c);
	store__give_tool(l->store, t);
}

/* ---- the append ---- */

static void key_digest(struct store *s, struct ledger_append *a)
{
	struct tool *t = store__take_tool(s);
	struct buf text = BUF_INIT;
	struct sha256 hash;

	buf_put_u32(&text, a->ledger->number);
	buf_put_span(&text, a->idempotency_key);
	must(buf_ok(&text));
	digest_sha256(t->digest, buf_span(&text), &hash);
	memcpy(a->write.frame.idempotency, hash.b, JOURNAL_IDEMPOTENCY_LEN);
	a->write.frame.has_idempotency = true;
	a->write.frame.fingerprint = a->fingerprint;
	buf_release(&text);
	store__give_tool(s, t);
}

/* What can be done before the batch has its numbers. */
static int encode(struct store *s, struct ledger_append *a)
{
	int rc = journal_encode(buf_span(&a->batch->bytes), a->batch->refs, a->batch->count, &a->write.payload);

	a->leaves = rc == 0 ? try_alloc(a->batch->count * sizeof(*a->leaves)) : NULL;
	if (rc < 0 || !a->leaves)
		return err_set(&a->err, E_NO_MEMORY, "a batch of %zu records does not fit into memory",
			       a->batch->count);
	if (a->write.payload.len > JOURNAL_PAYLOAD_MAX)
		return err_set(&a->err, E_TOO_LARGE, "the batch has %zu bytes compressed; at most %u are supported",
			       a->write.payload.len, JOURNAL_PAYLOAD_MAX);
	if (a->idempotency_key.len > IDEMPOTENCY_KEY_MAX)
		return err_set(&a->err, E_TOO_LARGE, "the idempotency key has %zu bytes; at most %u are supported",
			       a->idempotency_key.len, IDEMPOTENCY_KEY_MAX);
	if (a->idempotency_key.len > 0)
		key_digest(s, a);
	return 0;
}

static void number_locked(struct ledger *l, struct ledger_append *a, int64_t now_us)
{
	struct journal_frame *f = &a->write.frame;

	if (l->received_last < now_us)
		l->received_last = now_us;
	a->first = l->next;
	a->count = a->batch->count;
	a->received_us = l->received_last;
	f->kind = JOURNAL_RECORDS;
	f->ledger = l->number;
	f->first = a->first;
	f->count = (uint32_t)a->count;
	f->received_us = a->received_us;
	a->write.done = on_journal_done;
	l->next += a->count;
	l->submitted++;
	a->next = NULL;
	if (l->tail)
		l->tail->next = a;
	else
		l->head = a;
	l->tail = a;
	journal_submit(l->store->journal, &a->write);
}

enum course { COURSE_NUMBERED, COURSE_ANSWERED, COURSE_CHAINED };

/* Numbers the append, unless its key or the ledger's state already decides it. */
static enum course decide_locked(struct ledger *l, struct ledger_append *a)
{
	int64_t now_us = clock_wall_us();
	struct idempotency_use use;

	a->rc = ledger__warm_locked(l, &a->err);
	if (a->rc < 0)
		return COURSE_ANSWERED;
	if (a->write.frame.has_idempotency) {
		switch (idempotency_begin(l->store->idempotency, a, now_us, &use)) {
		case IDEMPOTENCY_SEEN:
			answer_seen(a, &use);
			return COURSE_ANSWERED;
		case IDEMPOTENCY_WAIT:
			return COURSE_CHAINED; /* from here on it may be gone */
		case IDEMPOTENCY_NEW:
			break;
		}
	}
	number_locked(l, a, now_us);
	return COURSE_NUMBERED;
}

void ledger__append_admitted(struct ledger_append *a)
{
	struct ledger *l = a->ledger;
	enum course course = COURSE_ANSWERED;

	a->rc = encode(l->store, a);
	if (a->rc == 0) {
		mutex_lock(&l->mutex);
		course = decide_locked(l, a);
		mutex_unlock(&l->mutex);
	}
	if (course == COURSE_ANSWERED) {
		complete(l->store, a, a->bytes);
	} else if (course == COURSE_NUMBERED) {
		ledger__prepare(l, a->batch, 0, a->first, a->received_us, a->leaves);
		mutex_lock(&l->mutex);
		a->is_prepared = true;
		drain_locked(l);
		mutex_unlock(&l->mutex);
	}
}

void ledger_append(struct ledger *l, struct ledger_append *a)
{
	struct store *s = l->store;

	must(a->batch->count > 0 && a->batch->count <= UINT32_MAX);
	a->rc = 0;
	a->err = (struct err)ERR_INIT;
	a->replayed = false;
	a->first = 0;
	a->count = 0;
	a->received_us = 0;
	a->write = (struct journal_write){0};
	a->ledger = l;
	a->next = NULL;
	a->leaves = NULL;
	a->bytes = a->batch->bytes.len;
	a->is_answered = false;
	a->is_prepared = false;
	mutex_lock(&s->flight_mutex);
	s->in_flight++;
	mutex_unlock(&s->flight_mutex);
	if (memory__admit(s, a))
		ledger__append_admitted(a);
}
