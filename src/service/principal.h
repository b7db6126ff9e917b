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
#include "control/limits.h"
#include "service/permission.h"

struct org;
struct query;
struct service;

enum principal_kind { PRINCIPAL_KEY, PRINCIPAL_USER };

/* Where a request comes from; borrowed. */
struct caller {
	struct span ip; /* as text */
	struct span user_agent;
};

struct principal {
	struct org *org; /* lives as long as the service */
	enum principal_kind kind;
	char id[CLIENT_ID_MAX + 1];        /* of the key or user */
	char name[PRINCIPAL_NAME_MAX + 1]; /* the key's name, the user's e-mail address; "" when it has none */
	char session[SESSION_ID_LEN + 1];  /* of a user who signed in; "" otherwise */
	uint32_t permissions;
	const struct query *narrow; /* sees only records that match; NULL: all. Lives as long as the service */
	struct caller caller;
};

/* Who holds this token ("stele_<client id>_<secret>"). Known keys cost one SHA-256; the secret is compared in constant
 * time. Leaves ret->caller alone. E_UNAUTHORIZED. */
int service_authenticate(struct service *s, struct span token, struct principal *ret, struct err *err)
	__attribute__((warn_unused_result));

/* E_FORBIDDEN unless the principal has the permission. */
int principal_require(const struct principal *who, enum permission p, struct err *err)
	__attribute__((warn_unused_result));

#endif
