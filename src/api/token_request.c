/* Reading a request for a token. */
#include "api/token_request.h"

#include <strings.h>

#include "api/header.h"
#include "api/request.h"
#include "service/refusal.h"

#define FORM_TYPE "application/x-www-form-urlencoded"
#define JSON_TYPE "application/json"

static struct span *member(struct token_request *t, struct span name)
{
	const struct {
		const char *name;
		struct span *to;
	} members[] = {
		{"grant_type", &t->grant_type}, {"client_id", &t->client_id}, {"client_secret", &t->client_secret},
		{"scope", &t->scope},           {"username", &t->username},   {"password", &t->password},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (span_eq_str(name, members[i].name))
			return members[i].to;
	}
	return NULL;
}

static int set(struct token_request *t, struct span name, struct span value, struct err *err)
{
	struct span *to = member(t, name);

	if (!to || value.len == 0) /* one without a value counts as left out: RFC 6749 section 3.2 */
		return 0;
	if (to->p) {
		err_set_field(err, (const char *)name.p, name.len);
		return err_set(err, E_INVALID, "'%.*s' is given twice", (int)name.len, (const char *)name.p);
	}
	*to = value;
	return 0;
}

static int read_form(struct request *r, struct token_request *t, struct err *err)
{
	int rc = form_parse(r->body.bytes.p, r->body.bytes.len, &t->form, err);

	for (size_t i = 0; rc == 0 && i < t->form.count; i++)
		rc = set(t, t->form.field[i].name, t->form.field[i].value, err);
	return rc;
}

static int read_json(struct request *r, struct token_request *t, struct err *err)
{
	yyjson_val *root, *key;
	yyjson_obj_iter iter;
	int rc = 0;

	t->json = yyjson_read((const char *)r->body.bytes.p, r->body.bytes.len, 0);
	root = yyjson_doc_get_root(t->json);
	if (!yyjson_is_obj(root))
		return err_set(err, E_SYNTAX, "the body is no JSON object");
	iter = yyjson_obj_iter_with(root);
	while (rc == 0 && (key = yyjson_obj_iter_next(&iter)) != NULL) {
		yyjson_val *value = yyjson_obj_iter_get_val(key);

		if (yyjson_is_str(value))
			rc = set(t, span_of(yyjson_get_str(key), yyjson_get_len(key)),
				 span_of(yyjson_get_str(value), yyjson_get_len(value)), err);
	}
	return rc;
}

/* Whether a Content-Type is this one, whatever its parameters. */
static bool is_type(const char *value, const char *type)
{
	size_t len = strlen(type);

	return value && strncasecmp(value, type, len) == 0 && strchr("; \t", value[len]);
}

int token_request_read(struct request *r, bool may_be_json, struct token_request *ret, struct err *err)
{
	const char *type = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);

	if (is_type(type, FORM_TYPE))
		return read_form(r, ret, err);
	if (may_be_json && is_type(type, JSON_TYPE))
		return read_json(r, ret, err);
	return err_set(err, E_MEDIA_TYPE, "a token is asked for with a body of type " FORM_TYPE "%s",
		       may_be_json ? " or " JSON_TYPE : "");
}

void token_request_release(struct token_request *t)
{
	yyjson_doc_free(t->json);
	t->json = NULL;
}

/* Client id and secret as they were given. */
static int find_pair(const struct token_request *t, const struct credential *c, struct span *ret_id,
		     struct span *ret_secret, struct err *err)
{
	bool has_body = t->client_id.len > 0 || t->client_secret.len > 0;

	if (c->way != CREDENTIAL_NONE && c->way != CREDENTIAL_BASIC)
		return err_set(err, E_INVALID,
			       "a token is asked for with client_id and client_secret, in the body or in basic "
			       "authentication");
	/* The id alone may stand in both: RFC 6749 section 3.2.1. */
	if (c->way == CREDENTIAL_BASIC &&
	    (t->client_secret.len > 0 || (t->client_id.len > 0 && !span_eq(t->client_id, c->client_id))))
		return err_set(err, E_INVALID, "client id and secret are in the body and in the Authorization header");
	if (c->way == CREDENTIAL_NONE && !has_body)
		return err_set(err, E_UNAUTHORIZED, "client_id and client_secret are missing");
	*ret_id = c->way == CREDENTIAL_BASIC ? c->client_id : t->client_id;
	*ret_secret = c->way == CREDENTIAL_BASIC ? c->secret : t->client_secret;
	return 0;
}

int token_request_principal(struct request *r, const struct token_request *t, struct err *err)
{
	struct service *s = r->server->service;
	struct credential credential = {0};
	struct span client_id, secret;
	int rc = headers_credential(r->connection, &credential, err);

	if (rc == 0)
		rc = find_pair(t, &credential, &client_id, &secret, err);
	if (rc == 0) {
		rc = service_authenticate_pair(s, client_id, secret, &r->who, err);
		if (rc == E_UNAUTHORIZED && client_id.len > 0)
			rc = service_refuse(s, GUESS_TOKEN, client_id, &r->who.caller, err);
	}
	credential_wipe(&credential);
	return rc;
}
