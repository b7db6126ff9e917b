/* GET /v1/events/{id}: one record, as it is stored. */
#include "api/handler.h"
#include "api/request.h"

enum handled handle_event(struct request *r)
{
	static const char *const ledgers[] = {"main", "self", NULL}; /* enum control_ledger_name */
	struct err err = ERR_INIT;
	int ledger;
	int rc;

	rc = param_word(&r->params, PARAM_LEDGER, ledgers, 0, &ledger, &err);
	if (rc == 0) {
		reply_json(&r->reply, 200);
		rc = service_event(r->server->service, &r->who, (enum control_ledger_name)ledger, r->match.id,
				   &r->reply.body, &err);
	}
	if (rc < 0)
		request_fail(r, &err);
	return HANDLED_NOW;
}
