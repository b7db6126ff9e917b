/* A list of the open connections and the thread that walks it. */
#include "api/deadline.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/limits.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"

#define NS_PER_S 1000000000LL

struct client {
	struct client *next;
	struct client **link; /* what points here */
	struct deadlines *deadlines;
	int fd;
	_Atomic int64_t due_ns; /* INT64_MAX: none */
	_Atomic bool
		may_look_whole; /* an answer that is made while it is sent: a reset has to tell that it broke off */
};

struct deadlines {
	int64_t idle_ns;
	int64_t request_ns;
	struct mutex mu; /* guards the list and is_stopping; while it is held no listed socket is closed */
	struct cond cond;
	struct client *first;
	bool is_stopping;
	struct thread thread;
};

static void shut_late_locked(struct deadlines *d, int64_t now_ns)
{
	for (struct client *c = d->first; c; c = c->next) {
		if (now_ns <= atomic_load_explicit(&c->due_ns, memory_order_relaxed))
			continue;
		atomic_store_explicit(&c->due_ns, INT64_MAX, memory_order_relaxed);
		if (c->may_look_whole)
			client_reset(c);
		else
			(void)shutdown(c->fd, SHUT_RDWR); /* fails only when the client is gone already */
	}
}

static void *walk(void *arg)
{
	struct deadlines *d = arg;

	mutex_lock(&d->mu);
	while (!d->is_stopping) {
		shut_late_locked(d, clock_mono_ns());
		(void)cond_wait_for(&d->cond, &d->mu, DEADLINE_STEP_MS);
	}
	mutex_unlock(&d->mu);
	return NULL;
}

struct deadlines *deadlines_start(unsigned idle_s, unsigned request_s)
{
	struct deadlines *d = xalloc(sizeof(*d));

	d->idle_ns = idle_s * NS_PER_S;
	d->request_ns = request_s * NS_PER_S;
	mutex_init(&d->mu);
	cond_init(&d->cond);
	thread_start(&d->thread, "deadlines", walk, d);
	return d;
}

struct deadlines *deadlines_stop(struct deadlines *d)
{
	if (!d)
		return NULL;
	mutex_lock(&d->mu);
	d->is_stopping = true;
	cond_signal(&d->cond);
	mutex_unlock(&d->mu);
	thread_join(&d->thread);
	must(!d->first);
	cond_release(&d->cond);
	mutex_release(&d->mu);
	free(d);
	return NULL;
}

struct client *client_open(struct deadlines *d, int fd)
{
	struct client *c = xalloc(sizeof(*c));

	c->deadlines = d;
	c->fd = fd;
	client_await_header(c);
	mutex_lock(&d->mu);
	c->next = d->first;
	c->link = &d->first;
	if (c->next)
		c->next->link = &c->next;
	d->first = c;
	mutex_unlock(&d->mu);
	return c;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	mutex_lock(&c->deadlines->mu);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	mutex_unlock(&c->deadlines->mu);
	free(c);
}

static void set_due(struct client *c, int64_t due_ns)
{
	atomic_store_explicit(&c->due_ns, due_ns, memory_order_relaxed);
}

void client_await_header(struct client *c)
{
	if (!c)
		return;
	c->may_look_whole = false;
	set_due(c, clock_mono_ns() + c->deadlines->idle_ns + c->deadlines->request_ns);
}

void client_await_bytes(struct client *c, int64_t since_ns, uint64_t bytes)
{
	if (c)
		set_due(c, since_ns + c->deadlines->request_ns + (int64_t)(bytes / SLOWEST_BYTES_S) * NS_PER_S);
}

void client_await_end(struct client *c, int64_t due_ns)
{
	if (c)
		set_due(c, due_ns);
}

void client_await_taking(struct client *c, int64_t since_ns, uint64_t bytes)
{
	int64_t part_ns = clock_mono_ns();

	if (!c)
		return;
	c->may_look_whole = true;
	since_ns += (int64_t)(bytes / SLOWEST_BYTES_S) * NS_PER_S;
	set_due(c, (part_ns < since_ns ? part_ns : since_ns) + c->deadlines->request_ns);
}

void client_await_nothing(struct client *c)
{
	if (c)
		set_due(c, INT64_MAX);
}

void client_cut(struct client *c)
{
	if (c)
		set_due(c, 0);
}

/* Connecting a TCP socket to no address ends what it is connected to with a reset. */
void client_reset(struct client *c)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (c)
		(void)connect(c->fd, &none, sizeof(none)); /* fails only when the client is gone already */
}
