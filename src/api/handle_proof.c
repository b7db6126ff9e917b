/*
 * GET /v1/events/{id}/proof: the event's .tlog-proof. With wait=true the request is suspended until a checkpoint covers
 * the event.
 */
#include <stdio.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "service/proof.h"

#define DISPOSITION_MAX (sizeof("attachment; filename=\"\"") + RECORD_ID_LEN + sizeof(".tlog-proof"))

static void begin_answer(struct request *r)
{
	char disposition[DISPOSITION_MAX];

	snprintf(disposition, sizeof(disposition), "attachment; filename=\"%.*s.tlog-proof\"", (int)r->match.id.len,
		 (const char *)r->match.id.p);
	reply_begin(&r->reply, 200, CONTENT_TEXT);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
}

/* The record is wait.size - 1. */
static void answer(struct request *r)
{
	struct err err = ERR_INIT;

	begin_answer(r);
	if (service_prove(r->server->service, &r->who, r->wait.ledger, r->wait.size - 1, &r->reply.body, &err) < 0)
		request_fail(r, &err);
}

static void run_answer(struct job *job)
{
	struct request *r = (struct request *)((char *)job - offsetof(struct request, job));

	answer(r);
	request_finish(r);
}

static int take(struct request *r, bool *ret_wait, struct err *err)
{
	uint64_t index;
	int rc;

	if ((rc = scope_ledger(&r->params, &r->wait.ledger, err)) < 0)
		return rc;
	if ((rc = param_bool(&r->params, PARAM_WAIT, false, ret_wait, err)) < 0)
		return rc;
	if ((rc = service_index(r->server->service, &r->who, r->wait.ledger, r->match.id, &index, err)) < 0)
		return rc;
	r->wait.who = &r->who;
	r->wait.size = index + 1;
	return 0;
}

enum handled handle_proof(struct request *r)
{
	struct err err = ERR_INIT;
	bool may_wait;

	if (take(r, &may_wait, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	if (!may_wait || service_is_settled(r->server->service, &r->who, r->wait.ledger, r->wait.size)) {
		answer(r);
		return HANDLED_NOW;
	}
	r->job.run = run_answer;
	r->wait.job = &r->job;
	proof_wait(r->server->proofs, &r->wait);
	return HANDLED_LATER;
}
