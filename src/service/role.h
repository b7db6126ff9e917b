/*
 * Roles of an org: those built in (role.tbl) and its own, each a named set of permissions. Nobody gives a permission
 * that they do not hold: neither in a role, nor by giving a role to a key or a user.
 */
#ifndef STELE_SERVICE_ROLE_H
#define STELE_SERVICE_ROLE_H

#include "control/role.h"
#include "service/service.h"

#define ROLE_ANY_VERSION 0 /* whatever the version is */

/* What a role allows now; cheap. E_NOT_FOUND. */
int service_role_permissions(struct service *s, int64_t org, const char *role, uint32_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The same as it is stored, within an act. E_CORRUPT: there is no such role. */
int service_role_stored(struct service *s, int64_t org, const char *role, uint32_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The same for a role that `who` is about to give to a key or a user of the org. E_INVALID: there is no such role;
 * E_FORBIDDEN: it allows something that `who` may not do. err->field is "role". Within an act. */
int service_role_give(struct service *s, const struct principal *who, int64_t org, struct span role, uint32_t *ret,
		      struct err *err) __attribute__((warn_unused_result));

#endif
