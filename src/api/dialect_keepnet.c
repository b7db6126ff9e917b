/*
 * Errors and envelopes of the Keepnet dialect. An answer has both sets of members that the vendor's clients read:
 * status, message and validationMessages, and isSuccess and messages.
 */
#include "api/dialect_keepnet.h"

#include <string.h>

#include "api/dialect.h"
#include "api/utf8.h"
#include "service/tenant.h"

#define NETWORKS "networks" /* the field of an error that tells of a key used from elsewhere */

static bool is_restricted(const struct err *err)
{
	return err->code == E_UNAUTHORIZED && strcmp(err->field, NETWORKS) == 0;
}

static int http_status(const struct err *err)
{
	if (is_restricted(err))
		return 403;
	if (err->code == E_TOO_LARGE || err->code == E_MEDIA_TYPE || err->code == E_CONFLICT)
		return 400; /* the vendor has no other for what it does not take */
	return err_http_status(err->code);
}

static const char *status_word(const struct err *err, int status)
{
	if (status == 400)
		return "INPUT_ERROR";
	if (status == 403)
		return is_restricted(err) ? "IP_RESTRICTED" : "PRIVACY_ERROR";
	return status >= 500 ? "INTERNAL_SERVER_ERROR" : "FAILED";
}

/* What is wrong with a body stands in both lists; clients look into one of them first. */
static void put_failure(struct buf *to, const char *word, const char *message, bool is_input)
{
	buf_printf(to, "{\"data\":null,\"status\":\"%s\",\"message\":", word);
	utf8_put_json(to, is_input ? SPAN_LIT("Invalid request") : span_str(message));
	buf_put_str(to, ",\"validationMessages\":");
	if (is_input) {
		buf_put_u8(to, '[');
		utf8_put_json(to, span_str(message));
		buf_put_u8(to, ']');
	} else {
		buf_put_str(to, "null");
	}
	buf_put_str(to, ",\"isSuccess\":false,\"messages\":[");
	utf8_put_json(to, span_str(message));
	buf_put_str(to, "]}\n");
}

void keepnet_error(struct reply *r, const struct err *err)
{
	const char *message = err->message[0] != '\0' ? err->message : err_meaning(err->code);
	int status = http_status(err);

	reply_json(r, status);
	r->wants_key = status == 401;
	r->wants_retry = status == 503 || status == 429;
	r->retry_s = err->retry_s;
	put_failure(&r->body, status_word(err, status), message, status == 400);
}

enum handled keepnet__fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

enum handled keepnet__fail_fault(struct request *r, const char *message)
{
	reply_json(&r->reply, 500);
	put_failure(&r->reply.body, "INTERNAL_SERVER_ERROR", message, false);
	return HANDLED_NOW;
}

enum handled keepnet__fail_null_filter(struct request *r)
{
	return keepnet__fail_fault(r, "'filter' is null; send an object, or leave it out for all rows");
}

void keepnet__put_success(struct buf *to, const char *note)
{
	buf_put_str(to, ",\"status\":\"SUCCESS\",\"message\":");
	if (note)
		utf8_put_json(to, span_str(note));
	else
		buf_put_str(to, "null");
	buf_put_str(to, ",\"validationMessages\":null,\"isSuccess\":true,\"messages\":[");
	if (note)
		utf8_put_json(to, span_str(note));
	buf_put_str(to, "]}\n");
}

/* ---- the company ---- */

static int check_named(const struct request *r, enum MHD_ValueKind kind, const char *name, struct err *err)
{
	const char *value = MHD_lookup_connection_value(r->connection, kind, name);
	int rc;

	if (!value || value[0] == '\0')
		return 0;
	rc = tenant_check(r->server->service, &r->who, span_str(value), err);
	if (rc < 0)
		err_set_field(err, name, strlen(name));
	return rc;
}

int keepnet__check_company(const struct request *r, struct err *err)
{
	int rc;

	if ((rc = check_named(r, MHD_HEADER_KIND, "X-KEEPNET-Company-Id", err)) < 0)
		return rc;
	if ((rc = check_named(r, MHD_HEADER_KIND, "X-IR-COMPANY-ID", err)) < 0)
		return rc;
	return check_named(r, MHD_GET_ARGUMENT_KIND, "companyId", err);
}
