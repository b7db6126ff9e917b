/* Roles: what they allow. */
#include "service/role.h"

#include <string.h>

#include "base/mem.h"
#include "service/key_cache.h"

/* ---- what a role allows ---- */

static const struct known_role *find_locked(const struct service *s, int64_t org, const char *name)
{
	for (const struct known_role *r = s->roles; r; r = r->next) {
		if (r->org == org && strcmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

/* Keeps what was read, unless something changed meanwhile or another thread was faster. */
static void keep(struct service *s, const struct control_role *role, uint32_t permissions, uint64_t changes)
{
	struct known_role *r = xalloc(sizeof(*r));

	r->org = role->org;
	r->permissions = permissions;
	memcpy(r->name, role->name, sizeof(r->name));
	mutex_lock(&s->mu);
	if (s->cache_changes == changes && !find_locked(s, role->org, role->name)) {
		r->next = s->roles;
		s->roles = r;
		r = NULL;
	}
	mutex_unlock(&s->mu);
	free(r);
}

static int read_role(struct service *s, int64_t org, const char *role, struct control_role *ret,
		     uint32_t *ret_permissions, struct err *err)
{
	int rc;

	if ((rc = control_role_get(s->control, org, role, ret, err)) < 0)
		return rc;
	if ((rc = permission_parse_set(span_str(ret->permissions), ret_permissions, err)) < 0)
		return err_set(err, E_CORRUPT, "control.db: role '%s' has unknown permissions", role);
	return 0;
}

int service_role_permissions(struct service *s, int64_t org, const char *role, uint32_t *ret, struct err *err)
{
	const struct known_role *known;
	struct control_role stored;
	uint64_t changes;
	int rc;

	if (role_permissions(role, ret))
		return 0;
	mutex_lock(&s->mu);
	known = find_locked(s, org, role);
	if (known)
		*ret = known->permissions;
	changes = s->cache_changes;
	mutex_unlock(&s->mu);
	if (known)
		return 0;
	if ((rc = read_role(s, org, role, &stored, ret, err)) < 0)
		return rc;
	keep(s, &stored, *ret, changes);
	return 0;
}

int service_role_stored(struct service *s, int64_t org, const char *role, uint32_t *ret, struct err *err)
{
	struct control_role stored;
	int rc;

	if (role_permissions(role, ret))
		return 0;
	rc = read_role(s, org, role, &stored, ret, err);
	return rc == E_NOT_FOUND ? err_set(err, E_CORRUPT, "control.db: there is no role '%s'", role) : rc;
}

static int refuse_role(const struct principal *who, struct span role, struct err *err)
{
	struct buf names = BUF_INIT;
	int rc;

	role_put_names(&names, who->permissions);
	rc = err_set(err, E_INVALID, "there is no role '%.*s'; there are %.*s, and those of GET /v1/roles",
		     (int)(role.len < ROLE_NAME_MAX ? role.len : ROLE_NAME_MAX), (const char *)role.p, (int)names.len,
		     names.p ? (const char *)names.p : "");
	buf_release(&names);
	return rc;
}

static int give(struct service *s, const struct principal *who, int64_t org, struct span role, uint32_t *ret,
		struct err *err)
{
	char name[ROLE_NAME_MAX + 1] = "";
	struct control_role stored;
	int rc = 0;

	if (role.len == 0 || role.len > ROLE_NAME_MAX || memchr(role.p, 0, role.len))
		return refuse_role(who, role, err);
	memcpy(name, role.p, role.len);
	if (!role_permissions(name, ret))
		rc = read_role(s, org, name, &stored, ret, err);
	if (rc == E_NOT_FOUND)
		return refuse_role(who, role, err);
	return rc < 0 ? rc : principal_covers(who, *ret, err);
}

int service_role_give(struct service *s, const struct principal *who, int64_t org, struct span role, uint32_t *ret,
		      struct err *err)
{
	int rc = give(s, who, org, role, ret, err);

	if (rc < 0)
		err_set_field(err, "role", strlen("role"));
	return rc;
}
