/*
 * One pass: the ledgers by number, each from its first record to its tree, then the journal. Where it is is written
 * down now and then, so that a pass over much data ends although the server is restarted meanwhile.
 *
 * It gives way twice: the thread runs behind all others, and after each piece it rests at least as long as the piece
 * took, longer where the rate asks for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/self_event.h"
#include "service/service_priv.h"
#include "service/verification_priv.h"
#include "store/store_check.h"

struct pass {
	struct service *service;
	struct verification *v;
	int64_t org; /* whose self ledger is told of faults */
	int rc;      /* of what a fault could not be told with */
	struct err err;
};

/* ---- faults ---- */

static int64_t first_org(struct service *s)
{
	int64_t *ids = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;
	int64_t id = 0;

	if (control_org_ids(s->control, &ids, &count, &err) == 0 && count > 0)
		id = ids[0];
	free(ids);
	return id;
}

static void put_event(struct buf *to, const struct control_fault *f)
{
	self_event_begin(to, "verification.failed", NULL);
	buf_put_str(to, ",\"severity\":\"critical\",\"description\":");
	json_text_string(to, span_str(f->message));
	buf_put_str(to, ",\"entity\":{\"id\":");
	json_text_string(to, span_str(f->file));
	buf_printf(to, ",\"type\":\"file\"},\"attributes\":{\"offset\":%" PRId64 "}}", f->offset);
}

static int tell(struct pass *p, const struct control_fault *f, struct err *err)
{
	struct buf event = BUF_INIT;
	struct org *org;
	int rc = service__org(p->service, p->org, &org, err);

	if (rc < 0)
		return rc;
	put_event(&event, f);
	rc = buf_ok(&event) ? service_self_append(p->service, org, buf_span(&event), err)
			    : err_set(err, E_NO_MEMORY, "not enough memory for an event");
	buf_release(&event);
	return rc;
}

/* A fault is known once its event is recorded. More than FAULTS_MAX are not told: what is wrong is plain by then. */
static int note(struct pass *p, const struct control_fault *f, struct err *err)
{
	struct control *c = p->service->control;
	int rc = control_fault_touch(c, f, err);

	if (rc != 0 || p->v->faults >= FAULTS_MAX)
		return rc < 0 ? rc : 0;
	diag(DIAG_ERROR, "verify", "%s file=%s offset=%" PRId64, f->message, f->file, f->offset);
	if ((rc = tell(p, f, err)) < 0)
		return rc;
	if ((rc = control_fault_add(c, f, err)) < 0)
		return rc;
	return verification__count(p->service, err);
}

static void on_fault(void *user, const struct err *fault)
{
	struct pass *p = user;
	struct control_fault f = {
		.offset = fault->offset, .found_us = clock_wall_us(), .seen_us = p->v->state.begun_us};
	struct err shown = *fault;
	struct err err = ERR_INIT;
	int rc;

	service_redact(p->service, &shown);
	snprintf(f.file, sizeof(f.file), "%s", shown.field);
	snprintf(f.message, sizeof(f.message), "%s", shown.message);
	rc = note(p, &f, &err);
	if (rc < 0 && p->rc == 0) {
		p->rc = rc;
		p->err = err;
	}
}

/* ---- pace ---- */

/* Writes down how far the pass is. */
static int keep_state(struct pass *p, struct err *err)
{
	p->v->kept_ns = clock_mono_ns();
	return control_verification_set(p->service->control, &p->v->state, err);
}

static int on_piece(void *user, uint64_t bytes)
{
	struct pass *p = user;
	struct verification *v = p->v;
	int64_t worked_us = (clock_mono_ns() - v->piece_ns) / 1000;
	int64_t due_us = (int64_t)(bytes * 1000000 / v->rate_bytes);
	bool goes_on;

	mutex_lock(&v->mutex);
	v->bytes_total += bytes;
	v->state.bytes += (int64_t)bytes;
	mutex_unlock(&v->mutex);
	goes_on = verification__sleep(v, due_us - worked_us > worked_us ? due_us - worked_us : worked_us);
	v->piece_ns = clock_mono_ns();
	return !goes_on || p->rc < 0 ? E_CLOSED : 0;
}

/* ---- the pass ---- */

static void set_place(struct pass *p, uint32_t ledger, const struct store_check *c, uint64_t records)
{
	mutex_lock(&p->v->mutex);
	p->v->state.ledger = ledger;
	p->v->state.position = (int64_t)c->position;
	p->v->state.records += (int64_t)records;
	mutex_unlock(&p->v->mutex);
}

