/*
 * The threads that encode, file and merge. What they are given is ledgers, not work: a thread takes the next ledger of
 * the first queue that has one, asks the ledger what is due, does one piece of it, and puts the ledger back if there is
 * more. So one large ledger cannot keep the others waiting, and two threads can encode two chunks of it.
 *
 *	SEAL_HEAD	chunks to encode, images to file
 *	SEAL_MERGE	files to merge; only when nobody waits in SEAL_HEAD
 *	SEAL_RETRY	what failed; back into SEAL_HEAD after RETRY_MS
 *
 * Two things are seen to when no chunk waits: many small heads that are too large together are cut, the larger ones
 * first; and a journal that is too large is freed by sealing the ledgers that hold its oldest file.
 */
#include <stdlib.h>

#include "store/store_priv.h"

#define RETRY_MS           1000
#define OLDEST_LEDGERS_MAX 256u

/* ---- queues ---- */

static void push_locked(struct sealer *q, struct ledger *l, enum seal_queue queue)
{
	if (l->is_queued[queue])
		return;
	l->is_queued[queue] = true;
	l->queue_next[queue] = NULL;
	if (q->last[queue])
		q->last[queue]->queue_next[queue] = l;
	else
		q->first[queue] = l;
	q->last[queue] = l;
}

static struct ledger *pop_locked(struct sealer *q, enum seal_queue queue)
{
	struct ledger *l = q->first[queue];

	if (l) {
		q->first[queue] = l->queue_next[queue];
		if (!q->first[queue])
			q->last[queue] = NULL;
		l->is_queued[queue] = false;
	}
	return l;
}

void sealer__queue(struct store *s, struct ledger *l, enum seal_queue queue)
{
	struct sealer *q = &s->sealer;

	if (s->config.no_threads)
		return;
	mutex_lock(&q->mutex);
	push_locked(q, l, queue);
	cond_signal(&q->work);
	mutex_unlock(&q->mutex);
}

/* ---- one piece of work ---- */

/* What went wrong is kept for the owner, and tried again. */
static void note_result(struct ledger *l, int rc, const struct err *err)
{
	store__note_background(l->store, rc < 0 ? rc : 0, err);
	if (rc < 0)
		sealer__queue(l->store, l, SEAL_RETRY);
}

static void trim_and_merge(struct ledger *l)
{
	struct err err = ERR_INIT;
	int rc = store__trim(l->store, &err);

	if (rc < 0)
		store__note_background(l->store, rc, &err);
	sealer__queue(l->store, l, SEAL_MERGE);
}

static void seal_step(struct ledger *l)
{
	struct err err = ERR_INIT;
	bool is_file_due;
	bool has_chunk;
	int rc = 0;

	mutex_lock(&l->mutex);
	is_file_due = ledger__images_due_locked(l) > 0;
	has_chunk = ledger__waiting_chunk_locked(l);
	mutex_unlock(&l->mutex);
	if (is_file_due && has_chunk)
		sealer__queue(l->store, l, SEAL_HEAD); /* for the other thread */
	if (is_file_due) {
		rc = ledger__file_images(l, false, &err);
		if (rc > 0)
			trim_and_merge(l);
	} else if (has_chunk) {
		sealer__queue(l->store, l, SEAL_HEAD); /* there may be more, and the image may make a file due */
		rc = ledger__build_one(l, &err);
	}
	note_result(l, rc, &err);
	mutex_lock(&l->mutex);
	has_chunk = rc >= 0 && (ledger__images_due_locked(l) > 0 || ledger__waiting_chunk_locked(l));
	mutex_unlock(&l->mutex);
	if (has_chunk)
		sealer__queue(l->store, l, SEAL_HEAD);
}

static void merge_step(struct ledger *l)
{
	struct err err = ERR_INIT;
	int rc = ledger__merge_one(l, &err);

	if (rc > 0)
		sealer__queue(l->store, l, SEAL_MERGE);
	else
		note_result(l, rc, &err);
}

/* ---- too much ---- */

static uint64_t growing_bytes(struct ledger *l)
{
	uint64_t bytes = 0;

	mutex_lock(&l->mutex);
	if (l->chunk_count > 0 && l->chunks[l->chunk_count - 1]->state == CHUNK_OPEN && !l->is_applying)
		bytes = l->chunks[l->chunk_count - 1]->bytes;
	mutex_unlock(&l->mutex);
	return bytes;
}

