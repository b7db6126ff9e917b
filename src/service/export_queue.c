/*
 * Making the files of export jobs.
 *
 * A file is written under another name and renamed when it is whole and synced; then control.db says that the job is
 * done, which is the commit point. What a crash leaves in between belongs to no job that is done, and the next start
 * removes it. A cancelled job is one in control.db at once; the thread that has it finds that out between two pieces,
 * and at the latest when it wants to say that it is done.
 */
#include "service/export_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/durable.h"
#include "base/mem.h"
#include "service/export_box.h"
#include "service/service_priv.h"

#define FOLDER_NAME "exports"
#define NS_PER_MS   1000000
#define US_PER_S    INT64_C(1000000)

struct runner {
	struct thread thread;
	struct export_queue *queue;
	/* guarded by the queue's mutex: */
	char id[EXPORT_ID_LEN + 1]; /* "": idle */
	bool is_cancelled;
	uint64_t records;
	uint64_t bytes;
	double fraction;
};

struct export_queue {
	struct service *service;
	char *folder;
	uint32_t keep_s;
	uint64_t bytes_max;
	struct mutex mu; /* guards the rest; taken before control's lock */
	struct cond cond;
	bool is_stopping;
	uint64_t kept_bytes; /* of the files of jobs that are done */
	int64_t passed_ns;   /* when expired files were last looked for */
	struct runner runner[EXPORT_JOB_THREADS];
};

char *export_queue_path(struct export_queue *q, const struct control_export_job *j)
{
	return xformat("%s/%s.%s", q->folder, j->id, j->format);
}

/* ---- what is kept ---- */

static int count_kept_locked(struct export_queue *q, struct err *err)
{
	int64_t bytes;
	int rc = control_export_job_bytes(q->service->control, &bytes, err);

	if (rc == 0)
		q->kept_bytes = (uint64_t)bytes;
	return rc;
}

static uint64_t used_locked(const struct export_queue *q)
{
	uint64_t used = q->kept_bytes;

	for (size_t i = 0; i < EXPORT_JOB_THREADS; i++)
		used += q->runner[i].bytes;
	return used;
}

static int refuse_more(const struct export_queue *q, struct err *err)
{
	return err_set(err, E_QUOTA,
		       "the files of all exports have %llu MiB, which is as much as they may; remove some (DELETE "
		       "/v1/exports/ID) or wait until they expire",
		       (unsigned long long)(q->bytes_max >> 20));
}

int export_queue_has_room(struct export_queue *q, struct err *err)
{
	int rc = 0;

	mutex_lock(&q->mu);
	if (used_locked(q) >= q->bytes_max)
		rc = refuse_more(q, err);
	mutex_unlock(&q->mu);
	return rc;
}

static struct runner *find_runner_locked(struct export_queue *q, const char *id)
{
	for (size_t i = 0; i < EXPORT_JOB_THREADS; i++) {
		if (strcmp(q->runner[i].id, id) == 0)
			return &q->runner[i];
	}
	return NULL;
}

bool export_queue_progress(struct export_queue *q, const char *id, struct export_view *v)
{
	const struct runner *r;

	mutex_lock(&q->mu);
	r = find_runner_locked(q, id);
	if (r) {
		v->job.records = (int64_t)r->records;
		v->job.bytes = (int64_t)r->bytes;
		v->fraction = r->fraction;
	}
	mutex_unlock(&q->mu);
	return r != NULL;
}

void export_queue_cancel(struct export_queue *q, const char *id)
{
	struct runner *r;

	mutex_lock(&q->mu);
	r = find_runner_locked(q, id);
	if (r)
		r->is_cancelled = true;
	mutex_unlock(&q->mu);
}

/* ---- the folder ---- */

static void remove_file(struct export_queue *q, const char *path)
{
	struct err err = ERR_INIT;
	int rc = q->service->io->unlink(q->service->io, path);

	if (rc == 0)
		rc = q->service->io->sync_folder(q->service->io, q->folder);
	if (rc < 0 && err_errno(&err, -rc, "removing %s", path) != E_NOT_FOUND)
		diag(DIAG_WARNING, "export", "%s", err.message);
}

void export_queue_remove(struct export_queue *q, const struct control_export_job *j)
{
	char *path = export_queue_path(q, j);

	remove_file(q, path);
	free(path);
	mutex_lock(&q->mu);
	(void)count_kept_locked(q, NULL); /* then more seems to be used than is */
	mutex_unlock(&q->mu);
}

