/*
 * Who asks. A request that comes with a known key costs a SHA-256 and a few comparisons under a short lock, and no
 * query (key_cache.h).
 */
#include "service/principal.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hmac.h"
#include "service/key_cache.h"

static bool is_hex(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	}
	return true;
}

static bool is_client_id(struct span text)
{
	return text.len == CLIENT_ID_LEN && is_hex(text);
}

static int refuse(struct err *err)
{
	return err_set(err, E_UNAUTHORIZED,
		       "this API key is not known; send 'Authorization: Bearer stele_…' with the "
		       "api_key of bootstrap.json or one made for you");
}

/* ---- what a key must be, with the lock of the table held ---- */

/* Both secrets are compared, whether there is a second one or not. *ret_us is as a principal has it. */
static bool is_secret_locked(struct service *s, const struct known_key *key, struct span secret, int64_t now_us,
			     int64_t *ret_us)
{
	struct sha256 hash;
	bool is_present, is_previous;

	digest_sha256(s->digest, secret, &hash);
	is_present = sha256_eq_secret(&hash, &key->secret_hash);
	is_previous = sha256_eq_secret(&hash, &key->previous_hash);
	*ret_us = is_present ? key->rotated_us : -1;
	return is_present || (is_previous && now_us < key->previous_until_us);
}

static int check_locked(const struct known_key *key, struct span ip, int64_t now_us, struct err *err)
{
	if (key->revoked_us != 0)
		return err_set(err, E_UNAUTHORIZED, "this API key was revoked; ask for another one");
	if (key->expires_us != 0 && now_us >= key->expires_us)
		return err_set(err, E_UNAUTHORIZED, "this API key has expired; ask for another one");
	if (key->principal.org->is_disabled)
		return err_set(err, E_UNAUTHORIZED, "the org of this API key is disabled");
	if (key->networks.count > 0 && !network_list_has(&key->networks, ip)) {
		err_set_field(err, "networks", strlen("networks"));
		return err_set(err, E_UNAUTHORIZED, "this API key may not be used from the address %.*s", (int)ip.len,
			       (const char *)ip.p);
	}
	return 0;
}

static void take_locked(struct known_key *key, int64_t now_us, int64_t secret_us, struct principal *ret)
{
	struct caller caller = ret->caller;

	if (key->used_us < now_us)
		key->used_us = now_us;
	*ret = key->principal;
	ret->secret_us = secret_us;
	ret->caller = caller;
}

/* ---- ways in ---- */

/* `secret` NULL: none is asked for. */
static int find(struct service *s, const char *client_id, const struct span *secret, struct principal *ret,
		struct err *err)
{
	int64_t now_us = clock_wall_us(), secret_us;
	struct known_key *key;
	int rc = service__key_take(s, client_id, &key, err);

	if (rc < 0)
		return rc == E_NOT_FOUND ? refuse(err) : rc;
	secret_us = key->rotated_us;
	if (secret && !is_secret_locked(s, key, *secret, now_us, &secret_us))
		rc = refuse(err);
	if (rc == 0)
		rc = check_locked(key, ret->caller.ip, now_us, err);
	if (rc == 0)
		take_locked(key, now_us, secret_us, ret);
	mutex_unlock(&s->mu);
	return rc;
}

int service_authenticate_pair(struct service *s, struct span client_id, struct span secret, struct principal *ret,
			      struct err *err)
{
	char id[CLIENT_ID_LEN + 1] = "";

	if (!is_client_id(client_id) || secret.len != SECRET_LEN)
		return refuse(err);
	memcpy(id, client_id.p, CLIENT_ID_LEN);
	return find(s, id, &secret, ret, err);
}

int service_authenticate(struct service *s, struct span token, struct principal *ret, struct err *err)
{
	const size_t prefix_len = sizeof(TOKEN_PREFIX) - 1;

	if (token.len != TOKEN_TEXT_LEN || !span_starts_with(token, SPAN_LIT(TOKEN_PREFIX)) ||
	    token.p[prefix_len + CLIENT_ID_LEN] != '_')
		return refuse(err);
	return service_authenticate_pair(s, span_of(token.p + prefix_len, CLIENT_ID_LEN),
					 span_from(token, prefix_len + CLIENT_ID_LEN + 1), ret, err);
}

int service_key_find(struct service *s, const char *client_id, struct principal *ret, struct err *err)
{
	return is_client_id(span_str(client_id)) ? find(s, client_id, NULL, ret, err) : refuse(err);
}

int service_key_again(struct service *s, const struct principal *who, struct principal *ret, struct err *err)
{
	int64_t now_us = clock_wall_us();
	struct known_key *key;
	int rc = service__key_take(s, who->id, &key, err);

	if (rc < 0)
		return rc == E_NOT_FOUND ? refuse(err) : rc;
	rc = check_locked(key, ret->caller.ip, now_us, err);
	if (rc == 0 && who->secret_us != key->rotated_us && now_us >= key->previous_until_us)
		rc = err_set(err, E_UNAUTHORIZED, "this API key has another secret by now; come with that one");
	if (rc == 0)
		take_locked(key, now_us, who->secret_us, ret);
	mutex_unlock(&s->mu);
	return rc;
}

int service_key_generation(struct service *s, const char *client_id, uint64_t *ret, struct err *err)
{
	struct known_key *key;
	int rc = is_client_id(span_str(client_id)) ? service__key_take(s, client_id, &key, err) : E_NOT_FOUND;

	if (rc < 0)
		return rc == E_NOT_FOUND ? refuse(err) : rc;
	if (key->revoked_us != 0)
		rc = err_set(err, E_UNAUTHORIZED, "this API key was revoked; ask for another one");
	else
		*ret = (uint64_t)key->rotated_us;
	mutex_unlock(&s->mu);
	return rc;
}

/* ---- what they may do ---- */

const char *principal_org_key(const struct principal *who)
{
	return who->org->control.org_key;
}

struct row_given service__row_given(const struct org *org)
{
	return (struct row_given){{span_str(org->control.org_key), span_str(org->control.name)}};
}

struct row_given principal_row_given(const struct principal *who)
{
	return service__row_given(who->org);
}

int principal_require(const struct principal *who, enum permission p, struct err *err)
{
	if ((who->permissions & p) == (uint32_t)p)
		return 0;
	return err_set(err, E_FORBIDDEN, "this API key lacks the permission %s", permission_name(p));
}

int principal_covers(const struct principal *who, uint32_t permissions, struct err *err)
{
	uint32_t missing = permissions & ~who->permissions;

	if (missing == 0)
		return 0;
	return err_set(err, E_FORBIDDEN, "nobody gives what they may not do themselves: you lack the permission %s",
		       permission_name(permission_first(missing)));
}
