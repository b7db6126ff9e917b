/*
 * The second factor of a user, by an authenticator app. It is begun with the password, which gives a secret, and is in
 * force once a code made from it has come.
 */
#ifndef STELE_SERVICE_TOTP_H
#define STELE_SERVICE_TOTP_H

#include "service/service.h"

/* "otpauth://totp/…" as apps read it from a QR code: issuer and address percent-encoded. */
#define TOTP_URI_MAX 1200u

struct totp_offer {
	char secret[64]; /* base32 */
	char uri[TOTP_URI_MAX];
};

/* Makes a secret for the user that `who` is; wipe *ret after use. E_FORBIDDEN: who is no user, or the
 * password is wrong; E_EXISTS: there is one in force; E_QUOTA. */
int service_totp_begin(struct service *s, const struct principal *who, struct span password, struct totp_offer *ret,
		       struct err *err) __attribute__((warn_unused_result));

/* Puts it in force. E_INVALID: nothing was begun; E_FORBIDDEN: the code is wrong; E_QUOTA, and what act.h says. */
int service_totp_confirm(struct service *s, const struct principal *who, struct span code, struct err *err)
	__attribute__((warn_unused_result));

/* Takes it away, with a code. E_NOT_FOUND: there is none; and as above. */
int service_totp_remove(struct service *s, const struct principal *who, struct span code, struct err *err)
	__attribute__((warn_unused_result));

#endif
