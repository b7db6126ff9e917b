/*
 * One event a request: one thread, each connection with one request under way, epoll says whose answer is there. A
 * request fits a socket buffer, so sending never waits.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "load.h"

#define EVENTS_AT_ONCE 64
#define ANSWER_WAIT_MS 30000

struct single_slot {
	struct wire_reply reply;
	int64_t begin_ns;
	int fd;
};

struct single {
	struct load *load;
	struct buf head;    /* the part of a request that is the same in all */
	struct buf request; /* being put together */
	struct single_slot *slots;
	struct latency latency;
	uint64_t off; /* of the next event in the corpus */
	uint64_t sent;
	uint64_t answered;
	int epoll;
};

static int send_next(struct single *s, struct single_slot *slot, struct err *err)
{
	struct span line = corpus_line(&s->load->corpus, s->off);

	buf_reset(&s->request);
	buf_put_span(&s->request, buf_span(&s->head));
	buf_printf(&s->request, "Content-Length: %zu\r\n\r\n", line.len);
	buf_put_span(&s->request, line);
	s->off += line.len + 1;
	s->sent++;
	wire_reply_reset(&slot->reply);
	slot->begin_ns = clock_mono_ns();
	return wire_send(slot->fd, buf_span(&s->request), false, err);
}

static int open_slots(struct single *s, struct err *err)
{
	const struct load *l = s->load;
	int rc = 0;

	for (uint32_t i = 0; i < l->connections; i++)
		s->slots[i].fd = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return err_errno(err, errno, "epoll");
	for (uint32_t i = 0; i < l->connections && rc == 0; i++) {
		struct epoll_event interest = {.events = EPOLLIN, .data.ptr = &s->slots[i]};

		rc = wire_connect(&l->target.address, &s->slots[i].fd, err);
		if (rc == 0 && epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->slots[i].fd, &interest) < 0)
			rc = err_errno(err, errno, "epoll");
	}
	return rc;
}

static int on_readable(struct single *s, struct single_slot *slot, struct err *err)
{
	int rc = wire_receive(slot->fd, false, &slot->reply, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	latency_add(&s->latency, clock_mono_ns() - slot->begin_ns);
	s->answered++;
	if ((rc = wire_reply_expect(&slot->reply, 201, err)) < 0)
		return rc;
	return s->sent < s->load->corpus.events ? send_next(s, slot, err) : 0;
}

static int exchange_all(struct single *s, struct err *err)
{
	struct epoll_event ready[EVENTS_AT_ONCE];
	uint64_t total = s->load->corpus.events;
	int rc = 0;

	for (uint32_t i = 0; i < s->load->connections && s->sent < total && rc == 0; i++)
		rc = send_next(s, &s->slots[i], err);
	while (rc == 0 && s->answered < total) {
		int n = epoll_wait(s->epoll, ready, EVENTS_AT_ONCE, ANSWER_WAIT_MS);

		if (n == 0)
			rc = err_set(err, E_TIMEOUT, "no answer in %d s", ANSWER_WAIT_MS / 1000);
		if (n < 0 && errno != EINTR)
			rc = err_errno(err, errno, "epoll");
		for (int i = 0; i < n && rc == 0; i++)
			rc = on_readable(s, ready[i].data.ptr, err);
	}
	return rc;
}

static void release(struct single *s)
{
	for (uint32_t i = 0; i < s->load->connections; i++) {
		wire_reply_release(&s->slots[i].reply);
		if (s->slots[i].fd >= 0)
			close(s->slots[i].fd);
	}
	if (s->epoll >= 0)
		close(s->epoll);
	free(s->slots);
	buf_release(&s->head);
	buf_release(&s->request);
	latency_release(&s->latency);
}

int load_single(struct load *l, struct report *r, struct err *err)
{
	struct single s = {.load = l, .slots = xarray(l->connections, sizeof(*s.slots)), .epoll = -1};
	struct load_cost cost;
	int rc;

	wire_put_head(&s.head, &l->target.address, "POST", TARGET_APPEND_PATH, l->target.key, "application/json");
	if ((rc = open_slots(&s, err)) < 0)
		goto out;
	load_cost_begin(l, &cost);
	if ((rc = exchange_all(&s, err)) < 0)
		goto out;
	if ((rc = load_cost_end(l, &cost, s.answered, s.off, r, err)) < 0)
		goto out;
	report_add_latency(r, "", &s.latency);
out:
	release(&s);
	return rc;
}
