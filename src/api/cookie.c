/* The session cookie. */
#include "api/cookie.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "service/session.h"

#define PLAIN_NAME  "stele_session"
#define SECURE_NAME "__Host-stele_session"
#define ATTRIBUTES  "; Path=/; HttpOnly; SameSite=Strict"
#define COOKIE_MAX  256 /* bytes of a Set-Cookie */

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct span cookie_value(struct request *r)
{
	const char *value =
		MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, r->is_secure ? SECURE_NAME : PLAIN_NAME);

	return value ? span_str(value) : span_of(NULL, 0);
}

static void set(struct request *r, const char *value, const char *age)
{
	char text[COOKIE_MAX];
	int len = snprintf(text, sizeof(text), "%s=%s" ATTRIBUTES "%s%s", r->is_secure ? SECURE_NAME : PLAIN_NAME,
			   value, r->is_secure ? "; Secure" : "", age);

	must(len > 0 && (size_t)len < sizeof(text));
	reply_add_header(&r->reply, MHD_HTTP_HEADER_SET_COOKIE, text);
	mem_wipe(text, sizeof(text));
}

void cookie_set(struct request *r, const char *value)
{
	set(r, value, "");
}

void cookie_clear(struct request *r)
{
	set(r, "", "; Max-Age=0");
}

/* ---- other sites ---- */

/* Whether an Origin is "http://" or "https://" and then the Host that the request is for. */
static bool is_origin_of(const char *origin, const char *host)
{
	const char *at = strstr(origin, "://");

	return at && host && strcasecmp(at + 3, host) == 0;
}

static int refuse_site(struct err *err)
{
	return err_set(err, E_FORBIDDEN,
		       "a page of another site sent this; it is taken from this server's own pages and from programs");
}

int cookie_check_site(struct request *r, struct err *err)
{
	const char *site = header(r, "Sec-Fetch-Site");
	const char *origin = header(r, MHD_HTTP_HEADER_ORIGIN);

	if (site)
		return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0 ? 0 : refuse_site(err);
	if (origin && !is_origin_of(origin, header(r, MHD_HTTP_HEADER_HOST)))
		return refuse_site(err);
	return 0;
}

static int check_token(struct request *r, struct span cookie, struct err *err)
{
	const char *token = header(r, CSRF_HEADER);

	if (token && session_csrf_is(cookie, span_str(token)))
		return 0;
	err_set_field(err, CSRF_HEADER, strlen(CSRF_HEADER));
	return err_set(err, E_FORBIDDEN,
		       "a change by a session needs the header " CSRF_HEADER " with the csrf_token of GET /v1/session");
}

int cookie_authenticate(struct request *r, struct err *err)
{
	struct span cookie = cookie_value(r);
	int rc;

	if ((rc = service_authenticate_session(r->server->service, cookie, &r->who, err)) < 0)
		return rc;
	if (r->match.route->method == METHOD_GET)
		return 0;
	if ((rc = cookie_check_site(r, err)) < 0)
		return rc;
	return check_token(r, cookie, err);
}
