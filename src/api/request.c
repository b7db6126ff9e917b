/*
 * The course of a request. libmicrohttpd calls request_on_access once when the headers are there, once for each piece
 * of the body, and once at its end; when the connection was suspended there, once more after it is resumed.
 *
 * A refused request with a body: libmicrohttpd can answer at once, but then closes the connection with unread bytes in
 * it, and the client may see a reset instead of the answer. So the body is read and thrown away first, unless the
 * client waits for a go-ahead (Expect: 100-continue) or the body is very large.
 */
#include "api/request.h"

#include <stdlib.h>
#include <strings.h>

#include "api/limits.h"
#include "api/param_json.h"
#include "base/clock.h"
#include "base/diag.h"
#include "service/session.h"

void request_fail(struct request *r, const struct err *err)
{
	struct err shown = *err;

	if (err_http_status(err->code) >= 500)
		service_redact(r->server->service, &shown);
	dialect_error(r->dialect, &r->reply, &shown);
	if (err->code == E_METHOD)
		r->reply.allow = r->match.allow;
	if (r->reply.status >= 500 && err->code != E_UNAVAILABLE && err->code != E_CLOSED)
		diag(DIAG_WARNING, "api", "%s code=%s where=%s:%d", err->message, err_wire(err->code),
		     err->source_file ? err->source_file : "", err->source_line);
}

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* Whether a body follows that should be read before the refusal is sent. */
static bool should_drain(struct request *r)
{
	const char *length = header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *expect = header(r, MHD_HTTP_HEADER_EXPECT);

	if (expect && strcasecmp(expect, "100-continue") == 0)
		return false;
	return !length || strtoull(length, NULL, 10) <= DRAIN_BYTES_MAX;
}

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void request_suspend(struct request *r)
{
	if (r->is_suspended)
		return;
	r->is_suspended = true;
	r->phase = REQUEST_BUSY;
	r->server->busy++;
	MHD_suspend_connection(r->connection);
}

static void hand_back(struct request *r)
{
	struct server *s = r->server;

	r->is_suspended = false;
	r->phase = REQUEST_READY;
	MHD_resume_connection(r->connection); /* from here it is the connection thread's again */
	s->busy--;
}

static void on_told(struct reading *reading)
{
	hand_back((struct request *)((char *)reading - offsetof(struct request, reading)));
}

void request_finish(struct request *r)
{
	if (reading_join(&r->reading))
		hand_back(r);
}

/* What cannot be told of is not given out. */
static void check_told(struct request *r)
{
	struct err err = ERR_INIT;

	if (reading_result(&r->reading, &err) == 0)
		return;
	tail_close(r->tail);
	r->tail = NULL;
	r->stream = stream_close(r->stream);
	reply_reset(&r->reply);
	request_fail(r, &err);
}

/*
 * The path is decoded before it is matched, so an encoded separator would match where a proxy in front, which decides
 * by the path as it came, saw none; and what stands behind an encoded NUL would not be seen at all. Nothing has either
 * in its path.
 */
static char bad_target;

static bool is_separator(const char *escape)
{
	static const char *const escapes[] = {"%00", "%2f", "%5c"};

	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		if (strncasecmp(escape, escapes[i], 3) == 0)
			return true;
	}
	return false;
}

void *request_on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	(void)cls, (void)connection;
	for (const char *at = target; *at != '\0' && *at != '?'; at++) {
		if (*at == '%' && is_separator(at))
			return &bad_target;
	}
	return NULL;
}

static enum MHD_Result begin(struct server *s, struct MHD_Connection *connection, const char *method, const char *url,
			     const char *version, void **con_cls)
{
	struct request *r = request_take(s);
	struct err err = ERR_INIT;

	r->has_bad_target = *con_cls == &bad_target;
	r->connection = connection;
	r->client = client_of(connection);
	r->dialect = dialect_of(url);
	r->is_head = strcmp(method, "HEAD") == 0;
	caller_take(connection, &s->proxies, r->ip, &r->who.caller, &r->is_secure);
	r->is_secure |= s->tls != NULL;
	reading_init(&r->reading, on_told);
	r->who.caller.reading = &r->reading;
	r->who.caller.quota = &r->quota;
	r->start_ns = clock_mono_ns();
	r->phase = REQUEST_BODY;
	*con_cls = r;
	client_await_bytes(r->client, r->start_ns, 0);
	atomic_fetch_add_explicit(&s->meter.in_flight, 1, memory_order_relaxed);
	if (request_check(r, method, url, version, &err) == 0)
		return MHD_YES;
	request_fail(r, &err);
	if (r->reply.closes || !should_drain(r))
		return request_send(r);
	r->phase = REQUEST_DRAIN;
	return MHD_YES;
}

static enum MHD_Result take_piece(struct request *r, struct span piece)
{
	struct err err = ERR_INIT;

	r->arrived_bytes += piece.len;
	client_await_bytes(r->client, r->start_ns, r->arrived_bytes);
	atomic_fetch_add_explicit(&r->server->meter.body_bytes, piece.len, memory_order_relaxed);
	if (r->phase == REQUEST_BODY && (r->match.route->flags & ROUTE_HAS_BODY)) {
		if (body_feed(&r->body, piece, &err) == 0)
			return MHD_YES;
		request_fail(r, &err);
		body_reset(&r->body);
		r->phase = REQUEST_DRAIN;
		return MHD_YES;
	}
	r->drained_bytes += piece.len;
	return r->drained_bytes <= DRAIN_BYTES_MAX ? MHD_YES : MHD_NO;
}

