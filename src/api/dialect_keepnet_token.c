/*
 * POST /connect/token: OAuth 2 client credentials as the vendor has them. What is no form breaks the vendor's endpoint
 * down, and wrong credentials are a bad request there; clients know both.
 */
#include "api/dialect_keepnet.h"
#include "api/handler.h"
#include "api/token_request.h"
#include "api/utf8.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/access_token.h"
#include "service/tenant.h"

#define SCOPE "api1"

/* What a client may call, as the vendor lists it: paths without /api/. */
static const struct {
	enum permission needs;
	const char *entry;
} calls[] = {
	{PERMISSION_READ, "audit-logs|POST"},          {PERMISSION_READ, "audit-logs/search|POST"},
	{PERMISSION_READ, "audit-log/search|POST"},    {PERMISSION_EXPORT, "audit-logs/search/export|POST"},
	{PERMISSION_APPEND, "audit-logs/import|POST"}, {PERMISSION_APPEND, "audit|POST"},
};

/* ---- errors ---- */

static void put_error(struct reply *r, int status, const char *error, const char *description)
{
	reply_json(r, status);
	buf_printf(&r->body, "{\"error\":\"%s\",\"error_description\":", error);
	utf8_put_json(&r->body, span_str(description));
	buf_put_str(&r->body, "}\n");
}

void keepnet_token_error(struct reply *r, const struct err *err)
{
	const char *message = err->message[0] != '\0' ? err->message : err_meaning(err->code);
	int status = err->code == E_UNAUTHORIZED ? 400 : err_http_status(err->code);

	put_error(r, status,
		  err->code == E_UNAUTHORIZED ? "invalid_client"
		  : status == 503             ? "temporarily_unavailable"
		  : status >= 500             ? "server_error"
					      : "invalid_request",
		  message);
	r->wants_retry = status == 503 || status == 429;
	r->retry_s = err->retry_s;
}

/* ---- claims ---- */

static void put_claim(struct buf *to, const char *name, struct span value)
{
	buf_printf(to, ",\"%s\":", name);
	json_text_string(to, value);
}

static void put_flag(struct buf *to, const char *name, const struct principal *who, enum permission p)
{
	put_claim(to, name, who->permissions & p ? SPAN_LIT("true") : SPAN_LIT("false"));
}

/* An org has no logo, no industry and no parent. */
static void put_claims(const struct principal *who, const struct control_org *org, struct buf *to)
{
	put_claim(to, "user_company_resourceid", span_str(org->org_key));
	put_claim(to, "user_company_name", span_str(org->name));
	buf_printf(to, ",\"user_company_id\":\"%lld\"", (long long)org->id);
	put_claim(to, "user_company_logopath", SPAN_LIT(""));
	put_claim(to, "user_company_industry_name", SPAN_LIT(""));
	put_claim(to, "user_company_parentcompany_resourceid", SPAN_LIT(""));
	put_claim(to, "user_company_parentcompany_name", SPAN_LIT(""));
	put_claim(to, "role", who->permissions & PERMISSION_ORG ? SPAN_LIT("Company Admin") : SPAN_LIT("Custom"));
	put_flag(to, "company_admin_access", who, PERMISSION_ORG);
	put_flag(to, "reseller_access", who, PERMISSION_ORGS);
	put_flag(to, "root_access", who, PERMISSION_OPERATE);
}

/* ---- the answer ---- */

static void put_calls(uint32_t permissions, struct buf *to)
{
	const char *separator = "";

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if ((permissions & calls[i].needs) == 0)
			continue;
		buf_printf(to, "%s\"%s\"", separator, calls[i].entry);
		separator = ",";
	}
}

static int issue(struct request *r, struct buf *claims, struct buf *token, struct err *err)
{
	struct token_grant grant = {.permissions = r->who.permissions, .scope = SPAN_LIT("[\"" SCOPE "\"]")};
	struct buf *to = &r->reply.body;
	struct control_org org;
	int rc;

	if ((rc = tenant_get(r->server->service, &r->who, &org, err)) < 0)
		return rc;
	put_claims(&r->who, &org, claims);
	if (!buf_ok(claims))
		return err_set(err, E_NO_MEMORY, "not enough memory for an access token");
	grant.extra = buf_span(claims);
	if ((rc = service_token_issue(r->server->service, &r->who, &grant, token, err)) < 0)
		return rc;
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"access_token\":\"");
	buf_put_span(to, buf_span(token));
	buf_printf(to, "\",\"expires_in\":%d,\"token_type\":\"Bearer\",\"scope\":\"" SCOPE "\",\"permissions\":[",
		   ACCESS_TOKEN_S);
	put_calls(r->who.permissions, to);
	buf_put_str(to, "]}\n");
	return 0;
}

static enum handled grant_token(struct request *r)
{
	struct buf claims = BUF_INIT, token = BUF_INIT;
	struct err err = ERR_INIT;

	if (issue(r, &claims, &token, &err) < 0)
		request_fail(r, &err);
	if (token.p)
		mem_wipe(token.p, token.len);
	buf_release(&token);
	buf_release(&claims);
	return HANDLED_NOW;
}

static enum handled answer(struct request *r, const struct token_request *t)
{
	struct err err = ERR_INIT;

	if (!span_eq_str(t->grant_type, "client_credentials")) {
		put_error(&r->reply, 400, "unsupported_grant_type", "send grant_type=client_credentials");
		return HANDLED_NOW;
	}
	if (token_request_principal(r, t, &err) < 0)
		return keepnet__fail(r, &err);
	if (!span_eq_str(t->scope, SCOPE)) {
		put_error(&r->reply, 400, "invalid_scope", "send scope=" SCOPE);
		return HANDLED_NOW;
	}
	return grant_token(r);
}

enum handled handle_keepnet_token(struct request *r)
{
	struct token_request t = {0};
	struct err err = ERR_INIT;
	enum handled handled;
	int rc = token_request_read(r, false, &t, &err);

	if (rc == E_MEDIA_TYPE)
		handled = keepnet__fail_fault(r, err.message);
	else
		handled = rc < 0 ? keepnet__fail(r, &err) : answer(r, &t);
	token_request_release(&t);
	mem_wipe(r->body.bytes.p, r->body.bytes.len); /* it held a secret */
	return handled;
}