static int add_name(void *user, const char *name)
{
	struct buf *names = user;

	buf_put(names, name, strlen(name) + 1);
	return 0;
}

static bool is_ours(const char *name)
{
	return strspn(name, "0123456789abcdef") == EXPORT_ID_LEN && name[EXPORT_ID_LEN] == '.';
}

/* "<id>.<format>" of a job that is done, what a job that runs now writes, and what somebody else put there. */
static int is_wanted_locked(struct export_queue *q, const char *name, bool *ret, struct err *err)
{
	char id[EXPORT_ID_LEN + 1];

	*ret = true;
	if (!is_ours(name))
		return 0;
	memcpy(id, name, EXPORT_ID_LEN);
	id[EXPORT_ID_LEN] = '\0';
	if (find_runner_locked(q, id))
		return 0;
	return control_export_job_has_file(q->service->control, id, name + EXPORT_ID_LEN + 1, ret, err);
}

/* Removes what belongs to no job. */
static int sweep_locked(struct export_queue *q, struct err *err)
{
	struct buf names = BUF_INIT;
	int rc = q->service->io->list(q->service->io, q->folder, add_name, &names);

	if (rc < 0)
		rc = err_errno(err, -rc, "listing %s", q->folder);
	else if (!buf_ok(&names))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the names in %s", q->folder);
	for (size_t at = 0; rc == 0 && at < names.len; at += strlen((const char *)names.p + at) + 1) {
		const char *name = (const char *)names.p + at;
		bool is_wanted;

		rc = is_wanted_locked(q, name, &is_wanted, err);
		if (rc == 0 && !is_wanted) {
			char *path = xformat("%s/%s", q->folder, name);

			remove_file(q, path);
			free(path);
		}
	}
	buf_release(&names);
	return rc;
}

static int expire_locked(struct export_queue *q, struct err *err)
{
	int64_t expired;
	int rc = control_export_job_expire(q->service->control, clock_wall_us(), &expired, err);

	if (rc == 0 && expired > 0)
		rc = sweep_locked(q, err);
	return rc < 0 || expired == 0 ? rc : count_kept_locked(q, err);
}

static int64_t pass_interval_ms(const struct export_queue *q)
{
	int64_t keep_ms = (int64_t)q->keep_s * 1000;

	return keep_ms < EXPORT_PASS_MS ? keep_ms : EXPORT_PASS_MS;
}

/* Looks for what has expired, now and then. */
static void pass_locked(struct export_queue *q)
{
	struct err err = ERR_INIT;
	int64_t now_ns = clock_mono_ns();

	if (now_ns - q->passed_ns < pass_interval_ms(q) * NS_PER_MS)
		return;
	q->passed_ns = now_ns;
	if (expire_locked(q, &err) < 0)
		diag(DIAG_WARNING, "export", "expired exports are not removed: %s code=%s", err.message,
		     err_wire(err.code));
}

/* ---- one job ---- */

static int find_word(const char *const *words, int count, const char *word, int *ret, struct err *err)
{
	for (*ret = 0; *ret < count; ++*ret) {
		if (strcmp(words[*ret], word) == 0)
			return 0;
	}
	return err_set(err, E_CORRUPT, "control.db: an export job has the unknown word %s", word);
}

static int open_job(struct export_queue *q, const struct control_export_job *j, struct export **ret, struct err *err)
{
	struct export_spec spec = {.newest_first = j->newest_first,
				   .from_us = j->from_us,
				   .to_us = j->to_us,
				   .size = (uint64_t)j->ledger_size,
				   .created_us = j->created_us,
				   .narrow = j->narrow,
				   .query = span_str(j->query),
				   .columns = span_str(j->columns)};
	struct org *org;
	int format, ledger;
	int rc;

	if ((rc = find_word(export_format_names, EXPORT_FORMAT_COUNT, j->format, &format, err)) < 0)
		return rc;
	if ((rc = find_word(control_ledger_names, LEDGER_NAME_COUNT, j->ledger, &ledger, err)) < 0)
		return rc;
	spec.format = (enum export_format)format;
	spec.ledger = (enum control_ledger_name)ledger;
	if ((rc = service__org(q->service, j->org, &org, err)) < 0)
		return rc;
	return export_open(q->service, org, &spec, ret, err);
}

