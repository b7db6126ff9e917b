/* Roles of an org's own making: made, changed and removed, as acts. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/act.h"
#include "service/key_cache.h"
#include "service/role.h"

enum role_verb { ROLE_CREATED, ROLE_CHANGED, ROLE_REMOVED };

/* One act on one role. */
struct role_act {
	enum role_verb verb;
	const struct role_change *change;
	int64_t version; /* what it must be */
	int64_t now_us;
	struct control_role before, after; /* before.name is given */
};

static int name_member(const char *member, int rc, struct err *err)
{
	err_set_field(err, member, strlen(member));
	return rc;
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no role of this name; GET /v1/roles lists those there are");
}

/* ---- names ---- */

static bool is_name(struct span name)
{
	if (name.len == 0 || name.len > ROLE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '_' || c == '-'))))
			return false;
	}
	return true;
}

static bool is_built_in(const char *name)
{
	uint32_t ignored;

	return role_permissions(name, &ignored);
}

static bool take_name(struct span name, char to[ROLE_NAME_MAX + 1])
{
	if (!is_name(name))
		return false;
	memcpy(to, name.p, name.len);
	to[name.len] = '\0';
	return true;
}

/* ---- what is changed ---- */

static int apply_permissions(const struct principal *who, struct span text, struct control_role *role, struct err *err)
{
	struct buf normal = BUF_INIT;
	uint32_t set;
	int rc;

	if ((rc = permission_parse_set(text, &set, err)) < 0)
		return rc;
	if (set == 0)
		return err_set(err, E_INVALID, "a role has at least one permission; GET /v1/permissions lists them");
	if ((set & PERMISSIONS_NODE) != 0)
		return err_set(err, E_INVALID, "%s is about the whole node, and no role of an org's own has it",
			       permission_name(permission_first(set & PERMISSIONS_NODE)));
	if ((rc = principal_covers(who, set, err)) < 0)
		return rc;
	permission_put_set(&normal, set);
	buf_put_u8(&normal, 0);
	if (!buf_ok(&normal) || normal.len > sizeof(role->permissions))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a role");
	else
		memcpy(role->permissions, normal.p, normal.len);
	buf_release(&normal);
	return rc;
}

static int apply_description(struct span text, struct control_role *role, struct err *err)
{
	if (text.len > ROLE_DESCRIPTION_MAX || (text.len > 0 && memchr(text.p, 0, text.len)))
		return err_set(err, E_INVALID, "the description of a role has at most %u bytes and no NUL",
			       ROLE_DESCRIPTION_MAX);
	if (text.len > 0)
		memcpy(role->description, text.p, text.len);
	role->description[text.len] = '\0';
	return 0;
}

static int apply_members(const struct principal *who, const struct role_change *c, struct control_role *role,
			 struct err *err)
{
	int rc;

	if (c->permissions && (rc = apply_permissions(who, *c->permissions, role, err)) < 0)
		return name_member("permissions", rc, err);
	if (c->description && (rc = apply_description(*c->description, role, err)) < 0)
		return name_member("description", rc, err);
	return 0;
}

/* ---- acts ---- */

static int apply_create(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct role_act *a = user;
	int rc = apply_members(who, a->change, &a->after, err);

	return rc < 0 ? rc : control_role_create(s->control, &a->after, err);
}

/* What one may not do one does not take from others either. */
static int check_before(const struct principal *who, const struct role_act *a, struct err *err)
{
	uint32_t set;
	int rc;

	if (a->version != ROLE_ANY_VERSION && a->version != a->before.version)
		return err_set(err, E_CHANGED, "the role has version %lld by now; read it again and decide anew",
			       (long long)a->before.version);
	rc = permission_parse_set(span_str(a->before.permissions), &set, err);
	return rc < 0 ? rc : principal_covers(who, set, err);
}

static int check_unused(struct service *s, const struct control_role *role, struct err *err)
{
	int64_t uses;
	int rc = control_role_uses(s->control, role->org, role->name, &uses, err);

	if (rc == 0 && uses > 0)
		rc = err_set(err, E_INVALID, "%lld keys and users have this role; give them another one first",
			     (long long)uses);
	return rc;
}

static int apply_change(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct role_act *a = user;
	int rc;

	rc = control_role_get(s->control, who->org->control.id, a->before.name, &a->before, err);
	if (rc < 0)
		return rc == E_NOT_FOUND ? not_found(err) : rc;
	if ((rc = check_before(who, a, err)) < 0)
		return rc;
	a->after = a->before;
	a->after.version++;
	a->after.updated_us = a->now_us;
	if (a->verb == ROLE_REMOVED) {
		rc = check_unused(s, &a->before, err);
		return rc < 0 ? rc : control_role_delete(s->control, a->before.org, a->before.name, err);
	}
	if ((rc = apply_members(who, a->change, &a->after, err)) < 0)
		return rc;
	return control_role_update(s->control, &a->after, err);
}

