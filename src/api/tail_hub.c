/* The list of tails and the thread that looks after those that wait. Without tails it sleeps. */
#include <poll.h>
#include <stdlib.h>

#include "api/limits.h"
#include "api/tail_priv.h"
#include "base/clock.h"
#include "base/mem.h"

#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

static bool has_grown(const struct tail *t)
{
	return service_size(t->hub->service, &t->config.who, t->config.ledger) > t->position;
}

void tail__wake_locked(struct tail *t)
{
	t->state = TAIL_SENDING;
	MHD_resume_connection(t->config.connection); /* from here it is the connection thread's again */
	(*t->hub->busy)--;
}

void tail__rest_locked(struct tail *t)
{
	buf_release(&t->pending);
	t->sent = 0;
	t->silent_ns = clock_mono_ns() + t->hub->heartbeat_ns;
	client_await_nothing(t->config.client);
	(*t->hub->busy)++;
	MHD_suspend_connection(t->config.connection);
	if (has_grown(t))
		tail__search_locked(t);
	else
		t->state = TAIL_WAITING;
}

/* ---- the thread ---- */

static void look_at_locked(struct tail *t, int64_t now_ns)
{
	if (t->state != TAIL_WAITING)
		return;
	if (now_ns >= t->silent_ns) {
		tail__put_sign(t);
		tail__wake_locked(t);
	} else if (has_grown(t)) {
		tail__search_locked(t);
	}
}

/* libmicrohttpd does not look at a suspended connection: nobody else would notice that the client has hung up. A client
 * that only says it will send no more has hung up too; programs that follow events do not do that. */
static void look_for_gone_locked(struct tail_hub *h)
{
	struct pollfd fds[TAILS_MAX];
	nfds_t n = 0;

	for (struct tail *t = h->first; t; t = t->next)
		fds[n++] = (struct pollfd){t->fd, POLLRDHUP, 0};
	if (poll(fds, n, 0) <= 0)
		return;
	n = 0;
	for (struct tail *t = h->first; t; t = t->next, n++) {
		if (t->state != TAIL_WAITING || (fds[n].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0)
			continue;
		t->is_gone = true;
		tail__wake_locked(t);
	}
}

static void *look(void *arg)
{
	struct tail_hub *h = arg;
	int64_t look_ns = 0;

	mutex_lock(&h->mu);
	while (!h->is_stopping) {
		int64_t now_ns = clock_mono_ns();

		if (!h->first) {
			cond_wait(&h->cond, &h->mu);
			continue;
		}
		for (struct tail *t = h->first; t; t = t->next)
			look_at_locked(t, now_ns);
		if (now_ns >= look_ns) {
			look_for_gone_locked(h);
			look_ns = now_ns + TAIL_LOOK_MS * NS_PER_MS;
		}
		(void)cond_wait_for(&h->cond, &h->mu, TAIL_STEP_MS);
	}
	mutex_unlock(&h->mu);
	return NULL;
}

struct tail_hub *tail_hub_start(struct service *service, struct work *work, _Atomic uint64_t *busy,
				unsigned heartbeat_s)
{
	struct tail_hub *h = xalloc(sizeof(*h));

	h->service = service;
	h->work = work;
	h->busy = busy;
	h->heartbeat_ns = heartbeat_s * NS_PER_S;
	mutex_init(&h->mu);
	cond_init(&h->cond);
	thread_start(&h->thread, "tails", look, h);
	return h;
}

void tail_hub_close(struct tail_hub *h)
{
	int64_t due_ns = clock_mono_ns() + TAIL_STOP_MS * NS_PER_MS;

	mutex_lock(&h->mu);
	h->is_closing = true;
	for (struct tail *t = h->first; t; t = t->next) {
		t->is_over = true;
		client_await_end(t->config.client, due_ns);
		if (t->state == TAIL_WAITING)
			tail__wake_locked(t);
	}
	mutex_unlock(&h->mu);
}

struct tail_hub *tail_hub_stop(struct tail_hub *h)
{
	if (!h)
		return NULL;
	mutex_lock(&h->mu);
	h->is_stopping = true;
	cond_signal(&h->cond);
	mutex_unlock(&h->mu);
	thread_join(&h->thread);
	must(!h->first);
	cond_release(&h->cond);
	mutex_release(&h->mu);
	free(h);
	return NULL;
}

unsigned tail_hub_count(struct tail_hub *h)
{
	unsigned count;

	mutex_lock(&h->mu);
	count = h->count;
	mutex_unlock(&h->mu);
	return count;
}

/* ---- the list ---- */

static int check_room_locked(const struct tail_hub *h, struct err *err)
{
	if (h->is_closing)
		return err_set(err, E_CLOSED, "the server is shutting down");
	if (h->count >= TAILS_MAX)
		return err_set(err, E_UNAVAILABLE,
			       "%u clients follow events already, which is the most; try again later, or ask for pages "
			       "with order=oldest and after=",
			       TAILS_MAX);
	return 0;
}

static void link_locked(struct tail_hub *h, struct tail *t)
{
	t->next = h->first;
	t->link = &h->first;
	if (t->next)
		t->next->link = &t->next;
	h->first = t;
	if (h->count++ == 0)
		cond_signal(&h->cond);
}

static void free_tail(struct tail *t)
{
	query_free(t->config.query);
	buf_release(&t->pending);
	free(t);
}

int tail_open(struct tail_hub *h, const struct tail_config *config, struct tail **ret, struct err *err)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(config->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct tail *t = xalloc(sizeof(*t));
	int rc;

	t->hub = h;
	t->config = *config;
	t->job.owner = config->who.org;
	t->fd = info ? info->connect_fd : -1; /* poll passes over -1 */
	t->position = config->position;
	t->batch = TAIL_EVENTS_MAX;
	buf_printf(&t->pending, "retry: %d\n", TAIL_RETRY_MS);
	tail__put_sign(t);
	mutex_lock(&h->mu);
	if ((rc = check_room_locked(h, err)) == 0)
		link_locked(h, t);
	mutex_unlock(&h->mu);
	if (rc < 0)
		free_tail(t);
	else
		*ret = t;
	return rc;
}

void tail_close(struct tail *t)
{
	if (!t)
		return;
	mutex_lock(&t->hub->mu);
	must(t->state == TAIL_SENDING);
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->hub->count--;
	mutex_unlock(&t->hub->mu);
	if (t->has_begun)
		service_tail_end(t->hub->service, &t->config.who, t->config.ledger, t->events);
	free_tail(t);
}