/* Says how far the job is; E_CLOSED when it is to be broken off, E_QUOTA when its file may not grow. */
static int check_in(struct runner *r, const struct export *x, uint64_t bytes, struct err *err)
{
	struct export_queue *q = r->queue;
	struct export_progress progress;
	int rc = 0;

	export_progress(x, &progress);
	mutex_lock(&q->mu);
	r->records = progress.records;
	r->bytes = bytes;
	r->fraction = progress.fraction;
	if (q->is_stopping || r->is_cancelled)
		rc = err_set(err, E_CLOSED, "the export is broken off");
	else if (used_locked(q) > q->bytes_max)
		rc = refuse_more(q, err);
	pass_locked(q);
	mutex_unlock(&q->mu);
	return rc;
}

/* The journal grows on the same disk; an export must not take its room. */
static int check_disk(struct export_queue *q, struct err *err)
{
	uint64_t free_bytes;
	int rc = q->service->io->free_bytes(q->service->io, q->folder, &free_bytes);

	if (rc == 0 && free_bytes < EXPORT_RESERVE_BYTES)
		return err_set(
			err, E_NO_SPACE,
			"the disk has %llu MiB left, and exports leave %u MiB to the events; make room, or narrow "
			"the export",
			(unsigned long long)(free_bytes >> 20), EXPORT_RESERVE_BYTES >> 20);
	return 0;
}

static int write_pieces(struct runner *r, struct export *x, struct export_writer *w, struct err *err)
{
	struct durable_file *f = w->file;
	struct buf piece = BUF_INIT;
	uint64_t synced = 0;
	int rc = 0, end = 0;

	while (rc == 0 && end == 0) {
		buf_reset(&piece);
		end = export_produce(x, EXPORT_PIECE_BYTES, &piece, err);
		rc = end < 0 ? end : check_in(r, x, w->plain_bytes + piece.len, err);
		if (rc == 0)
			rc = check_disk(r->queue, err);
		if (rc == 0)
			rc = export_writer_put(w, buf_span(&piece), err);
		if (rc == 0 && f->size_bytes - synced >= EXPORT_SYNC_BYTES) {
			rc = durable_file_sync(f, err);
			synced = f->size_bytes;
		}
	}
	buf_release(&piece);
	return rc < 0 ? rc : export_writer_end(w, err);
}

static int make_file(struct runner *r, struct control_export_job *j, struct err *err)
{
	struct durable_file *f = xalloc(sizeof(*f));
	char *path = export_queue_path(r->queue, j);
	struct export_writer w = {0};
	struct export *x = NULL;
	struct export_progress progress;
	int rc;

	if ((rc = open_job(r->queue, j, &x, err)) < 0)
		goto out;
	if ((rc = durable_file_begin(f, r->queue->service->io, path, 0600, err)) < 0)
		goto out;
	if ((rc = export_writer_begin(&w, f, &r->queue->service->node_key, j->id, err)) < 0)
		goto out;
	if ((rc = write_pieces(r, x, &w, err)) < 0)
		goto out;
	rc = durable_file_commit(f, err);
	export_progress(x, &progress);
	j->records = (int64_t)progress.records;
	j->bytes = (int64_t)w.plain_bytes;
out:
	export_writer_release(&w);
	durable_file_abort(f);
	export_close(x);
	free(path);
	free(f);
	return rc;
}

static void fill_failure(struct export_queue *q, struct control_export_job *j, struct err *err)
{
	service_redact(q->service, err);
	j->state = EXPORT_FAILED;
	j->records = 0;
	j->bytes = 0;
	free(j->error);
	j->error = xstrdup(err->message);
	snprintf(j->error_code, sizeof(j->error_code), "%s", err_wire(err->code));
	diag(DIAG_WARNING, "export", "an export failed: %s code=%s id=%s", err->message, j->error_code, j->id);
}

/* Stores how the job ended; a file that belongs to no job then is removed. */
static void end_job_locked(struct export_queue *q, struct control_export_job *j)
{
	struct err err = ERR_INIT;
	bool is_stored = false;
	char *path;

	if (control_export_job_end(q->service->control, j, &is_stored, &err) < 0)
		diag(DIAG_ERROR, "export", "the end of an export is not stored: %s id=%s", err.message, j->id);
	if (is_stored && j->state == EXPORT_DONE) {
		q->kept_bytes += (uint64_t)j->bytes;
		diag(DIAG_INFO, "export", "an export is done: id=%s records=%lld bytes=%lld", j->id,
		     (long long)j->records, (long long)j->bytes);
		return;
	}
	path = export_queue_path(q, j);
	remove_file(q, path);
	free(path);
}

