/* Signing and checking access tokens. */
#include "service/access_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "codec/json_text.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "service/self_event.h"
#include "service/service_priv.h"

#define ISSUER           "stele"
#define HEADER           "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9." /* {"alg":"HS256","typ":"at+jwt"} */
#define SIGNATURE_DIGITS 43
#define JTI_LEN          32
#define GENERATION_LEN   32
#define US_PER_S         1000000

/* What of a token decides who it is. */
struct claims {
	char client_id[CLIENT_ID_MAX + 1];
	char org[ORG_KEY_MAX + 1];
	char generation[GENERATION_LEN + 1];
	int64_t expires_s;
	uint32_t rights;
};

static void put_hex(const uint8_t *bytes, size_t len, char *to)
{
	for (size_t i = 0; i < len; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

static struct span key_of(const struct service *s)
{
	return span_of(s->token_key.b, KEY_LEN);
}

/* A key's generation as tokens tell it: nobody learns anything about the key from it. */
static int find_generation(struct service *s, const char *client_id, char ret[GENERATION_LEN + 1], struct err *err)
{
	struct sha256 mac;
	char text[CLIENT_ID_MAX + 32];
	uint64_t generation;
	int rc = service_key_generation(s, client_id, &generation, err);

	if (rc < 0)
		return rc;
	snprintf(text, sizeof(text), "generation %s %016" PRIx64, client_id, generation);
	hmac_sha256(key_of(s), span_str(text), &mac);
	put_hex(mac.b, GENERATION_LEN / 2, ret);
	return 0;
}

/* ---- scopes ---- */

static uint32_t permission_named(struct span name)
{
	for (size_t i = 0; i < permission_info_count; i++) {
		if (span_eq_str(name, permission_infos[i].name))
			return permission_infos[i].permission;
	}
	return PERMISSION_NONE;
}

int token_scope_permissions(const struct principal *who, struct span scope, uint32_t *ret, struct err *err)
{
	*ret = scope.len == 0 ? who->permissions : 0;
	while (scope.len > 0) {
		const uint8_t *blank = memchr(scope.p, ' ', scope.len);
		struct span name = span_of(scope.p, blank ? (size_t)(blank - scope.p) : scope.len);
		uint32_t permission = permission_named(name);

		if (name.len > 0 && (permission == 0 || (who->permissions & permission) == 0))
			return err_set(err, E_INVALID,
				       "the scope '%.*s' is no permission of this API key; leave the scope out for all "
				       "that it has",
				       (int)(name.len < 64 ? name.len : 64), (const char *)name.p);
		*ret |= permission;
		scope = span_from(scope, name.len + (blank != NULL));
	}
	return 0;
}

void token_scope_put(uint32_t permissions, struct buf *to)
{
	const char *separator = "";

	for (size_t i = 0; i < permission_info_count; i++) {
		if ((permissions & permission_infos[i].permission) == 0)
			continue;
		buf_put_str(to, separator);
		buf_put_str(to, permission_infos[i].name);
		separator = " ";
	}
}

/* ---- issuing ---- */

static void put_claims(const struct principal *who, const struct token_grant *g, const char *jti,
		       const char *generation, int64_t now_s, struct buf *to)
{
	buf_put_str(to, "{\"iss\":\"" ISSUER "\",\"sub\":");
	json_text_string(to, span_str(who->id));
	buf_put_str(to, ",\"client_id\":");
	json_text_string(to, span_str(who->id));
	buf_put_str(to, ",\"org\":");
	json_text_string(to, span_str(who->org->control.org_key));
	buf_printf(to, ",\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"jti\":\"%s\",\"gen\":\"%s\",\"rights\":%" PRIu32,
		   now_s, now_s + ACCESS_TOKEN_S, jti, generation, g->permissions);
	buf_put_str(to, ",\"scope\":");
	buf_put_span(to, g->scope);
	buf_put_span(to, g->extra);
	buf_put_u8(to, '}');
}

static int sign(struct service *s, struct span claims, struct buf *ret, struct err *err)
{
	size_t start = ret->len;
	struct sha256 mac;

	buf_put_str(ret, HEADER);
	base64url_put(ret, claims);
	if (!buf_ok(ret))
		return err_set(err, E_NO_MEMORY, "not enough memory for an access token");
	if (ret->len - start + 1 + SIGNATURE_DIGITS > ACCESS_TOKEN_MAX)
		return err_set(err, E_TOO_LARGE, "an access token would be longer than %u bytes", ACCESS_TOKEN_MAX);
	hmac_sha256(key_of(s), span_of(ret->p + start, ret->len - start), &mac);
	buf_put_u8(ret, '.');
	base64url_put(ret, span_of(mac.b, sizeof(mac.b)));
	return buf_ok(ret) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for an access token");
}

static int tell(struct service *s, const struct principal *who, const struct token_grant *g, const char *jti,
		struct err *err)
{
	struct buf event = BUF_INIT;
	int rc;

	self_event_begin(&event, "token.issued", who);
	buf_printf(
		&event,
		",\"entity\":{\"type\":\"access_token\",\"id\":\"%s\"},\"after\":{\"expires_in\":%d,\"permissions\":\"",
		jti, ACCESS_TOKEN_S);
	token_scope_put(g->permissions, &event);
	buf_put_str(&event, "\"}}");
	rc = buf_ok(&event) ? service_self_append(s, who->org, buf_span(&event), err)
			    : err_set(err, E_NO_MEMORY, "not enough memory for an event");
	buf_release(&event);
	return rc;
}

int service_token_issue(struct service *s, const struct principal *who, const struct token_grant *grant,
			struct buf *ret, struct err *err)
{
	char jti[JTI_LEN + 1], generation[GENERATION_LEN + 1];
	struct buf claims = BUF_INIT;
	uint8_t id[JTI_LEN / 2];
	int rc;

	must((grant->permissions & ~who->permissions) == 0);
	rand_bytes(id, sizeof(id));
	put_hex(id, sizeof(id), jti);
	if ((rc = find_generation(s, who->id, generation, err)) < 0)
		return rc;
	put_claims(who, grant, jti, generation, clock_wall_us() / US_PER_S, &claims);
	rc = buf_ok(&claims) ? sign(s, buf_span(&claims), ret, err)
			     : err_set(err, E_NO_MEMORY, "not enough memory for an access token");
	if (rc == 0)
		rc = tell(s, who, grant, jti, err);
	buf_release(&claims);
	return rc;
}

/* ---- checking ---- */

static int refuse(struct err *err)
{
	return err_set(err, E_UNAUTHORIZED,
		       "this is no API key and no access token of this server; send 'Authorization: Bearer stele_…', "
		       "or the access_token of POST /oauth/token");
}

bool service_token_is_own(struct span token)
{
	return span_starts_with(token, SPAN_LIT(HEADER));
}

static bool has_signature(const struct service *s, struct span token, struct span *ret_payload)
{
	struct sha256 given, mac;
	struct span signature, rest;
	size_t len;

	if (token.len > ACCESS_TOKEN_MAX || token.len < sizeof(HEADER) + SIGNATURE_DIGITS ||
	    !service_token_is_own(token))
		return false;
	rest = span_of(token.p, token.len - SIGNATURE_DIGITS);
	signature = span_from(token, rest.len);
	if (rest.p[rest.len - 1] != '.' || !base64url_get(signature, given.b, sizeof(given.b), &len))
		return false;
	rest.len--;
	hmac_sha256(key_of(s), rest, &mac);
	*ret_payload = span_from(rest, sizeof(HEADER) - 1);
	return sha256_eq_secret(&given, &mac);
}

static bool take_text(yyjson_val *root, const char *name, char *to, size_t size)
{
	yyjson_val *v = yyjson_obj_get(root, name);

	if (!yyjson_is_str(v) || yyjson_get_len(v) >= size)
		return false;
	memcpy(to, yyjson_get_str(v), yyjson_get_len(v) + 1);
	return true;
}

static bool take_claims(struct service *s, struct span token, struct claims *ret)
{
	uint8_t text[ACCESS_TOKEN_MAX];
	yyjson_doc *doc = NULL;
	struct span payload;
	yyjson_val *root;
	size_t len;
	bool ok = has_signature(s, token, &payload) && base64url_get(payload, text, sizeof(text), &len);

	if (ok)
		doc = yyjson_read((const char *)text, len, 0);
	root = yyjson_doc_get_root(doc);
	ok = ok && yyjson_equals_str(yyjson_obj_get(root, "iss"), ISSUER) &&
	     take_text(root, "client_id", ret->client_id, sizeof(ret->client_id)) &&
	     take_text(root, "org", ret->org, sizeof(ret->org)) &&
	     take_text(root, "gen", ret->generation, sizeof(ret->generation)) &&
	     yyjson_is_int(yyjson_obj_get(root, "exp")) && yyjson_is_uint(yyjson_obj_get(root, "rights"));
	if (ok) {
		ret->expires_s = yyjson_get_sint(yyjson_obj_get(root, "exp"));
		ret->rights = (uint32_t)yyjson_get_uint(yyjson_obj_get(root, "rights"));
	}
	yyjson_doc_free(doc);
	return ok;
}

int service_authenticate_token(struct service *s, struct span token, struct principal *ret, struct err *err)
{
	char generation[GENERATION_LEN + 1];
	struct claims c;
	int rc;

	if (!take_claims(s, token, &c))
		return refuse(err);
	if (clock_wall_us() / US_PER_S >= c.expires_s)
		return err_set(err, E_UNAUTHORIZED, "this access token has expired; ask for another one");
	if ((rc = service_key_find(s, c.client_id, ret, err)) < 0 ||
	    (rc = find_generation(s, c.client_id, generation, err)) < 0)
		return rc;
	if (strcmp(generation, c.generation) != 0 || strcmp(ret->org->control.org_key, c.org) != 0)
		return err_set(err, E_UNAUTHORIZED,
			       "the API key of this access token was rotated or revoked; ask for another one");
	ret->permissions &= c.rights;
	return 0;
}
