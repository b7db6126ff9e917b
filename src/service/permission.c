/* Roles and their permissions. */
#include "service/permission.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t permissions;
} roles[] = {
#define ROLE(name, permissions) {#name, permissions},
#include "service/role.tbl"
#undef ROLE
};

bool role_permissions(const char *role, uint32_t *ret_permissions)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(roles[i].name, role) == 0) {
			*ret_permissions = roles[i].permissions;
			return true;
		}
	}
	return false;
}

const char *permission_name(enum permission p)
{
	switch (p) {
#define PERMISSION(name, bit, text, meaning)                                                                           \
	case PERMISSION_##name:                                                                                        \
		return text;
#include "service/permission.tbl"
#undef PERMISSION
	case PERMISSION_NONE:
		break;
	}
	return "none";
}
