/*
 * The two buffers and who has them.
 *
 * `front` belongs to the connection's thread. `back` belongs to the worker while is_producing, else to whoever holds
 * the mutex. A suspended connection always has a worker under way (is_waiting needs is_producing), so nothing is left
 * suspended for ever, and server_stop, which waits for what is busy, waits for it.
 *
 * Three may hold a stream: the request, the response, and the worker; the last one out frees it.
 */
#include "api/stream.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/limits.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/sight.h"

#define NS_PER_MS INT64_C(1000000)

struct stream {
	struct stream *next; /* in the server's list */
	struct stream **link;
	struct server *server;
	struct job job;
	const struct stream_ops *ops; /* NULL: not begun */
	void *user;
	uint64_t size_bytes;
	struct MHD_Connection *connection;
	struct principal who; /* who gets it; org NULL: anybody */
	char ip[CALLER_IP_MAX];
	enum permission permission;
	int64_t look_ns;  /* when it is looked at again whether they still may; the worker's */
	int64_t since_ns; /* when sending began, what the client was kept waiting left out */
	int64_t wait_ns;  /* when it began to be kept waiting */
	uint64_t sent_bytes;

	struct mutex mu; /* guards the rest */
	unsigned refs;
	struct client *client; /* NULL: the request is over */
	struct buf front, back;
	size_t front_off; /* what was sent of it */
	bool is_back_full;
	bool is_producing; /* a worker has it, or will */
	bool is_waiting;   /* the connection is suspended */
	bool has_ended;    /* nothing more is produced */
	bool is_cut;
	int rc; /* why it ended, 0: it is whole */
};

/* ---- all streams ---- */

void streams_init(struct streams *all)
{
	mutex_init(&all->mu);
}

void streams_release(struct streams *all)
{
	must(!all->first);
	mutex_release(&all->mu);
}

static void cut(struct stream *x)
{
	mutex_lock(&x->mu);
	x->is_cut = true;
	client_cut(x->client);
	mutex_unlock(&x->mu);
}

void streams_cut(struct streams *all)
{
	mutex_lock(&all->mu);
	all->is_cut = true;
	for (struct stream *x = all->first; x; x = x->next)
		cut(x);
	mutex_unlock(&all->mu);
}

static bool enlist(struct streams *all, struct stream *x)
{
	bool has_place;

	mutex_lock(&all->mu);
	has_place = all->count < STREAMS_MAX;
	if (has_place) {
		all->count++;
		x->is_cut = all->is_cut;
		x->next = all->first;
		x->link = &all->first;
		if (x->next)
			x->next->link = &x->next;
		all->first = x;
	}
	mutex_unlock(&all->mu);
	return has_place;
}

static void delist(struct streams *all, struct stream *x)
{
	mutex_lock(&all->mu);
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	all->count--;
	mutex_unlock(&all->mu);
}

/* ---- one stream ---- */

static void free_stream(struct stream *x)
{
	if (x->ops)
		x->ops->free(x->user);
	buf_release(&x->front);
	buf_release(&x->back);
	mutex_release(&x->mu);
	free(x);
}

static void unref(struct stream *x)
{
	bool is_last;

	mutex_lock(&x->mu);
	is_last = --x->refs == 0;
	mutex_unlock(&x->mu);
	if (!is_last)
		return;
	delist(&x->server->streams, x);
	free_stream(x);
}

int stream_open(struct server *s, struct stream **ret, struct err *err)
{
	struct stream *x = xalloc(sizeof(*x));

	x->server = s;
	x->refs = 1;
	mutex_init(&x->mu);
	if (!enlist(&s->streams, x)) {
		free_stream(x);
		return err_set(err, E_UNAVAILABLE,
			       "%u exports and downloads are sent already, which is as many as there may be at a time; "
			       "try again in a second, or have the export made as a job (POST /v1/exports)",
			       STREAMS_MAX);
	}
	*ret = x;
	return 0;
}

int stream_begin(struct stream *x, const struct stream_ops *ops, void *user, uint64_t size_bytes, struct err *err)
{
	int rc;

	x->ops = ops;
	x->user = user;
	x->size_bytes = size_bytes;
	rc = ops->produce(user, STREAM_BUFFER_BYTES, &x->front, err);
	x->has_ended = rc != 0;
	return rc < 0 ? rc : 0;
}

struct stream *stream_close(struct stream *x)
{
	if (!x)
		return NULL;
	mutex_lock(&x->mu);
	x->client = NULL;
	x->is_cut = true;
	mutex_unlock(&x->mu);
	unref(x);
	return NULL;
}

/* ---- producing ---- */

static void run_producer(struct job *job);

/* Counted as busy first, as request.c has it. */
static void start_producer_locked(struct stream *x)
{
	struct server *s = x->server;

	s->busy++;
	if (s->is_closing) {
		s->busy--;
		x->has_ended = true;
		x->rc = E_CLOSED;
		return;
	}
	x->refs++;
	x->is_producing = true;
	x->job.run = run_producer;
	work_submit(s->work, &x->job);
}

/* What the buffers allow for once the front is empty. */
static void turn_over_locked(struct stream *x)
{
	struct buf empty = x->front;

	if (x->front_off < x->front.len || !x->is_back_full)
		return;
	buf_reset(&empty);
	x->front = x->back;
	x->back = empty;
	x->front_off = 0;
	x->is_back_full = false;
}

