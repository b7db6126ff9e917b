/* GET /v1/fields: the fields that events have. */
#include <inttypes.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "codec/json_text.h"

static int find(struct request *r, struct catalog_answer *ret, struct err *err)
{
	enum control_ledger_name ledger;
	uint32_t limit;
	int rc;

	if ((rc = scope_ledger(&r->params, &ledger, err)) < 0)
		return rc;
	if ((rc = param_number(&r->params, PARAM_LIMIT, 1, CATALOG_FIELDS_MAX, CATALOG_FIELDS_MAX, &limit, err)) < 0)
		return rc;
	return service_fields(r->server->service, &r->who, ledger, r->params.value[PARAM_PREFIX], limit, ret, err);
}

static void put_kinds(struct buf *to, uint32_t kinds)
{
	static const char *const names[] = {"string", "number", "boolean", "array", "object", "null"};
	bool is_first = true;

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		if (!(kinds >> k & 1))
			continue;
		buf_printf(to, "%s\"%s\"", is_first ? "" : ",", names[k]);
		is_first = false;
	}
}

static void answer(struct request *r, const struct catalog_answer *a)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"fields\":[");
	for (uint32_t k = 0; k < a->count; k++) {
		const struct catalog_field *f = &a->field[k];

		buf_put_str(to, k ? ",{\"field\":" : "{\"field\":");
		json_text_string(to, f->name);
		buf_put_str(to, ",\"kinds\":[");
		put_kinds(to, f->kinds);
		buf_printf(to, "],\"records\":%" PRIu64 ",\"distinct\":%" PRIu64 ",\"relation\":\"%s\"}", f->records,
			   f->distinct, f->exact ? "eq" : "gte");
	}
	buf_printf(to, "],\"more\":%s}\n", a->more ? "true" : "false");
	request_charge_answer(r);
}

enum handled handle_fields(struct request *r)
{
	struct catalog_answer a = CATALOG_ANSWER_INIT;
	struct err err = ERR_INIT;

	if (find(r, &a, &err) < 0)
		request_fail(r, &err);
	else
		answer(r, &a);
	catalog_answer_release(&a);
	return HANDLED_NOW;
}
