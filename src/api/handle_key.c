/* /v1/keys: the API keys of the org. A secret is in the answer that makes it and in no other. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handler.h"
#include "api/key_param.h"
#include "api/request.h"
#include "api/version.h"

_Static_assert(VERSION_ANY == KEY_ANY_VERSION, "If-Match is handed on");

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

enum handled handle_key_list(struct request *r)
{
	struct control_api_key *keys = NULL;
	struct buf *to = &r->reply.body;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_key_list(r->server->service, &r->who, &keys, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"keys\":[");
	for (size_t i = 0; i < count; i++) {
		buf_put_str(to, i ? "," : "");
		key_put_json(to, &keys[i]);
		buf_put_u8(to, '}');
	}
	buf_put_str(to, "]}\n");
	free(keys);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_key_create(struct request *r)
{
	struct control_api_key key;
	struct key_secret secret;
	struct key_param param;
	struct err err = ERR_INIT;

	if (key_param_take(&r->params, &param, &err) < 0 ||
	    service_key_create(r->server->service, &r->who, &param.change, &key, &secret, &err) < 0)
		return fail(r, &err);
	snprintf(r->reply.location, sizeof(r->reply.location), "/v1/keys/%s", key.client_id);
	return key_answer(r, 201, &key, &secret);
}

enum handled handle_key_get(struct request *r)
{
	struct control_api_key key;
	struct err err = ERR_INIT;

	if (service_key_get(r->server->service, &r->who, r->match.id, &key, &err) < 0)
		return fail(r, &err);
	return key_answer(r, 200, &key, NULL);
}

enum handled handle_key_change(struct request *r)
{
	struct control_api_key key;
	struct key_param param;
	struct err err = ERR_INIT;
	int64_t version;

	if (key_param_take(&r->params, &param, &err) < 0 || version_take(r, &version, &err) < 0 ||
	    service_key_change(r->server->service, &r->who, r->match.id, version, &param.change, &key, &err) < 0)
		return fail(r, &err);
	return key_answer(r, 200, &key, NULL);
}

enum handled handle_key_rotate(struct request *r)
{
	struct control_api_key key;
	struct key_secret secret;
	struct err err = ERR_INIT;
	uint32_t overlap_s;
	int64_t version;

	if (param_number(&r->params, PARAM_OVERLAP, 0, KEY_OVERLAP_MAX_S, KEY_OVERLAP_S, &overlap_s, &err) < 0 ||
	    version_take(r, &version, &err) < 0 ||
	    service_key_rotate(r->server->service, &r->who, r->match.id, version, overlap_s, &key, &secret, &err) < 0)
		return fail(r, &err);
	return key_answer(r, 200, &key, &secret);
}

enum handled handle_key_revoke(struct request *r)
{
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_key_revoke(r->server->service, &r->who, r->match.id, version, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	return HANDLED_NOW;
}
