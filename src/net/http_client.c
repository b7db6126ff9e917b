/* A thin wrapper over libcurl. */
#include "net/http_client.h"

#include <curl/curl.h>
#include <strings.h>

#include "base/mem.h"

#define ANSWER_BYTES_MAX   (1u << 30) /* a page is 32 MiB; this only stops a server that never ends */
#define CONNECT_TIMEOUT_MS 10000L

struct http_client {
	CURL *curl;
	char message[CURL_ERROR_SIZE];
};

void http_client_global_init(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

void http_client_global_release(void)
{
	curl_global_cleanup();
}

struct http_client *http_client_new(void)
{
	struct http_client *c = xalloc(sizeof(*c));

	c->curl = curl_easy_init();
	must(c->curl);
	return c;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (!c)
		return NULL;
	curl_easy_cleanup(c->curl);
	free(c);
	return NULL;
}

static size_t on_bytes(char *p, size_t size, size_t count, void *user)
{
	struct buf *to = user;

	if (to->len + size * count > ANSWER_BYTES_MAX)
		return 0;
	buf_put(to, p, size * count);
	return buf_ok(to) ? size * count : 0;
}

/* Where the pieces of an answer's body go. */
struct sink {
	CURL *curl;
	const struct http_request *request;
	struct buf *body;
	bool is_closed; /* on_body wants no more */
};

static size_t on_body(char *p, size_t size, size_t count, void *user)
{
	struct sink *sink = user;
	long status = 0;

	curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!sink->request->on_body || status != 200)
		return on_bytes(p, size, count, sink->body);
	sink->is_closed = !sink->request->on_body(sink->request->user, span_of(p, size * count));
	return sink->is_closed ? 0 : size * count;
}

static struct curl_slist *make_headers(const char *const *headers)
{
	/* Without the empty Expect curl waits for a go-ahead before larger bodies: a round trip for nothing. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; headers && headers[i]; i++) {
		struct curl_slist *longer = curl_slist_append(list, headers[i]);

		must(longer);
		list = longer;
	}
	return list;
}

static void set_request(struct http_client *c, const struct http_request *request, struct curl_slist *headers,
			struct http_answer *answer, struct sink *sink)
{
	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_URL, request->url);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	if (request->ca_file)
		curl_easy_setopt(c->curl, CURLOPT_CAINFO, request->ca_file);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->message);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, request->timeout_ms);
	curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "stele/" STELE_VERSION);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, sink);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_bytes);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &answer->headers);
	if (request->body.len > 0 || strcmp(request->method, "GET") != 0) {
		curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, request->body.len ? (const char *)request->body.p : "");
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, request->method);
	}
}

static int code_of(CURLcode code)
{
	switch (code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_SSL_CACERT_BADFILE:
		return E_INVALID;
	case CURLE_OPERATION_TIMEDOUT:
		return E_TIMEOUT;
	case CURLE_WRITE_ERROR:
		return E_TOO_LARGE;
	case CURLE_OUT_OF_MEMORY:
		return E_NO_MEMORY;
	default:
		return E_UNAVAILABLE;
	}
}

int http_client_run(struct http_client *c, const struct http_request *request, struct http_answer *ret, struct err *err)
{
	struct curl_slist *headers = make_headers(request->headers);
	struct sink sink = {.curl = c->curl, .request = request, .body = &ret->body};
	long status = 0;
	CURLcode code;

	buf_reset(&ret->body);
	buf_reset(&ret->headers);
	c->message[0] = '\0';
	set_request(c, request, headers, ret, &sink);
	code = curl_easy_perform(c->curl);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	if (sink.is_closed)
		return err_set(err, E_CLOSED, "%s: broken off", request->url);
	if (code != CURLE_OK)
		return err_set(err, code_of(code), "%s: %s", request->url,
			       c->message[0] ? c->message : curl_easy_strerror(code));
	ret->status = (int)status;
	return 0;
}

void http_answer_release(struct http_answer *a)
{
	buf_release(&a->headers);
	buf_release(&a->body);
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_from(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == '\r' || s.p[s.len - 1] == ' '))
		s.len--;
	return s;
}

bool http_answer_header(const struct http_answer *a, const char *name, struct span *ret_value)
{
	struct span rest = buf_span(&a->headers);
	size_t len = strlen(name);

	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.len);
		struct span line = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.len);

		if (line.len > len && line.p[len] == ':' && strncasecmp((const char *)line.p, name, len) == 0) {
			*ret_value = trim(span_from(line, len + 1));
			return true;
		}
		rest = span_from(rest, end ? line.len + 1 : line.len);
	}
	return false;
}

static void put_encoded(struct buf *to, struct span text)
{
	static const char unreserved[] = "-._~";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c != 0 && strchr(unreserved, c)))
			buf_put_u8(to, c);
		else
			buf_printf(to, "%%%02X", c);
	}
}

void http_put_parameter(struct buf *url, const char *name, struct span value)
{
	buf_put_str(url, url->len && memchr(url->p, '?', url->len) ? "&" : "?");
	put_encoded(url, span_str(name));
	buf_put_u8(url, '=');
	put_encoded(url, value);
}