static void run_job(struct runner *r, struct control_export_job *j)
{
	struct export_queue *q = r->queue;
	struct err err = ERR_INIT;
	int rc = make_file(r, j, &err);

	j->state = EXPORT_DONE;
	j->finished_us = clock_wall_us();
	j->expires_us = rc == 0 ? j->finished_us + q->keep_s * US_PER_S : 0;
	if (rc < 0 && rc != E_CLOSED)
		fill_failure(q, j, &err);
	mutex_lock(&q->mu);
	r->bytes = 0;
	if (rc != E_CLOSED)
		end_job_locked(q, j);
	r->id[0] = '\0';
	mutex_unlock(&q->mu);
}

/* ---- the threads ---- */

static bool take_job_locked(struct runner *r, struct control_export_job *j)
{
	struct err err = ERR_INIT;
	int rc;

	if (r->queue->is_stopping)
		return false;
	rc = control_export_job_take(r->queue->service->control, clock_wall_us(), j, &err);
	if (rc < 0)
		diag(DIAG_ERROR, "export", "no export is taken up: %s code=%s", err.message, err_wire(rc));
	if (rc <= 0)
		return false;
	memcpy(r->id, j->id, sizeof(r->id));
	r->is_cancelled = false;
	r->records = 0;
	r->bytes = 0;
	r->fraction = 0;
	return true;
}

static void *run(void *arg)
{
	struct runner *r = arg;
	struct export_queue *q = r->queue;
	struct control_export_job job;

	mutex_lock(&q->mu);
	while (!q->is_stopping) {
		pass_locked(q);
		if (!take_job_locked(r, &job)) {
			(void)cond_wait_for(&q->cond, &q->mu, pass_interval_ms(q));
			continue;
		}
		mutex_unlock(&q->mu);
		run_job(r, &job);
		control_export_job_release(&job);
		mutex_lock(&q->mu);
	}
	mutex_unlock(&q->mu);
	return NULL;
}

void export_queue_wake(struct export_queue *q)
{
	mutex_lock(&q->mu);
	cond_signal(&q->cond);
	mutex_unlock(&q->mu);
}

static int recover(struct export_queue *q, struct err *err)
{
	int64_t expired;
	int rc;

	if ((rc = durable_mkdir(q->service->io, q->folder, err)) < 0)
		return rc;
	if ((rc = control_export_job_requeue(q->service->control, err)) < 0)
		return rc;
	if ((rc = control_export_job_expire(q->service->control, clock_wall_us(), &expired, err)) < 0)
		return rc;
	if ((rc = sweep_locked(q, err)) < 0)
		return rc;
	return count_kept_locked(q, err);
}

static struct export_queue *free_queue(struct export_queue *q)
{
	cond_release(&q->cond);
	mutex_release(&q->mu);
	free(q->folder);
	free(q);
	return NULL;
}

int export_queue_start(struct service *s, uint32_t keep_s, uint64_t bytes_max, struct export_queue **ret,
		       struct err *err)
{
	struct export_queue *q = xalloc(sizeof(*q));
	int rc;

	q->service = s;
	q->folder = xformat("%s/" FOLDER_NAME, s->folder);
	q->keep_s = keep_s;
	q->bytes_max = bytes_max;
	q->passed_ns = clock_mono_ns();
	mutex_init(&q->mu);
	cond_init(&q->cond);
	if ((rc = recover(q, err)) < 0) {
		free_queue(q);
		return rc;
	}
	for (size_t i = 0; i < EXPORT_JOB_THREADS; i++) {
		q->runner[i].queue = q;
		thread_start(&q->runner[i].thread, "export", run, &q->runner[i]);
	}
	*ret = q;
	return 0;
}

struct export_queue *export_queue_stop(struct export_queue *q)
{
	if (!q)
		return NULL;
	mutex_lock(&q->mu);
	q->is_stopping = true;
	cond_broadcast(&q->cond);
	mutex_unlock(&q->mu);
	for (size_t i = 0; i < EXPORT_JOB_THREADS; i++)
		thread_join(&q->runner[i].thread);
	return free_queue(q);
}
