/*
 * An answer before it is sent: status, headers of our own, body. Lifecycle: zeroed, then reply_* calls; reply_reset
 * keeps the buffer, reply_release frees it.
 */
#ifndef STELE_API_REPLY_H
#define STELE_API_REPLY_H

#include "base/buf.h"
#include "base/err.h"

#define CONTENT_JSON       "application/json"
#define CONTENT_PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

struct reply {
	int status;               /* 0: none yet */
	const char *content_type; /* a literal */
	struct buf body;
	const char *allow; /* Allow; borrowed until the request ends; NULL: none */
	char etag[24];     /* ETag; "": none */
	char location[64]; /* Location; "": none */
	bool wants_key;    /* WWW-Authenticate */
	bool wants_retry;  /* Retry-After */
	bool is_replay;    /* Idempotency-Replayed: true */
};

/* Makes the answer an error: status from the code, body {"error":{"code","message","details"}}. */
void reply_error(struct reply *r, const struct err *err);

/* Appends the object {"code":…,"message":…,"details":{…}} of an error. */
void reply_put_error(struct buf *to, const struct err *err);

/* Begins a JSON answer with an empty body. */
void reply_json(struct reply *r, int status);

void reply_reset(struct reply *r);
void reply_release(struct reply *r);

#endif
