/*
 * Orgs: those who operate the node make them, set their limits and disable them; an org names itself. Each change is
 * told of first, in the self ledger of who makes it. What names an org, its org_key, never changes, and an org is never
 * removed: a disabled one keeps its events, and nobody gets in.
 *
 * The org "_system" is the server's own: it is there from the first start, takes the server's own events, and is not
 * changed.
 */
#ifndef STELE_SERVICE_ORG_H
#define STELE_SERVICE_ORG_H

#include "control/retention.h"
#include "service/api_key.h"

#define ORG_ANY_VERSION 0 /* whatever the version is */

struct org_view {
	struct control_org org;
	char account_type[ACCOUNT_TYPE_MAX + 1]; /* which retention plan; "": none */
};

/* What a client says of an org; NULL: not given. */
struct org_change {
	const struct span *name; /* of a new org it must be given */
	const struct span *account_type;
	const uint32_t *request_rate; /* a second; 0: no limit */
	const uint32_t *event_rate;
	const bool *is_disabled; /* not of a new one */
};

/* The first key of an org, and its secret: to be wiped. */
struct org_key {
	struct control_api_key key;
	struct key_secret secret;
};

/* ---- for who has orgs:manage, which is the caller's to check ---- */

/* By org_key; the caller frees the array. */
int service_org_list(struct service *s, struct org_view **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int service_org_get(struct service *s, struct span org_key, struct org_view *ret, struct err *err)
	__attribute__((warn_unused_result));

/* With `ret_key` it gets a key with the role owner at once. E_INVALID, E_EXISTS, E_TOO_LARGE (err->field names the
 * member), and what act.h says. */
int service_org_create(struct service *s, const struct principal *who, struct span org_key, const struct org_change *c,
		       struct org_view *ret, struct org_key *ret_key, struct err *err)
	__attribute__((warn_unused_result));

/* Takes effect with the next request. E_NOT_FOUND, E_CHANGED, and as service_org_create; E_INVALID: an org that would
 * disable itself, or the server's own. */
int service_org_change(struct service *s, const struct principal *who, struct span org_key, int64_t version,
		       const struct org_change *c, struct org_view *ret, struct err *err)
	__attribute__((warn_unused_result));

/* A key in any org, told of in both self ledgers. As service_key_create; E_NOT_FOUND; E_INVALID: a role with
 * permissions of the node, which only the keys of the org of `who` may have. */
int service_org_key_create(struct service *s, const struct principal *who, struct span org_key,
			   const struct key_change *c, struct org_key *ret, struct err *err)
	__attribute__((warn_unused_result));

/* ---- one's own ---- */

int service_org_own(struct service *s, const struct principal *who, struct org_view *ret, struct err *err)
	__attribute__((warn_unused_result));
int service_org_own_change(struct service *s, const struct principal *who, int64_t version, struct span name,
			   struct org_view *ret, struct err *err) __attribute__((warn_unused_result));

#endif
