/* /v1/session and /v1/sessions: signing in and out, who is signed in, and which sessions there are. */
#include <stdlib.h>
#include <string.h>

#include "api/cookie.h"
#include "api/handler.h"
#include "api/key_param.h"
#include "api/request.h"
#include "api/time_json.h"
#include "api/utf8.h"
#include "base/mem.h"
#include "service/session.h"
#include "service/user.h"

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

/* ---- one's own ---- */

static void put_text(struct buf *to, const char *name, const char *text)
{
	buf_printf(to, "%s\"%s\":", to->p[to->len - 1] == '{' ? "" : ",", name);
	utf8_put_json(to, span_str(text));
}

static void put_permissions(struct buf *to, uint32_t permissions)
{
	struct buf names = BUF_INIT;

	permission_put_set(&names, permissions);
	buf_put_u8(&names, '\0');
	if (buf_ok(&names))
		list_put_json(to, "permissions", (const char *)names.p);
	buf_release(&names);
}

/* Who is signed in; `cookie` is the session's. */
static int answer(struct request *r, int status, const struct principal *who, const struct control_session *x,
		  struct span cookie, struct err *err)
{
	struct buf *to = &r->reply.body;
	char token[CSRF_LEN + 1];
	struct control_user user;
	int rc = service_user_get(r->server->service, who, span_str(who->id), &user, err);

	if (rc < 0)
		return rc;
	reply_json(&r->reply, status);
	buf_put_u8(to, '{');
	put_text(to, "id", x->id);
	buf_put_str(to, ",\"user\":{");
	put_text(to, "id", user.id);
	put_text(to, "email", user.email);
	put_text(to, "name", user.name);
	put_text(to, "role", user.role);
	buf_printf(to, ",\"totp\":%s}", user.has_totp && user.totp_step != TOTP_PENDING ? "true" : "false");
	put_text(to, "org", principal_org_key(who));
	put_permissions(to, who->permissions);
	session_csrf(cookie, token);
	put_text(to, "csrf_token", token);
	time_put_json(to, "created", x->created_us);
	time_put_json(to, "expires", x->expires_us);
	time_put_json(to, "idle_expires", service_session_idle_us(r->server->service, x));
	buf_put_str(to, "}\n");
	mem_wipe(&user, sizeof(user));
	return 0;
}

enum handled handle_session_create(struct request *r)
{
	const struct sign_in in = {.org = r->params.value[PARAM_ORG],
				   .email = r->params.value[PARAM_EMAIL],
				   .password = r->params.value[PARAM_PASSWORD],
				   .code = r->params.value[PARAM_CODE]};
	struct signed_in made;
	struct err err = ERR_INIT;
	int rc;

	if (cookie_check_site(r, &err) < 0 || service_sign_in(r->server->service, &r->who.caller, &in, &made, &err) < 0)
		return fail(r, &err);
	rc = answer(r, 201, &made.who, &made.session, span_str(made.cookie), &err);
	if (rc == 0)
		cookie_set(r, made.cookie);
	mem_wipe(&made, sizeof(made));
	return rc < 0 ? fail(r, &err) : HANDLED_NOW;
}

enum handled handle_session_get(struct request *r)
{
	struct control_session x;
	struct err err = ERR_INIT;

	if (service_session_current(r->server->service, &r->who, &x, &err) < 0 ||
	    answer(r, 200, &r->who, &x, cookie_value(r), &err) < 0)
		return fail(r, &err);
	return HANDLED_NOW;
}

enum handled handle_session_end(struct request *r)
{
	struct err err = ERR_INIT;

	if (service_session_end(r->server->service, &r->who, span_of(NULL, 0), &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	cookie_clear(r);
	return HANDLED_NOW;
}

/* ---- all ---- */

static void put_session(struct request *r, const struct control_session *x)
{
	struct buf *to = &r->reply.body;

	buf_put_u8(to, '{');
	put_text(to, "id", x->id);
	put_text(to, "user", x->user);
	put_text(to, "email", x->email);
	time_put_json(to, "created", x->created_us);
	time_put_json(to, "last_used", x->seen_us);
	time_put_json(to, "expires", x->expires_us);
	time_put_json(to, "idle_expires", service_session_idle_us(r->server->service, x));
	put_text(to, "ip", x->ip);
	put_text(to, "user_agent", x->user_agent);
	buf_printf(to, ",\"current\":%s}", strcmp(x->id, r->who.session) == 0 ? "true" : "false");
}

enum handled handle_session_list(struct request *r)
{
	struct control_session *list = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_session_list(r->server->service, &r->who, &list, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(&r->reply.body, "{\"sessions\":[");
	for (size_t i = 0; i < count && buf_ok(&r->reply.body); i++) {
		buf_put_str(&r->reply.body, i ? "," : "");
		put_session(r, &list[i]);
	}
	buf_put_str(&r->reply.body, "]}\n");
	free(list);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_session_revoke(struct request *r)
{
	struct err err = ERR_INIT;

	if (service_session_end(r->server->service, &r->who, r->match.id, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	if (span_eq_str(r->match.id, r->who.session))
		cookie_clear(r);
	return HANDLED_NOW;
}
