/*
 * Who asks. Keys and orgs are looked up in control.db once and kept: a request that comes with a known key costs a
 * SHA-256 under a short lock and no query. What was looked up never changes while the server runs, since nothing can
 * change it yet but a restart.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "service/service_priv.h"

/* True when all bytes are equal; takes the same time wherever they differ. */
static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference = (uint8_t)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

static bool is_hex(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	}
	return true;
}

/* Cuts a token into its two parts; false when it has another form. */
static bool cut_token(struct span token, char ret_client_id[CLIENT_ID_LEN + 1], struct span *ret_secret)
{
	const size_t prefix_len = sizeof(TOKEN_PREFIX) - 1;
	struct span client_id;

	if (token.len != TOKEN_TEXT_LEN || !span_starts_with(token, SPAN_LIT(TOKEN_PREFIX)) ||
	    token.p[prefix_len + CLIENT_ID_LEN] != '_')
		return false;
	client_id = span_of(token.p + prefix_len, CLIENT_ID_LEN);
	if (!is_hex(client_id))
		return false;
	memcpy(ret_client_id, client_id.p, CLIENT_ID_LEN);
	ret_client_id[CLIENT_ID_LEN] = '\0';
	*ret_secret = span_from(token, prefix_len + CLIENT_ID_LEN + 1);
	return true;
}

static int load_org_locked(struct service *s, int64_t id, struct org *org, struct err *err)
{
	struct key key;
	int rc;

	if ((rc = control_org_get(s->control, id, &org->control, err)) < 0)
		return rc;
	for (int i = 0; i < LEDGER_NAME_COUNT; i++) {
		if ((rc = store_ledger(s->store, org->control.ledger[i], &org->ledger[i], err)) < 0)
			return rc;
	}
	if ((rc = service__ledger_key(s, org->control.ledger[LEDGER_MAIN], &key, err)) < 0)
		return rc;
	key_derive(&key, "stele cursor v1", span_of(NULL, 0), org->cursor_key.b, KEY_LEN);
	mem_wipe(&key, sizeof(key));
	return 0;
}

static int find_org_locked(struct service *s, int64_t id, struct org **ret, struct err *err)
{
	struct org *org;
	int rc;

	for (org = s->orgs; org; org = org->next) {
		if (org->control.id == id) {
			*ret = org;
			return 0;
		}
	}
	org = xalloc(sizeof(*org));
	if ((rc = load_org_locked(s, id, org, err)) < 0) {
		free(org);
		return rc;
	}
	org->next = s->orgs;
	s->orgs = org;
	*ret = org;
	return 0;
}

int service__org(struct service *s, int64_t id, struct org **ret, struct err *err)
{
	int rc;

	mutex_lock(&s->mu);
	rc = find_org_locked(s, id, ret, err);
	mutex_unlock(&s->mu);
	return rc;
}

static int load_key_locked(struct service *s, const char *client_id, struct known_key *key, struct err *err)
{
	struct control_api_key stored;
	int rc;

	if ((rc = control_api_key_get(s->control, client_id, &stored, err)) < 0)
		return rc;
	if (!role_permissions(stored.role, &key->principal.permissions))
		return err_set(err, E_CORRUPT, "control.db: API key %s has the unknown role %s", client_id,
			       stored.role);
	key->secret_hash = stored.secret_hash;
	memcpy(key->principal.id, stored.client_id, sizeof(stored.client_id));
	memcpy(key->principal.name, stored.name, sizeof(stored.name));
	return find_org_locked(s, stored.org, &key->principal.org, err);
}

static int find_key_locked(struct service *s, const char *client_id, const struct known_key **ret, struct err *err)
{
	size_t bucket = hash64(client_id, strlen(client_id), 0) % KEY_BUCKETS;
	struct known_key *key;
	int rc;

	for (key = s->keys[bucket]; key; key = key->next) {
		if (strcmp(key->principal.id, client_id) == 0) {
			*ret = key;
			return 0;
		}
	}
	key = xalloc(sizeof(*key));
	if ((rc = load_key_locked(s, client_id, key, err)) < 0) {
		free(key);
		return rc;
	}
	key->next = s->keys[bucket];
	s->keys[bucket] = key;
	*ret = key;
	return 0;
}

static int refuse(struct err *err)
{
	return err_set(err, E_UNAUTHORIZED,
		       "this API key is not known; send 'Authorization: Bearer stele_…' with the "
		       "api_key of bootstrap.json or one made for you");
}

int service_authenticate(struct service *s, struct span token, struct principal *ret, struct err *err)
{
	char client_id[CLIENT_ID_LEN + 1];
	const struct known_key *key;
	struct sha256 hash;
	struct caller caller;
	struct span secret;
	int rc;

	if (!cut_token(token, client_id, &secret))
		return refuse(err);
	mutex_lock(&s->mu);
	digest_sha256(s->digest, secret, &hash);
	rc = find_key_locked(s, client_id, &key, err);
	mutex_unlock(&s->mu);
	if (rc < 0)
		return rc == E_NOT_FOUND ? refuse(err) : rc;
	if (!equal_in_constant_time(hash.b, key->secret_hash.b, SHA256_LEN))
		return refuse(err);
	caller = ret->caller;
	*ret = key->principal;
	ret->caller = caller;
	return 0;
}

int principal_require(const struct principal *who, enum permission p, struct err *err)
{
	if ((who->permissions & p) == (uint32_t)p)
		return 0;
	return err_set(err, E_FORBIDDEN, "this API key lacks the permission %s", permission_name(p));
}
