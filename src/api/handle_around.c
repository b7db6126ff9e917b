/* GET /v1/events/{id}/around: one record with those that came before and after it. */
#include "api/handler.h"
#include "api/limits.h"
#include "api/page_json.h"
#include "api/request.h"
#include "api/scope.h"

static int find(struct request *r, struct near *ret, struct err *err)
{
	struct search_params scope = {.limit = 1};
	uint32_t before, after;
	int rc;

	if ((rc = scope_take(&r->params, &scope, err)) < 0)
		return rc;
	if ((rc = param_number(&r->params, PARAM_BEFORE, 0, NEAR_MAX, NEAR_DEFAULT, &before, err)) < 0)
		return rc;
	if ((rc = param_number(&r->params, PARAM_AFTER, 0, NEAR_MAX, NEAR_DEFAULT, &after, err)) < 0)
		return rc;
	return service_near(r->server->service, &r->who, &scope, r->match.id, before, after, ret, err);
}

static void answer(struct request *r, const struct near *n)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"before\":");
	page_json_records(to, &n->before, true);
	buf_put_str(to, ",\"event\":");
	buf_put_span(to, buf_span(&n->event));
	buf_put_str(to, ",\"after\":");
	page_json_records(to, &n->after, false);
	page_json_damaged(to, &n->damaged);
	buf_put_str(to, "}\n");
	request_charge_answer(r);
}

enum handled handle_around(struct request *r)
{
	struct near n = NEAR_INIT;
	struct err err = ERR_INIT;

	if (find(r, &n, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	answer(r, &n);
	near_release(&n);
	return HANDLED_NOW;
}
