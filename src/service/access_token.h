/*
 * Access tokens: what POST /oauth/token gives for a client id and secret, for an hour. A token is a JWT (RFC 7519)
 * signed by HS256 under a key of the node, so that nothing about it is kept: it holds the client id, what it may do,
 * and the generation of the key, so that it ends when the key is revoked or its secret rotated.
 *
 * The header is one fixed text. A token with another one is refused before it is looked into, so no algorithm is ever
 * chosen by who presents it; nothing of a token is parsed before its signature is right.
 */
#ifndef STELE_SERVICE_ACCESS_TOKEN_H
#define STELE_SERVICE_ACCESS_TOKEN_H

#include "service/service.h"

struct token_grant {
	uint32_t permissions; /* what the token may do, of what the key may */
	struct span scope;    /* the claim `scope`: a JSON value */
	struct span extra;    /* claims of a dialect's: ,"role":"…" */
};

/* The permissions that a scope names, with blanks between; all that `who` has when it is empty. E_INVALID when one is
 * unknown or not the key's. */
int token_scope_permissions(const struct principal *who, struct span scope, uint32_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The reverse: their names with blanks between. */
void token_scope_put(uint32_t permissions, struct buf *to);

/* Appends a token to `ret`, after its event `token.issued` is durable in the org's self ledger. Blocks. E_TOO_LARGE
 * when `extra` makes it too long, and as service_self_append. */
int service_token_issue(struct service *s, const struct principal *who, const struct token_grant *grant,
			struct buf *ret, struct err *err) __attribute__((warn_unused_result));

/* Whether it is one of these, good or not, and not of others' making. */
bool service_token_is_own(struct span token);

/* Who holds this token. Leaves ret->caller alone. E_UNAUTHORIZED. */
int service_authenticate_token(struct service *s, struct span token, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
