/*
 * API keys: what a client proves to be, what it may do and see, from where and until when. A key is never deleted: it
 * is revoked, so that what it did keeps its name.
 *
 * A secret has 256 random bits, so one SHA-256 of it is as good as a slow hash; it is never stored.
 */
#ifndef STELE_CONTROL_API_KEY_H
#define STELE_CONTROL_API_KEY_H

#include "control/control.h"

#define API_KEY_VERSION 1 /* the first one; each change makes the next */

struct control_api_key {
	char client_id[CLIENT_ID_MAX + 1];
	struct sha256 secret_hash;
	struct sha256 previous_hash; /* of the secret before the last rotation */
	int64_t previous_until_us;   /* until then it is taken too; 0: there is none */
	int64_t org;
	char role[ROLE_NAME_MAX + 1];
	char name[PRINCIPAL_NAME_MAX + 1];    /* "": none */
	char narrow[NARROW_MAX + 1];          /* a query: what it may see; "": all */
	char networks[NETWORKS_TEXT_MAX + 1]; /* with commas between: from where it may be used; "": from anywhere */
	uint32_t request_rate;                /* 0: no limit of its own */
	uint32_t event_rate;
	int64_t created_us;
	int64_t updated_us;
	int64_t expires_us;   /* 0: never */
	int64_t revoked_us;   /* 0: in force */
	int64_t rotated_us;   /* 0: never */
	int64_t last_used_us; /* 0: never; a minute late at the most */
	char created_by[CLIENT_ID_MAX + 1];
	int64_t version;
};

/* Stores it as it is. E_EXISTS, E_INVALID (no such org), E_TOO_LARGE (API_KEYS_MAX in force). */
int control_api_key_create(struct control *c, const struct control_api_key *key, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_api_key_get(struct control *c, const char *client_id, struct control_api_key *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Those of an org in force, then the revoked, each the newest first; at most API_KEYS_LISTED_MAX. The caller frees the
 * array. */
int control_api_key_list(struct control *c, int64_t org, struct control_api_key **ret, size_t *ret_count,
			 struct err *err) __attribute__((warn_unused_result));

/* Replaces all but client_id, org, created_us, created_by and last_used_us. E_NOT_FOUND. */
int control_api_key_update(struct control *c, const struct control_api_key *key, struct err *err)
	__attribute__((warn_unused_result));

/* Notes when a key was used last; a time before the one noted changes nothing. */
int control_api_key_used(struct control *c, const char *client_id, int64_t us, struct err *err)
	__attribute__((warn_unused_result));

#endif
