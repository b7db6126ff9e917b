/*
 * The journal's writer. One thread takes what waits, writes it behind the last frame of the current file, syncs, and
 * says so; meanwhile the next frames gather in the queue, so the busier the node, the more frames share a sync.
 *
 *	submit ── queue ──> [ take all ── cut where the file ends ── pwrite… ── fdatasync ] ──> done, done, …
 *
 * A commit never spans files, and a file's header is durable before its first frame. Preallocating a file and syncing
 * its header takes half a millisecond where writing its 64 MiB takes a hundred, so it is done when it is needed.
 *
 * When a commit fails, `rc` is set and every frame from then on fails, in order and on the writer thread like all
 * others. Their sequence numbers are given again: journal_resume makes a new file that continues from the first of
 * them. It flips `rc` back only at a moment when the queue is empty and no `done` is running, with `mutex` held; so
 * whoever numbers and submits under a lock that its `done` takes as well never has a frame accepted whose number
 * counts on one that failed.
 *
 * Locks: trim_mutex (one trim or walk at a time), then mutex. No `done` is called with either held. The writer alone
 * touches the current file's marks; all else of the files is changed under mutex.
 */
#include "store/journal_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/durable.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"

#define GATHER_BYTES (1u << 20)  /* small frames written together */
#define DIRECT_BYTES (1u << 17)  /* a payload from here on is written from where it lies */
#define COMMIT_BYTES (32u << 20) /* bounds how long the first frame of a commit waits for its sync */

static uint64_t frame_bytes(const struct journal *j, const struct journal_write *w)
{
	struct journal_place p = {
		.header_len = w->frame.has_idempotency ? JOURNAL_FRAME_KEYED_LEN : JOURNAL_FRAME_LEN,
		.payload_len = (uint32_t)w->payload.len + (j->is_encrypted ? AEAD_TAG_LEN : 0),
	};

	return journal__place_bytes(&p);
}

/* ---- writing a commit; on the writer thread ---- */

static int flush(struct journal *j)
{
	int rc = io_write_full(j->io, j->newest->fd, j->gather, j->gathered, j->write_off);

	j->write_off += j->gathered;
	j->gathered = 0;
	return rc;
}

static int put(struct journal *j, const void *p, size_t len)
{
	int rc = 0;

	if (len > GATHER_BYTES - j->gathered)
		rc = flush(j);
	if (len > 0 && rc == 0) {
		memcpy(j->gather + j->gathered, p, len);
		j->gathered += len;
	}
	return rc;
}

static int put_payload(struct journal *j, const struct buf *payload)
{
	int rc;

	if (payload->len < DIRECT_BYTES)
		return put(j, payload->p, payload->len);
	rc = flush(j);
	if (rc == 0)
		rc = io_write_full(j->io, j->newest->fd, payload->p, payload->len, j->write_off);
	j->write_off += payload->len;
	return rc;
}

/* Seals the payload where it lies, bound to the frame's header; *tag_len is that of `tag`. On this thread, since only
 * here it is known which frame of which file it becomes. */
static int seal_payload(const struct journal_file *f, struct journal_place *p, const struct buf *payload,
			uint8_t tag[AEAD_TAG_LEN], size_t *tag_len)
{
	uint8_t header[JOURNAL_FRAME_KEYED_LEN], extra[JOURNAL_EXTRA_MAX], nonce[AEAD_NONCE_LEN];

	*tag_len = 0;
	if (!f->aead)
		return 0;
	*tag_len = AEAD_TAG_LEN;
	p->flags = JOURNAL_FLAG_ENCRYPTED;
	p->payload_len += AEAD_TAG_LEN;
	(void)journal__frame_put(f->seed, p, header);
	journal__frame_nonce(p->frame.sequence, nonce);
	return aead_seal_apart(f->aead, nonce, journal__frame_extra(header, p->header_len, extra), buf_span(payload),
			       payload->p, tag);
}

static int put_frame(struct journal *j, const struct journal_write *w, uint64_t commit)
{
	static const uint8_t zeros[JOURNAL_ALIGN];
	uint32_t seed = j->newest->seed;
	uint8_t header[JOURNAL_FRAME_KEYED_LEN], tag[AEAD_TAG_LEN];
	struct journal_place p = {
		.frame = w->frame,
		.commit = commit,
		.header_len = w->frame.has_idempotency ? JOURNAL_FRAME_KEYED_LEN : JOURNAL_FRAME_LEN,
		.payload_len = (uint32_t)w->payload.len,
	};
	size_t tag_len;
	int rc = seal_payload(j->newest, &p, &w->payload, tag, &tag_len);

	if (rc < 0)
		return -EIO;
	p.payload_crc = crc32c(crc32c(seed, w->payload.p, w->payload.len), tag, tag_len);
	rc = put(j, header, journal__frame_put(seed, &p, header));
	if (rc == 0)
		rc = put_payload(j, &w->payload);
	if (rc == 0)
		rc = put(j, tag, tag_len);
	if (rc == 0)
		rc = put(j, zeros, (size_t)journal__place_bytes(&p) - p.header_len - p.payload_len);
	return rc;
}

