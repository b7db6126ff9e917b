/*
 * Orgs: making and changing them, as acts. What an org is counted as (its account type) lies with its retention, so a
 * change of it is made there, and not while records of the org are being removed.
 */
#include "service/org.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/act.h"
#include "service/api_key_priv.h"
#include "service/key_cache.h"
#include "service/retention_priv.h"
#include "service/role.h"
#include "service/service_priv.h"

#define FIRST_KEY_NAME "first key"
#define FIRST_KEY_ROLE "owner"

struct org_act {
	const struct org_change *change;
	int64_t version; /* what it must be */
	int64_t now_us;
	bool is_new;
	bool has_key;
	struct org_view before, after;
	struct control_api_key key; /* the first one of a new org */
};

static int name_member(const char *member, int rc, struct err *err)
{
	err_set_field(err, member, strlen(member));
	return rc;
}

/* ---- reading ---- */

static int fill_account_type(struct service *s, struct org_view *v, struct err *err)
{
	struct control_retention retention;
	int rc = control_retention_get(s->control, v->org.id, &retention, err);

	if (rc == 0)
		memcpy(v->account_type, retention.account_type, sizeof(v->account_type));
	return rc;
}

static int read_org(struct service *s, int64_t id, struct org_view *ret, struct err *err)
{
	int rc = control_org_get(s->control, id, &ret->org, err);

	return rc < 0 ? rc : fill_account_type(s, ret, err);
}

int service_org_get(struct service *s, struct span org_key, struct org_view *ret, struct err *err)
{
	char text[ORG_KEY_MAX + 1] = "";
	int rc;

	if (org_key.len == 0 || org_key.len > ORG_KEY_MAX || memchr(org_key.p, 0, org_key.len))
		return err_set(err, E_NOT_FOUND, "there is no org with this org_key");
	memcpy(text, org_key.p, org_key.len);
	if ((rc = control_org_find(s->control, text, &ret->org, err)) < 0)
		return rc;
	return fill_account_type(s, ret, err);
}

int service_org_own(struct service *s, const struct principal *who, struct org_view *ret, struct err *err)
{
	return read_org(s, who->org->control.id, ret, err);
}

int service_org_list(struct service *s, struct org_view **ret, size_t *ret_count, struct err *err)
{
	struct control_org *orgs = NULL;
	struct org_view *views;
	size_t count = 0;
	int rc = control_org_list(s->control, &orgs, &count, err);

	if (rc < 0)
		return rc;
	views = xarray(count + 1, sizeof(*views));
	for (size_t i = 0; i < count && rc == 0; i++) {
		views[i].org = orgs[i];
		rc = fill_account_type(s, &views[i], err);
	}
	free(orgs);
	if (rc < 0) {
		free(views);
		return rc;
	}
	*ret = views;
	*ret_count = count;
	return 0;
}

/* ---- what is changed ---- */

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	}
	return false;
}

static int apply_name(struct span name, struct control_org *org, struct err *err)
{
	if (name.len == 0 || name.len > ORG_NAME_MAX || has_control(name))
		return err_set(err, E_INVALID, "an org has a 'name', one line of 1 to %u bytes", ORG_NAME_MAX);
	memcpy(org->name, name.p, name.len);
	org->name[name.len] = '\0';
	return 0;
}

static void apply_rates(const struct org_change *c, struct control_org *org)
{
	if (c->request_rate)
		org->request_rate = *c->request_rate;
	if (c->event_rate)
		org->event_rate = *c->event_rate;
}

static int apply_members(struct org_act *a, struct err *err)
{
	const struct org_change *c = a->change;
	int rc;

	if (c->name && (rc = apply_name(*c->name, &a->after.org, err)) < 0)
		return name_member("name", rc, err);
	if (c->account_type && (rc = retention__take_account_type(*c->account_type, a->after.account_type, err)) < 0)
		return rc;
	apply_rates(c, &a->after.org);
	if (c->is_disabled && !*c->is_disabled)
		a->after.org.disabled_us = 0;
	else if (c->is_disabled && a->after.org.disabled_us == 0)
		a->after.org.disabled_us = a->now_us;
	return 0;
}

/* Its days stay as they are. */
static int set_account_type(struct service *s, const struct principal *who, const struct org_act *a, struct err *err)
{
	struct control_retention retention;
	int rc;

	if (!a->change->account_type)
		return 0;
	if ((rc = control_retention_get(s->control, a->after.org.id, &retention, err)) < 0)
		return rc;
	retention.org = a->after.org.id;
	memcpy(retention.account_type, a->after.account_type, sizeof(retention.account_type));
	memcpy(retention.updated_by, who->id, sizeof(retention.updated_by));
	retention.updated_us = a->now_us;
	return control_retention_set(s->control, &retention, err);
}

