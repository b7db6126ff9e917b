/*
 * Answers that are made while they are sent, of any length in bounded memory: exports, downloads.
 *
 * Two buffers of STREAM_BUFFER_BYTES: one is sent while a worker fills the other. A worker never waits for a client: it
 * fills a buffer and goes; sending a buffer empty calls it again. A connection thread never waits for a worker: it
 * suspends the connection, and the filled buffer resumes it. So a slow client holds two buffers and what its source
 * holds, and no thread.
 *
 * A stream ends early when its client goes away, when the client takes nothing for long (deadline.h), when the server
 * stops, and when its source fails. What the client then has must not look whole: chunks are not ended and the
 * connection is reset, which also a proxy that speaks HTTP/1.0 notices.
 */
#ifndef STELE_API_STREAM_H
#define STELE_API_STREAM_H

#include <microhttpd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/thread.h"

struct request;
struct server;
struct stream;

/* The streams of a server; zeroed before streams_init. */
struct streams {
	struct mutex mu; /* guards the list; taken before a stream's own */
	struct stream *first;
	unsigned count;
	bool is_cut;
};

void streams_init(struct streams *all);
void streams_release(struct streams *all);

/* Ends all streams that are under way, and each that begins later; for a stopping server. */
void streams_cut(struct streams *all);

/* Where a stream's bytes come from. */
struct stream_ops {
	/* Appends the next bytes to `to`, about `bytes`; 1 when those were the last, 0, or negative. On a worker. */
	int (*produce)(void *user, size_t bytes, struct buf *to, struct err *err);
	void (*free)(void *user); /* on any thread */
};

#define STREAM_SIZE_UNKNOWN UINT64_MAX

/* Takes one of the STREAMS_MAX places. E_UNAVAILABLE when there is none. */
int stream_open(struct server *s, struct stream **ret, struct err *err) __attribute__((warn_unused_result));

/* Fills the first buffer, so that what fails at once still gets a proper answer. `user` is the stream's from here, also
 * when it fails. `size_bytes` of all, when it is known. On a worker. */
int stream_begin(struct stream *x, const struct stream_ops *ops, void *user, uint64_t size_bytes, struct err *err)
	__attribute__((warn_unused_result));

/* The response that sends it, once; NULL when memory is out. The request's client is watched until stream_close. */
struct MHD_Response *stream_response(struct stream *x, const struct request *r);

/* The request is over, or will not be answered by the stream. Takes NULL, returns NULL. */
struct stream *stream_close(struct stream *x);

#endif
