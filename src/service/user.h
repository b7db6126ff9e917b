/*
 * Users of an org: made, changed, disabled, and given a way to set a password; each told of in its self ledger first.
 * The caller checks that `who` may manage users; here it is checked that nobody gives, takes or gets hold of more than
 * they have: a user whose role allows more than `who` may do is not theirs to change.
 *
 * A user begins without a password. A reset token, shown once to who asks for it and good for RESET_S, sets one.
 */
#ifndef STELE_SERVICE_USER_H
#define STELE_SERVICE_USER_H

#include "control/user.h"
#include "service/service.h"

#define RESET_SECRET_LEN 64                                   /* hex digits: 256 random bits */
#define RESET_TEXT_LEN   (USER_ID_LEN + 1 + RESET_SECRET_LEN) /* "<user id>_<secret>" */

/* What a client says of a user. What is not given stays as it is. */
struct user_change {
	const struct span *email; /* NULL: not given; so with all. Of a new user it must be */
	const struct span *name;
	const struct span *role; /* of a new user it must be */
	const bool *is_disabled;
};

/* Also makes a reset token; wipe it after use. E_INVALID, E_EXISTS (err->field names the member), E_FORBIDDEN,
 * E_TOO_LARGE, and what act.h says. */
int service_user_create(struct service *s, const struct principal *who, const struct user_change *c,
			struct control_user *ret, char ret_token[RESET_TEXT_LEN + 1], struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND, also for those of other orgs. */
int service_user_get(struct service *s, const struct principal *who, struct span id, struct control_user *ret,
		     struct err *err) __attribute__((warn_unused_result));

/* All by address, or the one with `email` when it is not empty; the caller frees the array. */
int service_user_list(struct service *s, const struct principal *who, struct span email, struct control_user **ret,
		      size_t *ret_count, struct err *err) __attribute__((warn_unused_result));

/* A user who is disabled has no sessions any more. E_NOT_FOUND, E_CHANGED (`version` is another, and not USER_ANY), and
 * as service_user_create. */
int service_user_change(struct service *s, const struct principal *who, struct span id, int64_t version,
			const struct user_change *c, struct control_user *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Takes the password, ends all sessions, and makes a reset token. */
int service_user_reset(struct service *s, const struct principal *who, struct span id, struct control_user *ret,
		       char ret_token[RESET_TEXT_LEN + 1], struct err *err) __attribute__((warn_unused_result));

/* Takes the second factor of a user who lost it, and ends all sessions. E_NOT_FOUND: there is no such user, or none. */
int service_user_drop_totp(struct service *s, const struct principal *who, struct span id, struct err *err)
	__attribute__((warn_unused_result));

#endif
