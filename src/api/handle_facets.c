/* GET /v1/facets: the top values of fields. */
#include <inttypes.h>

#include "api/count_json.h"
#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "codec/json_text.h"

static int find(struct request *r, struct field_list *ret_fields, struct facet_answer *ret, struct err *err)
{
	struct span fields = r->params.value[PARAM_FIELDS];
	struct search_params scope = {.limit = 1};
	uint32_t limit;
	int rc;

	if ((rc = scope_take(&r->params, &scope, err)) < 0)
		return rc;
	if ((rc = param_number(&r->params, PARAM_LIMIT, 1, FACET_LIMIT_MAX, FACET_LIMIT, &limit, err)) < 0)
		return rc;
	if ((rc = service_facets(r->server->service, &r->who, &scope, fields, limit, ret, err)) < 0)
		return rc;
	return field_list_parse(fields, FIELDS_MAX, ret_fields, err); /* for their names in the answer */
}

static void put_facet(struct buf *to, const struct facet *f, struct span path)
{
	buf_put_str(to, "{\"field\":");
	count_json_field(to, path);
	buf_put_str(to, ",\"values\":[");
	for (uint32_t k = 0; k < f->value_count; k++) {
		buf_put_str(to, k ? ",{\"value\":" : "{\"value\":");
		json_text_string(to, f->value[k].text);
		buf_printf(to, ",\"count\":%" PRIu64 "}", f->value[k].count);
	}
	buf_printf(to, "],\"distinct\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"other\":%" PRIu64 ",\"exact\":%s",
		   f->distinct, f->missing, f->other, f->exact ? "true" : "false");
	if (f->error > 0)
		buf_printf(to, ",\"error\":%" PRIu64, f->error);
	buf_put_u8(to, '}');
}

static void answer(struct request *r, const struct field_list *fields, const struct facet_answer *a)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"facets\":[");
	for (uint32_t k = 0; k < a->count; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		put_facet(to, &a->facet[k], fields->field[k].path);
	}
	buf_put_u8(to, ']');
	count_json_tally(to, &a->tally);
	buf_put_str(to, "}\n");
	request_charge_answer(r);
}

enum handled handle_facets(struct request *r)
{
	struct facet_answer a = FACET_ANSWER_INIT;
	struct field_list fields = {.count = 0};
	struct err err = ERR_INIT;

	if (find(r, &fields, &a, &err) < 0)
		request_fail(r, &err);
	else
		answer(r, &fields, &a);
	facet_answer_release(&a);
	field_list_release(&fields);
	return HANDLED_NOW;
}
