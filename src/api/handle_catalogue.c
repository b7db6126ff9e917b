/* /v1/catalogue: the entities and actions an org knows. */
#include "api/handler.h"
#include "api/request.h"
#include "api/version.h"
#include "service/catalogue.h"

static enum handled answer(struct request *r)
{
	struct err err = ERR_INIT;
	int64_t version;

	reply_json(&r->reply, 200);
	if (service_catalogue_get(r->server->service, &r->who, &r->reply.body, &version, &err) < 0)
		request_fail(r, &err);
	else if (version != VERSION_ANY)
		version_put(&r->reply, version);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_catalogue(struct request *r)
{
	return answer(r);
}

enum handled handle_catalogue_set(struct request *r)
{
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_catalogue_put(r->server->service, &r->who, buf_span(&r->body.bytes), version, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	return answer(r);
}
