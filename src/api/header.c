/* Headers that could mean two things. */
#include "api/header.h"

#include <strings.h>

#include "api/param.h"

struct framing {
	unsigned hosts;
	unsigned lengths;
	unsigned encodings;
	bool has_fold_fault; /* libmicrohttpd's */
	struct err *err;
	int rc;
};

static bool is_token(struct span name)
{
	static const char symbols[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      (c != 0 && strchr(symbols, c))))
			return false;
	}
	return name.len > 0;
}

static bool has_control(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if ((value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
			return true;
	}
	return false;
}

static bool is_number(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
	}
	return value.len > 0;
}

static bool is_named(struct span name, const char *other)
{
	return name.len == strlen(other) && strncasecmp((const char *)name.p, other, name.len) == 0;
}

static int refuse(struct framing *f, struct span name, const char *why)
{
	if (name.len > 0)
		err_set_field(f->err, (const char *)name.p, name.len < PARAM_SHOWN_MAX ? name.len : PARAM_SHOWN_MAX);
	return err_set(f->err, E_INVALID, "a header of the request cannot be taken: %s", why);
}

/*
 * A value may go on in the next line when that begins with a blank (RFC 9112 section 5.2; nobody may send so any more).
 * libmicrohttpd before 1.0 then puts what goes on behind the name instead: "Content: 9", " -Length" becomes
 * "Content-Length: 9", which no proxy in front has seen. It does so in a copy of the name, while other names stand
 * right before their values, where they came in.
 */
static bool is_folded(const struct framing *f, struct span name, struct span value)
{
	const uint8_t *at = name.p + name.len + 1;

	if (!f->has_fold_fault || !value.p)
		return false;
	if (value.p < at || value.p > at + CONNECTION_MEMORY)
		return true;
	while (at < value.p && (*at == ' ' || *at == '\t'))
		at++;
	return at != value.p;
}

static int look(struct framing *f, struct span name, struct span value)
{
	if (is_folded(f, name, value))
		return refuse(f, span_of(NULL, 0), "a value goes on in the next line");
	if (!is_token(name))
		return refuse(f, span_of(NULL, 0), "a name with blanks or other characters that names do not have");
	if (has_control(value))
		return refuse(f, name, "its value has a control character");
	if (is_named(name, MHD_HTTP_HEADER_HOST))
		f->hosts++;
	if (is_named(name, MHD_HTTP_HEADER_CONTENT_LENGTH) && (f->lengths++ > 0 || !is_number(value)))
		return refuse(f, name, "there is one, and it is a number");
	if (is_named(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) &&
	    (f->encodings++ > 0 || value.len != strlen("chunked") ||
	     strncasecmp((const char *)value.p, "chunked", value.len) != 0))
		return refuse(f, name, "only 'chunked' is taken, once");
	return 0;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				 const char *value, size_t value_len)
{
	struct framing *f = cls;

	f->rc = look(f, span_of(name, name_len), span_of(value, value ? value_len : 0));
	return f->rc < 0 ? MHD_NO : MHD_YES;
}

int headers_check(struct MHD_Connection *connection, const char *version, struct err *err)
{
	bool is_old = strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
	struct framing f = {.err = err, .has_fold_fault = strncmp(MHD_get_version(), "0.", 2) == 0};

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, &f);
	if (f.rc < 0)
		return f.rc;
	if (f.encodings > 0 && (f.lengths > 0 || is_old))
		return refuse(&f, span_str(MHD_HTTP_HEADER_TRANSFER_ENCODING),
			      "it says how long the body is beside a Content-Length, or before HTTP/1.1");
	if (f.hosts > 1 || (f.hosts == 0 && !is_old))
		return refuse(&f, span_str(MHD_HTTP_HEADER_HOST), "there is exactly one Host");
	return 0;
}

struct credential_walk {
	struct credential *credential;
	struct err *err;
	int rc;
};

static enum MHD_Result on_credential(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				     const char *value, size_t value_len)
{
	struct credential_walk *walk = cls;

	walk->rc = credential_add(walk->credential, span_of(name, name_len), span_of(value, value ? value_len : 0),
				  walk->err);
	return walk->rc < 0 ? MHD_NO : MHD_YES;
}

int headers_credential(struct MHD_Connection *connection, struct credential *ret, struct err *err)
{
	struct credential_walk walk = {ret, err, 0};

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_credential, &walk);
	return walk.rc;
}
