/*
 * A table of what is being read, by principal and log. A reading is the table's; while its first event is under way
 * (is_told is false) it stays there whatever its time.
 */
#include "service/log_reading_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"

#define BUCKETS       1024u
#define NS_PER_S      1000000000LL
#define CALLER_IP_LEN 64 /* longer than any address as text */

/* A request that waits for the first event. */
struct waiter {
	struct waiter *next;
	struct reading *reading;
};

struct log_reading {
	struct log_reading *next;
	struct log_readings *all;
	struct principal who;
	char ip[CALLER_IP_LEN]; /* of who */
	enum control_ledger_name ledger;
	struct reading first; /* of its first event */
	bool is_told;
	struct waiter *waiting;
	int64_t due_ns;
	int64_t began_us;
	uint64_t requests;
	uint64_t count[LOG_READ_COUNT];
	uint64_t entries_first, entries_next;
};

struct log_readings {
	struct mutex mu; /* guards all; a leaf: the journal's writer takes it */
	struct log_reading *bucket[BUCKETS];
	unsigned count;
};

struct log_readings *log_readings_new(void)
{
	struct log_readings *all = xalloc(sizeof(*all));

	mutex_init(&all->mu);
	return all;
}

struct log_readings *log_readings_free(struct log_readings *all)
{
	if (!all)
		return NULL;
	must(all->count == 0);
	mutex_release(&all->mu);
	free(all);
	return NULL;
}

/* ---- the table ---- */

static struct log_reading **find_locked(struct log_readings *all, const struct principal *who,
					enum control_ledger_name ledger)
{
	size_t bucket = hash64(who->id, strlen(who->id), (uint64_t)ledger) % BUCKETS;
	struct log_reading **link = &all->bucket[bucket];

	while (*link && !((*link)->who.org == who->org && (*link)->who.kind == who->kind && (*link)->ledger == ledger &&
			  strcmp((*link)->who.id, who->id) == 0))
		link = &(*link)->next;
	return link;
}

/* What the request was is of the first one only: the events of the end are about many. */
static struct log_reading *make(struct log_readings *all, const struct principal *who, enum control_ledger_name ledger)
{
	struct log_reading *x = xalloc(sizeof(*x));
	size_t len = who->caller.ip.len < CALLER_IP_LEN ? who->caller.ip.len : 0;

	x->all = all;
	x->who = *who;
	x->who.caller = (struct caller){.ip = span_of(x->ip, len)};
	if (len > 0)
		memcpy(x->ip, who->caller.ip.p, len);
	x->ledger = ledger;
	x->due_ns = clock_mono_ns() + LOG_READ_S * NS_PER_S;
	x->began_us = clock_wall_us();
	x->entries_first = UINT64_MAX;
	return x;
}

static void count(struct log_reading *x, enum log_read what, uint64_t first, uint64_t next)
{
	x->requests++;
	x->count[what]++;
	if (what != LOG_READ_ENTRIES)
		return;
	if (first < x->entries_first)
		x->entries_first = first;
	if (next > x->entries_next)
		x->entries_next = next;
}

static void wait_for(struct log_reading *x, struct reading *r)
{
	struct waiter *w = xalloc(sizeof(*w));

	w->reading = r;
	w->next = x->waiting;
	x->waiting = w;
	reading__begin(r);
}

/* ---- telling ---- */

static void begin_event(struct buf *to, const struct principal *who, enum control_ledger_name ledger, const char *phase)
{
	const struct read_event e = {.action = "log.verified", .ledger = ledger};

	read_event__begin(to, who, &e);
	read_event__put_text(to, "phase", span_str(phase));
}

