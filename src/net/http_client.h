/*
 * Requests to an HTTP server, one at a time, over a connection that is kept between them. A thin wrapper over libcurl's
 * easy interface; one client serves one thread at a time. Redirects are not followed, proxies are as the environment
 * says, certificates are checked.
 */
#ifndef STELE_NET_HTTP_CLIENT_H
#define STELE_NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

/* Once per process, before the first client and after the last. */
void http_client_global_init(void);
void http_client_global_release(void);

struct http_client;
struct http_client *http_client_new(void);
struct http_client *http_client_free(struct http_client *c);

/* Takes a piece of an answer's body; false breaks the request off. */
typedef bool http_body_fn(void *user, struct span piece);

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
	struct span body;           /* of a POST */
	const char *ca_file;        /* PEM: who vouches for the server; NULL: whom the system trusts */
	long timeout_ms;            /* for all of it; 0: none */
	http_body_fn *on_body;      /* gets the body of an answer of status 200, of any length, which is then not kept;
				       NULL: it is */
	void *user;
};

struct http_answer {
	int status;
	struct buf headers; /* as they came, lines with CR LF */
	struct buf body;
};

#define HTTP_ANSWER_INIT                                                                                               \
	{                                                                                                              \
		0, BUF_INIT, BUF_INIT                                                                                  \
	}

void http_answer_release(struct http_answer *a);

/* The value of a header of an answer, borrowed from it; false when it has none. */
bool http_answer_header(const struct http_answer *a, const char *name, struct span *ret_value);

/* Runs a request. 0 when there was an answer, whatever its status; `ret` is filled anew, and may hold part of an
 * answer after a failure. E_UNAVAILABLE (no connection, or it broke), E_TIMEOUT, E_INVALID (the URL),
 * E_TOO_LARGE (an answer beyond 1 GiB), E_CLOSED (on_body broke it off). */
int http_client_run(struct http_client *c, const struct http_request *request, struct http_answer *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Appends "name=value" to a URL's query, with '?' or '&' in front, both percent-encoded (RFC 3986). */
void http_put_parameter(struct buf *url, const char *name, struct span value);

#endif
