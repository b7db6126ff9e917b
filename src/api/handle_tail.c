/* GET /v1/tail: events as they come, without end; tail.h. */
#include <string.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "base/clock.h"
#include "service/sight.h"

#define CONTENT_EVENTS "text/event-stream"

static int name_field(struct err *err, const char *field, int rc)
{
	if (rc < 0)
		err_set_field(err, field, strlen(field));
	return rc;
}

/* Behind the event that the client saw last; else at the end. A client that connects again says so in the header, by
 * itself, while its URL stays the one it began with. */
static int take_position(struct request *r, struct tail_config *c, struct err *err)
{
	const char *last = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Last-Event-ID");
	struct span after = r->params.value[PARAM_AFTER];
	struct service *s = r->server->service;

	if (last && last[0] != '\0')
		return name_field(err, "Last-Event-ID",
				  service_position(s, &r->who, c->ledger, span_str(last), &c->position, err));
	if (param_is_given(&r->params, PARAM_AFTER))
		return name_field(err, "after", service_position(s, &r->who, c->ledger, after, &c->position, err));
	c->position = service_size(s, &r->who, c->ledger);
	return 0;
}

static int open_tail(struct request *r, struct err *err)
{
	struct tail_config c = {.connection = r->connection, .client = r->client, .who = r->who};
	int rc;

	if ((rc = scope_ledger(&r->params, &c.ledger, err)) < 0)
		return rc;
	if ((rc = take_position(r, &c, err)) < 0)
		return rc;
	rc = sight_query(&r->who, c.ledger, r->params.value[PARAM_QUERY], clock_wall_us(), &c.query, err);
	if (rc < 0)
		return rc;
	if (r->match.is_head) {
		query_free(c.query);
		return 0;
	}
	if ((rc = service_tail_begin(r->server->service, &r->who, c.ledger, r->params.value[PARAM_QUERY], c.query,
				     err)) < 0) {
		query_free(c.query);
		return rc;
	}
	/* What the request has is gone when the tail tells of its end. */
	c.who.caller.user_agent = span_of(NULL, 0);
	c.who.caller.reading = NULL;
	c.who.caller.quota = NULL;
	return tail_open(r->server->tails, &c, &r->tail, err);
}

enum handled handle_tail(struct request *r)
{
	struct err err = ERR_INIT;

	if (open_tail(r, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	r->reply.status = 200;
	r->reply.content_type = CONTENT_EVENTS;
	return HANDLED_NOW;
}
