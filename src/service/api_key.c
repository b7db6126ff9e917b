/*
 * API keys: making, changing, rotating and revoking, as acts. Each act reads the key as it is within its transaction,
 * so that two changes at a time come one after the other, and the second sees the first.
 */
#include "service/api_key.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "service/act.h"
#include "service/api_key_priv.h"
#include "service/key_cache.h"
#include "service/role.h"

#define US_PER_S INT64_C(1000000)

/* ---- secrets ---- */

static void make_hex(char *to, size_t digits)
{
	uint8_t bytes[SECRET_LEN / 2];

	must(digits / 2 <= sizeof(bytes));
	rand_bytes(bytes, digits / 2);
	for (size_t i = 0; i < digits / 2; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	mem_wipe(bytes, sizeof(bytes));
}

void key_id_make(char ret[CLIENT_ID_LEN + 1])
{
	make_hex(ret, CLIENT_ID_LEN);
}

void key_secret_make(const char *client_id, struct key_secret *ret, struct sha256 *ret_hash)
{
	struct digest *digest = digest_new();

	make_hex(ret->secret, SECRET_LEN);
	snprintf(ret->token, sizeof(ret->token), TOKEN_PREFIX "%s_%s", client_id, ret->secret);
	digest_sha256(digest, span_of(ret->secret, SECRET_LEN), ret_hash);
	digest_free(digest);
}

/* ---- acts ---- */

enum key_verb { KEY_CREATED, KEY_CHANGED, KEY_ROTATED, KEY_REVOKED };

/* One act on one key. */
struct key_act {
	enum key_verb verb;
	struct org *org; /* whose the key is */
	const struct key_change *change;
	int64_t version; /* what it must be */
	int64_t now_us;
	int64_t overlap_us;
	struct sha256 hash; /* of the new secret */
	struct control_api_key before, after;
};

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no API key with this id");
}

/* The key as it is, if it is one of the org. */
static int read_key(struct service *s, const struct org *org, const char *client_id, struct control_api_key *ret,
		    struct err *err)
{
	struct control_api_key key;
	int rc = control_api_key_get(s->control, client_id, &key, err);

	if (rc == E_NOT_FOUND || (rc == 0 && key.org != org->control.id))
		return not_found(err);
	if (rc == 0)
		*ret = key;
	return rc;
}

/* Whether it may be touched: it is in force, of this version, and allows no more than `who` may do. */
static int check_before(struct service *s, const struct principal *who, const struct key_act *a, struct err *err)
{
	const struct control_api_key *key = &a->before;
	uint32_t permissions;
	int rc;

	if (key->revoked_us != 0 && a->verb == KEY_REVOKED)
		return err_set(err, E_NOT_FOUND, "this API key was revoked before");
	if (key->revoked_us != 0)
		return err_set(err, E_INVALID, "this API key was revoked, which is for good; make another one");
	if (a->version != KEY_ANY_VERSION && a->version != key->version)
		return err_set(err, E_CHANGED, "the API key has version %lld by now; read it again and decide anew",
			       (long long)key->version);
	rc = service_role_stored(s, key->org, key->role, &permissions, err);
	return rc < 0 ? rc : principal_covers(who, permissions, err);
}

static int change(struct service *s, const struct principal *who, struct key_act *a, struct err *err)
{
	uint32_t permissions;
	int rc = api_key__apply(s, a->change, &a->after, err);

	if (rc < 0 || (a->verb == KEY_CHANGED && !a->change->role))
		return rc;
	return service_role_give(s, who, a->org->control.id, span_str(a->after.role), &permissions, err);
}

static void rotate(struct key_act *a)
{
	if (a->overlap_us > 0) {
		a->after.previous_hash = a->before.secret_hash;
		a->after.previous_until_us = a->now_us + a->overlap_us;
	} else {
		a->after.previous_until_us = 0;
	}
	a->after.secret_hash = a->hash;
	a->after.rotated_us = a->now_us > a->before.rotated_us ? a->now_us : a->before.rotated_us + 1;
}

static int apply_create(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct key_act *a = user;
	int rc = change(s, who, a, err);

	return rc < 0 ? rc : control_api_key_create(s->control, &a->after, err);
}

static int apply_change(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct key_act *a = user;
	int rc;

	if ((rc = read_key(s, a->org, a->before.client_id, &a->before, err)) < 0)
		return rc;
	if ((rc = check_before(s, who, a, err)) < 0)
		return rc;
	a->after = a->before;
	a->after.version++;
	a->after.updated_us = a->now_us;
	if (a->verb == KEY_CHANGED && (rc = change(s, who, a, err)) < 0)
		return rc;
	if (a->verb == KEY_ROTATED)
		rotate(a);
	if (a->verb == KEY_REVOKED)
		a->after.revoked_us = a->now_us;
	return control_api_key_update(s->control, &a->after, err);
}

