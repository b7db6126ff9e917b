/* What the files of users, passwords, second factors and sessions share. */
#ifndef STELE_SERVICE_USER_PRIV_H
#define STELE_SERVICE_USER_PRIV_H

#include "service/act.h"
#include "service/service_priv.h"
#include "service/session.h"
#include "service/user.h"

/* 2 * len random hex digits and a NUL. */
void user__random_hex(char *to, size_t len);

/* Copies an e-mail address with its ASCII letters in lower case. False: it is none. */
bool user__take_email(struct span text, char ret[USER_EMAIL_MAX + 1]);

/* A user as a principal, without a session; leaves ret->caller. E_UNAUTHORIZED: the org is disabled. */
int user__principal(struct service *s, const struct control_user *u, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The user that `who` is. E_FORBIDDEN: who is an API key. */
int user__self(struct service *s, const struct principal *who, struct control_user *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Checks a password, of nobody when `u` is NULL, disabled or has none: it takes as long and is wrong. E_UNAUTHORIZED.
 */
int user__check_password(const struct control_user *u, struct span password, struct err *err)
	__attribute__((warn_unused_result));

/* Checks the password of the user that `who` is, and counts guesses. E_FORBIDDEN: it is wrong; E_QUOTA. */
int user__check_own_password(struct service *s, const struct principal *who, const struct control_user *u,
			     struct span password, struct err *err) __attribute__((warn_unused_result));

/* The guess at a user's secrets from there; `memory` holds its name. */
#define GUESS_NAME_MAX (ORG_KEY_MAX + 1 + USER_EMAIL_MAX + 1)
struct guess user__guess(const char *org_key, const char *email, const struct caller *from,
			 char memory[GUESS_NAME_MAX]);

/* Whether it is a code of the user's app that was not taken before; *ret_step is to be stored. Guesses are counted,
 * wherever they come from: who gets here has the password. E_FORBIDDEN, E_QUOTA; E_CRYPTO when the secret does not
 * open.
 */
int user__check_code(struct service *s, const struct control_user *u, struct span code, int64_t *ret_step,
		     struct err *err) __attribute__((warn_unused_result));

static inline bool user__needs_code(const struct control_user *u)
{
	return u->has_totp && u->totp_step != TOTP_PENDING;
}

/* Begins an event about a user: action, actor, and the user as entity. */
void user__event_begin(struct buf *to, const char *action, const struct principal *who, const struct control_user *u);

/* SHA-256 by the service's digest. */
void user__hash(struct service *s, struct span data, struct sha256 *ret);

/* Which sessions are alive now. */
struct session_time session__time(const struct service *s);

#endif
