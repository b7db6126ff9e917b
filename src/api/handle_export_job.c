/* /v1/exports: exports as jobs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/export_param.h"
#include "api/handler.h"
#include "api/request.h"
#include "api/utf8.h"
#include "codec/timestamp.h"
#include "service/export_job.h"

/* ,"name":"2026-01-31T12:00:00.000000Z", or null when it is `none`. */
static void put_time(struct buf *to, const char *name, int64_t us, int64_t none)
{
	uint8_t text[TIMESTAMP_LEN];

	buf_printf(to, ",\"%s\":", name);
	if (us == none) {
		buf_put_str(to, "null");
		return;
	}
	timestamp_format(us, text);
	buf_printf(to, "\"%.*s\"", TIMESTAMP_LEN, (const char *)text);
}

static void put_text(struct buf *to, const char *name, const char *text)
{
	buf_printf(to, ",\"%s\":", name);
	utf8_put_json(to, span_str(text));
}

static void put_error(struct buf *to, const struct control_export_job *j)
{
	if (j->state != EXPORT_FAILED) {
		buf_put_str(to, ",\"error\":null");
		return;
	}
	buf_printf(to, ",\"error\":{\"code\":\"%s\"", j->error_code);
	put_text(to, "message", j->error);
	buf_put_u8(to, '}');
}

static void put_view(struct buf *to, const struct export_view *v)
{
	const struct control_export_job *j = &v->job;

	buf_printf(to, "{\"id\":\"%s\",\"state\":\"%s\",\"format\":\"%s\",\"ledger\":\"%s\",\"order\":\"%s\"", j->id,
		   control_export_states[j->state], j->format, j->ledger, j->newest_first ? "newest" : "oldest");
	put_text(to, "query", j->query);
	put_text(to, "columns", j->columns);
	put_time(to, "from", j->from_us, INT64_MIN);
	put_time(to, "to", j->to_us, INT64_MAX);
	buf_printf(to, ",\"ledger_size\":%" PRId64 ",\"records\":%" PRId64 ",\"bytes\":%" PRId64 ",\"progress\":%.4f",
		   j->ledger_size, j->records, j->bytes, v->fraction);
	put_time(to, "created", j->created_us, 0);
	put_time(to, "started", j->started_us, 0);
	put_time(to, "finished", j->finished_us, 0);
	put_time(to, "expires", j->expires_us, 0);
	put_error(to, j);
	if (j->state == EXPORT_DONE)
		buf_printf(to, ",\"download\":\"/v1/exports/%s/download\"", j->id);
	buf_put_u8(to, '}');
}

static void answer_view(struct request *r, int status, struct export_view *v)
{
	char location[64];

	reply_json(&r->reply, status);
	put_view(&r->reply.body, v);
	buf_put_u8(&r->reply.body, '\n');
	if (status == MHD_HTTP_ACCEPTED) {
		snprintf(location, sizeof(location), "/v1/exports/%s", v->job.id);
		reply_add_header(&r->reply, MHD_HTTP_HEADER_LOCATION, location);
	}
	export_view_release(v);
}

enum handled handle_export_create(struct request *r)
{
	struct export_params params;
	struct export_view v;
	struct err err = ERR_INIT;

	if (export_param_take(&r->params, &params, &err) < 0 ||
	    service_export_create(r->server->service, &r->who, &params, &v, &err) < 0)
		request_fail(r, &err);
	else
		answer_view(r, MHD_HTTP_ACCEPTED, &v);
	return HANDLED_NOW;
}

enum handled handle_export_list(struct request *r)
{
	struct export_view *views;
	struct err err = ERR_INIT;
	size_t count;

	if (service_export_list(r->server->service, &r->who, &views, &count, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	reply_json(&r->reply, 200);
	buf_put_str(&r->reply.body, "{\"exports\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(&r->reply.body, ',');
		put_view(&r->reply.body, &views[i]);
		export_view_release(&views[i]);
	}
	buf_put_str(&r->reply.body, "]}\n");
	free(views);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_export_job(struct request *r)
{
	struct export_view v;
	struct err err = ERR_INIT;

	if (service_export_get(r->server->service, &r->who, r->match.id, &v, &err) < 0)
		request_fail(r, &err);
	else
		answer_view(r, 200, &v);
	return HANDLED_NOW;
}

enum handled handle_export_delete(struct request *r)
{
	struct err err = ERR_INIT;

	if (service_export_delete(r->server->service, &r->who, r->match.id, &err) < 0)
		request_fail(r, &err);
	else
		reply_json(&r->reply, MHD_HTTP_NO_CONTENT);
	return HANDLED_NOW;
}
