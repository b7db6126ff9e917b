/* What a client says of a key, checked and filled in; and keys in events. */
#include <string.h>

#include "base/clock.h"
#include "codec/json_text.h"
#include "codec/time_text.h"
#include "codec/timestamp.h"
#include "service/api_key_priv.h"
#include "service/key_cache.h"

static int name_member(const char *member, int rc, struct err *err)
{
	err_set_field(err, member, strlen(member));
	return rc;
}

/* ---- in ---- */

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	}
	return false;
}

static void copy(char *to, struct span text)
{
	if (text.len > 0)
		memcpy(to, text.p, text.len);
	to[text.len] = '\0';
}

static int apply_name(struct span name, struct control_api_key *key, struct err *err)
{
	if (name.len > PRINCIPAL_NAME_MAX || has_control(name))
		return err_set(err, E_INVALID, "the name of a key is one line of at most %u bytes", PRINCIPAL_NAME_MAX);
	copy(key->name, name);
	return 0;
}

static int apply_role(struct span role, struct control_api_key *key, struct err *err)
{
	if (role.len == 0 || role.len > ROLE_NAME_MAX || has_control(role))
		return err_set(err, E_INVALID, "a key has a 'role'; GET /v1/roles lists those there are");
	copy(key->role, role);
	return 0;
}

static int apply_query(struct service *s, struct span query, struct control_api_key *key, struct err *err)
{
	if (query.len > NARROW_MAX)
		return err_set(err, E_TOO_LARGE, "what a key may see is a query of at most %u bytes", NARROW_MAX);
	if (query.len > 0 && memchr(query.p, 0, query.len))
		return err_set(err, E_INVALID, "the query holds a NUL character");
	copy(key->narrow, query);
	return service__narrow_check(s, key->org, key->narrow, err);
}

static int apply_expires(struct span expires, struct control_api_key *key, struct err *err)
{
	int64_t now_us = clock_wall_us();
	int rc;

	key->expires_us = 0;
	if (expires.len == 0)
		return 0;
	if ((rc = time_text_parse(expires, now_us, &key->expires_us, err)) < 0)
		return rc;
	if (key->expires_us <= now_us)
		return err_set(err, E_INVALID, "a key expires in the future; to end it now, revoke it");
	return 0;
}

static int apply_rate(uint32_t rate, uint32_t *ret, struct err *err)
{
	if (rate > RATE_MAX)
		return err_set(err, E_INVALID, "a rate is 0 (no limit) to %u a second", RATE_MAX);
	*ret = rate;
	return 0;
}

int api_key__apply(struct service *s, const struct key_change *c, struct control_api_key *key, struct err *err)
{
	struct network_list networks;
	int rc;

	if (c->name && (rc = apply_name(*c->name, key, err)) < 0)
		return name_member("name", rc, err);
	if (c->role && (rc = apply_role(*c->role, key, err)) < 0)
		return name_member("role", rc, err);
	if (c->query && (rc = apply_query(s, *c->query, key, err)) < 0)
		return name_member("query", rc, err);
	if (c->networks && (rc = network_list_parse(*c->networks, &networks, key->networks, err)) < 0)
		return name_member("networks", rc, err);
	if (c->expires && (rc = apply_expires(*c->expires, key, err)) < 0)
		return name_member("expires", rc, err);
	if (c->request_rate && (rc = apply_rate(*c->request_rate, &key->request_rate, err)) < 0)
		return name_member("request_rate", rc, err);
	if (c->event_rate && (rc = apply_rate(*c->event_rate, &key->event_rate, err)) < 0)
		return name_member("event_rate", rc, err);
	return 0;
}

/* ---- out ---- */

void api_key__put_entity(struct buf *to, const struct control_api_key *key)
{
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"api_key\"", key->client_id);
	if (key->name[0] != '\0') {
		buf_put_str(to, ",\"name\":");
		json_text_string(to, span_str(key->name));
	}
	buf_put_u8(to, '}');
}

static void put_text(struct buf *to, const char *member, const char *text)
{
	buf_printf(to, ",\"%s\":", member);
	json_text_string(to, span_str(text));
}

static void put_time(struct buf *to, const char *member, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	if (us == 0)
		return;
	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", member, TIMESTAMP_LEN, (const char *)text);
}

/* Times that are not there are left out. */
void api_key__put(struct buf *to, const char *member, const struct control_api_key *key)
{
	buf_printf(to, ",\"%s\":{\"client_id\":\"%s\"", member, key->client_id);
	put_text(to, "name", key->name);
	put_text(to, "role", key->role);
	put_text(to, "query", key->narrow);
	put_text(to, "networks", key->networks);
	buf_printf(to, ",\"request_rate\":%u,\"event_rate\":%u", key->request_rate, key->event_rate);
	put_time(to, "expires", key->expires_us);
	put_time(to, "rotated", key->rotated_us);
	put_time(to, "previous_until", key->previous_until_us);
	put_time(to, "revoked", key->revoked_us);
	buf_put_u8(to, '}');
}