static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	static const char *const actions[] = {"key.created", "key.changed", "key.rotated", "key.revoked"};
	const struct key_act *a = user;

	self_event_begin(to, actions[a->verb], who);
	api_key__put_entity(to, &a->after);
	if (a->org != who->org)
		buf_printf(to, ",\"attributes\":{\"org_key\":\"%s\"}", a->org->control.org_key);
	if (a->verb != KEY_CREATED)
		api_key__put(to, "before", &a->before);
	api_key__put(to, "after", &a->after);
	buf_put_u8(to, '}');
}

static int run(struct service *s, const struct principal *who, struct key_act *a, struct err *err)
{
	const struct act act = {.apply = a->verb == KEY_CREATED ? apply_create : apply_change,
				.put_event = put_event,
				.user = a,
				.also = a->org == who->org ? NULL : a->org};
	int rc;

	a->now_us = clock_wall_us();
	rc = service__act(s, who, &act, err);
	service__key_changed(s, a->verb == KEY_CREATED ? a->after.client_id : a->before.client_id);
	return rc;
}

/* False when no key can have this id. */
static bool take_id(struct span id, struct key_act *a)
{
	if (id.len == 0 || id.len > CLIENT_ID_MAX || memchr(id.p, 0, id.len))
		return false;
	memcpy(a->before.client_id, id.p, id.len);
	a->before.client_id[id.len] = '\0';
	return true;
}

/* ---- calls ---- */

void api_key__new(const struct principal *who, struct control_api_key *ret, struct key_secret *ret_secret)
{
	*ret = (struct control_api_key){.version = API_KEY_VERSION};
	key_id_make(ret->client_id);
	key_secret_make(ret->client_id, ret_secret, &ret->secret_hash);
	ret->created_us = ret->updated_us = clock_wall_us();
	memcpy(ret->created_by, who->id, sizeof(ret->created_by));
}

int api_key__create(struct service *s, const struct principal *who, struct org *org, const struct key_change *c,
		    struct control_api_key *ret, struct key_secret *ret_secret, struct err *err)
{
	struct key_act a = {.verb = KEY_CREATED, .org = org, .change = c};
	int rc;

	api_key__new(who, &a.after, ret_secret);
	a.after.org = org->control.id;
	rc = run(s, who, &a, err);
	if (rc == 0)
		*ret = a.after;
	else
		mem_wipe(ret_secret, sizeof(*ret_secret));
	return rc;
}

int service_key_create(struct service *s, const struct principal *who, const struct key_change *c,
		       struct control_api_key *ret, struct key_secret *ret_secret, struct err *err)
{
	return api_key__create(s, who, who->org, c, ret, ret_secret, err);
}

int service_key_get(struct service *s, const struct principal *who, struct span id, struct control_api_key *ret,
		    struct err *err)
{
	struct key_act a = {.org = who->org};
	int rc = take_id(id, &a) ? read_key(s, who->org, a.before.client_id, ret, err) : not_found(err);

	if (rc == 0)
		ret->last_used_us = service__key_used(s, ret->client_id, ret->last_used_us);
	return rc;
}

int service_key_list(struct service *s, const struct principal *who, struct control_api_key **ret, size_t *ret_count,
		     struct err *err)
{
	int rc = control_api_key_list(s->control, who->org->control.id, ret, ret_count, err);

	for (size_t i = 0; rc == 0 && i < *ret_count; i++)
		(*ret)[i].last_used_us = service__key_used(s, (*ret)[i].client_id, (*ret)[i].last_used_us);
	return rc;
}

int service_key_change(struct service *s, const struct principal *who, struct span id, int64_t version,
		       const struct key_change *c, struct control_api_key *ret, struct err *err)
{
	struct key_act a = {.verb = KEY_CHANGED, .org = who->org, .change = c, .version = version};
	int rc = take_id(id, &a) ? run(s, who, &a, err) : not_found(err);

	if (rc == 0)
		*ret = a.after;
	return rc;
}

int service_key_rotate(struct service *s, const struct principal *who, struct span id, int64_t version,
		       uint32_t overlap_s, struct control_api_key *ret, struct key_secret *ret_secret, struct err *err)
{
	struct key_act a = {
		.verb = KEY_ROTATED, .org = who->org, .version = version, .overlap_us = overlap_s * US_PER_S};
	int rc;

	must(overlap_s <= KEY_OVERLAP_MAX_S);
	if (!take_id(id, &a))
		return not_found(err);
	key_secret_make(a.before.client_id, ret_secret, &a.hash);
	rc = run(s, who, &a, err);
	if (rc == 0)
		*ret = a.after;
	else
		mem_wipe(ret_secret, sizeof(*ret_secret));
	return rc;
}

int service_key_revoke(struct service *s, const struct principal *who, struct span id, int64_t version, struct err *err)
{
	struct key_act a = {.verb = KEY_REVOKED, .org = who->org, .version = version};

	if (!take_id(id, &a))
		return not_found(err);
	if (who->kind == PRINCIPAL_KEY && strcmp(who->id, a.before.client_id) == 0)
		return err_set(err, E_INVALID,
			       "a key does not revoke itself, for then nobody may be left to make "
			       "another; use another key");
	return run(s, who, &a, err);
}
