/*
 * Who asks: an API key or a user of an org, what it may do, what it may see, and from where it calls.
 *
 * A principal is made by one of the ways to authenticate and is the request's; what it points to lives as long as the
 * service, except for `caller`, which is the request's too.
 */
#ifndef STELE_SERVICE_PRINCIPAL_H
#define STELE_SERVICE_PRINCIPAL_H

#include "base/err.h"
#include "base/span.h"
#include "codec/row.h"
#include "control/limits.h"
#include "service/permission.h"

struct org;
struct query;
struct quota;
struct reading;
struct service;

enum principal_kind { PRINCIPAL_KEY, PRINCIPAL_USER };

/* Where a request comes from, and what it is; borrowed. */
struct caller {
	struct span ip; /* as text */
	struct span user_agent;
	const char *method; /* NULL: it is no request */
	const char *route;  /* the resource as documents name it: "/v1/events/{id}" */
	/* Its answer waits until what it reads is told of (reading.h); NULL: whoever reads waits for that. */
	struct reading *reading;
	struct quota *quota; /* what is left of its limits (quota.h); NULL: nobody asks */
};

struct principal {
	struct org *org; /* lives as long as the service */
	enum principal_kind kind;
	char id[CLIENT_ID_MAX + 1];        /* of the key or user */
	char name[PRINCIPAL_NAME_MAX + 1]; /* the key's name, the user's e-mail address; "" when it has none */
	char session[SESSION_ID_LEN + 1];  /* of a user who signed in; "" otherwise */
	int64_t session_seen_us;           /* when it was written down last that the session is used */
	int64_t secret_us;                 /* when the key's secret was made that it came with; -1: the one before */
	uint32_t permissions;
	uint32_t request_rate; /* a second, of its own; 0: no limit but the org's */
	uint32_t event_rate;
	const struct query *narrow; /* sees only records that match; NULL: all. Lives as long as the service */
	const char *narrow_text;    /* as it was written; "" or NULL: all. Lives as long */
	struct caller caller;
};

/* Who holds this token ("stele_<client id>_<secret>"). Known keys cost one SHA-256; the secret is compared in constant
 * time. Leaves ret->caller alone, whose address must be one that the key may be used from. E_UNAUTHORIZED: not known,
 * revoked, expired, not from here, or of an org that is disabled; which of these is said to who has the secret. */
int service_authenticate(struct service *s, struct span token, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The same by its two parts. */
int service_authenticate_pair(struct service *s, struct span client_id, struct span secret, struct principal *ret,
			      struct err *err) __attribute__((warn_unused_result));

/* Who has this client id, without a secret: for what was signed in its name. As service_authenticate. */
int service_key_find(struct service *s, const char *client_id, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Who it is by now that came as `who`, a key, some time ago. As service_key_find; E_UNAUTHORIZED also when the secret
 * that it came with is taken no more. */
int service_key_again(struct service *s, const struct principal *who, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* A number that changes when the key's secret does. E_UNAUTHORIZED, also once the key has ended. */
int service_key_generation(struct service *s, const char *client_id, uint64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The org_key of its org. */
const char *principal_org_key(const struct principal *who);

/* What rows of vendors say about its org: the key, and the name as it was when the server started. */
struct row_given principal_row_given(const struct principal *who);

/* E_FORBIDDEN unless the principal has the permission. */
int principal_require(const struct principal *who, enum permission p, struct err *err)
	__attribute__((warn_unused_result));

/* E_FORBIDDEN unless the principal has all of a set: nobody gives what they do not hold. */
int principal_covers(const struct principal *who, uint32_t permissions, struct err *err)
	__attribute__((warn_unused_result));

#endif