/* ---- events ---- */

static void put_org(struct buf *to, const char *member, const struct org_view *v)
{
	buf_printf(to, ",\"%s\":{\"org_key\":\"%s\",\"name\":", member, v->org.org_key);
	json_text_string(to, span_str(v->org.name));
	buf_put_str(to, ",\"account_type\":");
	json_text_string(to, span_str(v->account_type));
	buf_printf(to, ",\"request_rate\":%u,\"event_rate\":%u,\"disabled\":%s}", v->org.request_rate,
		   v->org.event_rate, v->org.disabled_us ? "true" : "false");
}

static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct org_act *a = user;

	self_event_begin(to, a->is_new ? "org.created" : "org.changed", who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"org\",\"name\":", a->after.org.org_key);
	json_text_string(to, span_str(a->after.org.name));
	buf_put_u8(to, '}');
	if (a->has_key)
		buf_printf(to, ",\"attributes\":{\"client_id\":\"%s\"}", a->key.client_id);
	if (!a->is_new)
		put_org(to, "before", &a->before);
	put_org(to, "after", &a->after);
	buf_put_u8(to, '}');
}

/* ---- making one ---- */

static int apply_create(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct org_act *a = user;
	int rc;

	if ((rc = apply_members(a, err)) < 0)
		return rc;
	if ((rc = control_org_create(s->control, &a->after.org, service__wrap_key, s, err)) < 0)
		return rc;
	if ((rc = set_account_type(s, who, a, err)) < 0 || !a->has_key)
		return rc;
	a->key.org = a->after.org.id;
	return control_api_key_create(s->control, &a->key, err);
}

/* Its own self ledger begins with how it came to be. The org is there already, so a failure here is only logged. */
static void begin_ledgers(struct service *s, const struct principal *who, const struct org_act *a)
{
	struct buf event = BUF_INIT;
	struct err err = ERR_INIT;
	struct org *org;
	int rc = service__org(s, a->after.org.id, &org, &err);

	put_event(who, a, &event);
	if (rc == 0 && buf_ok(&event))
		rc = service_self_append(s, org, buf_span(&event), &err);
	if (rc < 0)
		diag(DIAG_ERROR, "service", "the ledgers of the new org %s do not begin: %s code=%s",
		     a->after.org.org_key, err.message, err_wire(err.code));
	buf_release(&event);
	retention__respan(s);
}

/* Those of the server begin with '_'. */
static int take_org_key(struct span org_key, struct control_org *org, struct err *err)
{
	bool is_good = org_key.len > 0 && org_key.len <= ORG_KEY_MAX && org_key.p[0] != '-';

	for (size_t i = 0; i < org_key.len && is_good; i++) {
		uint8_t c = org_key.p[i];

		is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
	}
	if (!is_good)
		return name_member("org_key",
				   err_set(err, E_INVALID,
					   "an org_key has 1 to %u of a-z, 0-9 and '-' and does not begin with '-'",
					   ORG_KEY_MAX),
				   err);
	memcpy(org->org_key, org_key.p, org_key.len);
	return 0;
}

int service_org_create(struct service *s, const struct principal *who, struct span org_key, const struct org_change *c,
		       struct org_view *ret, struct org_key *ret_key, struct err *err)
{
	struct org_act a = {.change = c, .is_new = true, .has_key = ret_key != NULL, .now_us = clock_wall_us()};
	const struct act act = {.apply = apply_create, .put_event = put_event, .user = &a};
	int rc;

	if ((rc = take_org_key(org_key, &a.after.org, err)) < 0)
		return rc;
	if (!c->name)
		return name_member("name", err_set(err, E_INVALID, "an org has a 'name'"), err);
	a.after.org.created_us = a.now_us;
	if (ret_key) {
		api_key__new(who, &a.key, &ret_key->secret);
		memcpy(a.key.role, FIRST_KEY_ROLE, sizeof(FIRST_KEY_ROLE));
		memcpy(a.key.name, FIRST_KEY_NAME, sizeof(FIRST_KEY_NAME));
	}
	rc = service__act(s, who, &act, err);
	if (rc < 0 && ret_key)
		mem_wipe(&ret_key->secret, sizeof(ret_key->secret));
	if (rc < 0)
		return rc;
	begin_ledgers(s, who, &a);
	*ret = a.after;
	if (ret_key)
		ret_key->key = a.key;
	return 0;
}

/* ---- changing one ---- */

