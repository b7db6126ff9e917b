/* What a principal may do (permission.tbl). Roles are named sets of permissions; those built in are in role.tbl. */
#ifndef STELE_SERVICE_PERMISSION_H
#define STELE_SERVICE_PERMISSION_H

#include "base/buf.h"
#include "base/err.h"

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
/* What a narrowed key never has, whatever its role: with these it could make somebody who sees more. */
#define PERMISSIONS_WHOLE (PERMISSION_KEYS | PERMISSION_USERS | PERMISSION_ORGS)

/* The permissions of a built-in role; false when there is no such role. */
bool role_permissions(const char *role, uint32_t *ret_permissions);

/* The built-in roles one after the other, by `i` from 0; NULL at their end. */
const char *role_name(size_t i);

/* Writes the names of all built-in roles that `held` covers, with commas between. */
void role_put_names(struct buf *to, uint32_t held);

/* "events:append" and so on: one permission's name in messages. */
const char *permission_name(enum permission p);

/* The lowest of a set; PERMISSION_NONE of an empty one. */
enum permission permission_first(uint32_t set);

/* A set as text, names with commas between, and back: blanks around names do not count. E_INVALID names what is no
 * permission. */
void permission_put_set(struct buf *to, uint32_t set);
int permission_parse_set(struct span text, uint32_t *ret, struct err *err) __attribute__((warn_unused_result));

/* All there are, in the order of their bits. */
struct permission_info {
	enum permission permission;
	const char *name;
	const char *meaning;
};
extern const struct permission_info permission_infos[];
extern const size_t permission_info_count;

#endif
