/* Answers: errors have one form everywhere. */
#include "api/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/utf8.h"
#include "base/mem.h"

static void drop_headers(struct reply *r)
{
	while (r->header_count > 0) {
		char *value = r->header[--r->header_count].value;

		mem_wipe(value, strlen(value)); /* a cookie is a secret */
		free(value);
	}
}

static void put_details(struct buf *to, const struct err *err)
{
	const char *separator = "";

	buf_put_str(to, ",\"details\":{");
	if (err->position >= 0) {
		buf_printf(to, "\"position\":%" PRId64, err->position);
		separator = ",";
	}
	if (err->offset >= 0) {
		buf_printf(to, "%s\"offset\":%" PRId64, separator, err->offset);
		separator = ",";
	}
	if (err->field[0] != '\0') {
		buf_printf(to, "%s\"field\":", separator);
		utf8_put_json(to, span_str(err->field));
	}
	buf_put_u8(to, '}');
}

void reply_put_error(struct buf *to, const struct err *err)
{
	const char *message = err->message[0] ? err->message : err_meaning(err->code);

	buf_printf(to, "{\"code\":\"%s\",\"message\":", err_wire(err->code));
	utf8_put_json(to, span_str(message));
	put_details(to, err);
	buf_put_u8(to, '}');
}

void reply_error(struct reply *r, const struct err *err)
{
	reply_json(r, err_http_status(err->code));
	r->wants_key = r->status == 401;
	r->has_bad_token = r->wants_key && strcmp(err->field, CREDENTIAL_TOKEN_FIELD) == 0;
	r->wants_retry = r->status == 503 || r->status == 429;
	r->retry_s = err->retry_s;
	buf_put_str(&r->body, "{\"error\":");
	reply_put_error(&r->body, err);
	buf_put_str(&r->body, "}\n");
}

void reply_begin(struct reply *r, int status, const char *content_type)
{
	drop_headers(r);
	r->status = status;
	r->content_type = content_type;
	r->cache = NULL;
	r->policy = NULL;
	buf_reset(&r->body);
}

void reply_json(struct reply *r, int status)
{
	reply_begin(r, status, CONTENT_JSON);
}

void reply_secret(struct reply *r, int status)
{
	reply_json(r, status);
	r->has_secret = true;
	(void)buf_room(&r->body, REPLY_SECRET_BYTES); /* what fails here fails again, and is seen, when it is written */
}

void reply_add_header(struct reply *r, const char *name, const char *value)
{
	must(r->header_count < REPLY_HEADERS_MAX);
	r->header[r->header_count].name = name;
	r->header[r->header_count++].value = xstrdup(value);
}

static void wipe_secret(struct reply *r)
{
	if (r->has_secret && r->body.p)
		mem_wipe(r->body.p, r->body.cap);
}

void reply_reset(struct reply *r)
{
	struct buf body = r->body;

	wipe_secret(r);
	drop_headers(r);
	buf_reset(&body);
	*r = (struct reply){.body = body};
}

void reply_release(struct reply *r)
{
	wipe_secret(r);
	drop_headers(r);
	buf_release(&r->body);
}
