/* Users: looking them up, who they are as principals, and what all that changes one needs. */
#include "service/user.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "codec/json_text.h"
#include "service/role.h"
#include "service/user_priv.h"

void user__random_hex(char *to, size_t len)
{
	uint8_t bytes[32];

	must(len <= sizeof(bytes));
	rand_bytes(bytes, len);
	for (size_t i = 0; i < len; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	mem_wipe(bytes, sizeof(bytes));
}

void user__hash(struct service *s, struct span data, struct sha256 *ret)
{
	mutex_lock(&s->mu);
	digest_sha256(s->digest, data, ret);
	mutex_unlock(&s->mu);
}

/* One '@' with something on either side, and nothing that mail programs or people would read otherwise. */
bool user__take_email(struct span text, char ret[USER_EMAIL_MAX + 1])
{
	size_t at_count = 0;

	if (text.len < 3 || text.len > USER_EMAIL_MAX || text.p[0] == '@' || text.p[text.len - 1] == '@')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (c <= 0x20 || c == 0x7f || strchr("<>,;\"\\()[]", c))
			return false;
		at_count += c == '@';
		ret[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	ret[text.len] = '\0';
	return at_count == 1;
}

int user__principal(struct service *s, const struct control_user *u, struct principal *ret, struct err *err)
{
	struct principal who = {.kind = PRINCIPAL_USER, .caller = ret->caller};
	int rc;

	if ((rc = service__org(s, u->org, &who.org, err)) < 0)
		return rc;
	if (who.org->is_disabled)
		return err_set(err, E_UNAUTHORIZED, "the org is disabled");
	rc = service_role_permissions(s, u->org, u->role, &who.permissions, err);
	if (rc < 0 && rc != E_NOT_FOUND) /* who has a role that is gone may do nothing */
		return rc;
	memcpy(who.id, u->id, sizeof(u->id));
	memcpy(who.name, u->email, sizeof(u->email));
	*ret = who;
	return 0;
}

int user__self(struct service *s, const struct principal *who, struct control_user *ret, struct err *err)
{
	if (who->kind != PRINCIPAL_USER)
		return err_set(err, E_FORBIDDEN, "this is for users who signed in, and you came with an API key");
	return control_user_get(s->control, who->org->control.id, who->id, ret, err);
}

struct guess user__guess(const char *org_key, const char *email, const struct caller *from, char memory[GUESS_NAME_MAX])
{
	int len = snprintf(memory, GUESS_NAME_MAX, "%s\n%s", org_key, email);

	return (struct guess){.kind = GUESS_PASSWORD, .account = span_of(memory, (size_t)len), .ip = from->ip};
}

void user__event_begin(struct buf *to, const char *action, const struct principal *who, const struct control_user *u)
{
	self_event_begin(to, action, who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"name\":", u->id);
	json_text_string(to, span_str(u->email));
	buf_put_str(to, ",\"type\":\"user\"}");
}

/* False when no user can have this id. */
static bool take_id(struct span id, char ret[USER_ID_LEN + 1])
{
	if (id.len != USER_ID_LEN || memchr(id.p, 0, id.len))
		return false;
	memcpy(ret, id.p, USER_ID_LEN);
	ret[USER_ID_LEN] = '\0';
	return true;
}

int service_user_get(struct service *s, const struct principal *who, struct span id, struct control_user *ret,
		     struct err *err)
{
	char text[USER_ID_LEN + 1];

	if (!take_id(id, text))
		return err_set(err, E_NOT_FOUND, "there is no such user");
	return control_user_get(s->control, who->org->control.id, text, ret, err);
}

int service_user_list(struct service *s, const struct principal *who, struct span email, struct control_user **ret,
		      size_t *ret_count, struct err *err)
{
	char text[USER_EMAIL_MAX + 1] = "";

	if (email.len > 0 && !user__take_email(email, text)) {
		err_set_field(err, "email", strlen("email"));
		return err_set(err, E_INVALID, "'email' is no e-mail address");
	}
	return control_user_list(s->control, who->org->control.id, text, ret, ret_count, err);
}