static void put_role(struct buf *to, const char *member, const struct control_role *role)
{
	buf_printf(to, ",\"%s\":{\"name\":\"%s\",\"permissions\":\"%s\",\"description\":", member, role->name,
		   role->permissions);
	json_text_string(to, span_str(role->description));
	buf_put_u8(to, '}');
}

static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	static const char *const actions[] = {"role.created", "role.changed", "role.removed"};
	const struct role_act *a = user;

	self_event_begin(to, actions[a->verb], who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"role\"}", a->after.name);
	if (a->verb != ROLE_CREATED)
		put_role(to, "before", &a->before);
	if (a->verb != ROLE_REMOVED)
		put_role(to, "after", &a->after);
	buf_put_u8(to, '}');
}

static int run(struct service *s, const struct principal *who, struct role_act *a, struct err *err)
{
	const struct act act = {
		.apply = a->verb == ROLE_CREATED ? apply_create : apply_change, .put_event = put_event, .user = a};
	int rc;

	a->now_us = clock_wall_us();
	rc = service__act(s, who, &act, err);
	service__role_changed(s, who->org->control.id);
	return rc;
}

/* ---- calls ---- */

int service_role_create(struct service *s, const struct principal *who, struct span name, const struct role_change *c,
			struct control_role *ret, struct err *err)
{
	struct role_act a = {.verb = ROLE_CREATED, .change = c};
	int rc;

	if (!take_name(name, a.after.name))
		return name_member("name",
				   err_set(err, E_INVALID,
					   "the name of a role has 1 to %u of a-z, 0-9, '_' and '-', a letter first",
					   ROLE_NAME_MAX),
				   err);
	if (is_built_in(a.after.name))
		return name_member("name", err_set(err, E_EXISTS, "the role '%s' is built in", a.after.name), err);
	if (!c->permissions)
		return name_member("permissions", err_set(err, E_INVALID, "a role has 'permissions'"), err);
	a.after.org = who->org->control.id;
	a.after.created_us = a.after.updated_us = clock_wall_us();
	a.after.version = ROLE_VERSION;
	memcpy(a.after.created_by, who->id, sizeof(a.after.created_by));
	rc = run(s, who, &a, err);
	if (rc == 0)
		*ret = a.after;
	return rc;
}

static void fill_built_in(const char *name, struct control_role *ret)
{
	struct buf text = BUF_INIT;
	uint32_t set = 0;

	*ret = (struct control_role){.org = 0};
	(void)role_permissions(name, &set);
	permission_put_set(&text, set);
	buf_put_u8(&text, 0);
	must(buf_ok(&text) && text.len <= sizeof(ret->permissions));
	memcpy(ret->permissions, text.p, text.len);
	memcpy(ret->name, name, strlen(name) + 1);
	buf_release(&text);
}

int service_role_get(struct service *s, const struct principal *who, struct span name, struct control_role *ret,
		     struct err *err)
{
	char text[ROLE_NAME_MAX + 1];
	int rc;

	if (!take_name(name, text))
		return not_found(err);
	if (is_built_in(text)) {
		fill_built_in(text, ret);
		return 0;
	}
	rc = control_role_get(s->control, who->org->control.id, text, ret, err);
	return rc == E_NOT_FOUND ? not_found(err) : rc;
}

int service_role_list(struct service *s, const struct principal *who, struct control_role **ret, size_t *ret_count,
		      struct err *err)
{
	struct control_role *own = NULL, *all;
	size_t count = 0, n = 0;
	int rc = control_role_list(s->control, who->org->control.id, &own, &count, err);

	if (rc < 0)
		return rc;
	while (role_name(n))
		n++;
	all = xarray(n + count, sizeof(*all));
	for (size_t i = 0; i < n; i++)
		fill_built_in(role_name(i), &all[i]);
	if (count > 0)
		memcpy(all + n, own, count * sizeof(*own));
	free(own);
	*ret = all;
	*ret_count = n + count;
	return 0;
}

/* The name of a role that can be changed. */
static int take_own(struct span name, struct role_act *a, struct err *err)
{
	if (!take_name(name, a->before.name))
		return not_found(err);
	if (is_built_in(a->before.name))
		return err_set(err, E_INVALID, "the role '%s' is built in; make one of your own", a->before.name);
	return 0;
}

int service_role_change(struct service *s, const struct principal *who, struct span name, int64_t version,
			const struct role_change *c, struct control_role *ret, struct err *err)
{
	struct role_act a = {.verb = ROLE_CHANGED, .change = c, .version = version};
	int rc = take_own(name, &a, err);

	if (rc == 0)
		rc = run(s, who, &a, err);
	if (rc == 0)
		*ret = a.after;
	return rc;
}

int service_role_delete(struct service *s, const struct principal *who, struct span name, int64_t version,
			struct err *err)
{
	struct role_act a = {.verb = ROLE_REMOVED, .version = version};
	int rc = take_own(name, &a, err);

	return rc < 0 ? rc : run(s, who, &a, err);
}
