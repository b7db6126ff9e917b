/*
 * Reading a consumer. It is locked from looking up its position until the new one is durable, so that of two reads the
 * second begins where the first ended. The answer is made in between: a read that cannot be answered moves nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/record_view.h"
#include "service/consumer_priv.h"
#include "service/read_event_priv.h"

/* ---- the records ---- */

static int take_step(struct page *page, const struct follow *f, struct err *err)
{
	uint32_t *len = try_realloc(page->len, (page->count + f->page.count + 1) * sizeof(*len));
	int rc = 0;

	if (len)
		page->len = len;
	buf_put_span(&page->records, buf_span(&f->page.records));
	if (!len || !buf_ok(&page->records))
		return err_set(err, E_NO_MEMORY, "not enough memory for the events; ask for a smaller limit");
	if (f->page.count > 0)
		memcpy(page->len + page->count, f->page.len, f->page.count * sizeof(*len));
	page->count += f->page.count;
	for (size_t i = 0; i < f->page.damaged.count && rc == 0; i++)
		rc = gap_list_add(&page->damaged, f->page.damaged.gap[i].first, f->page.damaged.gap[i].next, err);
	return rc;
}

static int take_records(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			const struct query *query, uint32_t limit, struct consumer_batch *b, struct err *err)
{
	struct follow f = FOLLOW_INIT;
	int rc = service__follow(s, who, ledger, query, b->next, b->next + CONSUMER_STEP, limit,
				 PAGE_BYTES_MAX - b->page.records.len, &f, err);

	if (rc < 0)
		return rc;
	rc = take_step(&b->page, &f, err);
	b->next = f.position;
	follow_release(&f);
	return rc;
}

/* In steps, so that what is found is counted before it takes too much memory, and that a read of a long ledger in which
 * hardly anything matches is answered in time, with how far it got: the next one goes on there. */
static int read_records(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			const struct query *query, uint32_t limit, struct consumer_batch *b, struct err *err)
{
	int64_t give_up_ns = clock_mono_ns() + CONSUMER_READ_MS * INT64_C(1000000);
	uint64_t size = ledger_size(who->org->ledger[ledger]);
	int rc;

	do {
		uint32_t left = limit - b->page.count;

		rc = take_records(s, who, ledger, query, left < PAGE_STEP ? left : PAGE_STEP, b, err);
	} while (rc == 0 && b->next < size && b->page.count < limit && b->page.records.len < PAGE_BYTES_MAX &&
		 clock_mono_ns() < give_up_ns);
	return rc;
}

/* The consumer's query, for what its maker may see and who asks; both are to be freed. */
static int parse_queries(const struct principal *who, const struct control_consumer *x, struct query **ret_query,
			 struct query **ret_narrow, struct err *err)
{
	int64_t now_us = clock_wall_us();
	int rc;

	if ((rc = query_parse(span_str(x->query), now_us, ret_query, err)) < 0)
		return rc;
	query_narrow(*ret_query, who->narrow);
	if (who->narrow || x->narrow[0] == '\0')
		return 0; /* who is narrowed sees the consumers of those who see the same */
	if ((rc = query_parse(span_str(x->narrow), now_us, ret_narrow, err)) < 0)
		return rc;
	query_narrow(*ret_query, *ret_narrow);
	return 0;
}

/* ---- one read ---- */

static bool is_text(struct span json, const char *text)
{
	return json.len >= 2 && span_eq_str(span_of(json.p + 1, json.len - 2), text);
}

/* Whether there is nothing in the batch but what was told of reads of the same consumer. Who polls the self ledger
 * would find one more each time, and never an end. */
static bool is_own_trace(const struct control_consumer *x, const struct page *page)
{
	const uint8_t *at = page->records.p;

	for (uint32_t i = 0; i < page->count; i++) {
		struct record_view v;
		struct span id;

		record_view_of(span_of(at, page->len[i]), &v);
		if (!is_text(v.member[RECORD_ACTION], "consumer.read") ||
		    !record_view_find(v.member[RECORD_ENTITY], "id", &id) || !is_text(id, x->name))
			return false;
		at += page->len[i];
	}
	return consumer__ledger(x) == LEDGER_SELF;
}

/* What is handed out is told of; polling that finds nothing is not. The event is there before the position moves: what
 * is then not given out would be lost. */
