/* Roles and their permissions. */
#include "service/permission.h"

#include <string.h>

#include "service/limits.h"

const struct permission_info permission_infos[] = {
#define PERMISSION(name, bit, text, meaning) {PERMISSION_##name, text, meaning},
#include "service/permission.tbl"
#undef PERMISSION
};
const size_t permission_info_count = sizeof(permission_infos) / sizeof(permission_infos[0]);

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

const char *role_name(size_t i)
{
	return i < sizeof(roles) / sizeof(roles[0]) ? roles[i].name : NULL;
}

void role_put_names(struct buf *to, uint32_t held)
{
	const char *separator = "";

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if ((roles[i].permissions & ~held) != 0)
			continue;
		buf_printf(to, "%s%s", separator, roles[i].name);
		separator = ", ";
	}
}

const char *permission_name(enum permission p)
{
	for (size_t i = 0; i < permission_info_count; i++) {
		if (permission_infos[i].permission == p)
			return permission_infos[i].name;
	}
	return "none";
}

enum permission permission_first(uint32_t set)
{
	return (enum permission)(set & (~set + 1));
}

void permission_put_set(struct buf *to, uint32_t set)
{
	const char *separator = "";

	for (size_t i = 0; i < permission_info_count; i++) {
		if ((set & (uint32_t)permission_infos[i].permission) == 0)
			continue;
		buf_printf(to, "%s%s", separator, permission_infos[i].name);
		separator = ",";
	}
}

static struct span trim(struct span s)
{
	while (s.len > 0 && s.p[0] == ' ')
		s = span_from(s, 1);
	while (s.len > 0 && s.p[s.len - 1] == ' ')
		s.len--;
	return s;
}

static enum permission find(struct span name)
{
	for (size_t i = 0; i < permission_info_count; i++) {
		if (span_eq_str(name, permission_infos[i].name))
			return permission_infos[i].permission;
	}
	return PERMISSION_NONE;
}

int permission_parse_set(struct span text, uint32_t *ret, struct err *err)
{
	uint32_t set = 0;

	for (bool more = trim(text).len > 0; more;) {
		const uint8_t *comma = text.len ? memchr(text.p, ',', text.len) : NULL;
		size_t len = comma ? (size_t)(comma - text.p) : text.len;
		struct span name = trim(span_of(text.p, len));
		enum permission p = find(name);

		if (p == PERMISSION_NONE)
			return err_set(err, E_INVALID,
				       "'%.*s' is no permission; GET /v1/permissions lists those there are",
				       (int)(name.len < PERMISSION_NAME_MAX ? name.len : PERMISSION_NAME_MAX),
				       (const char *)name.p);
		set |= (uint32_t)p;
		more = comma != NULL;
		text = span_from(text, comma ? len + 1 : len);
	}
	*ret = set;
	return 0;
}