static int tell_begin(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct err *err)
{
	struct buf event = BUF_INIT;
	int rc;

	begin_event(&event, who, ledger, "begun");
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

static void tell_end(struct service *s, const struct log_reading *x)
{
	static const char *const names[LOG_READ_COUNT] = {"checkpoints", "tiles",       "entry_bundles",
							  "proofs",      "consistency", "keys"};
	struct buf event = BUF_INIT;

	begin_event(&event, &x->who, x->ledger, "ended");
	read_event__put_time(&event, "since", x->began_us);
	read_event__put_number(&event, "requests", x->requests);
	for (size_t i = 0; i < LOG_READ_COUNT; i++) {
		if (x->count[i] > 0)
			read_event__put_number(&event, names[i], x->count[i]);
	}
	if (x->count[LOG_READ_ENTRIES] > 0) {
		read_event__put_number(&event, "first_index", x->entries_first);
		read_event__put_number(&event, "last_index", x->entries_next - 1);
	}
	buf_put_str(&event, "}}");
	service__tell_later(s, x->who.org, &event);
	buf_release(&event);
}

/* The first event is durable, or cannot be written: then the next request tries again. */
static void end_first(struct log_reading *x)
{
	struct log_readings *all = x->all;
	struct err err = ERR_INIT;
	int rc = reading_result(&x->first, &err);
	struct waiter *w, *next;

	mutex_lock(&all->mu);
	w = x->waiting;
	x->waiting = NULL;
	x->is_told = true;
	if (rc < 0) {
		*find_locked(all, &x->who, x->ledger) = x->next;
		all->count--;
	}
	mutex_unlock(&all->mu);
	if (rc < 0)
		free(x);
	for (; w; w = next) {
		next = w->next;
		reading__end(w->reading, rc, &err);
		free(w);
	}
}

static void on_first(struct reading *r)
{
	end_first((struct log_reading *)((char *)r - offsetof(struct log_reading, first)));
}

/* The principal's own way to wait is not for this event alone. */
static void tell_first(struct service *s, const struct principal *who, struct log_reading *x)
{
	struct principal first = *who;
	struct err err = ERR_INIT;
	int rc;

	reading_init(&x->first, on_first);
	first.caller.reading = &x->first;
	rc = tell_begin(s, &first, x->ledger, &err);
	if (rc < 0) {
		x->first.rc = rc;
		x->first.err = err;
	}
	if (reading_join(&x->first))
		end_first(x);
}

int log_reading_tell(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     enum log_read what, uint64_t first, uint64_t next, struct err *err)
{
	struct log_readings *all = s->log_readings;
	struct log_reading *made = NULL, *x;

	if (!who->caller.reading)
		return tell_begin(s, who, ledger, err);
	mutex_lock(&all->mu);
	x = *find_locked(all, who, ledger);
	if (!x && all->count < LOG_READINGS_MAX) {
		x = made = make(all, who, ledger);
		*find_locked(all, who, ledger) = made;
		all->count++;
	}
	if (x) {
		count(x, what, first, next);
		if (!x->is_told)
			wait_for(x, who->caller.reading);
	}
	mutex_unlock(&all->mu);
	if (!x)
		return tell_begin(s, who, ledger, err);
	if (made)
		tell_first(s, who, made);
	return 0;
}

/* ---- the end ---- */

/* Takes those that are due out of a bucket. */
static struct log_reading *take_due(struct log_readings *all, size_t bucket, int64_t now_ns)
{
	struct log_reading **link = &all->bucket[bucket];
	struct log_reading *due = NULL;

	mutex_lock(&all->mu);
	while (*link) {
		struct log_reading *x = *link;

		if (!x->is_told || x->due_ns > now_ns) {
			link = &x->next;
			continue;
		}
		*link = x->next;
		all->count--;
		x->next = due;
		due = x;
	}
	mutex_unlock(&all->mu);
	return due;
}

static void end_those_due(struct service *s, int64_t now_ns)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct log_reading *x = take_due(s->log_readings, i, now_ns);

		while (x) {
			struct log_reading *next = x->next;

			if (x->requests > 1)
				tell_end(s, x);
			free(x);
			x = next;
		}
	}
}

void log_readings_tell_due(struct service *s)
{
	end_those_due(s, clock_mono_ns());
}

void log_readings_end(struct service *s)
{
	end_those_due(s, INT64_MAX);
}
