/* Making and changing users. Each change reads the user anew within its act, so that two of them do not mix. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/role.h"
#include "service/user_priv.h"

#define US_PER_S INT64_C(1000000)

static int name_member(const char *member, int rc, struct err *err)
{
	err_set_field(err, member, strlen(member));
	return rc;
}

/* ---- what a client says ---- */

static int apply_email(struct span email, struct control_user *u, struct err *err)
{
	if (user__take_email(email, u->email))
		return 0;
	return name_member("email",
			   err_set(err, E_INVALID, "'email' is an e-mail address of at most %u bytes", USER_EMAIL_MAX),
			   err);
}

static int apply_name(struct span name, struct control_user *u, struct err *err)
{
	bool is_line = name.len <= USER_NAME_MAX;

	for (size_t i = 0; is_line && i < name.len; i++)
		is_line = name.p[i] >= 0x20 && name.p[i] != 0x7f;
	if (!is_line)
		return name_member(
			"name",
			err_set(err, E_INVALID, "the name of a user is one line of at most %u bytes", USER_NAME_MAX),
			err);
	if (name.len > 0)
		memcpy(u->name, name.p, name.len);
	u->name[name.len] = '\0';
	return 0;
}

static int apply_role(struct service *s, const struct principal *who, struct span role, struct control_user *u,
		      struct err *err)
{
	uint32_t ignored;
	int rc;

	if (role.len == 0 || role.len > ROLE_NAME_MAX || memchr(role.p, 0, role.len))
		return name_member("role",
				   err_set(err, E_INVALID, "a user has a 'role'; GET /v1/roles lists those there are"),
				   err);
	if ((rc = service_role_give(s, who, u->org, role, &ignored, err)) < 0)
		return rc;
	memcpy(u->role, role.p, role.len);
	u->role[role.len] = '\0';
	return 0;
}

static int apply_disabled(const struct principal *who, bool is_disabled, struct control_user *u, struct err *err)
{
	if (is_disabled && who->kind == PRINCIPAL_USER && strcmp(who->id, u->id) == 0)
		return name_member("disabled", err_set(err, E_INVALID, "nobody disables themselves"), err);
	if (is_disabled == (u->disabled_us != 0))
		return 0;
	u->disabled_us = is_disabled ? clock_wall_us() : 0;
	return 0;
}

static int apply_change(struct service *s, const struct principal *who, const struct user_change *c,
			struct control_user *u, struct err *err)
{
	int rc;

	if (c->email && (rc = apply_email(*c->email, u, err)) < 0)
		return rc;
	if (c->name && (rc = apply_name(*c->name, u, err)) < 0)
		return rc;
	if (c->role && (rc = apply_role(s, who, *c->role, u, err)) < 0)
		return rc;
	return c->is_disabled ? apply_disabled(who, *c->is_disabled, u, err) : 0;
}

/* ---- events ---- */

static void put_user(struct buf *to, const char *member, const struct control_user *u)
{
	buf_printf(to, ",\"%s\":{\"email\":", member);
	json_text_string(to, span_str(u->email));
	buf_put_str(to, ",\"name\":");
	json_text_string(to, span_str(u->name));
	buf_put_str(to, ",\"role\":");
	json_text_string(to, span_str(u->role));
	buf_printf(to, ",\"disabled\":%s}", u->disabled_us ? "true" : "false");
}

struct changing {
	const char *id;
	const char *action; /* of the event, when it is always the same */
	const struct user_change *change;
	int64_t version;
	struct sha256 reset_hash;
	struct control_user before, after;
};

static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct changing *x = user;

	user__event_begin(to, x->action, who, &x->after);
	if (x->before.id[0] != '\0')
		put_user(to, "before", &x->before);
	put_user(to, "after", &x->after);
	buf_put_u8(to, '}');
}

static int act(struct service *s, const struct principal *who, struct changing *x,
	       int (*apply)(struct service *, const struct principal *, void *, struct err *), struct err *err)
{
	const struct act a = {.apply = apply, .put_event = put_event, .user = x};

	return service__act(s, who, &a, err);
}

/* ---- making ---- */

/* A token for the user; its hash and how long it is good for. */
static void make_reset(struct service *s, const char *id, char ret_token[RESET_TEXT_LEN + 1], struct sha256 *ret_hash)
{
	char *secret = ret_token + USER_ID_LEN + 1;

	memcpy(ret_token, id, USER_ID_LEN);
	ret_token[USER_ID_LEN] = '_';
	user__random_hex(secret, RESET_SECRET_LEN / 2);
	user__hash(s, span_of(secret, RESET_SECRET_LEN), ret_hash);
}

static void put_reset(struct control_user *u, const struct sha256 *hash)
{
	u->has_reset = true;
	u->reset_hash = *hash;
	u->reset_until_us = clock_wall_us() + RESET_S * US_PER_S;
}

