/*
 * Errors of the Kore.ai dialect, and what else its files share. Each answer of an error has one in the list, with a
 * number that clients compare: 4002 for whoever may not, else the status.
 */
#include "api/dialect_kore.h"

#include <stdio.h>

#include "api/handler.h"
#include "api/utf8.h"

#define CODE_REFUSED 4002

/* What is wrong in arguments is a failed precondition here, and a missing scope is no different from no key at all. */
static int status_of(const struct err *err)
{
	switch (err->code) {
	case E_INVALID:
	case E_SYNTAX:
		return 412;
	case E_FORBIDDEN:
		return 401;
	default:
		return err_http_status(err->code);
	}
}

static const char *message_of(const struct err *err)
{
	switch (err->code) {
	case E_UNAUTHORIZED:
		return err->field[0] != '\0' ? "Invalid JWT token" : "Invalid SDK credentials";
	case E_FORBIDDEN:
		return "Permission denied. Scope is incorrect!";
	case E_METHOD:
		return "Method Not Allowed";
	case E_INVALID:
	case E_SYNTAX:
		return "Validation errors/ Invalid arguments";
	default:
		return err->message[0] != '\0' ? err->message : err_meaning(err->code);
	}
}

/* `details`, which clients pass over, says what is wrong and where. */
void kore_error(struct reply *r, const struct err *err)
{
	int status = status_of(err);

	reply_json(r, status);
	r->wants_retry = status == 503 || status == 429;
	buf_put_str(&r->body, "{\"errors\":[{\"msg\":");
	utf8_put_json(&r->body, span_str(message_of(err)));
	buf_printf(&r->body, ",\"code\":%d}],\"details\":", status == 401 ? CODE_REFUSED : status);
	reply_put_error(&r->body, err);
	buf_put_str(&r->body, "}\n");
}

void kore__account_id(const struct principal *who, char ret[KORE_ACCOUNT_LEN + 1])
{
	struct digest *digest = digest_new();
	struct buf named = BUF_INIT;
	struct sha256 hash;

	buf_printf(&named, "kore account %s", principal_org_key(who));
	digest_sha256(digest, buf_span(&named), &hash);
	digest_free(digest);
	buf_release(&named);
	snprintf(ret, KORE_ACCOUNT_LEN + 1, "ac-%02x%02x%02x%02x-%02x%02x-8%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x",
		 hash.b[0], hash.b[1], hash.b[2], hash.b[3], hash.b[4], hash.b[5], hash.b[6] & 15u, hash.b[7],
		 hash.b[8] & 15u, hash.b[9], hash.b[10], hash.b[11], hash.b[12], hash.b[13], hash.b[14], hash.b[15]);
}

struct span kore__argument(const struct request *r, const char *name)
{
	const char *value = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);

	return value ? span_str(value) : span_of(NULL, 0);
}
