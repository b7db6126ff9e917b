/*
 * Signing in and out. A session's secret is a cookie's value and nowhere else; its CSRF token is derived from it, so
 * that who knows the token cannot make the cookie. What a user may do is looked up for each request: a change of role,
 * a password or a disabled user counts at once.
 *
 * An unknown user, a wrong password and a disabled user get the same answer after the same time.
 */
#ifndef STELE_SERVICE_SESSION_H
#define STELE_SERVICE_SESSION_H

#include "control/session.h"
#include "service/service.h"

#define COOKIE_LEN 64 /* hex digits: 256 random bits */
#define CSRF_LEN   64 /* hex digits */

struct sign_in {
	struct span org;   /* org_key; empty: the first org's */
	struct span email; /* as it was typed */
	struct span password;
	struct span code; /* of the authenticator app; empty: none */
};

struct signed_in {
	struct principal who;
	struct control_session session;
	char cookie[COOKIE_LEN + 1]; /* wiped by the caller */
};

/* Begins a session, always a new one. E_UNAUTHORIZED; with err->field "code" when only a code is missing; E_QUOTA, and
 * what act.h says: a sign-in that cannot be recorded does not happen. */
int service_sign_in(struct service *s, const struct caller *from, const struct sign_in *in, struct signed_in *ret,
		    struct err *err) __attribute__((warn_unused_result));

/* Whether a text has the form of a session's secret. */
bool session_is_secret(struct span text);

/* Whose session a cookie's value is; leaves ret->caller. E_UNAUTHORIZED. */
int service_authenticate_session(struct service *s, struct span cookie, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Has it that the session of `who`, who came with it, was used: now and then that is written down, which waits for the
 * disk. */
void service_session_used(struct service *s, const struct principal *who);

/* The same by a principal who signed in before, as they are now. That is no use of the session. E_UNAUTHORIZED. */
int service_session_now(struct service *s, const struct principal *who, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The CSRF token of a cookie's value, and whether `given` is it. */
void session_csrf(struct span cookie, char ret[CSRF_LEN + 1]);
bool session_csrf_is(struct span cookie, struct span given);

/* The session that `who` came with, and when it ends when nothing more comes. E_NOT_FOUND: who came with a key. */
int service_session_current(struct service *s, const struct principal *who, struct control_session *ret,
			    struct err *err) __attribute__((warn_unused_result));
int64_t service_session_idle_us(struct service *s, const struct control_session *x);

/* The living ones that `who` may see: one's own, or with users:manage all of the org; the caller frees the array. */
int service_session_list(struct service *s, const struct principal *who, struct control_session **ret,
			 size_t *ret_count, struct err *err) __attribute__((warn_unused_result));

/* Ends one of these; the empty id is the one that `who` came with. E_NOT_FOUND, and what act.h says. */
int service_session_end(struct service *s, const struct principal *who, struct span id, struct err *err)
	__attribute__((warn_unused_result));

#endif
