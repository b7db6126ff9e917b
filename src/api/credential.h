/*
 * The ways to present who one is, one place for all of them. A request may use one:
 *
 *   Authorization: Bearer stele_<client id>_<secret>, or an access token of POST /oauth/token
 *   Authorization: Basic base64(<client id>:<secret>)
 *   X-Auth-Token: <secret>/<client id>
 *   auth: stele_<client id>_<secret>, or an access token
 *
 * A JWT that a client has signed itself (service/jwt.h) may stand where an access token may.
 *
 * Names of headers and schemes have no case.
 */
#ifndef STELE_API_CREDENTIAL_H
#define STELE_API_CREDENTIAL_H

#include "api/limits.h"
#include "service/service.h"

enum credential_way {
	CREDENTIAL_NONE,
	CREDENTIAL_BEARER,
	CREDENTIAL_BASIC,
	CREDENTIAL_X_AUTH_TOKEN,
	CREDENTIAL_AUTH,
	CREDENTIAL_COOKIE, /* of a session; cookie.h */
};

/* "bearer", "basic", "x-auth-token", "auth", "cookie", "none". */
const char *credential_way_name(enum credential_way way);

struct credential {
	enum credential_way way;
	struct span token;     /* CREDENTIAL_BEARER, CREDENTIAL_AUTH; borrowed */
	struct span client_id; /* the others; borrowed from the header, or from `decoded` */
	struct span secret;
	uint8_t decoded[CREDENTIAL_BYTES_MAX];
};

/* Takes the header `name` in when it carries a credential. E_UNAUTHORIZED: its form is wrong; E_INVALID: there was
 * another one before. Zeroed before the first. */
int credential_add(struct credential *c, struct span name, struct span value, struct err *err)
	__attribute__((warn_unused_result));

/* Who presents it; leaves ret->caller. What is refused is noted in the org whose key was named.
 * E_UNAUTHORIZED, E_QUOTA (too many wrong ones). */
int credential_check(struct service *s, const struct credential *c, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

void credential_wipe(struct credential *c);

#endif
