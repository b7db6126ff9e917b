/* API keys as parameters and as JSON. */
#include "api/key_param.h"

#include <inttypes.h>
#include <string.h>

#include "api/time_json.h"
#include "api/utf8.h"
#include "api/version.h"
#include "base/mem.h"
#include "service/jwt.h"

static const struct span *text_of(const struct params *given, enum param p)
{
	return param_is_given(given, p) ? &given->value[p] : NULL;
}

int key_param_take(const struct params *given, struct key_param *ret, struct err *err)
{
	int rc;

	ret->change = (struct key_change){.name = text_of(given, PARAM_NAME),
					  .role = text_of(given, PARAM_ROLE),
					  .query = text_of(given, PARAM_QUERY),
					  .networks = text_of(given, PARAM_NETWORKS),
					  .expires = text_of(given, PARAM_EXPIRES)};
	if ((rc = param_number(given, PARAM_REQUEST_RATE, 0, RATE_MAX, 0, &ret->request_rate, err)) < 0)
		return rc;
	if ((rc = param_number(given, PARAM_EVENT_RATE, 0, RATE_MAX, 0, &ret->event_rate, err)) < 0)
		return rc;
	if (param_is_given(given, PARAM_REQUEST_RATE))
		ret->change.request_rate = &ret->request_rate;
	if (param_is_given(given, PARAM_EVENT_RATE))
		ret->change.event_rate = &ret->event_rate;
	return 0;
}

static void put_text(struct buf *to, const char *name, const char *text)
{
	buf_printf(to, ",\"%s\":", name);
	utf8_put_json(to, span_str(text));
}

void list_put_json(struct buf *to, const char *name, const char *text)
{
	buf_printf(to, ",\"%s\":[", name);
	for (const char *at = text; *at != '\0';) {
		size_t len = strcspn(at, ",");

		buf_put_str(to, at == text ? "" : ",");
		utf8_put_json(to, span_of(at, len));
		at += len + (at[len] == ',');
	}
	buf_put_u8(to, ']');
}

void key_put_json(struct buf *to, const struct control_api_key *key)
{
	buf_printf(to, "{\"client_id\":\"%s\"", key->client_id);
	put_text(to, "name", key->name);
	put_text(to, "role", key->role);
	put_text(to, "query", key->narrow);
	list_put_json(to, "networks", key->networks);
	buf_printf(to, ",\"request_rate\":%" PRIu32 ",\"event_rate\":%" PRIu32, key->request_rate, key->event_rate);
	time_put_json_or_null(to, "expires", key->expires_us);
	time_put_json(to, "created", key->created_us);
	put_text(to, "created_by", key->created_by);
	time_put_json_or_null(to, "updated", key->updated_us);
	time_put_json_or_null(to, "last_used", key->last_used_us);
	time_put_json_or_null(to, "rotated", key->rotated_us);
	time_put_json_or_null(to, "previous_until", key->previous_until_us);
	time_put_json_or_null(to, "revoked", key->revoked_us);
	buf_printf(to, ",\"version\":%" PRId64, key->version);
}

void key_put_secret_json(struct service *s, const struct control_api_key *key, const struct key_secret *secret,
			 struct buf *to)
{
	char jwt_secret[JWT_SECRET_LEN + 1];

	put_text(to, "client_secret", secret->secret);
	put_text(to, "api_key", secret->token);
	service_jwt_secret(s, key, jwt_secret);
	put_text(to, "jwt_secret", jwt_secret);
	mem_wipe(jwt_secret, sizeof(jwt_secret));
}

enum handled key_answer(struct request *r, int status, const struct control_api_key *key, struct key_secret *secret)
{
	struct buf *to = &r->reply.body;

	if (secret)
		reply_secret(&r->reply, status);
	else
		reply_json(&r->reply, status);
	key_put_json(to, key);
	if (secret) {
		key_put_secret_json(r->server->service, key, secret, to);
		mem_wipe(secret, sizeof(*secret));
	}
	buf_put_str(to, "}\n");
	version_put(&r->reply, key->version);
	return HANDLED_NOW;
}