/* Writes and syncs the frames from `first` to before `end`. From a 0 on it happened. */
static int write_commit(struct journal *j, struct journal_write *first, const struct journal_write *end,
			struct err *err)
{
	struct journal_file *f = j->newest;
	uint64_t sequence = f->next;
	char *path;
	int rc = 0;

	j->gathered = 0;
	j->write_off = f->end;
	for (struct journal_write *w = first; w != end && rc == 0; w = w->next) {
		w->frame.sequence = sequence++;
		rc = put_frame(j, w, f->next);
	}
	if (rc == 0)
		rc = flush(j);
	if (rc == 0)
		rc = j->io->sync(j->io, f->fd);
	if (rc == 0)
		return 0;
	path = journal__path(j->folder, f->header.number);
	err_set_field(err, path, strlen(path));
	rc = err_errno(err, -rc, "writing %s", path);
	free(path);
	return rc;
}

/* How much to reserve for frames of `bytes` behind `end`: a step at a time, so that an idle journal takes little space.
 */
static uint64_t reserve_size(const struct journal *j, uint64_t end, uint64_t bytes)
{
	uint64_t wanted = end + j->file_bytes / JOURNAL_RESERVE_STEPS;

	if (wanted > j->file_bytes)
		wanted = j->file_bytes;
	return end + bytes > wanted ? end + bytes : wanted;
}

/* The node, and a salt that no file has had. */
static void fill_header(const struct journal *j, struct journal_header *h)
{
	memcpy(h->node_id, j->node_id, JOURNAL_NODE_ID_LEN);
	h->is_encrypted = j->is_encrypted;
	if (j->is_encrypted)
		rand_bytes(h->salt, JOURNAL_SALT_LEN);
}

/* A new current file with room for `bytes` of frames. After a failure the current file may be one without frames:
 * nothing may be written any more until a later call has made another. */
static int switch_file(struct journal *j, uint64_t bytes, struct err *err)
{
	struct journal_header h = {.number = ++j->number_max, .sequence = j->newest->next};
	uint64_t size = reserve_size(j, JOURNAL_HEADER_LEN, bytes);
	struct journal_file *old = j->newest;
	struct journal_file *f = NULL;
	int rc;

	fill_header(j, &h);
	rc = journal__file_make(j->io, j->folder, &h, size, &f, err);
	if (!f)
		return rc;
	f->aead = journal__aead(&h, &j->key);
	atomic_fetch_sub(&j->bytes, old->size);
	journal__file_finish(j->io, old);
	atomic_fetch_add(&j->bytes, old->size + f->size);
	mutex_lock(&j->mutex);
	old->newer = f;
	j->newest = f;
	mutex_unlock(&j->mutex);
	return rc;
}

/* The bytes of the frames that can be one commit, at least the first, within `room`. */
static uint64_t group_bytes(const struct journal *j, const struct journal_write *list, uint64_t room)
{
	uint64_t bytes = frame_bytes(j, list);

	if (room > COMMIT_BYTES)
		room = COMMIT_BYTES;
	for (const struct journal_write *w = list->next; w && bytes + frame_bytes(j, w) <= room; w = w->next)
		bytes += frame_bytes(j, w);
	return bytes;
}

/* Sees to room for what is committed next: in the current file as long as that stays within its size, else in a new
 * one. */
static int make_room(struct journal *j, const struct journal_write *list, struct err *err)
{
	struct journal_file *f = j->newest;
	uint64_t bytes, size;
	int rc;

	if (f->end + frame_bytes(j, list) > j->file_bytes && f->end + frame_bytes(j, list) > f->size)
		return switch_file(j, group_bytes(j, list, j->file_bytes - JOURNAL_HEADER_LEN), err);
	bytes = group_bytes(j, list, f->end < j->file_bytes ? j->file_bytes - f->end : 0);
	if (f->end + bytes <= f->size)
		return 0;
	size = reserve_size(j, f->end, bytes);
	rc = journal__file_grow(j->io, j->folder, f, size, err);
	if (rc == 0) {
		atomic_fetch_add(&j->bytes, size - f->size);
		f->size = size;
	}
	return rc;
}

/* The frames that go into one commit: `list` up to before the returned one. At least one. */
static struct journal_write *cut_commit(const struct journal *j, struct journal_write *list)
{
	uint64_t room = j->newest->size - j->newest->end;
	uint64_t bytes = frame_bytes(j, list);
	struct journal_write *w = list->next;