static int check_before(const struct principal *who, const struct org_act *a, struct err *err)
{
	if (a->version != ORG_ANY_VERSION && a->version != a->before.org.version)
		return err_set(err, E_CHANGED, "the org has version %lld by now; read it again and decide anew",
			       (long long)a->before.org.version);
	if (a->before.org.org_key[0] == '_')
		return err_set(err, E_INVALID, "the org '%s' is the server's own and stays as it is",
			       a->before.org.org_key);
	if (a->change->is_disabled && *a->change->is_disabled && a->before.org.id == who->org->control.id)
		return name_member("disabled", err_set(err, E_INVALID, "an org does not disable itself"), err);
	return 0;
}

static int apply_change(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct org_act *a = user;
	int rc;

	if ((rc = read_org(s, a->before.org.id, &a->before, err)) < 0)
		return rc;
	if ((rc = check_before(who, a, err)) < 0)
		return rc;
	a->after = a->before;
	a->after.org.version++;
	a->after.org.updated_us = a->now_us;
	if ((rc = apply_members(a, err)) < 0)
		return rc;
	if ((rc = control_org_update(s->control, &a->after.org, err)) < 0)
		return rc;
	return set_account_type(s, who, a, err);
}

/* Once no removal of the org's records is under way: how long they live may change. */
static int act_on_retention(struct service *s, const struct principal *who, const struct act *act, int64_t id,
			    struct err *err)
{
	struct org *org;
	int rc = service__org(s, id, &org, err);

	if (rc < 0)
		return rc;
	mutex_lock(&s->retention->mutex);
	rc = retention__finish(s, org, err);
	if (rc == 0)
		rc = service__act(s, who, act, err);
	mutex_unlock(&s->retention->mutex);
	if (rc == 0)
		retention__respan(s);
	return rc;
}

/* Other threads may have changed it again by now, so it is read as it is. */
static void see_change(struct service *s, int64_t id)
{
	struct control_org now;
	struct err err = ERR_INIT;

	mutex_lock(&s->act_mu);
	if (control_org_get(s->control, id, &now, &err) == 0)
		service__org_changed(s, &now);
	else
		diag(DIAG_ERROR, "service", "a change of org %lld is not seen: %s code=%s", (long long)id, err.message,
		     err_wire(err.code));
	mutex_unlock(&s->act_mu);
}

static int change_org(struct service *s, const struct principal *who, int64_t id, int64_t version,
		      const struct org_change *c, struct org_view *ret, struct err *err)
{
	struct org_act a = {.change = c, .version = version, .now_us = clock_wall_us()};
	const struct act act = {.apply = apply_change, .put_event = put_event, .user = &a};
	int rc;

	a.before.org.id = id;
	rc = c->account_type ? act_on_retention(s, who, &act, id, err) : service__act(s, who, &act, err);
	see_change(s, id);
	if (rc == 0)
		*ret = a.after;
	return rc;
}

int service_org_change(struct service *s, const struct principal *who, struct span org_key, int64_t version,
		       const struct org_change *c, struct org_view *ret, struct err *err)
{
	struct org_view found;
	int rc = service_org_get(s, org_key, &found, err);

	return rc < 0 ? rc : change_org(s, who, found.org.id, version, c, ret, err);
}

int service_org_own_change(struct service *s, const struct principal *who, int64_t version, struct span name,
			   struct org_view *ret, struct err *err)
{
	const struct org_change c = {.name = &name};

	return change_org(s, who, who->org->control.id, version, &c, ret, err);
}

/* ---- keys ---- */

/* Of an org's own roles that is not asked: none of them has such a permission. */
static int check_role(const struct principal *who, const struct org *org, const struct key_change *c, struct err *err)
{
	char name[ROLE_NAME_MAX + 1] = "";
	uint32_t permissions;

	if (org == who->org || !c->role || c->role->len == 0 || c->role->len > ROLE_NAME_MAX)
		return 0;
	memcpy(name, c->role->p, c->role->len);
	if (!role_permissions(name, &permissions) || (permissions & PERMISSIONS_NODE) == 0)
		return 0;
	return name_member("role", err_set(err, E_INVALID, "the role %s is for the org that operates the server", name),
			   err);
}

int service_org_key_create(struct service *s, const struct principal *who, struct span org_key,
			   const struct key_change *c, struct org_key *ret, struct err *err)
{
	struct org_view found;
	struct org *org;
	int rc;

	if ((rc = service_org_get(s, org_key, &found, err)) < 0)
		return rc;
	if ((rc = service__org(s, found.org.id, &org, err)) < 0)
		return rc;
	if ((rc = check_role(who, org, c, err)) < 0)
		return rc;
	return api_key__create(s, who, org, c, &ret->key, &ret->secret, err);
}
