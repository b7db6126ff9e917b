/* /v1/retention: how long an org's events are kept, what holds them, and what would go. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/time_json.h"
#include "api/utf8.h"
#include "service/retention.h"

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

/* ---- out ---- */

static void put_hold(struct buf *to, const struct control_hold *h)
{
	buf_printf(to, "{\"id\":\"%s\",\"reason\":", h->id);
	utf8_put_json(to, span_str(h->reason));
	time_put_json(to, "created", h->created_us);
	buf_put_str(to, ",\"created_by\":");
	utf8_put_json(to, span_str(h->created_by));
	if (h->released_us != 0) {
		time_put_json(to, "released", h->released_us);
		buf_put_str(to, ",\"released_by\":");
		utf8_put_json(to, span_str(h->released_by));
	}
	buf_put_u8(to, '}');
}

static void put_days(struct buf *to, int64_t days)
{
	if (days == RETENTION_BY_PLAN)
		buf_put_str(to, ",\"days\":\"plan\"");
	else
		buf_printf(to, ",\"days\":%" PRId64, days);
}

static void put_policy(struct buf *to, const struct retention_view *v)
{
	buf_put_str(to, "{\"account_type\":");
	utf8_put_json(to, span_str(v->set.account_type));
	put_days(to, v->set.days);
	buf_put_str(to, ",\"plans\":{");
	for (size_t i = 0; i < v->plan_count; i++) {
		buf_put_str(to, i ? "," : "");
		utf8_put_json(to, span_str(v->plans[i].account_type));
		buf_printf(to, ":%" PRId64, v->plans[i].days);
	}
	buf_printf(to, "},\"effective\":{\"days\":%" PRId64 ",\"source\":\"%s\",\"held\":%s}", v->days,
		   retention_source_names[v->source], v->is_held ? "true" : "false");
	if (v->set.updated_us != 0) {
		time_put_json(to, "updated", v->set.updated_us);
		buf_put_str(to, ",\"updated_by\":");
		utf8_put_json(to, span_str(v->set.updated_by));
	}
}

static void put_due(struct buf *to, const struct retention_view *v)
{
	const struct ledger_expiry *x = &v->due;

	buf_printf(to, ",\"ledger\":{\"first_index\":%" PRIu64 ",\"size\":%" PRIu64 "}", x->first, v->size);
	buf_printf(to, ",\"due\":{\"segments\":%u,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64, x->segments,
		   x->next - x->first, x->bytes);
	if (x->segments > 0) {
		buf_printf(to, ",\"first_index\":%" PRIu64 ",\"last_index\":%" PRIu64, x->first, x->next - 1);
		time_put_json(to, "received_from", x->received_min);
		time_put_json(to, "received_to", x->received_max);
	}
	buf_printf(to, ",\"blocked\":%s},\"pending\":%s", x->is_blocked ? "true" : "false",
		   v->is_pending ? "true" : "false");
}

static void put_result(struct buf *to, const struct retention_result *x)
{
	buf_printf(to,
		   "\"orgs\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64
		   ",\"failed\":%" PRIu64,
		   x->orgs, x->segments, x->records, x->bytes, x->failed);
}

static int answer(struct request *r, struct err *err)
{
	struct buf *to = &r->reply.body;
	struct retention_view v;
	int rc = service_retention_get(r->server->service, &r->who, &v, err);

	if (rc < 0)
		return rc;
	reply_json(&r->reply, 200);
	put_policy(to, &v);
	put_due(to, &v);
	buf_put_str(to, ",\"holds\":[");
	for (size_t i = 0; i < v.hold_count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_hold(to, &v.holds[i]);
	}
	buf_put_str(to, "]}\n");
	retention_view_release(&v);
	request_charge_answer(r);
	return 0;
}

/* ---- in ---- */

static int take_days(const struct params *given, int64_t *ret, struct err *err)
{
	uint32_t days;
	int rc;

	*ret = RETENTION_BY_PLAN;
	if (!param_is_given(given, PARAM_DAYS) || span_eq_str(given->value[PARAM_DAYS], "plan"))
		return 0;
	if ((rc = param_number(given, PARAM_DAYS, 0, RETENTION_DAYS_MAX, 0, &days, err)) < 0)
		return rc;
	*ret = days;
	return 0;
}

/* The plans are the node's, so who changes them operates it. */
static int take_change(struct request *r, struct retention_change *ret, struct err *err)
{
	*ret = (struct retention_change){.account_type = r->params.value[PARAM_ACCOUNT_TYPE],
					 .has_plans = param_is_given(&r->params, PARAM_PLANS),
					 .plans = r->params.value[PARAM_PLANS]};
	if (ret->has_plans && principal_require(&r->who, PERMISSION_OPERATE, err) < 0)
		return E_FORBIDDEN;
	return take_days(&r->params, &ret->days, err);
}

/* ---- handlers ---- */

enum handled handle_retention(struct request *r)
{
	struct err err = ERR_INIT;

	return answer(r, &err) < 0 ? fail(r, &err) : HANDLED_NOW;
}

enum handled handle_retention_set(struct request *r)
{
	struct retention_change change;
	struct err err = ERR_INIT;

	if (take_change(r, &change, &err) < 0 ||
	    service_retention_put(r->server->service, &r->who, &change, &err) < 0 || answer(r, &err) < 0)
		return fail(r, &err);
	return HANDLED_NOW;
}

static enum handled answer_hold(struct request *r, int status, const struct control_hold *h)
{
	reply_json(&r->reply, status);
	put_hold(&r->reply.body, h);
	buf_put_u8(&r->reply.body, '\n');
	return HANDLED_NOW;
}

enum handled handle_hold_create(struct request *r)
{
	struct control_hold hold;
	struct err err = ERR_INIT;

	if (service_hold_create(r->server->service, &r->who, r->params.value[PARAM_REASON], &hold, &err) < 0)
		return fail(r, &err);
	return answer_hold(r, 201, &hold);
}

enum handled handle_hold_release(struct request *r)
{
	struct control_hold hold;
	struct err err = ERR_INIT;

	if (service_hold_release(r->server->service, &r->who, r->match.id, &hold, &err) < 0)
		return fail(r, &err);
	return answer_hold(r, 200, &hold);
}

enum handled handle_retention_run(struct request *r)
{
	struct retention_result result;
	struct err err = ERR_INIT;
	bool is_dry_run;

	if (param_bool(&r->params, PARAM_DRY_RUN, false, &is_dry_run, &err) < 0 ||
	    service_retention_run(r->server->service, is_dry_run, &result, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_printf(&r->reply.body, "{\"dry_run\":%s,", is_dry_run ? "true" : "false");
	put_result(&r->reply.body, &result);
	buf_put_str(&r->reply.body, "}\n");
	return HANDLED_NOW;
}
