/* One tail: what is sent, and the search for it. */
#include "api/tail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/limits.h"
#include "api/reply.h"
#include "api/tail_priv.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/sight.h"

/* An id without data sets where a client that connects again goes on, and is no event. */
void tail__put_sign(struct tail *t)
{
	uint8_t id[RECORD_ID_LEN];

	buf_put_str(&t->pending, ":\n");
	if (t->position > t->announced) {
		service_id(t->hub->service, &t->config.who, t->config.ledger, t->position - 1, id);
		buf_put_str(&t->pending, "id: ");
		buf_put(&t->pending, id, sizeof(id));
		buf_put_u8(&t->pending, '\n');
		t->announced = t->position;
	}
	buf_put_u8(&t->pending, '\n');
}

/* ---- searching ---- */

static void put_damaged(struct tail *t, const struct page *page)
{
	for (size_t i = 0; i < page->damaged.count; i++)
		buf_printf(&t->pending, "event: damaged\ndata: {\"first\":%" PRIu64 ",\"next\":%" PRIu64 "}\n\n",
			   page->damaged.gap[i].first, page->damaged.gap[i].next);
}

/* A record has no line ends: JSON escapes them. */
static void put_records(struct tail *t, const struct follow *f)
{
	const uint8_t *record = f->page.records.p;

	for (uint32_t i = 0; i < f->page.count; i++) {
		buf_put_str(&t->pending, "id: ");
		buf_put(&t->pending, f->id[i], RECORD_ID_LEN);
		buf_put_str(&t->pending, "\ndata: ");
		buf_put(&t->pending, record, f->page.len[i]);
		buf_put_str(&t->pending, "\n\n");
		record += f->page.len[i];
	}
}

static void put_error(struct tail *t, const struct err *err)
{
	struct err shown = *err;

	diag(DIAG_WARNING, "api", "following a ledger ends: %s code=%s", err->message, err_wire(err->code));
	service_redact(t->hub->service, &shown);
	buf_put_str(&t->pending, "event: error\ndata: ");
	reply_put_error(&t->pending, &shown);
	buf_put_str(&t->pending, "\n\n");
}

/* Of large events few fit; more would be fetched in vain. */
static void choose_batch(struct tail *t, uint32_t count)
{
	if (t->pending.len >= TAIL_BYTES_MAX)
		t->batch = count > 0 ? count : 1;
	else
		t->batch = t->batch < TAIL_EVENTS_MAX / 2 ? 2 * t->batch : TAIL_EVENTS_MAX;
}

/* True when there is a next batch. */
static bool fetch(struct tail *t)
{
	const struct tail_config *c = &t->config;
	struct follow f = FOLLOW_INIT;
	struct err err = ERR_INIT;

	if (sight_still(t->hub->service, &c->who, PERMISSION_READ, c->ledger, &err) < 0 ||
	    service_follow(t->hub->service, &c->who, c->ledger, c->query, t->position, t->batch, TAIL_BYTES_MAX, &f,
			   &err) < 0) {
		put_error(t, &err);
		return false;
	}
	put_damaged(t, &f.page);
	put_records(t, &f);
	t->position = f.position;
	t->events += f.page.count;
	choose_batch(t, f.page.count);
	follow_release(&f);
	return buf_ok(&t->pending);
}

static void run_search(struct job *job)
{
	struct tail *t = (struct tail *)((char *)job - offsetof(struct tail, job));
	struct tail_hub *h = t->hub;
	bool goes_on = fetch(t);

	mutex_lock(&h->mu);
	t->is_over = t->is_over || !goes_on;
	if (t->pending.len > 0 || t->is_over)
		tail__wake_locked(t);
	else
		t->state = TAIL_WAITING;
	mutex_unlock(&h->mu);
}

void tail__search_locked(struct tail *t)
{
	t->state = TAIL_SEARCHING;
	t->job.run = run_search;
	work_submit(t->hub->work, &t->job);
}

/* ---- sending ---- */

/* The time for taking it begins anew with each piece, unless the server is about to stop. */
static ssize_t give(struct tail *t, char *to, size_t max)
{
	size_t left = t->pending.len - t->sent;
	size_t n = left < max ? left : max;

	memcpy(to, t->pending.p + t->sent, n);
	t->sent += n;
	if (!t->is_over)
		client_await_bytes(t->config.client, clock_mono_ns(), n);
	return (ssize_t)n;
}

ssize_t tail_read(void *cls, uint64_t offset, char *to, size_t max)
{
	struct tail *t = cls;
	struct tail_hub *h = t->hub;
	ssize_t n = 0;

	(void)offset;
	mutex_lock(&h->mu);
	t->has_begun = true;
	if (t->is_gone)
		n = MHD_CONTENT_READER_END_WITH_ERROR;
	else if (t->sent < t->pending.len)
		n = give(t, to, max);
	else if (t->is_over)
		n = MHD_CONTENT_READER_END_OF_STREAM;
	else
		tail__rest_locked(t);
	mutex_unlock(&h->mu);
	return n;
}
