/*
 * Signing in. The password is checked before anything is said of the user, and a code only after it: so who has no
 * password learns nothing of either.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/user_priv.h"

#define US_PER_S   INT64_C(1000000)
#define FIRST_ORG  1
#define WRONG_CODE "the code is wrong, or was used already; wait for the next one"
#define NOBODY_ID  "unknown"

/* A sign-in under way. */
struct attempt {
	const struct sign_in *in;
	struct principal who;
	struct org *org; /* NULL: there is none */
	char email[USER_EMAIL_MAX + 1];
	bool has_user;
	struct control_user user;
	int64_t step; /* of the code that was taken; as the user's when none was needed */
	char guess_name[GUESS_NAME_MAX];
	struct guess guess;
	struct control_session session;
};

/* ---- who ---- */

static int find_org(struct service *s, struct span key, struct org **ret, struct err *err)
{
	struct control_org found = {.id = FIRST_ORG};
	char text[ORG_KEY_MAX + 1];
	int rc = 0;

	if (key.len > ORG_KEY_MAX)
		return E_NOT_FOUND;
	if (key.len > 0) {
		memcpy(text, key.p, key.len);
		text[key.len] = '\0';
		rc = control_org_find(s->control, text, &found, err);
	}
	return rc < 0 ? rc : service__org(s, found.id, ret, err);
}

/* Fills org and user as far as they are there. */
static int find(struct service *s, struct attempt *x, struct err *err)
{
	struct err why = ERR_INIT;
	int rc = find_org(s, x->in->org, &x->org, &why);

	if (!user__take_email(x->in->email, x->email))
		x->email[0] = '\0';
	if (rc == 0 && x->email[0] != '\0') {
		rc = control_user_find(s->control, x->org->control.id, x->email, &x->user, &why);
		x->has_user = rc == 0 && !x->org->is_disabled;
	}
	if (rc == E_NOT_FOUND || rc == 0)
		return 0;
	if (err)
		*err = why;
	return rc;
}

/* ---- failing ---- */

static void fill_unknown(struct attempt *x)
{
	x->who.kind = PRINCIPAL_USER;
	x->who.org = x->org;
	snprintf(x->who.id, sizeof(x->who.id), "%s", x->has_user ? x->user.id : NOBODY_ID);
	snprintf(x->who.name, sizeof(x->who.name), "%s", x->email);
}

/* Why it failed is for the org to know. */
static const char *reason_of(const struct attempt *x, bool is_code)
{
	if (!x->has_user)
		return "there is no such user";
	if (x->user.disabled_us != 0)
		return "the user is disabled";
	return is_code ? "wrong code" : "wrong password";
}

/* A failed sign-in that cannot be recorded is not answered as one. */
static int fail(struct service *s, struct attempt *x, bool is_code, struct err *err)
{
	struct buf event = BUF_INIT;
	int rc;

	guess_failed(s->guesses, &x->guess);
	if (!x->org)
		return E_UNAUTHORIZED;
	fill_unknown(x);
	self_event_begin(&event, "session.failed", &x->who);
	buf_printf(&event, ",\"outcome\":{\"reason\":\"%s\",\"type\":\"failure\"}}", reason_of(x, is_code));
	rc = buf_ok(&event) ? service_self_append(s, x->org, buf_span(&event), err) : E_NO_MEMORY;
	buf_release(&event);
	return rc < 0 ? rc : E_UNAUTHORIZED;
}

static int refuse(struct err *err)
{
	return err_set(err, E_UNAUTHORIZED, "the org, e-mail address or password is wrong");
}

static int refuse_code(const char *why, struct err *err)
{
	err_set_field(err, "code", strlen("code"));
	return err_set(err, E_UNAUTHORIZED, "%s", why);
}

/* ---- checking ---- */

static int check_factor(struct service *s, struct attempt *x, struct err *err)
{
	int rc;

	x->step = x->user.totp_step;
	if (!user__needs_code(&x->user))
		return 0;
	if (x->in->code.len == 0)
		return refuse_code("a code of the authenticator app is needed as well: 'code'", err);
	rc = user__check_code(s, &x->user, x->in->code, &x->step, err);
	if (rc == E_FORBIDDEN && (rc = fail(s, x, true, err)) == E_UNAUTHORIZED)
		return refuse_code(WRONG_CODE, err);
	return rc;
}

