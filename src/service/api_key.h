/*
 * API keys of an org: made, changed, rotated and revoked, each told of in its self ledger first. The caller checks that
 * `who` may manage keys; here it is checked that nobody gives, takes or gets hold of more than they have: a key whose
 * role allows more than `who` may do is not theirs to make, change, rotate or revoke.
 *
 * A secret is shown once, when it is made.
 */
#ifndef STELE_SERVICE_API_KEY_H
#define STELE_SERVICE_API_KEY_H

#include "control/api_key.h"
#include "service/service.h"

#define CLIENT_ID_LEN  16 /* hex digits */
#define SECRET_LEN     64 /* hex digits: 256 random bits */
#define TOKEN_PREFIX   "stele_"
#define TOKEN_TEXT_LEN (sizeof(TOKEN_PREFIX) - 1 + CLIENT_ID_LEN + 1 + SECRET_LEN)

#define KEY_ANY_VERSION 0 /* whatever the version is */

/* What a client says of a key. What is not given stays as it is, or is as nothing when the key is made; a given text
 * may be empty. */
struct key_change {
	const struct span *name;     /* NULL: not given; so with all */
	const struct span *role;     /* of a new key it must be */
	const struct span *query;    /* what it may see */
	const struct span *networks; /* network.h */
	const struct span *expires;  /* time_text.h */
	const uint32_t *request_rate;
	const uint32_t *event_rate;
};

struct key_secret {
	char secret[SECRET_LEN + 1];
	char token[TOKEN_TEXT_LEN + 1]; /* "stele_<client id>_<secret>" */
};

/* A secret for this key, and its hash. Wipe it after use. */
void key_secret_make(const char *client_id, struct key_secret *ret, struct sha256 *ret_hash);
/* A new client id. */
void key_id_make(char ret[CLIENT_ID_LEN + 1]);

/* E_INVALID, E_SYNTAX (err->field names the member), E_FORBIDDEN, E_TOO_LARGE, and what act.h says. */
int service_key_create(struct service *s, const struct principal *who, const struct key_change *c,
		       struct control_api_key *ret, struct key_secret *ret_secret, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND, also for those of other orgs. */
int service_key_get(struct service *s, const struct principal *who, struct span id, struct control_api_key *ret,
		    struct err *err) __attribute__((warn_unused_result));

/* As control_api_key_list. */
int service_key_list(struct service *s, const struct principal *who, struct control_api_key **ret, size_t *ret_count,
		     struct err *err) __attribute__((warn_unused_result));

/* `version` is the one it must have now. E_NOT_FOUND, E_CHANGED, and as service_key_create; E_INVALID: it is revoked.
 */
int service_key_change(struct service *s, const struct principal *who, struct span id, int64_t version,
		       const struct key_change *c, struct control_api_key *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Another secret; the one before is taken for `overlap_s` more (0 … KEY_OVERLAP_MAX_S), the one before that no more. */
int service_key_rotate(struct service *s, const struct principal *who, struct span id, int64_t version,
		       uint32_t overlap_s, struct control_api_key *ret, struct key_secret *ret_secret, struct err *err)
	__attribute__((warn_unused_result));

/* For good. E_INVALID: it is the key that asks; E_NOT_FOUND: it was revoked before. */
int service_key_revoke(struct service *s, const struct principal *who, struct span id, int64_t version, struct err *err)
	__attribute__((warn_unused_result));

#endif
