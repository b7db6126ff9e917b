/* POST /oauth/token: OAuth 2 client credentials (RFC 6749 section 4.4). Its errors are those of section 5.2. */
#include "api/dialect.h"
#include "api/handler.h"
#include "api/request.h"
#include "api/token_request.h"
#include "api/utf8.h"
#include "base/mem.h"
#include "service/access_token.h"

static void put_error(struct reply *r, int status, const char *error, const char *description)
{
	reply_json(r, status);
	buf_printf(&r->body, "{\"error\":\"%s\",\"error_description\":", error);
	utf8_put_json(&r->body, span_str(description));
	buf_put_str(&r->body, "}\n");
}

/* The word of RFC 6749, or of RFC 6749 section 4.1.2.1 where the other has none. */
static const char *error_of(const struct err *err)
{
	int status = err_http_status(err->code);

	if (err->code == E_UNAUTHORIZED)
		return "invalid_client";
	if (err->code == E_FORBIDDEN)
		return "unauthorized_client";
	if (status == 503 || status == 429)
		return "temporarily_unavailable";
	return status >= 500 ? "server_error" : "invalid_request";
}

void token_error(struct reply *r, const struct err *err)
{
	int status = err_http_status(err->code);

	/* The RFC has 400 for a type of body that it does not want. */
	put_error(r, err->code == E_MEDIA_TYPE ? 400 : status, error_of(err),
		  err->message[0] ? err->message : err_meaning(err->code));
	r->wants_basic = status == 401;
	r->wants_retry = status == 503 || status == 429;
	r->retry_s = err->retry_s;
}

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

static int issue(struct request *r, const struct token_grant *grant, struct buf *token, struct err *err)
{
	struct reply *reply = &r->reply;
	int rc = service_token_issue(r->server->service, &r->who, grant, token, err);

	if (rc < 0)
		return rc;
	reply_secret(reply, 200);
	reply_add_header(reply, "Pragma", "no-cache"); /* no-store is said everywhere; the RFC wants both */
	buf_put_str(&reply->body, "{\"access_token\":\"");
	buf_put_span(&reply->body, buf_span(token));
	buf_printf(&reply->body, "\",\"token_type\":\"Bearer\",\"expires_in\":%d,\"scope\":", ACCESS_TOKEN_S);
	buf_put_span(&reply->body, grant->scope);
	buf_put_str(&reply->body, "}\n");
	return 0;
}

/* Who asks is known, and what for. */
static enum handled grant(struct request *r, const struct token_request *t)
{
	struct buf token = BUF_INIT, scope = BUF_INIT;
	struct token_grant g = {0};
	struct err err = ERR_INIT;

	if (token_scope_permissions(&r->who, t->scope, &g.permissions, &err) < 0) {
		put_error(&r->reply, 400, "invalid_scope", err.message);
		return HANDLED_NOW;
	}
	buf_put_u8(&scope, '"');
	token_scope_put(g.permissions, &scope);
	buf_put_u8(&scope, '"');
	g.scope = buf_span(&scope);
	if (issue(r, &g, &token, &err) < 0)
		request_fail(r, &err);
	if (token.p)
		mem_wipe(token.p, token.len);
	buf_release(&token);
	buf_release(&scope);
	return HANDLED_NOW;
}

static enum handled answer(struct request *r, const struct token_request *t)
{
	struct err err = ERR_INIT;

	if (t->grant_type.len == 0) {
		(void)err_set(&err, E_INVALID, "grant_type is missing; send grant_type=client_credentials");
		return fail(r, &err);
	}
	if (!span_eq_str(t->grant_type, "client_credentials")) {
		put_error(&r->reply, 400, "unsupported_grant_type", "only client_credentials is given");
		return HANDLED_NOW;
	}
	if (token_request_principal(r, t, &err) < 0)
		return fail(r, &err);
	return grant(r, t);
}

enum handled handle_token(struct request *r)
{
	struct token_request t = {0};
	struct err err = ERR_INIT;
	enum handled handled = HANDLED_NOW;

	if (token_request_read(r, false, &t, &err) < 0)
		request_fail(r, &err);
	else
		handled = answer(r, &t);
	token_request_release(&t);
	mem_wipe(r->body.bytes.p, r->body.bytes.len); /* it held a secret */
	return handled;
}
