/*
 * GET /healthz: the process answers. GET /readyz: it takes writes, or why not. Faults that the verification has found
 * are told as reasons, but the answer stays 200: what is sound is read and written, and a proxy that takes the node out
 * would keep people from all of it.
 */
#include "api/handler.h"
#include "api/request.h"
#include "service/verification.h"

enum handled handle_health(struct request *r)
{
	reply_json(&r->reply, 200);
	buf_put_str(&r->reply.body, "{\"status\":\"ok\",\"version\":\"" STELE_VERSION "\"}\n");
	return HANDLED_NOW;
}

enum handled handle_ready(struct request *r)
{
	struct err err = ERR_INIT;

	if (service_ready(r->server->service, &err) == 0) {
		reply_json(&r->reply, 200);
		buf_put_str(&r->reply.body, "{\"ready\":true,\"reasons\":[");
		if (service_sound(r->server->service, &err) < 0)
			reply_put_error(&r->reply.body, &err);
		buf_put_str(&r->reply.body, "]}\n");
		return HANDLED_NOW;
	}
	service_redact(r->server->service, &err); /* no key was asked for */
	reply_json(&r->reply, 503);
	r->reply.wants_retry = true;
	buf_put_str(&r->reply.body, "{\"ready\":false,\"reasons\":[");
	reply_put_error(&r->reply.body, &err);
	buf_put_str(&r->reply.body, "]}\n");
	return HANDLED_NOW;
}
