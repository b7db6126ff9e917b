/* /openapi.json, and /docs/: the page that shows it and where one can try it. */
#include <stdio.h>
#include <string.h>

#include "api/asset.h"
#include "api/handler.h"
#include "api/limits.h"
#include "api/request.h"

/* Its own scripts and styles, data: images that they hold, and calls to this server; nothing from elsewhere. */
#define PAGE_POLICY                                                                                                    \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "                              \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define PAGE_CACHE "no-cache" /* may be kept, but is asked for again by its ETag */

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static bool takes_gzip(struct request *r)
{
	const char *encodings = header(r, MHD_HTTP_HEADER_ACCEPT_ENCODING);

	return encodings && strstr(encodings, "gzip") && !strstr(encodings, "gzip;q=0");
}

static bool has_it(struct request *r, const struct asset *a)
{
	const char *tags = header(r, MHD_HTTP_HEADER_IF_NONE_MATCH);

	return tags && strstr(tags, a->etag);
}

static int put_file(struct request *r, const struct asset *a, struct err *err)
{
	if (!takes_gzip(r))
		return asset_unpack(a, &r->reply.body, err);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	buf_put(&r->reply.body, a->gzip, (size_t)(a->gzip_end - a->gzip));
	return 0;
}

static enum handled answer(struct request *r, const char *folder, struct span name)
{
	char path[ASSET_PATH_MAX];
	const struct asset *a = NULL;
	struct err err = ERR_INIT;

	if (name.len < sizeof(path) - strlen(folder)) {
		snprintf(path, sizeof(path), "%s%.*s", folder, (int)name.len, (const char *)name.p);
		a = asset_find(span_str(path));
	}
	if (!a) {
		(void)err_set(&err, E_NOT_FOUND, "there is no such page; /docs/ has the description of the API");
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	reply_begin(&r->reply, has_it(r, a) ? 304 : 200, a->type);
	r->reply.policy = PAGE_POLICY;
	r->reply.cache = PAGE_CACHE;
	snprintf(r->reply.etag, sizeof(r->reply.etag), "%s", a->etag);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	if (r->reply.status == 200 && put_file(r, a, &err) < 0)
		request_fail(r, &err);
	return HANDLED_NOW;
}

enum handled handle_openapi(struct request *r)
{
	return answer(r, "", SPAN_LIT("openapi.json"));
}

enum handled handle_docs(struct request *r)
{
	return answer(r, "docs/", SPAN_LIT("index.html"));
}

enum handled handle_docs_asset(struct request *r)
{
	return answer(r, "docs/", r->match.hole[0]);
}

/* A page's relative links need the slash at its end. */
enum handled handle_docs_place(struct request *r)
{
	reply_begin(&r->reply, 308, CONTENT_TEXT);
	snprintf(r->reply.location, sizeof(r->reply.location), "/docs/");
	return HANDLED_NOW;
}
