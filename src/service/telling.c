/*
 * One event on its way into a self ledger. Its memory and parser are used again: telling of a search allocates nothing
 * of note.
 */
#include "service/telling_priv.h"

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/service_priv.h"

struct telling {
	struct telling *next;
	struct tellings *all;
	struct reading *reading; /* NULL: nobody waits */
	struct record_parser *parser;
	struct record_batch batch;
	struct ledger_append append;
};

void service__tellings_init(struct tellings *all)
{
	mutex_init(&all->mu);
}

static void free_telling(struct telling *t)
{
	record_parser_free(t->parser);
	record_batch_release(&t->batch);
	free(t);
}

void service__tellings_release(struct tellings *all)
{
	while (all->idle) {
		struct telling *t = all->idle;

		all->idle = t->next;
		free_telling(t);
	}
	mutex_release(&all->mu);
}

static struct telling *take(struct tellings *all)
{
	struct telling *t;

	mutex_lock(&all->mu);
	t = all->idle;
	if (t) {
		all->idle = t->next;
		all->idle_count--;
	}
	mutex_unlock(&all->mu);
	if (t)
		return t;
	t = xalloc(sizeof(*t));
	t->all = all;
	t->parser = record_parser_new();
	return t;
}

static void give(struct telling *t)
{
	struct tellings *all = t->all;
	bool is_kept;

	record_batch_reset(&t->batch);
	mutex_lock(&all->mu);
	is_kept = all->idle_count < TELLINGS_KEPT;
	if (is_kept) {
		t->next = all->idle;
		all->idle = t;
		all->idle_count++;
	}
	mutex_unlock(&all->mu);
	if (!is_kept)
		free_telling(t);
}

/* The telling is given back first: whoever waits may end the service. */
static void on_told(struct ledger_append *a)
{
	struct telling *t = a->user;
	struct reading *r = t->reading;
	struct err err = a->err;
	int rc = a->rc;

	give(t);
	if (r)
		reading__end(r, rc, &err);
	else if (rc < 0)
		diag(DIAG_ERROR, "service", "what was done is not in the self ledger: %s code=%s", err.message,
		     err_wire(rc));
}

/* No record is taken into a log that is refused. */
static int prepare(struct service *s, struct org *org, struct telling *t, struct span event, struct err *err)
{
	int rc = log_signer_refusal(s->signer, org->control.ledger[LEDGER_SELF], err);

	if (rc < 0 && err)
		err->code = E_UNAVAILABLE;
	return rc < 0 ? E_UNAVAILABLE : record_parse(t->parser, event, clock_wall_us(), &t->batch, err);
}

static int start(struct service *s, struct org *org, struct reading *r, struct span event, struct err *err)
{
	struct telling *t = take(&s->tellings);
	int rc = prepare(s, org, t, event, err);

	if (rc < 0) {
		give(t);
		return rc;
	}
	t->reading = r;
	t->append = (struct ledger_append){.batch = &t->batch, .done = on_told, .user = t};
	if (r)
		reading__begin(r);
	ledger_append(org->ledger[LEDGER_SELF], &t->append);
	return 0;
}

int service__tell(struct service *s, const struct principal *who, const struct buf *event, struct err *err)
{
	if (!buf_ok(event))
		return err_set(err, E_NO_MEMORY, "not enough memory for an event");
	if (!who->caller.reading)
		return service_self_append(s, who->org, buf_span(event), err);
	return start(s, who->org, who->caller.reading, buf_span(event), err);
}

void service__tell_later(struct service *s, struct org *org, const struct buf *event)
{
	struct err err = ERR_INIT;

	if (!buf_ok(event) || start(s, org, NULL, buf_span(event), &err) < 0)
		diag(DIAG_ERROR, "service", "what was done is not in the self ledger: %s", err.message);
}
