/*
 * Deadlines of connections. libmicrohttpd closes a connection on which nothing moves; one that moves a byte now and
 * then would stay for ever. So each connection has a time by which its header, its body or the taking of its answer
 * must be over, and one thread shuts down those that are late; libmicrohttpd then finds them closed and ends them.
 *
 * An answer that is made while it is sent: REQUEST_TIMEOUT_S for each part, and that rate over all of it, without the
 * time the server itself takes: one that keeps taking is never late, however long the answer.
 *
 * A header: the idle timeout and REQUEST_TIMEOUT_S after the connection was opened or its last answer was sent (when
 * its first byte came is not known). A body, an answer: REQUEST_TIMEOUT_S, and a second for each SLOWEST_BYTES_S that
 * were moved.
 */
#ifndef STELE_API_DEADLINE_H
#define STELE_API_DEADLINE_H

#include <stdint.h>

struct deadlines;

/* A connection; libmicrohttpd's socket context. */
struct client;

struct deadlines *deadlines_start(unsigned idle_s, unsigned request_s);
struct deadlines *deadlines_stop(struct deadlines *d); /* after every client was closed; returns NULL */

/* From when the connection is made until before its socket is closed. Its first header is awaited. */
struct client *client_open(struct deadlines *d, int fd);
void client_close(struct client *c);

/* What the connection's thread says as a request goes its way; `c` may be NULL. */
void client_await_header(struct client *c);
void client_await_bytes(struct client *c, int64_t since_ns, uint64_t bytes);  /* a body's so far, or an answer's */
void client_await_taking(struct client *c, int64_t since_ns, uint64_t bytes); /* a part of an answer that goes on */
void client_await_nothing(struct client *c);                                  /* the server has the request */
void client_await_end(struct client *c, int64_t due_ns);                      /* it is to be over by then */

/* Has the connection shut down soon, as one that is late. */
void client_cut(struct client *c);

/* Resets the connection: its client sees that an answer broke off even where nothing else would tell the end of it. */
void client_reset(struct client *c);

#endif
