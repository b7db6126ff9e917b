/*
 * Checking a request by its headers, before its body is read: who asks is known first, and what cannot be taken is
 * refused without being received.
 */
#include <stdlib.h>
#include <string.h>

#include "api/cookie.h"
#include "api/credential.h"
#include "api/dialect_unqork.h"
#include "api/header.h"
#include "api/limits.h"
#include "api/request.h"

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

int request_authenticate(struct request *r, struct err *err)
{
	struct credential credential = {0};
	int rc = headers_credential(r->connection, &credential, err);

	if (rc == 0 && credential.way == CREDENTIAL_NONE && cookie_value(r).len > 0) {
		credential.way = CREDENTIAL_COOKIE;
		rc = cookie_authenticate(r, err);
	} else if (rc == 0) {
		rc = credential_check(r->server->service, &credential, &r->who, err);
	}
	r->way = credential.way;
	credential_wipe(&credential);
	return rc;
}

static int check_principal(struct request *r, struct err *err)
{
	const struct route *route = r->match.route;
	int rc;

	if (route->permission == PERMISSION_NONE && !(route->flags & ROUTE_NEEDS_KEY))
		return 0;
	rc = request_authenticate(r, err);
	return rc < 0 ? rc : principal_require(&r->who, route->permission, err);
}

/* Whoever is not known is counted by their address; that they are too many is said before that they are wrong. */
static int admit(struct request *r, struct err *err)
{
	struct service *s = r->server->service;
	struct err why = ERR_INIT;
	int rc = check_principal(r, &why);
	int limited = r->who.org ? quota_request(s, &r->who, &r->quota, err)
				 : quota_address(s, r->who.caller.ip, &r->quota, err);

	r->job.owner = r->who.org;
	if (limited < 0)
		return limited;
	if (rc < 0)
		*err = why;
	return rc;
}

struct param_walk {
	struct request *request;
	struct err *err;
	int rc;
};

static enum MHD_Result on_param(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				const char *value, size_t value_len)
{
	struct param_walk *walk = cls;
	struct request *r = walk->request;

	if (r->match.route->flags & ROUTE_HAS_JSON) {
		err_set_field(walk->err, name, name_len);
		walk->rc = err_set(walk->err, E_INVALID,
				   "this resource takes no parameters in its URL; make '%.*s' a member of the JSON "
				   "object that is the body",
				   (int)(name_len < PARAM_SHOWN_MAX ? name_len : PARAM_SHOWN_MAX), name);
		return MHD_NO;
	}
	walk->rc = param_add(&r->params, r->match.route->params, span_of(name, name_len),
			     span_of(value, value ? value_len : 0), walk->err);
	return walk->rc < 0 ? MHD_NO : MHD_YES;
}

static int check_params(struct request *r, struct err *err)
{
	struct param_walk walk = {r, err, 0};

	if (r->match.route->flags & ROUTE_OWN_PARAMS)
		return 0;
	MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, on_param, &walk);
	return walk.rc;
}

static int check_length(struct request *r, struct err *err)
{
	const char *length = header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (!length || strtoull(length, NULL, 10) <= BODY_BYTES_MAX ||
	    (r->match.route->flags & (ROUTE_HAS_JSON | ROUTE_HAS_FORM | ROUTE_IS_SMALL)))
		return 0; /* a body of parameters is counted as it comes */
	return err_set(err, E_TOO_LARGE,
		       "the body has %.20s bytes; at most %u MiB are taken, send the events in several "
		       "requests",
		       length, BODY_BYTES_MAX >> 20);
}

static int check_body(struct request *r, struct err *err)
{
	enum body_encoding encoding;
	int rc;

	if (!(r->match.route->flags & ROUTE_HAS_BODY))
		return 0;
	rc = body_encoding_of(header(r, MHD_HTTP_HEADER_CONTENT_ENCODING), &encoding, err);
	if (rc < 0)
		return rc;
	if ((rc = check_length(r, err)) < 0)
		return rc;
	if ((rc = body_begin(&r->body, encoding, &r->server->budget, err)) < 0)
		return rc;
	if (r->match.route->flags & (ROUTE_HAS_JSON | ROUTE_IS_SMALL))
		body_limit(&r->body, JSON_BODY_MAX);
	if (r->match.route->flags & ROUTE_HAS_FORM)
		body_limit(&r->body, FORM_BODY_MAX);
	return 0;
}

int request_check(struct request *r, const char *method, const char *url, const char *version, struct err *err)
{
	int rc;

	if ((rc = headers_check(r->connection, version, err)) < 0) {
		r->reply.closes = true; /* where its body ends is not known */
		return rc;
	}
	if (r->server->is_stopping)
		return err_set(err, E_CLOSED, "the server is shutting down");
	if (r->has_bad_target)
		return err_set(err, E_NOT_FOUND, "there is no resource with an encoded '/', '\\' or NUL in its path");
	if (r->dialect == DIALECT_UNQORK && (rc = unqork_admit(r, err)) < 0)
		return rc;
	if ((rc = route_find(method, url, &r->match, err)) < 0)
		return rc;
	r->who.caller.method = method_name(r->match.route->method);
	r->who.caller.route = r->match.route->path;
	if ((rc = admit(r, err)) < 0)
		return rc;
	if ((rc = check_params(r, err)) < 0)
		return rc;
	return check_body(r, err);
}
