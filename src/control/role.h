/*
 * Roles of an org's own making: named sets of permissions. What the permissions mean is the service's; here they are
 * text. Those built in are no rows.
 */
#ifndef STELE_CONTROL_ROLE_H
#define STELE_CONTROL_ROLE_H

#include "control/control.h"

#define ROLE_VERSION 1 /* the first one; each change makes the next */

struct control_role {
	int64_t org;
	char name[ROLE_NAME_MAX + 1];
	char permissions[ROLE_PERMISSIONS_MAX + 1]; /* names with commas between */
	char description[ROLE_DESCRIPTION_MAX + 1];
	int64_t created_us;
	int64_t updated_us;
	char created_by[CLIENT_ID_MAX + 1];
	int64_t version;
};

/* Stores it as it is. E_EXISTS, E_TOO_LARGE (ROLES_MAX). */
int control_role_create(struct control *c, const struct control_role *role, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_role_get(struct control *c, int64_t org, const char *name, struct control_role *ret, struct err *err)
	__attribute__((warn_unused_result));

/* All of an org, by name; the caller frees the array. */
int control_role_list(struct control *c, int64_t org, struct control_role **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* Replaces permissions, description, updated_us and version. E_NOT_FOUND. */
int control_role_update(struct control *c, const struct control_role *role, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_role_delete(struct control *c, int64_t org, const char *name, struct err *err)
	__attribute__((warn_unused_result));

/* How many API keys in force and users of the org have the role; disabled users count, for they may come back. */
int control_role_uses(struct control *c, int64_t org, const char *name, int64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
