/*
 * POST /api/1.0/oauth2/access_token: client id and secret in basic authentication or in the body, which is a form or a
 * JSON object.
 *
 * A credential whose secret was wrong too often is locked for half an hour, but only for the address that was wrong:
 * else anybody could lock out anybody.
 */
#include "api/dialect_unqork.h"

#include <inttypes.h>

#include "api/handler.h"
#include "api/header.h"
#include "api/request.h"
#include "api/token_request.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/access_token.h"
#include "service/session.h"

#define US_PER_SECOND 1000000

static int check_grant(struct request *r, const struct token_request *t, struct err *err)
{
	if (span_eq_str(t->grant_type, "client_credentials") ||
	    (r->server->has_password_grant && span_eq_str(t->grant_type, "password")))
		return 0;
	err_set_field(err, "grant_type", strlen("grant_type"));
	if (span_eq_str(t->grant_type, "password"))
		return err_set(err, E_INVALID,
			       "the password grant is switched off; send grant_type=client_credentials");
	return err_set(err, E_INVALID, "grant_type must be client_credentials");
}

/* What a lock is for: whose secret was wrong, and from where. */
static void put_lock(struct request *r, const struct token_request *t, struct buf *to)
{
	struct credential credential = {0};

	if (headers_credential(r->connection, &credential, NULL) == 0 && credential.way == CREDENTIAL_BASIC)
		buf_put_span(to, credential.client_id);
	else
		buf_put_span(to, t->client_id);
	credential_wipe(&credential);
	buf_put_u8(to, 0);
	buf_put_span(to, r->who.caller.ip);
}

/* Fills r->who. E_UNAUTHORIZED. */
static int authenticate(struct request *r, const struct token_request *t, struct err *err)
{
	struct recents *locks = r->server->unqork_locks;
	int64_t now_s = clock_wall_us() / US_PER_SECOND;
	struct buf lock = BUF_INIT;
	int rc;

	put_lock(r, t, &lock);
	if (recents_look(locks, buf_span(&lock), now_s).count >= UNQORK_LOCK_FAILURES) {
		rc = err_set(err, E_UNAUTHORIZED, "the credential is LOCKED for this address");
	} else {
		rc = token_request_principal(r, t, err);
		if (rc == E_UNAUTHORIZED || rc == E_QUOTA)
			(void)recents_add(locks, buf_span(&lock), now_s);
	}
	buf_release(&lock);
	return rc;
}

static void put_answer(struct request *r, struct span token, int64_t seconds)
{
	reply_json(&r->reply, 200);
	r->reply.has_secret = true;
	(void)buf_room(&r->reply.body, REPLY_SECRET_BYTES);
	buf_put_str(&r->reply.body, "{\"access_token\":\"");
	buf_put_span(&r->reply.body, token);
	buf_printf(&r->reply.body, "\",\"expires_in\":%" PRId64 ",\"token_type\":\"Bearer\"}\n", seconds);
}

static int answer_client(struct request *r, const struct token_request *t, struct err *err)
{
	struct token_grant grant = {.permissions = UINT32_MAX, .scope = SPAN_LIT("\"\"")};
	struct buf token = BUF_INIT;
	int rc = authenticate(r, t, err);

	if (rc < 0)
		return rc;
	grant.permissions = r->who.permissions;
	rc = service_token_issue(r->server->service, &r->who, &grant, &token, err);
	if (rc == 0)
		put_answer(r, buf_span(&token), ACCESS_TOKEN_S);
	if (token.p)
		mem_wipe(token.p, token.len);
	buf_release(&token);
	return rc;
}

/* A user's token is the secret of a session: it ends as one, is listed as one, and can be revoked as one. */
static int answer_user(struct request *r, const struct token_request *t, struct err *err)
{
	const struct sign_in in = {.email = t->username, .password = t->password};
	struct signed_in made;
	int64_t seconds;
	int rc = service_sign_in(r->server->service, &r->who.caller, &in, &made, err);

	if (rc < 0)
		return rc;
	seconds =
		(service_session_idle_us(r->server->service, &made.session) - made.session.created_us) / US_PER_SECOND;
	put_answer(r, span_str(made.cookie), seconds < ACCESS_TOKEN_S ? seconds : ACCESS_TOKEN_S);
	mem_wipe(&made, sizeof(made));
	return 0;
}

static int answer(struct request *r, const struct token_request *t, struct err *err)
{
	int rc = check_grant(r, t, err);

	if (rc < 0)
		return rc;
	return span_eq_str(t->grant_type, "password") ? answer_user(r, t, err) : answer_client(r, t, err);
}

enum handled handle_unqork_token(struct request *r)
{
	struct token_request t = {0};
	struct err err = ERR_INIT;

	if (token_request_read(r, true, &t, &err) < 0 || answer(r, &t, &err) < 0)
		request_fail(r, &err);
	token_request_release(&t);
	mem_wipe(r->body.bytes.p, r->body.bytes.len); /* it held a secret */
	return HANDLED_NOW;
}