/* Cuts the heads that are not smaller than the average one: at least half of the bytes. */
static void cut_large_heads(struct store *s)
{
	size_t count;
	struct ledger **all = store__all(s, &count);
	uint64_t sum = 0;
	size_t growing = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = growing_bytes(all[i]);

		sum += bytes;
		growing += bytes > 0;
	}
	for (size_t i = 0; i < count && growing > 0; i++) {
		uint64_t bytes = growing_bytes(all[i]);

		if (bytes > 0 && bytes >= sum / growing) {
			(void)ledger__cut(all[i]);
			sealer__queue(s, all[i], SEAL_HEAD);
		}
	}
	free(all);
}

/* Seals the ledgers that hold the oldest journal file, until the journal is small enough or nothing helps. */
static void shrink_journal(struct store *s)
{
	uint32_t ledgers[OLDEST_LEDGERS_MAX];
	struct err err = ERR_INIT;
	int rc = 0;

	while (rc == 0 && journal_bytes(s->journal) > s->config.journal_bytes_max) {
		size_t n = journal_oldest(s->journal, store__sealed, s, ledgers, OLDEST_LEDGERS_MAX);

		for (size_t i = 0; i < n && rc == 0; i++) {
			rc = ledger_seal(store__ledger(s, ledgers[i]), &err);
			sealer__queue(s, store__ledger(s, ledgers[i]), SEAL_MERGE);
		}
		if (rc == 0)
			rc = store__trim(s, &err);
		if (n == 0)
			break;
	}
	store__note_background(s, rc, &err);
}

static bool is_memory_large(struct store *s)
{
	return atomic_load(&s->memory.head) > s->config.head_raw_bytes_max / 2;
}

void sealer__check(struct store *s)
{
	struct sealer *q = &s->sealer;
	bool memory = is_memory_large(s);
	bool journal = journal_bytes(s->journal) > s->config.journal_bytes_max;

	if (s->config.no_threads || (!memory && !journal))
		return;
	mutex_lock(&q->mutex);
	if ((memory && !q->wants_memory) || (journal && !q->wants_journal))
		cond_signal(&q->work);
	q->wants_memory |= memory;
	q->wants_journal |= journal;
	mutex_unlock(&q->mutex);
}

/* ---- threads ---- */

static void requeue_retries_locked(struct sealer *q)
{
	struct ledger *l;

	while ((l = pop_locked(q, SEAL_RETRY))) {
		push_locked(q, l, SEAL_HEAD);
		push_locked(q, l, SEAL_MERGE);
	}
}

/* The next thing to do, done without the mutex; false when there is nothing. */
static bool work_locked(struct store *s)
{
	struct sealer *q = &s->sealer;
	struct ledger *to_seal = pop_locked(q, SEAL_HEAD);
	bool memory = !to_seal && q->wants_memory;
	bool journal = !to_seal && !memory && q->wants_journal;
	struct ledger *to_merge = to_seal || memory || journal ? NULL : pop_locked(q, SEAL_MERGE);

	q->wants_memory &= !memory;
	q->wants_journal &= !journal;
	mutex_unlock(&q->mutex);
	if (to_seal)
		seal_step(to_seal);
	else if (memory && is_memory_large(s))
		cut_large_heads(s);
	else if (journal)
		shrink_journal(s);
	else if (to_merge)
		merge_step(to_merge);
	mutex_lock(&q->mutex);
	return to_seal || memory || journal || to_merge;
}

static void *run_sealer(void *arg)
{
	struct store *s = arg;
	struct sealer *q = &s->sealer;

	mutex_lock(&q->mutex);
	while (!q->is_stopping) {
		if (work_locked(s) || q->is_stopping)
			continue;
		if (!q->first[SEAL_RETRY])
			cond_wait(&q->work, &q->mutex);
		else if (!cond_wait_for(&q->work, &q->mutex, RETRY_MS))
			requeue_retries_locked(q);
	}
	mutex_unlock(&q->mutex);
	return NULL;
}

void sealer__init(struct store *s)
{
	mutex_init(&s->sealer.mutex);
	cond_init(&s->sealer.work);
}

void sealer__start(struct store *s)
{
	static const char *const names[SEALER_THREADS] = {"sealer-0", "sealer-1"};

	for (size_t i = 0; i < SEALER_THREADS && !s->config.no_threads; i++) {
		thread_start(&s->sealer.threads[i], names[i], run_sealer, s);
		s->sealer.running++;
	}
}

void sealer__stop(struct store *s)
{
	mutex_lock(&s->sealer.mutex);
	s->sealer.is_stopping = true;
	cond_broadcast(&s->sealer.work);
	mutex_unlock(&s->sealer.mutex);
	while (s->sealer.running > 0)
		thread_join(&s->sealer.threads[--s->sealer.running]);
}

void sealer__release(struct store *s)
{
	cond_release(&s->sealer.work);
	mutex_release(&s->sealer.mutex);
}
