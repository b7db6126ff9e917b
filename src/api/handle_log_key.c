/* The keys of a log: GET /log/{org}/{ledger}/vkey and …/keys, POST /v1/log/rotate. */
#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "codec/json_text.h"
#include "codec/timestamp.h"
#include "service/log.h"

#define CONTENT_VKEY "text/plain; charset=utf-8"

static void put_time(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

static void put_key(struct buf *to, const struct log_key *key)
{
	struct buf vkey = BUF_INIT;

	note_vkey_put(&vkey, &key->vkey);
	buf_put_str(to, "{\"vkey\":");
	json_text_string(to, buf_span(&vkey));
	put_time(to, "created", key->created_us);
	if (key->retired_us)
		put_time(to, "retired", key->retired_us);
	if (key->handover[0] != '\0') {
		buf_put_str(to, ",\"handover\":");
		json_text_string(to, span_str(key->handover));
	}
	buf_put_u8(to, '}');
	buf_release(&vkey);
}

static void put_keys(struct buf *to, const struct log_key *keys, size_t count)
{
	buf_put_str(to, "{\"keys\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_key(to, &keys[i]);
	}
	buf_put_str(to, "]}\n");
}

static int take_keys(struct request *r, struct log_key **ret, size_t *ret_count, struct err *err)
{
	enum control_ledger_name ledger;
	int rc = service_log_find(&r->who, r->match.hole[0], r->match.hole[1], &ledger, err);

	return rc < 0 ? rc : service_log_keys(r->server->service, &r->who, ledger, ret, ret_count, err);
}

/* The line of the key in use. */
enum handled handle_log_vkey(struct request *r)
{
	struct log_key *keys = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (take_keys(r, &keys, &count, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	reply_begin(&r->reply, 200, CONTENT_VKEY);
	note_vkey_put(&r->reply.body, &keys[count - 1].vkey);
	buf_put_u8(&r->reply.body, '\n');
	log_keys_free(keys, count);
	return HANDLED_NOW;
}

/* All keys there have been, and the checkpoints that were signed at each change. */
enum handled handle_log_keys(struct request *r)
{
	struct log_key *keys = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (take_keys(r, &keys, &count, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	reply_json(&r->reply, 200);
	put_keys(&r->reply.body, keys, count);
	log_keys_free(keys, count);
	request_charge_answer(r);
	return HANDLED_NOW;
}

/* A new key for one ledger of the org; answers as …/keys does. */
enum handled handle_log_rotate(struct request *r)
{
	struct service *service = r->server->service;
	enum control_ledger_name ledger;
	struct log_key *keys = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;
	int rc = scope_ledger(&r->params, &ledger, &err);

	if (rc == 0)
		rc = service_log_rotate(service, &r->who, ledger, &err);
	if (rc == 0)
		rc = service_log_keys(service, &r->who, ledger, &keys, &count, &err);
	if (rc < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	reply_json(&r->reply, 200);
	put_keys(&r->reply.body, keys, count);
	log_keys_free(keys, count);
	request_charge_answer(r);
	return HANDLED_NOW;
}