static int apply_create(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct changing *x = user;
	int64_t now_us = clock_wall_us();
	struct control_user u = {.org = who->org->control.id,
				 .totp_step = TOTP_PENDING,
				 .created_us = now_us,
				 .updated_us = now_us,
				 .version = USER_VERSION};
	int rc;

	memcpy(u.id, x->id, USER_ID_LEN);
	memcpy(u.created_by, who->id, sizeof(u.created_by));
	put_reset(&u, &x->reset_hash);
	if ((rc = apply_change(s, who, x->change, &u, err)) < 0)
		return rc;
	if ((rc = control_user_create(s->control, &u, err)) < 0)
		return rc;
	x->after = u;
	return 0;
}

int service_user_create(struct service *s, const struct principal *who, const struct user_change *c,
			struct control_user *ret, char ret_token[RESET_TEXT_LEN + 1], struct err *err)
{
	static const struct span none = {NULL, 0};
	const struct user_change whole = {.email = c->email ? c->email : &none,
					  .name = c->name,
					  .role = c->role ? c->role : &none,
					  .is_disabled = c->is_disabled};
	char id[USER_ID_LEN + 1];
	struct changing x = {.id = id, .action = "user.created", .change = &whole};
	int rc;

	user__random_hex(id, USER_ID_LEN / 2);
	make_reset(s, id, ret_token, &x.reset_hash);
	rc = act(s, who, &x, apply_create, err);
	if (rc == 0)
		*ret = x.after;
	else
		mem_wipe(ret_token, RESET_TEXT_LEN);
	return rc;
}

/* ---- changing ---- */

/* Reads the user that is to be changed, who may do no more than `who`. */
static int take_user(struct service *s, const struct principal *who, struct changing *x, struct err *err)
{
	uint32_t permissions;
	int rc;

	if ((rc = control_user_get(s->control, who->org->control.id, x->id, &x->before, err)) < 0)
		return rc;
	if ((rc = service_role_stored(s, x->before.org, x->before.role, &permissions, err)) < 0)
		return rc;
	if ((rc = principal_covers(who, permissions, NULL)) < 0)
		return err_set(err, rc, "this user may do more than you, and so is not yours to change");
	x->after = x->before;
	return 0;
}

static int end_sessions(struct service *s, const struct control_user *u, struct err *err)
{
	return control_session_end_all(s->control, u->id, "", clock_wall_us(), err);
}

static int apply_set(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct changing *x = user;
	int rc;

	if ((rc = take_user(s, who, x, err)) < 0)
		return rc;
	if ((rc = apply_change(s, who, x->change, &x->after, err)) < 0)
		return rc;
	x->action = "user.changed";
	if (x->before.disabled_us == 0 && x->after.disabled_us != 0)
		x->action = "user.disabled";
	if (x->before.disabled_us != 0 && x->after.disabled_us == 0)
		x->action = "user.enabled";
	x->after.updated_us = clock_wall_us();
	if ((rc = control_user_set(s->control, &x->after, x->version, err)) < 0)
		return rc;
	x->after.version = x->before.version + 1;
	return x->after.disabled_us != 0 ? end_sessions(s, &x->after, err) : 0;
}

int service_user_change(struct service *s, const struct principal *who, struct span id, int64_t version,
			const struct user_change *c, struct control_user *ret, struct err *err)
{
	struct control_user found;
	struct changing x = {.id = found.id, .change = c, .version = version};
	int rc;

	if ((rc = service_user_get(s, who, id, &found, err)) < 0)
		return rc;
	rc = act(s, who, &x, apply_set, err);
	if (rc == 0)
		*ret = x.after;
	return rc;
}

/* ---- resetting ---- */

static int apply_reset(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct changing *x = user;
	int rc;

	if ((rc = take_user(s, who, x, err)) < 0)
		return rc;
	x->after.password[0] = '\0';
	put_reset(&x->after, &x->reset_hash);
	if ((rc = control_user_set_secrets(s->control, &x->after, err)) < 0)
		return rc;
	return end_sessions(s, &x->after, err);
}

int service_user_reset(struct service *s, const struct principal *who, struct span id, struct control_user *ret,
		       char ret_token[RESET_TEXT_LEN + 1], struct err *err)
{
	struct control_user found;
	struct changing x = {.id = found.id, .action = "user.password_reset"};
	int rc;

	if ((rc = service_user_get(s, who, id, &found, err)) < 0)
		return rc;
	make_reset(s, found.id, ret_token, &x.reset_hash);
	rc = act(s, who, &x, apply_reset, err);
	if (rc == 0)
		*ret = x.after;
	else
		mem_wipe(ret_token, RESET_TEXT_LEN);
	return rc;
}

static int apply_drop_totp(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct changing *x = user;
	int rc;

	if ((rc = take_user(s, who, x, err)) < 0)
		return rc;
	if (!x->before.has_totp)
		return err_set(err, E_NOT_FOUND, "the user has no second factor");
	x->after.has_totp = false;
	x->after.totp_step = TOTP_PENDING;
	if ((rc = control_user_set_secrets(s->control, &x->after, err)) < 0)
		return rc;
	return end_sessions(s, &x->after, err);
}

int service_user_drop_totp(struct service *s, const struct principal *who, struct span id, struct err *err)
{
	struct control_user found;
	struct changing x = {.id = found.id, .action = "user.totp_disabled"};
	int rc = service_user_get(s, who, id, &found, err);

	return rc < 0 ? rc : act(s, who, &x, apply_drop_totp, err);
}
