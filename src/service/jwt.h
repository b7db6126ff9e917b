/*
 * JSON web tokens that a client signs itself (HS256), as Kore.ai's clients do: the claim `appId` is the client id of an
 * API key, and the key to sign with is the key's JWT secret.
 *
 * Of a key's own secret only the hash is kept, and a hash cannot check what was signed with the secret. So the JWT
 * secret is another one, and it is not kept at all: it follows from the client id and the last rotation under a key of
 * the node. It is shown with the key's secret and changes with it.
 */
#ifndef STELE_SERVICE_JWT_H
#define STELE_SERVICE_JWT_H

#include "control/api_key.h"
#include "service/service.h"

#define JWT_SECRET_LEN 64 /* hex digits */

/* The JWT secret of a key as it is. Wipe it after use. */
void service_jwt_secret(struct service *s, const struct control_api_key *key, char ret[JWT_SECRET_LEN + 1]);

/* Who signed this token. It must not have expired (`exp`) and must have begun (`nbf`), where it says so. Leaves
 * ret->caller alone. What was signed wrongly in a key's name is noted. E_UNAUTHORIZED, E_QUOTA. */
int service_authenticate_jwt(struct service *s, struct span token, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
