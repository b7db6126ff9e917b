/* One lock over the stream and the counts: making a body takes half a millisecond, and only counting happens besides.
 */
#include "feed.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

struct feed_worker {
	struct feed *feed;
	struct thread thread;
	struct buf body;
	struct event_facts *facts; /* of the body's events */
	uint32_t n_facts;
	int64_t due_ns;
	int fd;
	int rc;
	struct err err;
};

struct feed {
	struct feed_plan plan;
	struct feed_worker *workers;
	struct mutex lock; /* over what follows, and the plan's stream */
	struct census_counts sent;
	struct census_counts answered;
	uint64_t made;
	uint64_t taken;
	uint64_t taken_bytes;
	int64_t begin_ns;
	int64_t late_ns;
	atomic_bool is_stopping;
	bool is_joined;
};

static void make_body_locked(struct feed *f, struct feed_worker *w)
{
	w->due_ns = f->begin_ns;
	if (f->plan.rate > 0)
		w->due_ns += (int64_t)((double)f->made * 1e9 / f->plan.rate);
	buf_reset(&w->body);
	for (w->n_facts = 0; w->n_facts < f->plan.body_events && f->made < f->plan.events_max; w->n_facts++) {
		uint8_t *room = buf_room(&w->body, EVENT_BYTES_MAX);

		must(room);
		buf_commit(&w->body, event_stream_next(f->plan.stream, room));
		w->facts[w->n_facts] = *event_stream_last(f->plan.stream);
		f->made++;
	}
}

static void wait_until(int64_t due_ns)
{
	int64_t left_ns = due_ns - clock_mono_ns();
	struct timespec pause = {left_ns / 1000000000, left_ns % 1000000000};

	if (left_ns > 0)
		nanosleep(&pause, NULL);
}

/* Counted as sent before the first byte leaves, so that no answer can hold more. */
static void count_sent(struct feed *f, struct feed_worker *w)
{
	int64_t late_ns = clock_mono_ns() - w->due_ns;

	mutex_lock(&f->lock);
	for (uint32_t i = 0; i < w->n_facts; i++)
		census_count(&f->sent, &w->facts[i]);
	if (f->plan.rate > 0 && late_ns > f->late_ns)
		f->late_ns = late_ns;
	mutex_unlock(&f->lock);
}

static void count_answered(struct feed *f, struct feed_worker *w)
{
	mutex_lock(&f->lock);
	for (uint32_t i = 0; i < w->n_facts; i++)
		census_count(&f->answered, &w->facts[i]);
	f->taken += w->n_facts;
	f->taken_bytes += w->body.len;
	mutex_unlock(&f->lock);
}

static int exchange(struct feed_worker *w, struct wire_reply *reply)
{
	const struct target *target = w->feed->plan.target;
	struct buf head = BUF_INIT;
	int rc;

	wire_put_head(&head, &target->address, "POST", TARGET_APPEND_PATH, target->key, "application/x-ndjson");
	buf_printf(&head, "Content-Length: %zu\r\n\r\n", w->body.len);
	wire_reply_reset(reply);
	rc = wire_send(w->fd, buf_span(&head), true, &w->err);
	if (rc == 0)
		rc = wire_send(w->fd, buf_span(&w->body), false, &w->err);
	if (rc == 0)
		rc = wire_receive(w->fd, true, reply, &w->err);
	if (rc == 0)
		rc = wire_reply_expect(reply, 201, &w->err);
	buf_release(&head);
	return rc;
}

static void *run_worker(void *arg)
{
	struct feed_worker *w = arg;
	struct feed *f = w->feed;
	struct wire_reply reply = WIRE_REPLY_INIT;

	while (w->rc == 0 && !atomic_load(&f->is_stopping)) {
		mutex_lock(&f->lock);
		make_body_locked(f, w);
		mutex_unlock(&f->lock);
		if (w->n_facts == 0)
			break;
		wait_until(w->due_ns);
		count_sent(f, w);
		w->rc = exchange(w, &reply);
		if (w->rc == 0)
			count_answered(f, w);
	}
	if (w->rc < 0)
		atomic_store(&f->is_stopping, true);
	wire_reply_release(&reply);
	return NULL;
}

int feed_start(const struct feed_plan *plan, const struct census_counts *before, struct feed **ret, struct err *err)
{
	struct feed *f = xalloc(sizeof(*f));
	int rc = 0;

	*f = (struct feed){.plan = *plan, .sent = *before, .answered = *before, .is_joined = true};
	f->workers = xarray(plan->connections, sizeof(*f->workers));
	mutex_init(&f->lock);
	for (uint32_t i = 0; i < plan->connections; i++)
		f->workers[i] = (struct feed_worker){.feed = f, .fd = -1, .err = ERR_INIT};
	for (uint32_t i = 0; i < plan->connections && rc == 0; i++) {
		f->workers[i].facts = xarray(plan->body_events, sizeof(*f->workers[i].facts));
		rc = wire_connect(&plan->target->address, &f->workers[i].fd, err);
	}
	if (rc < 0) {
		feed_free(f);
		return rc;
	}
	f->begin_ns = clock_mono_ns();
	f->is_joined = false;
	for (uint32_t i = 0; i < plan->connections; i++)
		thread_start(&f->workers[i].thread, "feed", run_worker, &f->workers[i]);
	*ret = f;
	return 0;
}

static void join_workers(struct feed *f)
{
	for (uint32_t i = 0; i < f->plan.connections && !f->is_joined; i++)
		thread_join(&f->workers[i].thread);
	f->is_joined = true;
}

int feed_stop(struct feed *f, bool to_the_end, struct err *err)
{
	if (!to_the_end)
		atomic_store(&f->is_stopping, true);
	join_workers(f);
	for (uint32_t i = 0; i < f->plan.connections; i++) {
		if (f->workers[i].rc < 0) {
			*err = f->workers[i].err;
			return f->workers[i].rc;
		}
	}
	return 0;
}

struct feed *feed_free(struct feed *f)
{
	if (!f)
		return NULL;
	atomic_store(&f->is_stopping, true);
	join_workers(f);
	for (uint32_t i = 0; i < f->plan.connections; i++) {
		buf_release(&f->workers[i].body);
		free(f->workers[i].facts);
		if (f->workers[i].fd >= 0)
			close(f->workers[i].fd);
	}
	mutex_release(&f->lock);
	free(f->workers);
	free(f);
	return NULL;
}

void feed_get_answered(struct feed *f, struct census_counts *ret)
{
	mutex_lock(&f->lock);
	*ret = f->answered;
	mutex_unlock(&f->lock);
}

void feed_get_sent(struct feed *f, struct census_counts *ret)
{
	mutex_lock(&f->lock);
	*ret = f->sent;
	mutex_unlock(&f->lock);
}

uint64_t feed_events(struct feed *f, uint64_t *ret_bytes)
{
	uint64_t events;

	mutex_lock(&f->lock);
	events = f->taken;
	*ret_bytes = f->taken_bytes;
	mutex_unlock(&f->lock);
	return events;
}

double feed_late_ms(struct feed *f)
{
	int64_t late_ns;

	mutex_lock(&f->lock);
	late_ns = f->late_ns;
	mutex_unlock(&f->lock);
	return (double)late_ns / 1e6;
}
