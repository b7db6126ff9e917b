/* Sessions: who a cookie is, which there are, and ending them. */
#include "service/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "crypto/hmac.h"
#include "service/user_priv.h"

#define US_PER_S   INT64_C(1000000)
#define CSRF_LABEL "stele csrf v1"

struct session_time session__time(const struct service *s)
{
	int64_t now_us = clock_wall_us();

	return (struct session_time){now_us, now_us - s->session_idle_us};
}

/* ---- cookies ---- */

bool session_is_secret(struct span text)
{
	if (text.len != COOKIE_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f')))
			return false;
	}
	return true;
}

static int refuse(struct err *err)
{
	return err_set(err, E_UNAUTHORIZED, "the session has ended; sign in again: POST /v1/session");
}

/* Who a living session is, as far as they may come in; leaves ret->caller. */
static int take_user(struct service *s, const struct control_session *x, struct principal *ret, struct err *err)
{
	struct control_user user;
	int rc = control_user_by_id(s->control, x->user, &user, err);

	if (rc == E_NOT_FOUND || (rc == 0 && user.disabled_us != 0))
		return refuse(err);
	if (rc == 0)
		rc = user__principal(s, &user, ret, err);
	if (rc < 0)
		return rc;
	memcpy(ret->session, x->id, sizeof(x->id));
	ret->session_seen_us = x->seen_us;
	return 0;
}

int service_authenticate_session(struct service *s, struct span cookie, struct principal *ret, struct err *err)
{
	const struct session_time t = session__time(s);
	struct control_session session;
	struct sha256 hash;
	int rc;

	if (!session_is_secret(cookie))
		return refuse(err);
	user__hash(s, cookie, &hash);
	rc = control_session_find(s->control, &hash, &t, &session, NULL);
	if (rc == E_NOT_FOUND)
		return refuse(err);
	if (rc < 0)
		return err_set(err, rc, "the session cannot be looked up now");
	return take_user(s, &session, ret, err);
}

/* Once a minute, or ten times before the session would end idle. A full disk does not end a session that can still
 * read.
 */
void service_session_used(struct service *s, const struct principal *who)
{
	int64_t step_us = SESSION_NOTE_S * US_PER_S;
	int64_t now_us = clock_wall_us();
	struct err err = ERR_INIT;

	if (step_us > s->session_idle_us / 10)
		step_us = s->session_idle_us / 10;
	if (now_us - who->session_seen_us >= step_us &&
	    control_session_seen(s->control, who->session, now_us, &err) < 0)
		diag(DIAG_WARNING, "service", "the use of a session is not noted: %s", err.message);
}

int service_session_now(struct service *s, const struct principal *who, struct principal *ret, struct err *err)
{
	const struct session_time t = session__time(s);
	struct control_session session;
	int rc = control_session_get(s->control, who->org->control.id, who->session, &t, &session, NULL);

	if (rc == E_NOT_FOUND)
		return refuse(err);
	if (rc < 0)
		return err_set(err, rc, "the session cannot be looked up now");
	return take_user(s, &session, ret, err);
}

void session_csrf(struct span cookie, char ret[CSRF_LEN + 1])
{
	struct sha256 token;

	hmac_sha256(cookie, SPAN_LIT(CSRF_LABEL), &token);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(ret + 2 * i, 3, "%02x", token.b[i]);
}

bool session_csrf_is(struct span cookie, struct span given)
{
	char token[CSRF_LEN + 1];
	volatile uint8_t difference = 0;

	if (given.len != CSRF_LEN)
		return false;
	session_csrf(cookie, token);
	for (size_t i = 0; i < CSRF_LEN; i++)
		difference = (uint8_t)(difference | ((uint8_t)token[i] ^ given.p[i]));
	return difference == 0;
}

/* ---- reading ---- */

int64_t service_session_idle_us(struct service *s, const struct control_session *x)
{
	int64_t idle_us = x->seen_us + s->session_idle_us;

	return idle_us < x->expires_us ? idle_us : x->expires_us;
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no such session; it may have ended");
}

/* The living one with this id, which `who` may see. */
static int find(struct service *s, const struct principal *who, const char *id, struct control_session *ret,
		struct err *err)
{
	const struct session_time t = session__time(s);
	int rc = control_session_get(s->control, who->org->control.id, id, &t, ret, err);
	bool is_own = rc == 0 && who->kind == PRINCIPAL_USER && strcmp(ret->user, who->id) == 0;

	if (rc == 0 && !is_own && principal_require(who, PERMISSION_USERS, NULL) < 0)
		return not_found(err);
	return rc;
}

int service_session_current(struct service *s, const struct principal *who, struct control_session *ret,
			    struct err *err)
{
	if (who->session[0] == '\0')
		return err_set(err, E_NOT_FOUND, "you came with an API key, which has no session; see GET /v1/me");
	return find(s, who, who->session, ret, err);
}

int service_session_list(struct service *s, const struct principal *who, struct control_session **ret,
			 size_t *ret_count, struct err *err)
{
	const struct session_time t = session__time(s);
	bool sees_all = principal_require(who, PERMISSION_USERS, NULL) == 0;

	if (!sees_all && who->kind != PRINCIPAL_USER)
		return principal_require(who, PERMISSION_USERS, err);
	return control_session_list(s->control, who->org->control.id, sees_all ? "" : who->id, &t, ret, ret_count, err);
}

/* ---- ending ---- */

static int apply_end(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct control_session *x = user;

	(void)who;
	return control_session_end(s->control, x->id, clock_wall_us(), err);
}

static void put_end_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct control_session *x = user;

	self_event_begin(to, "session.ended", who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"name\":", x->id);
	json_text_string(to, span_str(x->email));
	buf_put_str(to, ",\"type\":\"session\"}}");
}

int service_session_end(struct service *s, const struct principal *who, struct span id, struct err *err)
{
	struct control_session x;
	const struct act a = {.apply = apply_end, .put_event = put_end_event, .user = &x};
	char text[SESSION_ID_LEN + 1];
	int rc;

	if (id.len == 0)
		rc = service_session_current(s, who, &x, err);
	else if (id.len != SESSION_ID_LEN || memchr(id.p, 0, id.len))
		return not_found(err);
	else {
		memcpy(text, id.p, SESSION_ID_LEN);
		text[SESSION_ID_LEN] = '\0';
		rc = find(s, who, text, &x, err);
	}
	return rc < 0 ? rc : service__act(s, who, &a, err);
}
