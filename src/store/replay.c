/*
 * Reading the journal again when the store is opened: what is in no segment file goes into the heads, exactly as it
 * went in first. Frames are gathered into waves; the frames of a wave are unpacked, patched and hashed by two threads,
 * each taking the next one, and then applied in order.
 *
 * A ledger whose last segment is damaged cannot be gone on with: its frames are left where they are, and the journal
 * keeps them because they are not sealed. The other ledgers open.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/signed_head_priv.h"
#include "store/store_priv.h"

#define WAVE_FRAMES 1024u
#define WAVE_BYTES  (4u << 20) /* of payload */
#define JOBS_KEPT   8u

struct job {
	struct ledger *ledger;
	struct journal_frame frame;
	size_t skip; /* records at its front that are in segments */
	struct buf payload;
	struct record_batch batch;
	struct sha256 *leaves;
	size_t leaves_cap;
	int rc;
};

struct replay {
	struct store *store;
	struct job *jobs; /* [WAVE_FRAMES] */
	size_t count;
	uint64_t bytes;
	_Atomic size_t taken;
};

/* ---- a wave ---- */

static int unpack(struct job *job)
{
	int rc = journal_decode(buf_span(&job->payload), job->frame.count, &job->batch);

	if (rc < 0)
		return rc;
	if (job->leaves_cap < job->frame.count) {
		free(job->leaves);
		job->leaves = try_alloc(job->frame.count * sizeof(*job->leaves));
		job->leaves_cap = job->leaves ? job->frame.count : 0;
	}
	if (!job->leaves)
		return E_NO_MEMORY;
	ledger__prepare(job->ledger, &job->batch, job->skip, job->frame.first, job->frame.received_us, job->leaves);
	return 0;
}

static void *run_jobs(void *arg)
{
	struct replay *r = arg;
	size_t i;

	while ((i = atomic_fetch_add(&r->taken, 1)) < r->count)
		r->jobs[i].rc = unpack(&r->jobs[i]);
	return NULL;
}

static void apply_job(struct store *s, struct job *job)
{
	struct ledger *l = job->ledger;
	uint64_t bytes = 0;

	for (size_t i = job->skip; i < job->batch.count; i++)
		bytes += job->batch.refs[i].len;
	memory__add(s, bytes);
	mutex_lock(&l->mutex);
	ledger__claim_locked(l);
	mutex_unlock(&l->mutex);
	(void)ledger__apply(l, &job->batch, job->skip, job->frame.first, job->leaves);
	mutex_lock(&l->mutex);
	ledger__show_locked(l, job->frame.first + job->frame.count, job->frame.received_us);
	ledger__unclaim_locked(l);
	mutex_unlock(&l->mutex);
}

static int build_all(struct ledger *l, struct err *err)
{
	int rc;

	do {
		rc = ledger__build_one(l, err);
	} while (rc > 0);
	return rc;
}

/* Before more is read than the head may hold, what is there is encoded, and if need be what is growing too. */
static int relieve(struct store *s, struct ledger *l, struct err *err)
{
	int rc = 0;

	if (memory__is_over(s))
		rc = build_all(l, err);
	if (rc == 0 && memory__is_over(s)) {
		(void)ledger__cut(l);
		rc = build_all(l, err);
	}
	return rc;
}

static void release_job(struct job *job)
{
	buf_release(&job->payload);
	record_batch_release(&job->batch);
	free(job->leaves);
	*job = (struct job){0};
}

/* Fresh memory costs as much as unpacking into it: the first jobs, which every wave has, keep theirs. */
static void reset_job(struct replay *r, size_t i)
{
	struct job *job = &r->jobs[i];

	if (i >= JOBS_KEPT) {
		release_job(job);
		return;
	}
	buf_reset(&job->payload);
	record_batch_reset(&job->batch);
}

static int fail_job(const struct job *job, struct err *err)
{
	if (job->rc == E_NO_MEMORY)
		return err_set(err, E_NO_MEMORY, "there is no memory for %u records", job->frame.count);
	return err_corrupt(err, -1, "the payload of frame %llu is none of %u records",
			   (unsigned long long)job->frame.sequence, job->frame.count);
}

