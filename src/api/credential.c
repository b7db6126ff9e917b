/*
 * What a request says about who sends it. Comparing secrets is the service's; here is only their form, which tells
 * nothing of a secret but what the sender knows already.
 */
#include "api/credential.h"

#include <strings.h>

#include "api/reply.h"
#include "base/mem.h"
#include "crypto/base64.h"
#include "service/access_token.h"
#include "service/jwt.h"
#include "service/refusal.h"
#include "service/session.h"

#define BEARER     "Bearer"
#define BASIC      "Basic"
#define KEY_PREFIX "stele_"

const char *credential_way_name(enum credential_way way)
{
	static const char *const names[] = {"none", "bearer", "basic", "x-auth-token", "auth", "cookie"};

	return names[way];
}

static bool is_named(struct span name, const char *other)
{
	return name.len == strlen(other) && strncasecmp((const char *)name.p, other, name.len) == 0;
}

/* ---- the forms ---- */

/* What stands behind a scheme; false when the value has another one. */
static bool cut_scheme(struct span value, const char *scheme, struct span *ret_rest)
{
	size_t len = strlen(scheme);

	if (value.len <= len || value.p[len] != ' ' || strncasecmp((const char *)value.p, scheme, len) != 0)
		return false;
	while (len < value.len && value.p[len] == ' ')
		len++;
	*ret_rest = span_from(value, len);
	return true;
}

/* Cuts a pair at a character. */
static bool cut_pair(struct span pair, const uint8_t *at, struct span *ret_left, struct span *ret_right)
{
	if (!at)
		return false;
	*ret_left = span_of(pair.p, (size_t)(at - pair.p));
	*ret_right = span_from(pair, ret_left->len + 1);
	return true;
}

static int take_basic(struct credential *c, struct span text, struct err *err)
{
	size_t len = 0;
	struct span pair;

	c->way = CREDENTIAL_BASIC;
	if (!base64_get(text, c->decoded, sizeof(c->decoded), &len))
		return err_set(err, E_UNAUTHORIZED,
			       "the Authorization header says Basic and is not base64 of CLIENT_ID:SECRET");
	pair = span_of(c->decoded, len);
	if (!cut_pair(pair, len ? memchr(pair.p, ':', len) : NULL, &c->client_id, &c->secret))
		return err_set(err, E_UNAUTHORIZED,
			       "the Authorization header says Basic and has no ':' between client id and secret");
	return 0;
}

static int take_authorization(struct credential *c, struct span value, struct err *err)
{
	struct span rest;

	if (cut_scheme(value, BEARER, &c->token)) {
		c->way = CREDENTIAL_BEARER;
		return 0;
	}
	if (cut_scheme(value, BASIC, &rest))
		return take_basic(c, rest, err);
	return err_set(err, E_UNAUTHORIZED,
		       "the Authorization header has another scheme; send 'Bearer stele_…', 'Bearer' with an access "
		       "token, or 'Basic' with client id and secret");
}

/* A client id has no '/', so the last one is between the two. */
static int take_x_auth_token(struct credential *c, struct span value, struct err *err)
{
	c->way = CREDENTIAL_X_AUTH_TOKEN;
	if (!cut_pair(value, value.len ? memrchr(value.p, '/', value.len) : NULL, &c->secret, &c->client_id))
		return err_set(err, E_UNAUTHORIZED, "the X-Auth-Token header has no '/'; send SECRET/CLIENT_ID");
	return 0;
}

static int take_auth(struct credential *c, struct span value)
{
	c->way = CREDENTIAL_AUTH;
	c->token = value;
	return 0;
}

int credential_add(struct credential *c, struct span name, struct span value, struct err *err)
{
	bool is_authorization = is_named(name, "Authorization");
	bool is_x_auth_token = is_named(name, "X-Auth-Token");

	if (!is_authorization && !is_x_auth_token && !is_named(name, "auth"))
		return 0;
	if (c->way != CREDENTIAL_NONE)
		return err_set(
			err, E_INVALID,
			"the request presents two credentials; send one of Authorization, X-Auth-Token and auth");
	if (is_authorization)
		return take_authorization(c, value, err);
	return is_x_auth_token ? take_x_auth_token(c, value, err) : take_auth(c, value);
}

void credential_wipe(struct credential *c)
{
	mem_wipe(c->decoded, sizeof(c->decoded));
	*c = (struct credential){0};
}

/* ---- who it is ---- */

static int check_token(struct service *s, struct span token, struct principal *ret, struct err *err)
{
	int rc;

	if (span_starts_with(token, SPAN_LIT(KEY_PREFIX)))
		return service_authenticate(s, token, ret, err);
	if (session_is_secret(token))
		return service_authenticate_session(s, token, ret, err);
	rc = service_token_is_own(token) ? service_authenticate_token(s, token, ret, err)
					 : service_authenticate_jwt(s, token, ret, err);
	if (rc == E_UNAUTHORIZED)
		err_set_field(err, CREDENTIAL_TOKEN_FIELD, sizeof(CREDENTIAL_TOKEN_FIELD) - 1);
	return rc;
}

/* The client id it names; empty when it names none, as an access token. */
static struct span client_of(const struct credential *c)
{
	struct span rest = c->token;
	const uint8_t *end;

	if (!span_starts_with(rest, SPAN_LIT(KEY_PREFIX)))
		return c->client_id;
	rest = span_from(rest, sizeof(KEY_PREFIX) - 1);
	end = memchr(rest.p, '_', rest.len);
	return span_of(rest.p, end ? (size_t)(end - rest.p) : 0);
}

/* An access token that is refused is no guess: it has expired, or its signature is wrong, which nobody finds by trying
 * (a JWT that is signed wrongly in a key's name has been noted by then).
 */
int credential_check(struct service *s, const struct credential *c, struct principal *ret, struct err *err)
{
	struct span client_id;
	int rc;

	if (c->way == CREDENTIAL_NONE)
		return err_set(err, E_UNAUTHORIZED, "this needs an API key; send 'Authorization: Bearer stele_…'");
	if (c->way == CREDENTIAL_BEARER || c->way == CREDENTIAL_AUTH)
		rc = check_token(s, c->token, ret, err);
	else
		rc = service_authenticate_pair(s, c->client_id, c->secret, ret, err);
	client_id = client_of(c);
	if (rc == E_UNAUTHORIZED && client_id.len > 0)
		rc = service_refuse(s, GUESS_KEY, client_id, &ret->caller, err);
	return rc;
}
