/* GET /v1/events/{id}: one record, as it is stored. */
#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"

enum handled handle_event(struct request *r)
{
	enum control_ledger_name ledger;
	struct err err = ERR_INIT;
	int rc = scope_ledger(&r->params, &ledger, &err);

	if (rc == 0) {
		reply_json(&r->reply, 200);
		rc = service_event(r->server->service, &r->who, ledger, r->match.id, &r->reply.body, &err);
	}
	if (rc < 0)
		request_fail(r, &err);
	return HANDLED_NOW;
}
