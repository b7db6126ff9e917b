/* Sending: an answer's body stays the request's, and libmicrohttpd reads it from there until the request is completed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/dialect_unqork.h"
#include "api/limits.h"
#include "api/request.h"
#include "base/clock.h"

/* Answers are data for programs, but for the few pages, which have a policy of their own. */
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

/* On every answer: no page of another origin may show it, read it, or learn where it was. What says that other origins
 * may read (Access-Control-Allow-Origin) is never sent. */
static const char *const fixed_headers[][2] = {
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

#define KEY_CHALLENGE   "Bearer realm=\"stele\""
#define TOKEN_CHALLENGE KEY_CHALLENGE ", error=\"invalid_token\""

/* Under TLS: browsers come back under TLS alone, for a year. */
#define HSTS "max-age=31536000"

/* An answer without an end is read from its tail, one that is made while it is sent from its stream; others' bodies are
 * there. */
static struct MHD_Response *make_response(struct request *r)
{
	if (r->stream)
		return stream_response(r->stream, r);
	client_await_bytes(r->client, clock_mono_ns(), r->reply.body.len);
	if (r->tail)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TAIL_BYTES_MAX, tail_read, r->tail, NULL);
	return MHD_create_response_from_buffer(r->reply.body.len, r->reply.body.p, MHD_RESPMEM_PERSISTENT);
}

static bool add_headers(const struct reply *reply, bool is_secure, struct MHD_Response *response)
{
	bool ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type) == MHD_YES;
	char seconds[12];

	for (size_t i = 0; i < sizeof(fixed_headers) / sizeof(fixed_headers[0]); i++)
		ok = ok && MHD_add_response_header(response, fixed_headers[i][0], fixed_headers[i][1]) == MHD_YES;
	ok = ok && MHD_add_response_header(response, "Content-Security-Policy",
					   reply->policy ? reply->policy : DATA_POLICY) == MHD_YES;
	ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
					   reply->cache ? reply->cache : "no-store") == MHD_YES;
	if (reply->allow)
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow) == MHD_YES;
	if (reply->etag[0] != '\0')
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, reply->etag) == MHD_YES;
	if (reply->location[0] != '\0')
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location) == MHD_YES;
	if (reply->wants_key)
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
						   reply->has_bad_token ? TOKEN_CHALLENGE : KEY_CHALLENGE) == MHD_YES;
	if (reply->wants_basic)
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
						   "Basic realm=\"stele\", charset=\"UTF-8\"") == MHD_YES;
	if (is_secure)
		ok = ok && MHD_add_response_header(response, "Strict-Transport-Security", HSTS) == MHD_YES;
	if (reply->closes)
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
	if (reply->wants_retry) {
		snprintf(seconds, sizeof(seconds), "%u", reply->retry_s ? reply->retry_s : RETRY_AFTER_S);
		ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds) == MHD_YES;
	}
	for (unsigned i = 0; i < reply->header_count; i++)
		ok = ok && MHD_add_response_header(response, reply->header[i].name, reply->header[i].value) == MHD_YES;
	if (reply->is_replay)
		ok = ok && MHD_add_response_header(response, "Idempotency-Replayed", "true") == MHD_YES;
	return ok;
}

/* The fields of draft-ietf-httpapi-ratelimit-headers-03, of the limit that is closest to its end. */
static bool add_quota(const struct quota *q, struct MHD_Response *response)
{
	const struct {
		const char *name;
		uint32_t value;
	} fields[] = {{"RateLimit-Limit", q->limit}, {"RateLimit-Remaining", q->left}, {"RateLimit-Reset", q->reset_s}};
	char text[12];
	bool ok = true;

	for (size_t i = 0; q->limit > 0 && i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(text, sizeof(text), "%" PRIu32, fields[i].value);
		ok = ok && MHD_add_response_header(response, fields[i].name, text) == MHD_YES;
	}
	return ok;
}

enum MHD_Result request_send(struct request *r)
{
	struct reply *reply = &r->reply;
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;

	if (!buf_ok(&reply->body)) { /* too little memory for the answer: an empty one says so by its status */
		buf_release(&reply->body);
		reply->status = 503;
	}
	if (r->dialect == DIALECT_UNQORK)
		unqork_add_limits(r);
	response = make_response(r);
	if (!response)
		return MHD_NO;
	if (add_headers(reply, r->is_secure, response) && add_quota(&r->quota, response))
		result = MHD_queue_response(r->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}
