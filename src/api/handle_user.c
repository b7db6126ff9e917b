/* /v1/users: the users of the org. A reset token is in the answer that makes it and in no other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/time_json.h"
#include "api/utf8.h"
#include "api/version.h"
#include "base/mem.h"
#include "service/user.h"

_Static_assert(VERSION_ANY == USER_ANY, "If-Match is handed on");

#define USER_JSON_BYTES 8192u /* more than a user has as JSON: a buffer that grew would leave the token behind */

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

/* ---- in ---- */

struct user_param {
	struct user_change change; /* borrows from the parameters */
	bool is_disabled;
};

static const struct span *text_of(const struct params *given, enum param p)
{
	return param_is_given(given, p) ? &given->value[p] : NULL;
}

static int take(const struct params *given, struct user_param *ret, struct err *err)
{
	ret->change = (struct user_change){.email = text_of(given, PARAM_EMAIL),
					   .name = text_of(given, PARAM_NAME),
					   .role = text_of(given, PARAM_ROLE)};
	if (param_is_given(given, PARAM_DISABLED))
		ret->change.is_disabled = &ret->is_disabled;
	return param_bool(given, PARAM_DISABLED, false, &ret->is_disabled, err);
}

/* ---- out ---- */

static void put_text(struct buf *to, const char *name, const char *text)
{
	buf_printf(to, ",\"%s\":", name);
	utf8_put_json(to, span_str(text));
}

static const char *bool_text(bool value)
{
	return value ? "true" : "false";
}

/* All members, without the '}'. */
static void put_user(struct buf *to, const struct control_user *u)
{
	buf_printf(to, "{\"id\":\"%s\"", u->id);
	put_text(to, "email", u->email);
	put_text(to, "name", u->name);
	put_text(to, "role", u->role);
	buf_printf(to, ",\"disabled\":%s,\"has_password\":%s,\"totp\":%s", bool_text(u->disabled_us != 0),
		   bool_text(u->password[0] != '\0'), bool_text(u->has_totp && u->totp_step != TOTP_PENDING));
	time_put_json_or_null(to, "reset_until", u->has_reset ? u->reset_until_us : 0);
	time_put_json_or_null(to, "last_login", u->last_login_us);
	time_put_json(to, "created", u->created_us);
	put_text(to, "created_by", u->created_by);
	time_put_json(to, "updated", u->updated_us);
	buf_printf(to, ",\"version\":%" PRId64, u->version);
}

/* `token` NULL: none was made. */
static enum handled answer(struct request *r, int status, const struct control_user *u, char *token)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, status);
	r->reply.has_secret = token != NULL;
	(void)buf_room(to, USER_JSON_BYTES);
	put_user(to, u);
	if (token) {
		put_text(to, "reset_token", token);
		mem_wipe(token, RESET_TEXT_LEN);
	}
	buf_put_str(to, "}\n");
	version_put(&r->reply, u->version);
	return HANDLED_NOW;
}

/* ---- handlers ---- */

enum handled handle_user_list(struct request *r)
{
	struct control_user *users = NULL;
	struct buf *to = &r->reply.body;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_user_list(r->server->service, &r->who, r->params.value[PARAM_EMAIL], &users, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"users\":[");
	for (size_t i = 0; i < count; i++) {
		buf_put_str(to, i ? "," : "");
		put_user(to, &users[i]);
		buf_put_u8(to, '}');
	}
	buf_put_str(to, "]}\n");
	if (users)
		mem_wipe(users, count * sizeof(*users));
	free(users);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_user_create(struct request *r)
{
	char token[RESET_TEXT_LEN + 1] = "";
	struct control_user user;
	struct user_param param;
	struct err err = ERR_INIT;

	if (take(&r->params, &param, &err) < 0 ||
	    service_user_create(r->server->service, &r->who, &param.change, &user, token, &err) < 0)
		return fail(r, &err);
	snprintf(r->reply.location, sizeof(r->reply.location), "/v1/users/%s", user.id);
	return answer(r, 201, &user, token);
}

enum handled handle_user_get(struct request *r)
{
	struct control_user user;
	struct err err = ERR_INIT;

	if (service_user_get(r->server->service, &r->who, r->match.id, &user, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &user, NULL);
}

enum handled handle_user_change(struct request *r)
{
	struct control_user user;
	struct user_param param;
	struct err err = ERR_INIT;
	int64_t version;

	if (take(&r->params, &param, &err) < 0 || version_take(r, &version, &err) < 0 ||
	    service_user_change(r->server->service, &r->who, r->match.id, version, &param.change, &user, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &user, NULL);
}

enum handled handle_user_reset(struct request *r)
{
	char token[RESET_TEXT_LEN + 1] = "";
	struct control_user user;
	struct err err = ERR_INIT;

	if (service_user_reset(r->server->service, &r->who, r->match.id, &user, token, &err) < 0)
		return fail(r, &err);
	return answer(r, 200, &user, token);
}

enum handled handle_user_drop_totp(struct request *r)
{
	struct err err = ERR_INIT;

	if (service_user_drop_totp(r->server->service, &r->who, r->match.id, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	return HANDLED_NOW;
}
