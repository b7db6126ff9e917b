/*
 * An answer before it is sent: status, headers of our own, body. Lifecycle: zeroed, then reply_* calls; reply_reset
 * keeps the buffer, reply_release frees it.
 */
#ifndef STELE_API_REPLY_H
#define STELE_API_REPLY_H

#include "base/buf.h"
#include "base/err.h"

#define CONTENT_JSON       "application/json"
#define CONTENT_TEXT       "text/plain; charset=utf-8"
#define CONTENT_PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

#define REPLY_SECRET_BYTES     16384u         /* more than a key has as JSON */
#define CREDENTIAL_TOKEN_FIELD "access_token" /* err->field when an access token or JWT was refused */

#define REPLY_HEADERS_MAX 8 /* an answer's own; those that many have are members below */

struct reply_header {
	const char *name; /* a literal */
	char *value;
};

struct reply {
	int status;               /* 0: none yet */
	const char *content_type; /* a literal */
	struct buf body;
	const char *allow;  /* Allow; borrowed until the request ends; NULL: none */
	const char *cache;  /* Cache-Control, a literal; NULL: nobody may keep it */
	const char *policy; /* Content-Security-Policy, a literal; NULL: that of data, which loads nothing */
	char etag[24];      /* ETag; "": none */
	char location[88];  /* Location; "": none */
	bool wants_key;     /* WWW-Authenticate: Bearer */
	bool has_bad_token; /* it says that the access token is not good: another one may be (RFC 6750 section 3.1) */
	bool wants_basic;   /* WWW-Authenticate: Basic */
	bool closes;        /* Connection: close */
	bool wants_retry;   /* Retry-After */
	uint32_t retry_s;   /* what it says; 0: RETRY_AFTER_S */
	bool is_replay;     /* Idempotency-Replayed: true */
	bool has_secret;    /* the body is wiped once it was sent */
	struct reply_header header[REPLY_HEADERS_MAX];
	unsigned header_count;
};

/* Makes the answer an error: status from the code, body {"error":{"code","message","details"}}. */
void reply_error(struct reply *r, const struct err *err);

/* Appends the object {"code":…,"message":…,"details":{…}} of an error. */
void reply_put_error(struct buf *to, const struct err *err);

/* Begins an answer with an empty body; `content_type` is a literal. */
void reply_begin(struct reply *r, int status, const char *content_type);
void reply_json(struct reply *r, int status);
/* The same for an answer with a secret: it has room for REPLY_SECRET_BYTES, so that the body does not move when it is
 * filled, and is wiped once it was sent. */
void reply_secret(struct reply *r, int status);

/* Adds a header; the value, of visible ASCII, is copied. */
void reply_add_header(struct reply *r, const char *name, const char *value);

void reply_reset(struct reply *r);
void reply_release(struct reply *r);

#endif
