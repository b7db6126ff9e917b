/* GET /v1/log/consistency: that a ledger of `to` records begins with that of `from` records. */
#include <inttypes.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "crypto/base64.h"
#include "service/proof.h"

static int take(struct request *r, enum control_ledger_name *ret_ledger, uint64_t *ret_from, uint64_t *ret_to,
		struct err *err)
{
	int rc;

	if ((rc = scope_ledger(&r->params, ret_ledger, err)) < 0)
		return rc;
	if (!param_is_given(&r->params, PARAM_FROM)) {
		err_set_field(err, "from", sizeof("from") - 1);
		return err_set(err, E_INVALID, "'from' is missing: the size of the older log, a number of records");
	}
	if ((rc = param_size(&r->params, PARAM_FROM, 0, ret_from, err)) < 0)
		return rc;
	if (param_is_given(&r->params, PARAM_TO))
		return param_size(&r->params, PARAM_TO, 0, ret_to, err);
	return service_signed_size(r->server->service, &r->who, *ret_ledger, ret_to, err);
}

static void answer(struct request *r, uint64_t from, uint64_t to, const struct merkle_proof *proof)
{
	struct buf *body = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_printf(body, "{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"hashes\":[", from, to);
	for (size_t i = 0; i < proof->count; i++) {
		buf_put_str(body, i ? ",\"" : "\"");
		base64_put(body, span_of(proof->hash[i].b, SHA256_LEN));
		buf_put_u8(body, '"');
	}
	buf_put_str(body, "]}\n");
}

enum handled handle_consistency(struct request *r)
{
	enum control_ledger_name ledger;
	struct merkle_proof proof;
	struct err err = ERR_INIT;
	uint64_t from, to;
	int rc = take(r, &ledger, &from, &to, &err);

	if (rc == 0)
		rc = service_prove_growth(r->server->service, &r->who, ledger, from, to, &proof, &err);
	if (rc == 0)
		answer(r, from, to, &proof);
	else
		request_fail(r, &err);
	return HANDLED_NOW;
}
