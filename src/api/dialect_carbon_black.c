/*
 * Errors of the Carbon Black Cloud dialect, and what else its files share. No answer has a member "errorMessage": the
 * vendor's client takes that for a fault of the server whatever the status is.
 */
#include "api/dialect_carbon_black.h"

#include <string.h>

#include "api/handler.h"
#include "api/utf8.h"

static const char *message_of(const struct err *err)
{
	if (err->code == E_UNAUTHORIZED)
		return "User is not authenticated"; /* clients compare it */
	return err->message[0] != '\0' ? err->message : err_meaning(err->code);
}

static void begin(struct reply *r, const struct err *err)
{
	reply_json(r, err_http_status(err->code));
	r->wants_retry = r->status == 503 || r->status == 429;
}

/* "NOT_FOUND" for "not_found". */
static void put_code(struct buf *to, const char *wire)
{
	for (; *wire != '\0'; wire++)
		buf_put_u8(to, *wire >= 'a' && *wire <= 'z' ? (uint8_t)(*wire - 'a' + 'A') : (uint8_t)*wire);
}

void carbon_black_error(struct reply *r, const struct err *err)
{
	struct buf *to = &r->body;
	bool is_query = err->code == E_SYNTAX && strcmp(err->field, "query") == 0;

	begin(r, err);
	buf_put_str(to, is_query ? "{\"reason\":\"query_malformed_syntax\",\"error_code\":\"" : "{\"error_code\":\"");
	put_code(to, err_wire(err->code));
	buf_put_str(to, "\",\"message\":");
	utf8_put_json(to, span_str(message_of(err)));
	if (err->field[0] != '\0') {
		buf_put_str(to, ",\"field\":");
		utf8_put_json(to, span_str(err->field));
	}
	buf_put_str(to, "}\n");
}

void carbon_black_v3_error(struct reply *r, const struct err *err)
{
	begin(r, err);
	buf_put_str(&r->body, "{\"success\":false,\"message\":");
	utf8_put_json(&r->body, span_str(message_of(err)));
	buf_put_str(&r->body, "}\n");
}

enum handled carbon_black__fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

int carbon_black__refuse_word(struct request *r, const char *field, struct span given, const char *const *known)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 400);
	buf_printf(to,
		   "{\"error_code\":\"INVALID_ENUM_VALUE\",\"message\":\"Malformed JSON input: '%s' takes one of "
		   "known_values\",\"field\":\"%s\",\"invalid_value\":",
		   field, field);
	utf8_put_json(to, given);
	buf_put_str(to, ",\"known_values\":[");
	for (size_t i = 0; known[i]; i++)
		buf_printf(to, "%s\"%s\"", i > 0 ? "," : "", known[i]);
	buf_put_str(to, "]}\n");
	return 1;
}

int carbon_black__check_org(const struct request *r, struct err *err)
{
	if (span_eq_str(r->match.hole[0], principal_org_key(&r->who)))
		return 0;
	return err_set(err, E_NOT_FOUND, "there is no org with this key, or the API key is not of it");
}

void carbon_black__put_rows(const struct request *r, const struct row_table *table, const struct page *page,
			    struct buf *to)
{
	const struct row_given given = principal_row_given(&r->who);
	const uint8_t *at = page->records.p;

	(void)buf_room(to,
		       page->records.len + 256); /* one growth instead of many: most rows are shorter than records */
	buf_put_u8(to, '[');
	for (uint32_t k = 0; k < page->count; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		row_put_json(table, &given, span_of(at, page->len[k]), to);
		at += page->len[k];
	}
	buf_put_u8(to, ']');
}