static int check(struct service *s, struct attempt *x, struct err *err)
{
	int rc;

	if ((rc = guess_check(s->guesses, &x->guess, err)) < 0)
		return rc;
	rc = user__check_password(x->has_user ? &x->user : NULL, x->in->password, err);
	if (rc == E_UNAUTHORIZED && (rc = fail(s, x, false, err)) == E_UNAUTHORIZED)
		return refuse(err);
	if (rc < 0)
		return rc;
	return check_factor(s, x, err);
}

/* ---- beginning ---- */

static int apply(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct attempt *x = user;
	const struct session_time t = session__time(s);
	struct control_user now;
	int rc;

	if ((rc = control_user_get(s->control, who->org->control.id, who->id, &now, err)) < 0)
		return rc;
	if (now.disabled_us != 0 || strcmp(now.password, x->user.password) != 0) /* changed meanwhile */
		return refuse(err);
	if (now.has_totp != x->user.has_totp || now.totp_step != x->user.totp_step) /* another sign-in had the code */
		return refuse_code(WRONG_CODE, err);
	now.totp_step = x->step;
	now.last_login_us = t.now_us;
	if ((rc = control_user_set_secrets(s->control, &now, err)) < 0)
		return rc;
	return control_session_create(s->control, &x->session, &t, err);
}

static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct attempt *x = user;

	self_event_begin(to, "session.created", who);
	buf_printf(to,
		   ",\"attributes\":{\"second_factor\":%s},\"entity\":{\"id\":\"%s\",\"type\":\"session\"},"
		   "\"outcome\":{\"type\":\"success\"}}",
		   user__needs_code(&x->user) ? "true" : "false", x->session.id);
}

static void copy(char *to, size_t size, struct span text)
{
	size_t len = text.len < size ? text.len : size - 1;

	if (len > 0)
		memcpy(to, text.p, len);
	to[len] = '\0';
}

/* A new secret and id, whatever the client came with. */
static void make_session(struct service *s, struct attempt *x, char ret_cookie[COOKIE_LEN + 1])
{
	struct control_session *session = &x->session;

	user__random_hex(ret_cookie, COOKIE_LEN / 2);
	user__random_hex(session->id, SESSION_ID_LEN / 2);
	user__hash(s, span_of(ret_cookie, COOKIE_LEN), &session->secret_hash);
	memcpy(session->user, x->user.id, sizeof(session->user));
	memcpy(session->email, x->user.email, sizeof(session->email));
	session->created_us = session->seen_us = clock_wall_us();
	session->expires_us = session->created_us + SESSION_S * US_PER_S;
	copy(session->ip, sizeof(session->ip), x->who.caller.ip);
	copy(session->user_agent, sizeof(session->user_agent), x->who.caller.user_agent);
}

static int begin(struct service *s, struct attempt *x, struct signed_in *ret, struct err *err)
{
	const struct act a = {.apply = apply, .put_event = put_event, .user = x};
	int rc;

	if ((rc = user__principal(s, &x->user, &x->who, err)) < 0)
		return rc;
	make_session(s, x, ret->cookie);
	memcpy(x->who.session, x->session.id, sizeof(x->session.id));
	if ((rc = service__act(s, &x->who, &a, err)) < 0) {
		mem_wipe(ret->cookie, sizeof(ret->cookie));
		return rc;
	}
	guess_worked(s->guesses, &x->guess);
	ret->who = x->who;
	ret->session = x->session;
	return 0;
}

int service_sign_in(struct service *s, const struct caller *from, const struct sign_in *in, struct signed_in *ret,
		    struct err *err)
{
	struct attempt x = {.in = in, .who = {.caller = *from}};
	int rc;

	if ((rc = find(s, &x, err)) < 0)
		return rc;
	x.guess = user__guess(x.org ? x.org->control.org_key : "", x.email, from, x.guess_name);
	rc = check(s, &x, err);
	if (rc == 0)
		rc = begin(s, &x, ret, err);
	mem_wipe(&x.user, sizeof(x.user));
	return rc;
}
