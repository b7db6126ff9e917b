/*
 * HTTP/1.1 over a blocking TCP socket, as little of it as a load generator needs: requests are bytes made in advance,
 * answers have a Content-Length. Not for anything but measuring a server of our own.
 */
#ifndef STELE_BENCH_WIRE_H
#define STELE_BENCH_WIRE_H

#include "base/buf.h"
#include "base/err.h"

#define WIRE_REPLY_MAX (64u << 20)

struct wire_address {
	char host[64]; /* of the Host header, with the port */
	char name[48];
	char port[8];
};

/* From "http://host:port". E_INVALID. */
int wire_address_parse(const char *url, struct wire_address *ret, struct err *err) __attribute__((warn_unused_result));

/* A connected socket with TCP_NODELAY. E_UNAVAILABLE when nobody listens. */
int wire_connect(const struct wire_address *address, int *ret_fd, struct err *err) __attribute__((warn_unused_result));

/* The head of a request up to and without "Content-Length": `key` may be NULL. */
void wire_put_head(struct buf *to, const struct wire_address *address, const char *method, const char *path,
		   const char *key, const char *content_type);

/* Sends all of it. `more`: the body follows at once. */
int wire_send(int fd, struct span bytes, bool more, struct err *err) __attribute__((warn_unused_result));

/* Sends bytes off … off + len of a file. */
int wire_send_file(int fd, int file, uint64_t off, uint64_t len, struct err *err) __attribute__((warn_unused_result));

struct wire_reply {
	struct buf bytes; /* head and body */
	int status;
	size_t head_len;
	size_t body_len;
};

#define WIRE_REPLY_INIT                                                                                                \
	{                                                                                                              \
		BUF_INIT, 0, 0, 0                                                                                      \
	}

void wire_reply_release(struct wire_reply *r);

/* Reads what is there. 0: the answer is complete; 1: more is to come (with `may_wait` false only). The reply is reset
 * by the caller between answers with wire_reply_reset. */
int wire_receive(int fd, bool may_wait, struct wire_reply *r, struct err *err) __attribute__((warn_unused_result));
void wire_reply_reset(struct wire_reply *r);
struct span wire_reply_body(const struct wire_reply *r);

/* Fails unless the status is `status`, with the beginning of the answer in the message. */
int wire_reply_expect(const struct wire_reply *r, int status, struct err *err) __attribute__((warn_unused_result));

/* One request without a body and its answer on a connection of its own. */
int wire_fetch(const struct wire_address *address, const char *method, const char *path, const char *key,
	       struct wire_reply *ret, struct err *err) __attribute__((warn_unused_result));

#endif