static int tell(struct service *s, const struct principal *who, const struct control_consumer *x,
		const struct consumer_batch *b, const struct query *query, bool is_auto, struct err *err)
{
	const struct read_event e = {"consumer.read", consumer__ledger(x), "consumer", span_str(x->name)};
	struct principal teller = *who;
	struct buf event = BUF_INIT;
	int rc;

	if (b->page.count == 0 || is_own_trace(x, &b->page))
		return 0;
	if (is_auto)
		teller.caller.reading = NULL;
	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, span_str(x->query), query, INT64_MIN, INT64_MAX);
	read_event__put_number(&event, "position", b->position);
	read_event__put_number(&event, "next", b->next);
	read_event__put_number(&event, "events", b->page.count);
	rc = read_event__tell(s, &teller, &event, err);
	buf_release(&event);
	return rc;
}

/* Stores where it is now. A read that found nothing new is written down now and then only. */
static int move(struct service *s, struct control_consumer *x, uint64_t next, struct err *err)
{
	int64_t now_us = clock_wall_us();

	if (next == (uint64_t)x->position && now_us - x->read_us < CONSUMER_NOTE_US)
		return 0;
	x->position = (int64_t)next;
	x->read_us = now_us;
	return control_consumer_move(s->control, x, err);
}

static int read_locked(struct service *s, const struct principal *who, struct control_consumer *x,
		       const struct consumer_read *read, struct err *err)
{
	struct consumer_batch b = {
		.name = x->name, .page = PAGE_INIT, .position = (uint64_t)x->position, .next = (uint64_t)x->position};
	struct query *query = NULL, *narrow = NULL;
	int rc;

	if ((rc = parse_queries(who, x, &query, &narrow, err)) < 0)
		goto out;
	if ((rc = read_records(s, who, consumer__ledger(x), query, read->limit, &b, err)) < 0)
		goto out;
	b.lag = consumer__lag(who, x, b.next);
	if ((rc = tell(s, who, x, &b, query, read->is_auto, err)) < 0)
		goto out;
	if ((rc = read->make(read->user, &b, err)) < 0)
		goto out;
	rc = move(s, x, read->is_auto ? b.next : b.position, err);
out:
	page_release(&b.page);
	query_free(query);
	query_free(narrow);
	return rc;
}

/* A read that moves is a GET, which a page of somebody else can have a signed-in browser send. */
static int need_key(const struct principal *who, struct err *err)
{
	if (who->kind == PRINCIPAL_KEY)
		return 0;
	return err_set(err, E_FORBIDDEN,
		       "only API keys read events off; who is signed in reads with ack=manual and acknowledges");
}

int service_consumer_read(struct service *s, const struct principal *who, struct span name,
			  const struct consumer_read *read, struct err *err)
{
	struct control_consumer x;
	struct mutex *lock;
	int rc;

	if (read->is_auto && (rc = need_key(who, err)) < 0)
		return rc;
	if ((rc = consumer__find_locked(s, who, name, &lock, &x, err)) < 0)
		return rc;
	rc = read_locked(s, who, &x, read, err);
	control_consumer_release(&x);
	mutex_unlock(lock);
	return rc;
}

/* ---- queues of keys ---- */

static int make_queue(struct service *s, const struct principal *who, const char *name, int64_t back_us,
		      struct control_consumer *ret, struct err *err)
{
	int64_t now_us = clock_wall_us();
	struct control_consumer x = {.org = who->org->control.id, .created_us = now_us, .version = 1};
	uint64_t position;
	int rc;

	if ((rc = consumer__first_from(s, who, LEDGER_MAIN, now_us - back_us, &position, err)) < 0)
		return rc;
	x.position = (int64_t)position;
	snprintf(x.name, sizeof(x.name), "%s", name);
	snprintf(x.ledger, sizeof(x.ledger), "%s", control_ledger_names[LEDGER_MAIN]);
	memcpy(x.client_id, who->id, sizeof(x.client_id));
	memcpy(x.created_by, who->id, sizeof(x.created_by));
	x.query = xstrdup("");
	x.narrow = xstrdup("");
	if ((rc = control_consumer_create(s->control, &x, err)) < 0)
		control_consumer_release(&x);
	else
		*ret = x;
	return rc;
}

int service_queue_read(struct service *s, const struct principal *who, const char *name, int64_t back_us,
		       const struct consumer_read *read, struct err *err)
{
	struct mutex *lock = consumer__lock(s, who, who->id, name);
	struct control_consumer x;
	int rc = need_key(who, err);

	if (rc < 0)
		return rc;
	mutex_lock(lock);
	rc = control_consumer_get(s->control, who->org->control.id, who->id, name, &x, err);
	if (rc == E_NOT_FOUND) {
		if (err)
			*err = (struct err)ERR_INIT;
		rc = make_queue(s, who, name, back_us, &x, err);
	}
	if (rc == 0) {
		rc = read_locked(s, who, &x, read, err);
		control_consumer_release(&x);
	}
	mutex_unlock(lock);
	return rc;
}
