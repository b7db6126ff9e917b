/* /v1/orgs, for those who operate the node, and /v1/org, one's own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handler.h"
#include "api/key_param.h"
#include "api/request.h"
#include "api/time_json.h"
#include "api/utf8.h"
#include "api/version.h"
#include "base/mem.h"
#include "service/org.h"

_Static_assert(VERSION_ANY == ORG_ANY_VERSION, "If-Match is handed on");

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

/* ---- in ---- */

/* What a client says of an org, with the values it points to. */
struct org_param {
	struct org_change change;
	uint32_t request_rate;
	uint32_t event_rate;
	bool is_disabled;
};

static int take_rate(const struct params *given, enum param p, uint32_t *value, const uint32_t **ret, struct err *err)
{
	*ret = param_is_given(given, p) ? value : NULL;
	return param_number(given, p, 0, RATE_MAX, 0, value, err);
}

static int take_org(const struct params *given, struct org_param *ret, struct err *err)
{
	struct org_change *c = &ret->change;
	int rc;

	c->name = param_is_given(given, PARAM_NAME) ? &given->value[PARAM_NAME] : NULL;
	c->account_type = param_is_given(given, PARAM_ACCOUNT_TYPE) ? &given->value[PARAM_ACCOUNT_TYPE] : NULL;
	c->is_disabled = param_is_given(given, PARAM_DISABLED) ? &ret->is_disabled : NULL;
	if ((rc = take_rate(given, PARAM_REQUEST_RATE, &ret->request_rate, &c->request_rate, err)) < 0)
		return rc;
	if ((rc = take_rate(given, PARAM_EVENT_RATE, &ret->event_rate, &c->event_rate, err)) < 0)
		return rc;
	return param_bool(given, PARAM_DISABLED, false, &ret->is_disabled, err);
}

/* ---- out ---- */

static void put_org(struct buf *to, const struct org_view *v)
{
	buf_printf(to, "{\"org_key\":\"%s\",\"name\":", v->org.org_key);
	utf8_put_json(to, span_str(v->org.name));
	buf_put_str(to, ",\"account_type\":");
	utf8_put_json(to, span_str(v->account_type));
	buf_printf(to, ",\"request_rate\":%" PRIu32 ",\"event_rate\":%" PRIu32, v->org.request_rate, v->org.event_rate);
	time_put_json_or_null(to, "disabled", v->org.disabled_us);
	time_put_json(to, "created", v->org.created_us);
	time_put_json_or_null(to, "updated", v->org.updated_us);
	buf_printf(to, ",\"version\":%" PRId64, v->org.version);
}

/* `key` NULL: none was made. */
static enum handled answer(struct request *r, int status, const struct org_view *v, struct org_key *key)
{
	struct buf *to = &r->reply.body;

	if (key)
		reply_secret(&r->reply, status);
	else
		reply_json(&r->reply, status);
	put_org(to, v);
	if (key) {
		buf_put_str(to, ",\"key\":");
		key_put_json(to, &key->key);
		key_put_secret_json(r->server->service, &key->key, &key->secret, to);
		buf_put_u8(to, '}');
		mem_wipe(key, sizeof(*key));
	}
	buf_put_str(to, "}\n");
	version_put(&r->reply, v->org.version);
	return HANDLED_NOW;
}

/* ---- handlers ---- */

enum handled handle_org_list(struct request *r)
{
	struct buf *to = &r->reply.body;
	struct org_view *orgs = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_org_list(r->server->service, &orgs, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"orgs\":[");
	for (size_t i = 0; i < count; i++) {
		buf_put_str(to, i ? "," : "");
		put_org(to, &orgs[i]);
		buf_put_u8(to, '}');
	}
	buf_put_str(to, "]}\n");
	free(orgs);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_org_create(struct request *r)
{
	struct org_param param;
	struct org_view made;
	struct org_key key;
	struct err err = ERR_INIT;
	bool has_key;

	if (take_org(&r->params, &param, &err) < 0 || param_bool(&r->params, PARAM_KEY, false, &has_key, &err) < 0 ||
	    service_org_create(r->server->service, &r->who, r->params.value[PARAM_ORG_KEY], &param.change, &made,
			       has_key ? &key : NULL, &err) < 0)
		return fail(r, &err);
	snprintf(r->reply.location, sizeof(r->reply.location), "/v1/orgs/%s", made.org.org_key);
	return answer(r, 201, &made, has_key ? &key : NULL);
}

enum handled handle_org_get(struct request *r)
{
	struct org_view v;
	struct err err = ERR_INIT;

	if (service_org_get(r->server->service, r->match.id, &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v, NULL);
}

enum handled handle_org_change(struct request *r)
{
	struct org_param param;
	struct org_view v;
	struct err err = ERR_INIT;
	int64_t version;

	if (take_org(&r->params, &param, &err) < 0 || version_take(r, &version, &err) < 0 ||
	    service_org_change(r->server->service, &r->who, r->match.id, version, &param.change, &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v, NULL);
}

enum handled handle_org_key_create(struct request *r)
{
	struct key_param param;
	struct org_key made;
	struct err err = ERR_INIT;

	if (key_param_take(&r->params, &param, &err) < 0 ||
	    service_org_key_create(r->server->service, &r->who, r->match.id, &param.change, &made, &err) < 0)
		return fail(r, &err);
	return key_answer(r, 201, &made.key, &made.secret);
}

enum handled handle_org_own(struct request *r)
{
	struct org_view v;
	struct err err = ERR_INIT;

	if (service_org_own(r->server->service, &r->who, &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v, NULL);
}

enum handled handle_org_own_change(struct request *r)
{
	struct org_view v;
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_org_own_change(r->server->service, &r->who, version, r->params.value[PARAM_NAME], &v, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &v, NULL);
}
