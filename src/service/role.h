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

/* ---- the org's own; acts, told of first ---- */

/* What a client says of a role; NULL: not given. */
struct role_change {
	const struct span *permissions; /* names with commas between; of a new role they must be given */
	const struct span *description;
};

/* E_INVALID (err->field names the member), E_EXISTS, E_FORBIDDEN, E_TOO_LARGE, and what act.h says. */
int service_role_create(struct service *s, const struct principal *who, struct span name, const struct role_change *c,
			struct control_role *ret, struct err *err) __attribute__((warn_unused_result));

/* The built-in ones too, of which only name and permissions are filled in. E_NOT_FOUND. */
int service_role_get(struct service *s, const struct principal *who, struct span name, struct control_role *ret,
		     struct err *err) __attribute__((warn_unused_result));

/* The built-in ones that an org can have, then its own by name; the caller frees the array. */
int service_role_list(struct service *s, const struct principal *who, struct control_role **ret, size_t *ret_count,
		      struct err *err) __attribute__((warn_unused_result));

/* Takes effect at once on the keys and users that have the role. `version` is the one it must have now. E_NOT_FOUND,
 * E_CHANGED, E_INVALID: it is built in; and as service_role_create. */
int service_role_change(struct service *s, const struct principal *who, struct span name, int64_t version,
			const struct role_change *c, struct control_role *ret, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND, E_CHANGED; E_INVALID: keys or users have it. */
int service_role_delete(struct service *s, const struct principal *who, struct span name, int64_t version,
			struct err *err) __attribute__((warn_unused_result));

#endif
