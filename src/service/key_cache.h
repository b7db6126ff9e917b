/*
 * What is looked up for every request and rarely changes: API keys, roles and the queries that narrow keys. Each is
 * read from control.db once and kept; who changes one there then says so here, after the change is made. From then on
 * no request is taken by what was before.
 *
 * All are guarded by the service's `mu`, which is held for a look into a table alone: what is not there is read without
 * it, so that unknown keys hold nobody up.
 */
#ifndef STELE_SERVICE_KEY_CACHE_H
#define STELE_SERVICE_KEY_CACHE_H

#include "control/api_key.h"
#include "service/network.h"
#include "service/service_priv.h"

/* A query that narrows keys; never freed before the service is, since requests point to it. */
struct narrow {
	struct narrow *next;
	int64_t org;
	struct query *query;
	char *text;
};

/* An API key as it was read last. Kept for good, for a key is never deleted. */
struct known_key {
	struct known_key *next;
	bool is_stale; /* it was changed since */
	struct sha256 secret_hash;
	struct sha256 previous_hash;
	int64_t previous_until_us;
	int64_t expires_us;
	int64_t revoked_us;
	int64_t rotated_us;
	int64_t used_us;  /* last */
	int64_t noted_us; /* what control.db says of it */
	struct network_list networks;
	struct principal principal;
};

/* A role of an org's own making, until it is changed. */
struct known_role {
	struct known_role *next;
	int64_t org;
	uint32_t permissions;
	char name[ROLE_NAME_MAX + 1];
};

/* The key's entry, with s->mu held when it returns 0. E_NOT_FOUND, E_CORRUPT, E_IO. */
int service__key_take(struct service *s, const char *client_id, struct known_key **ret, struct err *err)
	__attribute__((warn_unused_result));

/* A key was changed in control.db. */
void service__key_changed(struct service *s, const char *client_id);
/* A role was: of all keys of the org it is asked anew what they may do. */
void service__role_changed(struct service *s, int64_t org);

/* When it was used last; `noted_us` is what control.db says. */
int64_t service__key_used(struct service *s, const char *client_id, int64_t noted_us);

/* Writes down when keys were used last, of each once a minute at the most, or with `all` now. Seldom called. */
void service__keys_note_use(struct service *s, bool all);

/* The query of this text of an org's, parsed once; NULL for an empty one. E_SYNTAX, E_TOO_LARGE; E_INVALID: it depends
 * on when it is asked. */
int service__narrow(struct service *s, int64_t org, const char *text, const struct narrow **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Whether there may be a key of the org with this query: as service__narrow, but nothing is kept, and E_QUOTA when the
 * org's keys had too many. */
int service__narrow_check(struct service *s, int64_t org, const char *text, struct err *err)
	__attribute__((warn_unused_result));

void service__key_cache_free(struct service *s);

#endif