	if (room > COMMIT_BYTES)
		room = COMMIT_BYTES;
	while (w && bytes + frame_bytes(j, w) <= room) {
		bytes += frame_bytes(j, w);
		w = w->next;
	}
	return w;
}

/* The frames are durable. */
static void note_commit(struct journal *j, struct journal_write *first, const struct journal_write *end)
{
	struct journal_file *f = j->newest;
	uint64_t count = 0;

	for (struct journal_write *w = first; w != end; w = w->next) {
		journal__marks_note(&f->marks, &w->frame);
		count++;
	}
	mutex_lock(&j->mutex);
	f->end = j->write_off;
	f->next += count;
	mutex_unlock(&j->mutex);
	atomic_fetch_add(&j->commits, 1);
}

static void note_failure(struct journal *j, int rc, const struct err *err)
{
	mutex_lock(&j->mutex);
	j->rc = rc;
	j->err = *err;
	mutex_unlock(&j->mutex);
}

static void call_done(struct journal_write *first, const struct journal_write *end, int rc)
{
	while (first != end) {
		struct journal_write *next = first->next; /* `done` gives the frame back */

		first->done(first, rc);
		first = next;
	}
}

/* Commits the front of the list; returns the rest. */
static struct journal_write *commit_front(struct journal *j, struct journal_write *list)
{
	struct err err = ERR_INIT;
	struct journal_write *end;
	int rc = make_room(j, list, &err);

	end = cut_commit(j, list);
	if (rc == 0)
		rc = write_commit(j, list, end, &err);
	if (rc == 0)
		note_commit(j, list, end);
	else
		note_failure(j, rc, &err);
	call_done(list, end, rc);
	return end;
}

static struct journal_write *take_all_locked(struct journal *j)
{
	struct journal_write *list = j->head;

	j->head = NULL;
	j->tail = NULL;
	return list;
}

/* Commits what waits now. With the mutex held, which it gives up for the work. */
static void commit_waiting_locked(struct journal *j)
{
	struct journal_write *list = take_all_locked(j);

	while (list) {
		int rc = j->rc;

		mutex_unlock(&j->mutex);
		if (rc < 0) {
			call_done(list, NULL, rc);
			list = NULL;
		} else {
			list = commit_front(j, list);
		}
		mutex_lock(&j->mutex);
	}
}

/* ---- requests; on the writer thread ---- */

static bool is_asked(const struct request *q)
{
	return q->asked != q->answered;
}

/* What was asked meanwhile is answered with it. */
static void answer_locked(struct journal *j, struct request *q, int rc, const struct err *err)
{
	q->rc = rc;
	q->err = *err;
	q->answered = q->asked;
	cond_broadcast(&j->answered);
}

static void resume_locked(struct journal *j)
{
	struct err err = ERR_INIT;
	int rc = 0;

	if (j->rc < 0) {
		mutex_unlock(&j->mutex);
		rc = switch_file(j, 0, &err);
		mutex_lock(&j->mutex);
		while (j->head)
			commit_waiting_locked(j); /* `rc` is still set: they fail */
		if (rc == 0)
			j->rc = 0;
	}
	answer_locked(j, &j->resume, rc, &err);
}

/* A new file that failed may be on the disk all the same, saying that the journal continues from it: nothing more may
 * be written to the current one. */
static void rotate_locked(struct journal *j)
{
	struct err err = j->err;
	int rc = j->rc;

	if (rc == 0 && j->newest->next > j->newest->header.sequence) {
		mutex_unlock(&j->mutex);
		rc = switch_file(j, 0, &err);
		if (rc < 0)
			note_failure(j, rc, &err);
		mutex_lock(&j->mutex);
	}
	answer_locked(j, &j->rotate, rc, &err);
}

static void *run_writer(void *arg)
{
	struct journal *j = arg;

	mutex_lock(&j->mutex);
	while (!j->is_closing || j->head) {
		if (is_asked(&j->rotate)) {
			rotate_locked(j);
		} else if (j->head) {
			commit_waiting_locked(j);
		} else if (is_asked(&j->resume)) {
			resume_locked(j);
		} else {
			j->is_waiting = true;
			cond_wait(&j->work, &j->mutex);
			j->is_waiting = false;
		}
	}
	mutex_unlock(&j->mutex);
	return NULL;
}

/* ---- for everybody ---- */

void journal_submit(struct journal *j, struct journal_write *w)
{
	must(w->payload.len <= JOURNAL_PAYLOAD_MAX);
	w->next = NULL;
	mutex_lock(&j->mutex);
	must(!j->is_closing);
	if (j->tail)
		j->tail->next = w;
	else
		j->head = w;
	j->tail = w;
	if (j->is_waiting)
		cond_signal(&j->work);
	mutex_unlock(&j->mutex);
}

