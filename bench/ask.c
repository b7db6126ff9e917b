/* The requests, as somebody who knows docs/api.md would write them. */
#include "ask.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "answer.h"
#include "base/clock.h"

int ask_open(struct ask *a, const struct target *target, struct err *err)
{
	*a = (struct ask){.target = target, .fd = -1, .reply = WIRE_REPLY_INIT};
	return wire_connect(&target->address, &a->fd, err);
}

void ask_close(struct ask *a)
{
	if (a->fd >= 0)
		close(a->fd);
	buf_release(&a->request);
	wire_reply_release(&a->reply);
}

/* ---- requests ---- */

static void put_encoded(struct buf *to, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~:/=", *text))
			buf_put_u8(to, (uint8_t)*text);
		else
			buf_printf(to, "%%%02X", (unsigned char)*text);
	}
}

/* The query of a page, with its value; "" for all records. */
static void put_query(struct buf *to, const struct question *q)
{
	switch (q->kind) {
	case QUESTION_ACTOR:
	case QUESTION_RARE_ACTOR:
		buf_printf(to, "actor.id:\"%s\"", q->text);
		break;
	case QUESTION_REQUEST_ID:
		buf_printf(to, "attributes.request_id:%s", q->text);
		break;
	case QUESTION_PHRASE:
	case QUESTION_PHRASE_NAME:
		buf_printf(to, "description:\"%s\"", q->text);
		break;
	case QUESTION_THREE_FIELDS:
		buf_printf(to, "action:%s entity.type:%s outcome.type:failure", event_action(q->action),
			   event_entity(q->entity));
		break;
	case QUESTION_EXPORT:
		buf_printf(to, "entity.type:%s", event_entity(q->entity));
		break;
	case QUESTION_REGEX:
		buf_printf(to, "description:/%s/", q->text);
		break;
	default:
		break;
	}
	buf_put_u8(to, 0);
}

static void put_path(struct buf *to, const struct question *q)
{
	struct buf query = BUF_INIT;

	switch (q->kind) {
	case QUESTION_BY_ACTION:
		buf_put_str(to, "/v1/facets?fields=action");
		break;
	case QUESTION_BY_HOUR:
		buf_put_str(to, "/v1/histogram?interval=1h");
		break;
	case QUESTION_TOP_ACTORS:
		buf_printf(to, "/v1/facets?fields=actor.id&limit=%u", QUESTION_TOP);
		break;
	case QUESTION_EXPORT:
		buf_put_str(to, "/v1/export?format=ndjson");
		break;
	default:
		buf_printf(to, "/v1/events?limit=%u", QUESTION_LIMIT);
		break;
	}
	if (q->kind == QUESTION_REGEX)
		buf_put_str(to, "&total=exact");
	put_query(&query, q);
	if (query.len > 1) {
		buf_put_str(to, "&query=");
		put_encoded(to, (const char *)query.p);
	}
	buf_release(&query);
	buf_put_u8(to, 0);
}

static void prepare(struct ask *a, const struct question *q, const char *more)
{
	struct buf path = BUF_INIT;

	put_path(&path, q);
	path.len--; /* the NUL */
	buf_put(&path, more, strlen(more) + 1);
	buf_reset(&a->request);
	wire_put_head(&a->request, &a->target->address, "GET", (const char *)path.p, a->target->key, NULL);
	buf_put_str(&a->request, "\r\n");
	buf_release(&path);
	wire_reply_reset(&a->reply);
}

int ask_put(struct ask *a, const struct question *q, int64_t *ret_ns, struct err *err)
{
	int64_t begin_ns;
	int rc;

	prepare(a, q, "");
	begin_ns = clock_mono_ns();
	rc = wire_send(a->fd, buf_span(&a->request), false, err);
	if (rc == 0 && q->kind == QUESTION_EXPORT)
		rc = wire_drain(a->fd, &a->drained, err);
	else if (rc == 0)
		rc = wire_receive(a->fd, true, &a->reply, err);
	*ret_ns = clock_mono_ns() - begin_ns;
	return rc;
}

void ask_explain(struct ask *a, const struct question *q)
{
	static const char member[] = "\"explain\":";
	struct span body;
	const uint8_t *at;

	prepare(a, q, "&explain=true");
	if (wire_send(a->fd, buf_span(&a->request), false, NULL) < 0 || wire_receive(a->fd, true, &a->reply, NULL) < 0)
		return;
	body = wire_reply_body(&a->reply);
	at = a->reply.status == 200 ? memmem(body.p, body.len, member, sizeof(member) - 1) : NULL;
	if (at)
		printf("%s %.*s\n", question_name(q->kind), (int)(body.p + body.len - at), (const char *)at);
}

bool ask_is_missing(const struct ask *a, const struct question *q)
{
	int status = q->kind == QUESTION_EXPORT ? a->drained.status : a->reply.status;

	return status == 404 || (q->kind == QUESTION_REGEX && status == 400);
}

/* ---- answers ---- */

static int check_export(const struct ask *a, const struct question *q, const struct ask_bounds *bounds, struct err *err)
{
	uint64_t least = question_matches(q, bounds->least);
	uint64_t most = question_matches(q, bounds->most);

	if (a->drained.status != 200)
		return err_set(err, E_UNAVAILABLE, "status %d instead of 200: %.200s", a->drained.status,
			       a->drained.beginning);
	return answer_expect("lines", a->drained.lines, least, most, err);
}

int ask_check(const struct ask *a, const struct question *q, const struct question_source *source,
	      const struct ask_bounds *bounds, struct err *err)
{
	int rc;

	if (q->kind == QUESTION_EXPORT)
		return check_export(a, q, bounds, err);
	if ((rc = wire_reply_expect(&a->reply, 200, err)) < 0)
		return rc;
	if (q->kind == QUESTION_BY_ACTION || q->kind == QUESTION_TOP_ACTORS)
		return answer_check_facets(wire_reply_body(&a->reply), q, source->stream, bounds, err);
	if (q->kind == QUESTION_BY_HOUR)
		return answer_check_hours(wire_reply_body(&a->reply), bounds, err);
	if (q->kind == QUESTION_REGEX)
		return answer_check_total(wire_reply_body(&a->reply), q, bounds, err);
	return answer_check_page(wire_reply_body(&a->reply), q, bounds, err);
}