static void run_job(struct job *job)
{
	struct request *r = (struct request *)((char *)job - offsetof(struct request, job));
	bool hashes = (r->match.route->flags & ROUTE_HAS_PASSWORD) != 0;
	struct server *s = r->server;

	if (r->who.session[0] != '\0')
		service_session_used(s->service, &r->who);
	if (r->match.route->handle(r) == HANDLED_NOW)
		request_finish(r);
	if (hashes)
		s->hashing_count--;
}

/* To the threads that hash passwords. */
static enum MHD_Result hash_later(struct request *r)
{
	struct server *s = r->server;
	struct err err = ERR_INIT;

	if (++s->hashing_count > HASHING_MAX) {
		s->hashing_count--;
		(void)err_set(&err, E_UNAVAILABLE, "%u passwords wait to be checked; try again in a second",
			      HASHING_MAX);
		request_fail(r, &err);
		return request_send(r);
	}
	request_suspend(r);
	r->job.run = run_job;
	work_submit(s->hashing, &r->job);
	return MHD_YES;
}

static int end_body(struct request *r, struct err *err)
{
	const struct route *route = r->match.route;
	int rc;

	if (!(route->flags & ROUTE_HAS_BODY))
		return 0;
	if ((rc = body_end(&r->body, err)) < 0 || !(route->flags & ROUTE_HAS_JSON))
		return rc;
	return param_add_json(&r->params, route->params, buf_span(&r->body.bytes), &r->json, err);
}

static enum MHD_Result run_handler(struct request *r)
{
	const struct route *route = r->match.route;
	struct err err = ERR_INIT;

	if (end_body(r, &err) < 0) {
		request_fail(r, &err);
		return request_send(r);
	}
	if (route->flags & ROUTE_HAS_PASSWORD)
		return hash_later(r);
	if ((route->flags & ROUTE_IS_SLOW) || r->body.bytes.len > INLINE_BYTES_MAX) {
		request_suspend(r);
		r->job.run = run_job;
		work_submit(r->server->work, &r->job);
		return MHD_YES;
	}
	if (r->who.session[0] != '\0')
		service_session_used(r->server->service, &r->who);
	if (route->handle(r) == HANDLED_LATER)
		return MHD_YES;
	if (!reading_is_open(&r->reading))
		return request_send(r);
	request_suspend(r);
	request_finish(r);
	return MHD_YES;
}

/* The request is whole: run its handler, here or on a worker. Counted as busy first: a stopping server either waits for
 * it, or it sees that it is too late to be suspended. */
static enum MHD_Result handle(struct request *r)
{
	struct server *s = r->server;
	struct err err = ERR_INIT;
	enum MHD_Result result;

	client_await_nothing(r->client);
	s->busy++;
	if (s->is_closing) {
		(void)err_set(&err, E_CLOSED, "the server is shutting down");
		request_fail(r, &err);
		result = request_send(r);
	} else {
		result = run_handler(r);
	}
	s->busy--;
	return result;
}

enum MHD_Result request_on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_len, void **con_cls)
{
	struct request *r = *con_cls;

	if (!r || *con_cls == &bad_target)
		return begin(cls, connection, method, url, version, con_cls);
	if (*upload_len > 0) {
		struct span piece = span_of(upload, *upload_len);

		*upload_len = 0;
		return take_piece(r, piece);
	}
	if (r->phase == REQUEST_BODY)
		return handle(r);
	if (r->complete)
		r->complete(r);
	check_told(r);
	return request_send(r);
}

void request_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
			  enum MHD_RequestTerminationCode how)
{
	struct server *s = cls;
	struct request *r = *con_cls;

	client_await_header(client_of(connection));
	if (!r || *con_cls == &bad_target)
		return;
	*con_cls = NULL;
	must(!r->is_suspended);
	tail_close(r->tail);
	if (r->reply.status != 0)
		meter_answer(&s->meter, r->match.route, r->reply.status, clock_mono_ns() - r->start_ns);
	if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		atomic_fetch_add_explicit(&s->meter.aborted, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s->meter.in_flight, 1, memory_order_relaxed);
	request_give(r);
}

static int charge_answer(struct request *r, uint64_t bytes, struct err *err)
{
	if (bytes <= INLINE_BYTES_MAX)
		return 0;
	if (!budget_charge(&r->server->budget, bytes))
		return err_set(err, E_UNAVAILABLE,
			       "the server holds %u MiB of answers that wait for their clients; try again in "
			       "a second, or ask for less",
			       BODY_MEMORY_MAX >> 20);
	r->answer_charge = bytes;
	return 0;
}

int request_reserve_answer(struct request *r, uint64_t bytes, struct err *err)
{
	if (!buf_room(&r->reply.body, (size_t)bytes)) {
		buf_reset(&r->reply.body);
		return err_set(err, E_NO_MEMORY,
			       "not enough memory for the answer; send the events in several requests");
	}
	return charge_answer(r, bytes, err);
}

void request_charge_answer(struct request *r)
{
	struct err err = ERR_INIT;

	if (charge_answer(r, r->reply.body.len, &err) < 0)
		request_fail(r, &err);
}
