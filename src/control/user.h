/*
 * Users of an org. Every function takes the org, or an id that is unknown to whoever is not in it; a change may name
 * the version it is based on, as those of saved searches. A user is disabled and never deleted: events name it.
 */
#ifndef STELE_CONTROL_USER_H
#define STELE_CONTROL_USER_H

#include "base/span.h"
#include "control/control.h"
#include "crypto/scrypt.h"
#include "crypto/totp.h"

#define USER_ID_LEN  16 /* hex digits, random */
#define USER_ANY     0  /* whatever the version is */
#define USER_VERSION 1  /* the first one; each change of user_set makes the next */

#define TOTP_SEALED_LEN (TOTP_SECRET_LEN + KEY_SEAL_LEN)
#define TOTP_PENDING    INT64_C(-1) /* the secret was handed out; no code has come yet */

struct control_user {
	char id[USER_ID_LEN + 1];
	int64_t org;
	char email[USER_EMAIL_MAX + 1]; /* ASCII letters are lower case; one user of an org has it */
	char name[USER_NAME_MAX + 1];   /* "": none */
	char role[ROLE_NAME_MAX + 1];
	char password[SCRYPT_TEXT_MAX]; /* "": none, nobody can sign in */
	bool has_totp;
	uint8_t totp[TOTP_SEALED_LEN]; /* sealed with KEY_LABEL_TOTP and the id */
	int64_t totp_step;             /* of the last code taken; TOTP_PENDING */
	bool has_reset;
	struct sha256 reset_hash;
	int64_t reset_until_us;
	int64_t disabled_us; /* 0: not */
	int64_t last_login_us;
	int64_t created_us;
	int64_t updated_us;
	char created_by[CLIENT_ID_MAX + 1];
	int64_t version;
};

/* Stores it as it is. E_EXISTS (the address is taken), E_TOO_LARGE (USERS_MAX). */
int control_user_create(struct control *c, const struct control_user *u, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_user_get(struct control *c, int64_t org, const char *id, struct control_user *ret, struct err *err)
	__attribute__((warn_unused_result));
int control_user_find(struct control *c, int64_t org, const char *email, struct control_user *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The user of any org. E_NOT_FOUND. */
int control_user_by_id(struct control *c, const char *id, struct control_user *ret, struct err *err)
	__attribute__((warn_unused_result));

/* All of an org by address, or the one with `email` when it is not ""; the caller frees the array. */
int control_user_list(struct control *c, int64_t org, const char *email, struct control_user **ret, size_t *ret_count,
		      struct err *err) __attribute__((warn_unused_result));

/* Sets e-mail address, name, role and disabled_us, and makes the next version. E_NOT_FOUND, E_CHANGED, E_EXISTS. */
int control_user_set(struct control *c, const struct control_user *u, int64_t version, struct err *err)
	__attribute__((warn_unused_result));

/* Sets password, TOTP, reset and last_login_us, which are no part of what a version is of. E_NOT_FOUND. */
int control_user_set_secrets(struct control *c, const struct control_user *u, struct err *err)
	__attribute__((warn_unused_result));

#endif