static int run_wave(struct replay *r, struct err *err)
{
	struct thread second;
	bool has_second = r->count > 1;
	int rc = 0;

	atomic_store(&r->taken, 0);
	if (has_second)
		thread_start(&second, "replay", run_jobs, r);
	run_jobs(r);
	if (has_second)
		thread_join(&second);
	for (size_t i = 0; i < r->count && rc == 0; i++) {
		struct job *job = &r->jobs[i];

		if (job->rc < 0) {
			rc = fail_job(job, err);
			break;
		}
		apply_job(r->store, job);
		rc = relieve(r->store, job->ledger, err);
	}
	for (size_t i = 0; i < r->count; i++)
		reset_job(r, i);
	r->count = 0;
	r->bytes = 0;
	return rc;
}

/* ---- frames ---- */

/* Makes the ledger ready and finds out what of the frame it needs: 1 when anything, 0 when nothing. */
static int place_frame(struct ledger *l, const struct journal_frame *f, size_t *ret_skip, struct err *err)
{
	int rc;

	if (f->count == 0 || f->first + f->count <= l->next)
		return 0;
	rc = ledger__need_key(l, err);
	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	rc = ledger__warm_locked(l, err);
	mutex_unlock(&l->mutex);
	if (rc == E_CORRUPT)
		return 0;
	if (rc < 0)
		return rc;
	if (f->first > l->next)
		return err_corrupt(err, -1,
				   "ledger %u: records %llu to %llu are neither in a segment nor in the journal",
				   l->number, (unsigned long long)l->next, (unsigned long long)f->first - 1);
	*ret_skip = (size_t)(l->next - f->first);
	l->next = f->first + f->count;
	l->durable = l->next;
	l->received_last = f->received_us;
	return 1;
}

static int add_job(struct replay *r, struct ledger *l, const struct journal_frame *f, size_t skip, struct span payload,
		   struct err *err)
{
	struct job *job = &r->jobs[r->count];

	job->ledger = l;
	job->frame = *f;
	job->skip = skip;
	buf_put_span(&job->payload, payload);
	if (!buf_ok(&job->payload)) {
		release_job(job);
		return err_set(err, E_NO_MEMORY, "there is no memory for a frame of %zu bytes", payload.len);
	}
	r->count++;
	r->bytes += payload.len;
	return r->count == WAVE_FRAMES || r->bytes >= WAVE_BYTES ? run_wave(r, err) : 0;
}

static void load_key(struct store *s, const struct journal_frame *f)
{
	struct idempotency_use use = {
		.fingerprint = f->fingerprint,
		.first = f->first,
		.count = f->count,
		.received_us = f->received_us,
		.sequence = f->sequence,
	};

	memcpy(use.key, f->idempotency, JOURNAL_IDEMPOTENCY_LEN);
	idempotency_load(s->idempotency, &use);
}

static int take_frame(void *user, const struct journal_frame *f, struct span payload, struct err *err)
{
	struct replay *r = user;
	struct ledger *l;
	size_t skip;
	int rc;

	if (f->kind == JOURNAL_IDEMPOTENCY)
		return idempotency_load_carried(r->store->idempotency, payload, f->count, f->sequence, err);
	if (f->kind == JOURNAL_CHECKPOINTS)
		return signed_head__load(r->store, payload, f->count, f->sequence, err);
	if (f->has_idempotency)
		load_key(r->store, f);
	l = store__ledger(r->store, f->ledger);
	rc = place_frame(l, f, &skip, err);
	return rc == 1 ? add_job(r, l, f, skip, payload, err) : rc;
}

int store__replay(struct store *s, const struct journal_config *config, struct err *err)
{
	struct replay r = {.store = s, .jobs = xarray(WAVE_FRAMES, sizeof(*r.jobs))};
	int rc = journal_open(config, take_frame, &r, &s->journal, err);

	if (rc == 0) {
		rc = run_wave(&r, err);
		if (rc < 0)
			s->journal = journal_close(s->journal);
	}
	for (size_t i = 0; i < WAVE_FRAMES; i++)
		release_job(&r.jobs[i]);
	free(r.jobs);
	return rc;
}
