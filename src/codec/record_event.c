/*
 * From one parsed event to one record at the end of a batch. The top level needs no sorting: schema has put the members
 * in slots, and the slots are in the order of the names.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/record_priv.h"

static const char zeros[] = "00000000000000000000000000000000";

void record_batch_release(struct record_batch *b)
{
	buf_release(&b->bytes);
	free(b->refs);
	*b = (struct record_batch)RECORD_BATCH_INIT;
}

void record_batch_reset(struct record_batch *b)
{
	buf_reset(&b->bytes);
	b->count = 0;
}

static int grow_refs(struct record_batch *b)
{
	size_t cap = b->refs_cap ? b->refs_cap * 2 : 16;
	struct record_ref *refs;

	if (b->count < b->refs_cap)
		return 0;
	if (cap > SIZE_MAX / sizeof(*refs))
		return E_NO_MEMORY;
	refs = try_realloc(b->refs, cap * sizeof(*refs));
	if (!refs)
		return E_NO_MEMORY;
	b->refs = refs;
	b->refs_cap = cap;
	return 0;
}

/* Writes `,"name":` or `{"name":`. */
static void write_name(struct record_writer *w, enum record_member member, bool is_first)
{
	struct span name = record__member_name(member);

	*w->p++ = is_first ? '{' : ',';
	*w->p++ = '"';
	w->p = json_text__copy(w->p, name.p, name.len);
	*w->p++ = '"';
	*w->p++ = ':';
}

static void write_zeros(struct record_writer *w, size_t len)
{
	*w->p++ = '"';
	memcpy(w->p, zeros, len);
	w->p += len;
	*w->p++ = '"';
	w->values++;
}

static void write_time(struct record_writer *w, int64_t time_us)
{
	*w->p++ = '"';
	timestamp_format(time_us, w->p);
	w->p += TIMESTAMP_LEN;
	*w->p++ = '"';
	w->values++;
}

static int write_member(struct record_writer *w, const struct record_event *event, enum record_member member)
{
	yyjson_val *val = event->members[member];

	if (member == RECORD_TIME)
		write_time(w, event->time_us);
	else if (val) {
		w->path[1].key = val - 1; /* yyjson keeps a member's name in front of its value */
		return record__write_value(w, val);
	} else
		write_zeros(w, member == RECORD_ID ? RECORD_ID_LEN : TIMESTAMP_LEN);
	return 0;
}

static int write_event(struct record_writer *w, const struct record_event *event, const uint8_t *start,
		       struct record_ref *ref)
{
	bool is_first = true;
	int rc;

	for (int i = 0; i < RECORD_MEMBER_COUNT; i++) {
		if (!event->members[i] && i != RECORD_ID && i != RECORD_RECEIVED && i != RECORD_TIME)
			continue;
		write_name(w, i, is_first);
		is_first = false;
		/* Past 65,535 these are cut short, and the record is refused. */
		if (i == RECORD_ID)
			ref->id_off = (uint16_t)(w->p + 1 - start);
		if (i == RECORD_RECEIVED)
			ref->received_off = (uint16_t)(w->p + 1 - start);
		if ((rc = write_member(w, event, i)) < 0)
			return rc;
	}
	*w->p++ = '}';
	return 0;
}

static int check_size(const struct record_writer *w, size_t len)
{
	if (w->values > RECORD_VALUES_MAX)
		return err_set(w->err, E_TOO_LARGE, "a record may hold at most %u values; this one holds %u",
			       RECORD_VALUES_MAX, w->values);
	if (len > RECORD_BYTES_MAX)
		return err_set(w->err, E_TOO_LARGE, "a record may have at most %u bytes; this one has %zu",
			       RECORD_BYTES_MAX, len);
	return 0;
}

int record__append(struct record_parser *p, const struct record_event *event, size_t source_len,
		   struct record_batch *batch, struct err *err)
{
	struct record_writer *w = &p->writer;
	size_t room = record__room(source_len), len;
	struct record_ref ref = {0};
	uint8_t *start;
	int rc;

	if (batch->bytes.len > UINT32_MAX - RECORD_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "the records of one request may have at most 4 GiB");
	start = buf_room(&batch->bytes, room);
	if (!start || grow_refs(batch) < 0) {
		batch->bytes.failed = false;
		return err_set(err, E_NO_MEMORY, "not enough memory for %zu more records", batch->count + 1);
	}
	w->p = start;
	w->depth = 1;
	w->values = 0;
	w->entry_count = 0;
	w->err = err;
	if ((rc = write_event(w, event, start, &ref)) < 0)
		return rc;
	len = (size_t)(w->p - start);
	must(len + JSON_TEXT_SLACK <= room);
	if ((rc = check_size(w, len)) < 0)
		return rc;
	if (p->require && (rc = p->require(p->require_user, span_of(start, len), err)) < 0)
		return rc;
	ref.off = (uint32_t)batch->bytes.len;
	ref.len = (uint16_t)len;
	ref.time_us = event->time_us;
	batch->refs[batch->count++] = ref;
	buf_commit(&batch->bytes, len);
	return 0;
}
