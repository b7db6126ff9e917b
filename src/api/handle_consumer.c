/*
 * /v1/consumers: reading a ledger on from where one stopped. A consumer's version is its ETag; reading and
 * acknowledging do not change it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handler.h"
#include "api/page_json.h"
#include "api/request.h"
#include "api/scope.h"
#include "api/utf8.h"
#include "api/version.h"
#include "codec/timestamp.h"
#include "service/consumer.h"

#define ANSWER_BYTES 512 /* of an answer without its events, and of the damage it names */

/* ---- out ---- */

static void put_time(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	if (us == 0)
		buf_printf(to, ",\"%s\":null", name);
	else
		buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

static void put_view(struct buf *to, const struct consumer_view *v)
{
	const struct control_consumer *x = &v->consumer;

	buf_printf(to, "{\"name\":\"%s\",\"ledger\":\"%s\",\"query\":", x->name, x->ledger);
	utf8_put_json(to, span_str(x->query));
	buf_printf(to, ",\"position\":%" PRId64 ",\"size\":%" PRIu64 ",\"lag\":%" PRIu64, x->position, v->size, v->lag);
	put_time(to, "created", x->created_us);
	buf_put_str(to, ",\"created_by\":");
	utf8_put_json(to, span_str(x->created_by));
	put_time(to, "last_read", x->read_us);
	buf_printf(to, ",\"version\":%" PRId64 "}", x->version);
}

/* Answers with the view and releases it. */
static enum handled answer(struct request *r, int status, struct consumer_view *v)
{
	reply_json(&r->reply, status);
	put_view(&r->reply.body, v);
	buf_put_u8(&r->reply.body, '\n');
	snprintf(r->reply.etag, sizeof(r->reply.etag), "\"%" PRId64 "\"", v->consumer.version);
	consumer_view_release(v);
	return HANDLED_NOW;
}

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

/* ---- consumers ---- */

static struct consumer_place take_place(const struct params *given)
{
	return (struct consumer_place){.position = given->value[PARAM_POSITION],
				       .from = given->value[PARAM_FROM],
				       .after = given->value[PARAM_AFTER]};
}

enum handled handle_consumer_create(struct request *r)
{
	struct consumer_params p = {.name = r->params.value[PARAM_NAME],
				    .query = r->params.value[PARAM_QUERY],
				    .place = take_place(&r->params)};
	struct consumer_view v;
	struct err err = ERR_INIT;
	char location[sizeof("/v1/consumers/") + CONSUMER_NAME_MAX];

	if (scope_ledger(&r->params, &p.ledger, &err) < 0 ||
	    service_consumer_create(r->server->service, &r->who, &p, &v, &err) < 0)
		return fail(r, &err);
	snprintf(location, sizeof(location), "/v1/consumers/%s", v.consumer.name);
	(void)answer(r, 201, &v);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_LOCATION, location);
	return HANDLED_NOW;
}

enum handled handle_consumer_list(struct request *r)
{
	struct buf *to = &r->reply.body;
	struct consumer_view *list;
	struct err err = ERR_INIT;
	size_t count;

	if (service_consumer_list(r->server->service, &r->who, &list, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"consumers\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_view(to, &list[i]);
		consumer_view_release(&list[i]);
	}
	buf_put_str(to, "]}\n");
	free(list);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_consumer_get(struct request *r)
{
	struct consumer_view v;
	struct err err = ERR_INIT;

	if (service_consumer_get(r->server->service, &r->who, r->match.id, &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v);
}

enum handled handle_consumer_delete(struct request *r)
{
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_consumer_delete(r->server->service, &r->who, r->match.id, version, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	return HANDLED_NOW;
}

enum handled handle_consumer_ack(struct request *r)
{
	struct consumer_view v;
	struct err err = ERR_INIT;
	uint64_t position;

	if (!param_is_given(&r->params, PARAM_POSITION)) {
		(void)err_set(&err, E_INVALID, "'position' is missing: that of the answer whose events are done with");
		err_set_field(&err, "position", sizeof("position") - 1);
		return fail(r, &err);
	}
	if (param_size(&r->params, PARAM_POSITION, 0, &position, &err) < 0 ||
	    service_consumer_ack(r->server->service, &r->who, r->match.id, position, &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v);
}

enum handled handle_consumer_seek(struct request *r)
{
	const struct consumer_place place = take_place(&r->params);
	struct consumer_view v;
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_consumer_seek(r->server->service, &r->who, r->match.id, version, &place, &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v);
}

/* ---- reading ---- */

static int make_answer(void *user, const struct consumer_batch *b, struct err *err)
{
	struct request *r = user;
	struct buf *to = &r->reply.body;
	int rc;

	reply_json(&r->reply, 200);
	if ((rc = request_reserve_answer(r, ANSWER_BYTES + b->page.records.len + b->page.count, err)) < 0)
		return rc;
	buf_printf(to, "{\"consumer\":\"%s\",\"events\":", b->name);
	page_json_records(to, &b->page, false);
	buf_printf(to, ",\"from\":%" PRIu64 ",\"position\":%" PRIu64 ",\"lag\":%" PRIu64, b->position, b->next, b->lag);
	page_json_damaged(to, &b->page.damaged);
	buf_put_str(to, "}\n");
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the answer; ask for a smaller limit");
}

enum handled handle_consumer_events(struct request *r)
{
	static const char *const acks[] = {"manual", "auto", NULL};
	struct consumer_read read = {.make = make_answer, .user = r};
	struct err err = ERR_INIT;
	int ack;

	if (param_word(&r->params, PARAM_ACK, acks, 0, &ack, &err) < 0 ||
	    param_number(&r->params, PARAM_LIMIT, 1, PAGE_MAX, PAGE_DEFAULT, &read.limit, &err) < 0)
		return fail(r, &err);
	read.is_auto = ack == 1 && !r->is_head; /* what is not sent is not read */
	if (service_consumer_read(r->server->service, &r->who, r->match.id, &read, &err) < 0)
		return fail(r, &err);
	return HANDLED_NOW;
}
