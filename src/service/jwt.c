/*
 * Checking tokens of others' making. Whose key it is has to be read out of the token before its signature can be
 * checked, so the text is bounded, and nothing but the client id is believed until then.
 */
#include "service/jwt.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <yyjson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "service/refusal.h"
#include "service/service_priv.h"

#define ALGORITHM "HS256"
#define US_PER_S  INT64_C(1000000)

_Static_assert(JWT_SECRET_LEN == 2 * SHA256_LEN, "a MAC in hex");

static void derive(struct service *s, const char *client_id, uint64_t generation, char ret[JWT_SECRET_LEN + 1])
{
	char text[CLIENT_ID_MAX + 32];
	struct sha256 mac;

	snprintf(text, sizeof(text), "jwt %s %016" PRIx64, client_id, generation);
	hmac_sha256(span_of(s->token_key.b, KEY_LEN), span_str(text), &mac);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(ret + 2 * i, 3, "%02x", mac.b[i]);
	mem_wipe(&mac, sizeof(mac));
}

void service_jwt_secret(struct service *s, const struct control_api_key *key, char ret[JWT_SECRET_LEN + 1])
{
	derive(s, key->client_id, (uint64_t)key->rotated_us, ret);
}

static int refuse(struct err *err, const char *why)
{
	return err_set(err, E_UNAUTHORIZED,
		       "this is no API key and no token of this server, nor one that a key signed: %s", why);
}

/* ---- its parts ---- */

struct parts {
	struct span header, payload, signature;
	struct span signed_text; /* header, '.' and payload */
};

static bool cut(struct span token, struct parts *ret)
{
	const uint8_t *first = token.len ? memchr(token.p, '.', token.len) : NULL;
	const uint8_t *last = token.len ? memrchr(token.p, '.', token.len) : NULL;

	if (token.len > ACCESS_TOKEN_MAX || !first || first == last)
		return false;
	ret->header = span_of(token.p, (size_t)(first - token.p));
	ret->payload = span_of(first + 1, (size_t)(last - first) - 1);
	ret->signed_text = span_of(token.p, (size_t)(last - token.p));
	ret->signature = span_from(token, ret->signed_text.len + 1);
	return true;
}

/* An object in base64; NULL when it is none. */
static yyjson_doc *read_object(struct span text)
{
	uint8_t bytes[ACCESS_TOKEN_MAX];
	yyjson_doc *doc = NULL;
	size_t len;

	if (base64url_get(text, bytes, sizeof(bytes), &len))
		doc = yyjson_read((const char *)bytes, len, 0);
	if (doc && !yyjson_is_obj(yyjson_doc_get_root(doc))) {
		yyjson_doc_free(doc);
		doc = NULL;
	}
	return doc;
}

/* One algorithm is taken, whatever a token asks for, and no extension that must be understood (RFC 7515
 * section 4.1.11).
 */
static bool is_header(struct span text)
{
	yyjson_doc *doc = read_object(text);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *type = yyjson_obj_get(root, "typ");
	bool ok = yyjson_equals_str(yyjson_obj_get(root, "alg"), ALGORITHM) && !yyjson_obj_get(root, "crit") &&
		  (!type || (yyjson_is_str(type) && strcasecmp(yyjson_get_str(type), "JWT") == 0));

	yyjson_doc_free(doc);
	return ok;
}

static bool take_client(yyjson_val *claims, char ret[CLIENT_ID_MAX + 1])
{
	yyjson_val *id = yyjson_obj_get(claims, "appId");

	if (!yyjson_is_str(id) || yyjson_get_len(id) > CLIENT_ID_MAX ||
	    strlen(yyjson_get_str(id)) != yyjson_get_len(id)) /* a NUL in it */
		return false;
	memcpy(ret, yyjson_get_str(id), yyjson_get_len(id) + 1);
	return true;
}

/* ---- whether it is good ---- */

static bool has_signed(struct service *s, const struct parts *p, const char *client_id, uint64_t generation)
{
	char secret[JWT_SECRET_LEN + 1];
	struct sha256 given, mac;
	size_t len;

	derive(s, client_id, generation, secret);
	hmac_sha256(span_str(secret), p->signed_text, &mac);
	mem_wipe(secret, sizeof(secret));
	return base64url_get(p->signature, given.b, sizeof(given.b), &len) && len == SHA256_LEN &&
	       sha256_eq_secret(&given, &mac);
}

/* A key that there is not, and one that has ended, are refused as one that has signed nothing: who cannot sign learns
 * nothing of them. */
static int check_signature(struct service *s, const struct parts *p, const char *client_id, struct principal *ret,
			   struct err *err)
{
	uint64_t generation;
	int rc = service_key_generation(s, client_id, &generation, err);

	if (rc < 0 && rc != E_UNAUTHORIZED)
		return rc;
	if (rc == 0 && has_signed(s, p, client_id, generation))
		return 0;
	(void)refuse(err, "its signature is not that of the key's jwt_secret");
	return service_refuse(s, GUESS_KEY, span_str(client_id), &ret->caller, err);
}

/* Times are seconds since 1970, perhaps with a fraction (RFC 7519 section 2). */
static int check_times(yyjson_val *claims, struct err *err)
{
	yyjson_val *expires = yyjson_obj_get(claims, "exp");
	yyjson_val *begins = yyjson_obj_get(claims, "nbf");
	double now = (double)clock_wall_us() / (double)US_PER_S;

	if ((expires && !yyjson_is_num(expires)) || (begins && !yyjson_is_num(begins)))
		return refuse(err, "exp and nbf are numbers of seconds");
	if (expires && now >= yyjson_get_num(expires))
		return refuse(err, "it has expired");
	if (begins && now + JWT_SKEW_S < yyjson_get_num(begins))
		return refuse(err, "it is not good yet");
	return 0;
}

int service_authenticate_jwt(struct service *s, struct span token, struct principal *ret, struct err *err)
{
	char client_id[CLIENT_ID_MAX + 1];
	yyjson_doc *claims = NULL;
	struct parts p;
	int rc;

	if (!cut(token, &p) || !is_header(p.header) || !(claims = read_object(p.payload)) ||
	    !take_client(yyjson_doc_get_root(claims), client_id)) {
		rc = refuse(err, "it is no JWT with alg HS256 and the claim appId");
		goto out;
	}
	if ((rc = check_signature(s, &p, client_id, ret, err)) < 0)
		goto out;
	if ((rc = check_times(yyjson_doc_get_root(claims), err)) < 0)
		goto out;
	rc = service_key_find(s, client_id, ret, err);
out:
	yyjson_doc_free(claims);
	return rc;
}