static int ask(struct journal *j, struct request *q, struct err *err)
{
	uint64_t ticket;
	int rc;

	mutex_lock(&j->mutex);
	ticket = ++q->asked;
	cond_signal(&j->work);
	while (q->answered < ticket)
		cond_wait(&j->answered, &j->mutex);
	rc = q->rc;
	if (rc < 0 && err)
		*err = q->err;
	mutex_unlock(&j->mutex);
	return rc;
}

int journal_resume(struct journal *j, struct err *err)
{
	return ask(j, &j->resume, err);
}

int journal_rotate(struct journal *j, struct err *err)
{
	return ask(j, &j->rotate, err);
}

int journal_state(struct journal *j, struct err *err)
{
	int rc;

	mutex_lock(&j->mutex);
	rc = j->rc;
	if (rc < 0 && err)
		*err = j->err;
	mutex_unlock(&j->mutex);
	return rc;
}

const uint8_t *journal_node_id(const struct journal *j)
{
	return j->node_id;
}

uint64_t journal_bytes(struct journal *j)
{
	return atomic_load(&j->bytes);
}

uint64_t journal_commits(struct journal *j)
{
	return atomic_load(&j->commits);
}

/* ---- opening and closing ---- */

static struct journal *new_journal(const struct journal_config *config)
{
	struct journal *j = xalloc(sizeof(*j));

	j->io = config->io;
	j->folder = xstrdup(config->folder);
	j->file_bytes = config->file_bytes ? config->file_bytes : JOURNAL_FILE_BYTES;
	j->gather = xalloc(GATHER_BYTES);
	j->is_encrypted = config->key != NULL;
	if (config->key)
		j->key = *config->key;
	mutex_init(&j->mutex);
	mutex_init(&j->trim_mutex);
	cond_init(&j->work);
	cond_init(&j->answered);
	return j;
}

static struct journal *free_journal(struct journal *j)
{
	while (j->oldest) {
		struct journal_file *f = j->oldest;

		j->oldest = f->newer;
		journal__file_free(f);
	}
	cond_release(&j->answered);
	cond_release(&j->work);
	mutex_release(&j->trim_mutex);
	mutex_release(&j->mutex);
	mem_wipe(&j->key, sizeof(j->key));
	free(j->gather);
	free(j->folder);
	free(j);
	return NULL;
}

/* Takes over what was recovered, with a new current file behind it. */
static int begin_journal(struct journal *j, struct journal_recovery *r, struct err *err)
{
	struct journal_header h = {.number = r->number_max + 1, .sequence = r->next ? r->next : 1};
	struct journal_file *f = NULL;
	int rc;

	if (r->has_node_id)
		memcpy(j->node_id, r->node_id, JOURNAL_NODE_ID_LEN);
	else
		rand_bytes(j->node_id, JOURNAL_NODE_ID_LEN);
	fill_header(j, &h);
	rc = journal__file_make(j->io, j->folder, &h, reserve_size(j, JOURNAL_HEADER_LEN, 0), &f, err);
	if (rc == 0)
		rc = journal__recovery_sweep(r, j->io, j->folder, err);
	if (rc < 0) {
		if (f)
			journal__file_finish(j->io, f);
		journal__file_free(f);
		return rc;
	}
	f->aead = journal__aead(&h, &j->key);
	if (r->newest)
		r->newest->newer = f;
	j->oldest = r->oldest ? r->oldest : f;
	j->newest = f;
	j->number_max = h.number;
	r->oldest = NULL;
	for (f = j->oldest; f; f = f->newer)
		atomic_fetch_add(&j->bytes, f->size);
	return 0;
}

int journal_open(const struct journal_config *config, journal_replay_fn *replay, void *user, struct journal **ret,
		 struct err *err)
{
	struct journal_recovery recovery = {0};
	struct journal *j = new_journal(config);
	int rc = durable_mkdir(j->io, j->folder, err);

	if (rc == 0)
		rc = journal__recover(j->io, j->folder, config->key, replay, user, &recovery, err);
	if (rc == 0)
		rc = begin_journal(j, &recovery, err);
	journal__recovery_release(&recovery);
	if (rc != 0) {
		free_journal(j);
		return rc;
	}
	thread_start(&j->writer, "journal", run_writer, j);
	*ret = j;
	return 0;
}

struct journal *journal_close(struct journal *j)
{
	if (!j)
		return NULL;
	mutex_lock(&j->mutex);
	j->is_closing = true;
	cond_signal(&j->work);
	mutex_unlock(&j->mutex);
	thread_join(&j->writer);
	journal__file_finish(j->io, j->newest);
	return free_journal(j);
}
