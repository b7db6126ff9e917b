/*
 * The payload of a frame of heads, count times:
 *
 *	ledger 4 | size 8 | root 32 | signed 8 | length of the note 4 | the note
 *
 * The writer of a head and the carrying over of older ones submit frames side by side; so it is not the order of frames
 * that says which head of a ledger holds, but size and time.
 */
#include "store/signed_head.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/reader.h"
#include "store/signed_head_priv.h"
#include "store/store_priv.h"

#define FRAME_BYTES (1u << 20) /* of one frame, but for its last head */

struct kept_head *kept_head__free(struct kept_head *k)
{
	if (k)
		free((uint8_t *)(uintptr_t)k->head.note.p);
	free(k);
	return NULL;
}

static bool is_newer(const struct signed_head *a, const struct signed_head *b)
{
	return a->size > b->size || (a->size == b->size && a->signed_us >= b->signed_us);
}

/* Keeps a copy of a head that holds against the one that is there. */
static int keep(struct ledger *l, const struct signed_head *head, uint64_t sequence, struct err *err)
{
	struct kept_head *k = try_alloc(sizeof(*k));
	uint8_t *note = try_alloc(head->note.len + 1);

	if (!k || !note) {
		free(k);
		free(note);
		return err_set(err, E_NO_MEMORY, "there is no memory for a checkpoint of %zu bytes", head->note.len);
	}
	if (head->note.len > 0)
		memcpy(note, head->note.p, head->note.len);
	*k = (struct kept_head){*head, sequence};
	k->head.note = span_of(note, head->note.len);
	mutex_lock(&l->mutex);
	if (!l->signed_head || is_newer(head, &l->signed_head->head)) {
		struct kept_head *old = l->signed_head;

		l->signed_head = k;
		k = old;
	}
	mutex_unlock(&l->mutex);
	kept_head__free(k);
	return 0;
}

int ledger_signed_head(struct ledger *l, struct signed_head *ret, struct buf *note, struct err *err)
{
	size_t at = note->len;
	int found = 0;

	mutex_lock(&l->mutex);
	if (l->signed_head) {
		*ret = l->signed_head->head;
		buf_put_span(note, ret->note);
		found = 1;
	}
	mutex_unlock(&l->mutex);
	if (found && !buf_ok(note))
		return err_set(err, E_NO_MEMORY, "there is no memory for a checkpoint of %zu bytes", ret->note.len);
	if (found)
		ret->note = span_of(note->p + at, note->len - at);
	return found;
}

/* ---- frames ---- */

static void put_head(struct buf *to, uint32_t ledger, const struct signed_head *head)
{
	buf_put_u32(to, ledger);
	buf_put_u64(to, head->size);
	buf_put(to, head->root.b, SHA256_LEN);
	buf_put_u64(to, (uint64_t)head->signed_us);
	buf_put_u32(to, (uint32_t)head->note.len);
	buf_put_span(to, head->note);
}

static void get_head(struct reader *from, uint32_t *ret_ledger, struct signed_head *ret)
{
	struct span root;

	*ret_ledger = reader_u32(from);
	ret->size = reader_u64(from);
	root = reader_bytes(from, SHA256_LEN);
	if (root.len > 0)
		memcpy(ret->root.b, root.p, SHA256_LEN);
	ret->signed_us = (int64_t)reader_u64(from);
	ret->note = reader_bytes(from, reader_u32(from));
}

int signed_head__load(struct store *s, struct span payload, uint32_t count, uint64_t sequence, struct err *err)
{
	struct reader r = reader_of(payload);
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct signed_head head = {0};
		uint32_t ledger;

		get_head(&r, &ledger, &head);
		if (r.failed)
			break;
		rc = keep(store__ledger(s, ledger), &head, sequence, err);
	}
	if (rc == 0 && (r.failed || reader_left(&r) > 0))
		rc = err_corrupt(err, -1, "the payload of frame %llu is none of %u checkpoints",
				 (unsigned long long)sequence, count);
	return rc;
}

/* Writes heads [from, *ret_next) as one frame. */
static int write_frame(struct store *s, const struct store_head *heads, size_t from, size_t count, size_t *ret_next,
		       uint64_t *ret_sequence, struct err *err)
{
	struct journal_write w = {.frame.kind = JOURNAL_CHECKPOINTS, .frame.received_us = clock_wall_us()};
	size_t i = from;
	int rc = 0;

	while (i < count && (i == from || w.payload.len < FRAME_BYTES)) {
		must(heads[i].head.note.len <= HEAD_NOTE_MAX);
		put_head(&w.payload, heads[i].ledger->number, &heads[i].head);
		i++;
	}
	w.frame.count = (uint32_t)(i - from);
	if (!buf_ok(&w.payload))
		rc = err_set(err, E_NO_MEMORY, "there is no memory for %zu checkpoints", i - from);
	else
		rc = store__submit_and_wait(s, &w, err);
	buf_release(&w.payload);
	*ret_next = i;
	*ret_sequence = w.frame.sequence;
	return rc;
}

int store_put_heads(struct store *s, const struct store_head *heads, size_t count, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0;) {
		uint64_t sequence;
		size_t next;

		rc = write_frame(s, heads, i, count, &next, &sequence, err);
		for (; i < next && rc == 0; i++)
			rc = keep(heads[i].ledger, &heads[i].head, sequence, err);
	}
	return rc;
}

/* ---- heads of a journal file that goes ---- */

/* Adds the ledger's head when it is in a frame before `before`; the note is copied. */
static int collect(struct ledger *l, uint64_t before, struct buf *note, struct store_head *ret, struct err *err)
{
	bool is_old;

	mutex_lock(&l->mutex);
	is_old = l->signed_head && l->signed_head->sequence < before;
	mutex_unlock(&l->mutex);
	ret->ledger = l;
	return is_old ? ledger_signed_head(l, &ret->head, note, err) : 0;
}

static void note_carried(struct ledger *l, const struct signed_head *head, uint64_t sequence)
{
	mutex_lock(&l->mutex);
	if (l->signed_head->head.size == head->size && l->signed_head->head.signed_us == head->signed_us)
		l->signed_head->sequence = sequence;
	mutex_unlock(&l->mutex);
}

/* One frame for as many ledgers, from all[*at] on, as it holds. */
static int carry_some(struct store *s, struct ledger *const *all, size_t count, size_t *at, uint64_t before,
		      struct err *err)
{
	struct store_head *heads = xarray(count - *at, sizeof(*heads));
	struct buf *notes = xarray(count - *at, sizeof(*notes));
	size_t n = 0, bytes = 0, next;
	uint64_t sequence;
	int rc = 0;

	for (; *at < count && bytes < FRAME_BYTES && rc >= 0; (*at)++) {
		rc = collect(all[*at], before, &notes[n], &heads[n], err);
		if (rc > 0)
			bytes += notes[n++].len;
	}
	for (size_t i = 0; i < n && rc >= 0;) {
		size_t first = i;

		rc = write_frame(s, heads, i, n, &next, &sequence, err);
		for (i = first; i < next && rc == 0; i++)
			note_carried(heads[i].ledger, &heads[i].head, sequence);
	}
	for (size_t i = 0; i <= n && i < count; i++)
		buf_release(&notes[i]);
	free(notes);
	free(heads);
	return rc < 0 ? rc : 0;
}

int signed_head__carry(struct store *s, uint64_t before, struct err *err)
{
	size_t count;
	struct ledger **all = store__all(s, &count);
	size_t at = 0;
	int rc = 0;

	while (at < count && rc == 0)
		rc = carry_some(s, all, count, &at, before, err);
	free(all);
	return rc;
}
