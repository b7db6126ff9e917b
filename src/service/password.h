/*
 * Passwords: which are taken, and setting them. Hashing one takes SCRYPT's time and memory: whoever calls sees to it
 * that only a few do so at a time.
 */
#ifndef STELE_SERVICE_PASSWORD_H
#define STELE_SERVICE_PASSWORD_H

#include "service/service.h"

/* Whether a user may have it: PASSWORD_MIN to PASSWORD_MAX bytes, and not one of the first to be tried. E_INVALID. */
int password_check(struct span password, const char *email, struct err *err) __attribute__((warn_unused_result));

/* Sets the password of the user whose reset token it is, which is then used up; all of the user's sessions end.
 * E_UNAUTHORIZED (the token), E_INVALID (the password), E_QUOTA, and what act.h says. */
int service_password_reset(struct service *s, const struct caller *from, struct span token, struct span password,
			   struct err *err) __attribute__((warn_unused_result));

/* Sets the password of the user that `who` is; all other sessions end. E_FORBIDDEN: who is no user, or the
 * old one is wrong; and as above. */
int service_password_change(struct service *s, const struct principal *who, struct span old, struct span password,
			    struct err *err) __attribute__((warn_unused_result));

#endif
