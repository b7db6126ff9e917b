/* What a principal may do (permission.tbl). Roles are named sets of permissions; those built in are in role.tbl. */
#ifndef STELE_SERVICE_PERMISSION_H
#define STELE_SERVICE_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

enum permission {
	PERMISSION_NONE = 0, /* anybody may: liveness, figures */
#define PERMISSION(name, bit, text, meaning) PERMISSION_##name = 1 << (bit),
#include "service/permission.tbl"
#undef PERMISSION
};

#define PERMISSIONS_ALL                                                                                                \
	(PERMISSION_APPEND | PERMISSION_READ | PERMISSION_EXPORT | PERMISSION_SAVE | PERMISSION_RETAIN |               \
	 PERMISSION_PROVE | PERMISSION_AUDIT | PERMISSION_KEYS | PERMISSION_USERS | PERMISSION_ROLES |                 \
	 PERMISSION_ORG | PERMISSION_CATALOGUE)
#define PERMISSIONS_NODE (PERMISSION_OPERATE | PERMISSION_ORGS)

/* The permissions of a built-in role; false when there is no such role. */
bool role_permissions(const char *role, uint32_t *ret_permissions);

/* "events:append" and so on: one permission's name in messages. */
const char *permission_name(enum permission p);

#endif
