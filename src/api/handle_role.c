/* /v1/roles and /v1/permissions: what the roles of the org allow, and what there is to allow. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handler.h"
#include "api/key_param.h"
#include "api/request.h"
#include "api/time_json.h"
#include "api/utf8.h"
#include "api/version.h"
#include "service/role.h"

_Static_assert(VERSION_ANY == ROLE_ANY_VERSION, "If-Match is handed on");

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

static void take_change(const struct params *given, struct role_change *ret)
{
	ret->permissions = param_is_given(given, PARAM_PERMISSIONS) ? &given->value[PARAM_PERMISSIONS] : NULL;
	ret->description = param_is_given(given, PARAM_DESCRIPTION) ? &given->value[PARAM_DESCRIPTION] : NULL;
}

/* Those built in have no version, and nobody made them. */
static void put_role(struct buf *to, const struct control_role *role)
{
	buf_printf(to, "{\"name\":\"%s\",\"built_in\":%s", role->name, role->version == 0 ? "true" : "false");
	list_put_json(to, "permissions", role->permissions);
	if (role->version > 0) {
		buf_put_str(to, ",\"description\":");
		utf8_put_json(to, span_str(role->description));
		time_put_json(to, "created", role->created_us);
		time_put_json(to, "updated", role->updated_us);
		buf_put_str(to, ",\"created_by\":");
		utf8_put_json(to, span_str(role->created_by));
		buf_printf(to, ",\"version\":%" PRId64, role->version);
	}
	buf_put_u8(to, '}');
}

static enum handled answer(struct request *r, int status, const struct control_role *role)
{
	reply_json(&r->reply, status);
	put_role(&r->reply.body, role);
	buf_put_u8(&r->reply.body, '\n');
	if (role->version > 0)
		version_put(&r->reply, role->version);
	return HANDLED_NOW;
}

enum handled handle_role_list(struct request *r)
{
	struct control_role *roles = NULL;
	struct buf *to = &r->reply.body;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_role_list(r->server->service, &r->who, &roles, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"roles\":[");
	for (size_t i = 0; i < count; i++) {
		buf_put_str(to, i ? "," : "");
		put_role(to, &roles[i]);
	}
	buf_put_str(to, "]}\n");
	free(roles);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_role_create(struct request *r)
{
	struct control_role role;
	struct role_change change;
	struct err err = ERR_INIT;

	take_change(&r->params, &change);
	if (service_role_create(r->server->service, &r->who, r->params.value[PARAM_NAME], &change, &role, &err) < 0)
		return fail(r, &err);
	snprintf(r->reply.location, sizeof(r->reply.location), "/v1/roles/%s", role.name);
	return answer(r, 201, &role);
}

enum handled handle_role_get(struct request *r)
{
	struct control_role role;
	struct err err = ERR_INIT;

	if (service_role_get(r->server->service, &r->who, r->match.id, &role, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &role);
}

enum handled handle_role_change(struct request *r)
{
	struct control_role role;
	struct role_change change;
	struct err err = ERR_INIT;
	int64_t version;

	take_change(&r->params, &change);
	if (version_take(r, &version, &err) < 0 ||
	    service_role_change(r->server->service, &r->who, r->match.id, version, &change, &role, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &role);
}

enum handled handle_role_delete(struct request *r)
{
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_role_delete(r->server->service, &r->who, r->match.id, version, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	return HANDLED_NOW;
}

enum handled handle_permissions(struct request *r)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"permissions\":[");
	for (size_t i = 0; i < permission_info_count; i++) {
		const struct permission_info *p = &permission_infos[i];

		buf_printf(to, "%s{\"name\":\"%s\",\"meaning\":\"%s\",\"node\":%s,\"held\":%s}", i ? "," : "", p->name,
			   p->meaning, (p->permission & PERMISSIONS_NODE) ? "true" : "false",
			   principal_require(&r->who, p->permission, NULL) == 0 ? "true" : "false");
	}
	buf_put_str(to, "]}\n");
	return HANDLED_NOW;
}