static int check_ledger(struct pass *p, uint32_t number, uint64_t position, struct err *err)
{
	struct store_check c = {.found = on_fault, .pace = on_piece, .user = p, .position = position};
	struct ledger *l;
	int rc;

	if ((rc = control_ledger_org(p->service->control, number, &p->org, err)) < 0)
		return rc;
	if ((rc = store_ledger(p->service->store, number, &l, err)) < 0)
		return rc;
	do {
		uint64_t before = c.records;

		p->v->piece_ns = clock_mono_ns();
		rc = ledger_check(l, &c, err);
		if (p->rc < 0) {
			*err = p->err;
			rc = p->rc;
		}
		if (rc >= 0)
			set_place(p, number, &c, c.records - before);
		if (rc > 0 && clock_mono_ns() - p->v->kept_ns > VERIFY_KEEP_MS * INT64_C(1000000))
			rc = keep_state(p, err) < 0 ? E_IO : 1;
	} while (rc > 0);
	return rc;
}

static int check_ledgers(struct pass *p, struct err *err)
{
	uint32_t *numbers = NULL;
	uint32_t from = p->v->state.ledger;
	uint64_t position = (uint64_t)p->v->state.position;
	size_t count = 0;
	int rc = store_ledgers(p->service->store, &numbers, &count, err);

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (numbers[i] >= from)
			rc = check_ledger(p, numbers[i], numbers[i] == from ? position : 0, err);
	}
	free(numbers);
	return rc;
}

static int check_journal(struct pass *p, struct err *err)
{
	struct store_check c = {.found = on_fault, .pace = on_piece, .user = p};
	uint64_t number = 0;
	int rc;

	p->org = first_org(p->service);
	do {
		p->v->piece_ns = clock_mono_ns();
		rc = store_check_journal(p->service->store, &c, &number, err);
	} while (rc > 0 && p->rc == 0);
	if (p->rc < 0) {
		*err = p->err;
		rc = p->rc;
	}
	return rc;
}

static int tell_completed(struct pass *p, const struct control_verification *v, struct err *err)
{
	struct buf event = BUF_INIT;
	struct org *org;
	int rc = service__org(p->service, first_org(p->service), &org, err);

	if (rc < 0)
		return rc;
	self_event_begin(&event, "verification.completed", NULL);
	buf_printf(&event,
		   ",\"attributes\":{\"records\":%" PRId64 ",\"bytes\":%" PRId64 ",\"seconds\":%" PRId64
		   ",\"faults\":%" PRIu64 "}}",
		   v->finished_records, v->finished_bytes, (v->finished_us - v->finished_began_us) / 1000000,
		   p->v->faults);
	rc = buf_ok(&event) ? service_self_append(p->service, org, buf_span(&event), err)
			    : err_set(err, E_NO_MEMORY, "not enough memory for an event");
	buf_release(&event);
	return rc;
}

static int finish(struct pass *p, struct err *err)
{
	struct control_verification next = {.finished_us = clock_wall_us(),
					    .finished_began_us = p->v->state.begun_us,
					    .finished_records = p->v->state.records,
					    .finished_bytes = p->v->state.bytes,
					    .passes = p->v->state.passes + 1};
	int rc;

	if ((rc = control_fault_clear(p->service->control, p->v->state.begun_us, err)) < 0)
		return rc;
	if ((rc = verification__count(p->service, err)) < 0)
		return rc;
	if ((rc = tell_completed(p, &next, err)) < 0)
		return rc;
	mutex_lock(&p->v->mutex);
	p->v->state = next;
	mutex_unlock(&p->v->mutex);
	return keep_state(p, err);
}

static void begin(struct verification *v)
{
	mutex_lock(&v->mutex);
	v->state.begun_us = clock_wall_us();
	v->state.ledger = 0;
	v->state.position = 0;
	v->state.records = 0;
	v->state.bytes = 0;
	mutex_unlock(&v->mutex);
}

int verification__pass(struct service *s, struct err *err)
{
	struct pass p = {.service = s, .v = s->verification, .err = ERR_INIT};
	struct err ignored = ERR_INIT;
	int rc;

	if (p.v->state.begun_us == 0)
		begin(p.v);
	rc = check_ledgers(&p, err);
	if (rc == 0)
		rc = check_journal(&p, err);
	if (rc == 0)
		return finish(&p, err);
	if (keep_state(&p, &ignored) < 0)
		diag(DIAG_WARNING, "verify", "%s", ignored.message);
	return rc;
}
