/* POST /v1/password and /v1/totp: what a user signs in with. */
#include "api/handler.h"
#include "api/request.h"
#include "api/utf8.h"
#include "base/mem.h"
#include "service/password.h"
#include "service/totp.h"

#define OFFER_JSON_BYTES 4096u /* more than it has: a buffer that grew would leave the secret behind */

static enum handled end(struct request *r, int rc, const struct err *err)
{
	if (rc < 0)
		request_fail(r, err);
	else
		reply_json(&r->reply, 204);
	return HANDLED_NOW;
}

/* With a token nobody has to be known; without one it is who signed in. */
static int set_password(struct request *r, struct err *err)
{
	const struct params *given = &r->params;
	struct span password = given->value[PARAM_PASSWORD];
	int rc;

	if (param_is_given(given, PARAM_TOKEN))
		return service_password_reset(r->server->service, &r->who.caller, given->value[PARAM_TOKEN], password,
					      err);
	if ((rc = request_authenticate(r, err)) < 0)
		return rc;
	return service_password_change(r->server->service, &r->who, given->value[PARAM_OLD_PASSWORD], password, err);
}

enum handled handle_password_set(struct request *r)
{
	struct err err = ERR_INIT;
	int rc = set_password(r, &err);

	return end(r, rc, &err);
}

static void answer_offer(struct request *r, const struct totp_offer *offer)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	r->reply.has_secret = true;
	(void)buf_room(to, OFFER_JSON_BYTES);
	buf_printf(to, "{\"secret\":\"%s\",\"uri\":", offer->secret);
	utf8_put_json(to, span_str(offer->uri));
	buf_put_str(to, "}\n");
}

/* With the password it is begun, with a code it is put in force. */
enum handled handle_totp_set(struct request *r)
{
	struct totp_offer offer;
	struct err err = ERR_INIT;

	if (param_is_given(&r->params, PARAM_CODE)) {
		int rc = service_totp_confirm(r->server->service, &r->who, r->params.value[PARAM_CODE], &err);

		return end(r, rc, &err);
	}
	if (service_totp_begin(r->server->service, &r->who, r->params.value[PARAM_PASSWORD], &offer, &err) < 0)
		return end(r, err.code, &err);
	answer_offer(r, &offer);
	mem_wipe(&offer, sizeof(offer));
	return HANDLED_NOW;
}

enum handled handle_totp_remove(struct request *r)
{
	struct err err = ERR_INIT;
	int rc = service_totp_remove(r->server->service, &r->who, r->params.value[PARAM_CODE], &err);

	return end(r, rc, &err);
}