/* What a worker made is there. */
static void take_back_locked(struct stream *x, int rc)
{
	x->is_producing = false;
	x->is_back_full = x->back.len > 0;
	x->has_ended = rc != 0;
	x->rc = rc < 0 ? rc : 0;
	turn_over_locked(x);
	if (!x->has_ended && !x->is_back_full && !x->is_cut)
		start_producer_locked(x);
	if (x->is_waiting && (x->has_ended || x->is_cut || x->front_off < x->front.len)) {
		x->is_waiting = false;
		MHD_resume_connection(x->connection);
	}
}

/* A large answer takes long to send, and a key that ends ends it. That self is read no more is looked for whatever the
 * answer is of. */
static int check_still(struct stream *x, struct err *err)
{
	int64_t now_ns = clock_mono_ns();
	bool reads_self = (x->who.permissions & PERMISSION_AUDIT) != 0;

	if (!x->who.org || now_ns < x->look_ns)
		return 0;
	x->look_ns = now_ns + STREAM_LOOK_MS * NS_PER_MS;
	return sight_still(x->server->service, &x->who, x->permission, reads_self ? LEDGER_SELF : LEDGER_MAIN, err);
}

static void run_producer(struct job *job)
{
	struct stream *x = (struct stream *)((char *)job - offsetof(struct stream, job));
	struct server *s = x->server;
	struct err err = ERR_INIT;
	bool is_cut;
	int rc;

	mutex_lock(&x->mu);
	is_cut = x->is_cut;
	mutex_unlock(&x->mu);
	if (is_cut)
		rc = err_set(&err, E_CLOSED, "cut");
	else if ((rc = check_still(x, &err)) == 0)
		rc = x->ops->produce(x->user, STREAM_BUFFER_BYTES, &x->back, &err);
	if (rc < 0 && rc != E_CLOSED)
		diag(DIAG_WARNING, "api", "an answer was broken off while it was sent: %s code=%s", err.message,
		     err_wire(rc));
	mutex_lock(&x->mu);
	take_back_locked(x, rc);
	mutex_unlock(&x->mu);
	unref(x);
	s->busy--;
}

/* ---- sending ---- */

/* Copies what there is; 0 when that is nothing. */
static size_t take_front_locked(struct stream *x, char *to, size_t max)
{
	size_t n = x->front.len - x->front_off;

	n = n < max ? n : max;
	if (n > 0)
		memcpy(to, x->front.p + x->front_off, n);
	x->front_off += n;
	turn_over_locked(x);
	if (!x->has_ended && !x->is_producing && !x->is_back_full)
		start_producer_locked(x);
	return n;
}

static void watch_client_locked(struct stream *x, size_t n)
{
	x->sent_bytes += n;
	client_await_taking(x->client, x->since_ns, x->sent_bytes);
}

static ssize_t break_off_locked(struct stream *x)
{
	client_reset(x->client);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_locked(struct stream *x, char *to, size_t max)
{
	size_t n;

	if (x->wait_ns != 0) {
		x->since_ns += clock_mono_ns() - x->wait_ns;
		x->wait_ns = 0;
	}
	if (x->is_cut)
		return break_off_locked(x);
	n = take_front_locked(x, to, max);
	if (n > 0) {
		watch_client_locked(x, n);
		return (ssize_t)n;
	}
	if (x->has_ended)
		return x->rc < 0 ? break_off_locked(x) : MHD_CONTENT_READER_END_OF_STREAM;
	client_await_nothing(x->client);
	x->wait_ns = clock_mono_ns();
	x->is_waiting = true;
	MHD_suspend_connection(x->connection);
	return 0;
}

static ssize_t on_read(void *cls, uint64_t at, char *to, size_t max)
{
	struct stream *x = cls;
	ssize_t n;

	(void)at;
	mutex_lock(&x->mu);
	n = read_locked(x, to, max);
	mutex_unlock(&x->mu);
	return n;
}

static void on_free(void *cls)
{
	unref(cls);
}

static struct MHD_Response *make_response(struct stream *x, bool is_head)
{
	bool is_known = x->size_bytes != STREAM_SIZE_UNKNOWN;
	struct MHD_Response *response = MHD_create_response_from_callback(is_known ? x->size_bytes : MHD_SIZE_UNKNOWN,
									  STREAM_PIECE_BYTES, on_read, x, on_free);

	/* libmicrohttpd would end chunks that it never began. */
	if (response && is_head && !is_known)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

/* What is borrowed of the request may be gone before the stream is. */
static void set_reader(struct stream *x, const struct request *r)
{
	memcpy(x->ip, r->ip, sizeof(x->ip));
	x->who = r->who;
	x->who.caller = (struct caller){.ip = span_str(x->ip)};
	x->permission = r->match.route->permission;
	x->look_ns = clock_mono_ns() + STREAM_LOOK_MS * NS_PER_MS;
}

struct MHD_Response *stream_response(struct stream *x, const struct request *r)
{
	struct MHD_Response *response = make_response(x, r->is_head);

	if (!response)
		return NULL;
	mutex_lock(&x->mu);
	x->refs++;
	x->client = r->client;
	x->connection = r->connection;
	x->job.owner = r->who.org;
	set_reader(x, r);
	x->since_ns = clock_mono_ns();
	watch_client_locked(x, 0);
	if (!x->has_ended && !x->is_cut && !r->is_head)
		start_producer_locked(x);
	mutex_unlock(&x->mu);
	return response;
}
