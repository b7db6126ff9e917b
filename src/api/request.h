/*
 * One request, from its first header to the last byte of its answer, and the pools it lives in.
 *
 * Phases: BODY (pieces come in), DRAIN (refused; pieces are thrown away so that the client gets to read why), BUSY (a
 * worker or the journal has it; the connection is suspended), READY (the answer can be sent).
 *
 * Threads: a request is touched by its connection's thread, and while it is BUSY by one other at a time: the one that
 * runs its job, then the one that finishes it. libmicrohttpd's resume hands it back.
 *
 * What a handler reads is told of in the org's self ledger meanwhile (service/reading.h): a request is finished when
 * its answer is made and its events are durable, whichever comes last, and answered with an error when they are not.
 */
#ifndef STELE_API_REQUEST_H
#define STELE_API_REQUEST_H

#include <microhttpd.h>
#include <yyjson.h>

#include "api/body.h"
#include "api/caller.h"
#include "api/credential.h"
#include "api/deadline.h"
#include "api/dialect.h"
#include "api/meter.h"
#include "api/param.h"
#include "api/proof_wait.h"
#include "api/recent.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/stream.h"
#include "api/tail.h"
#include "api/tls.h"
#include "api/work.h"
#include "base/thread.h"
#include "codec/record.h"
#include "service/quota.h"
#include "service/reading.h"
#include "service/service.h"

enum request_phase { REQUEST_BODY, REQUEST_DRAIN, REQUEST_BUSY, REQUEST_READY };

/* What an append needs beyond a request; append.c. */
struct request_append {
	const struct append_rows *rows; /* NULL: the body holds events */
	struct record_batch batch;
	struct ledger_append append;
	struct buf refused; /* JSON objects of refused events, comma separated */
	uint64_t refused_count;
	struct buf proofs; /* JSON strings, comma separated; empty: there are none yet */
	bool wants_ids;
	bool wants_proofs;
	bool is_partial;
};

struct request {
	struct request *next; /* in the pool */
	struct server *server;
	struct MHD_Connection *connection;
	struct client *client;
	struct route_match match; /* route NULL: none */
	enum dialect dialect;
	char ip[CALLER_IP_MAX]; /* of who.caller */
	bool is_secure;         /* the client speaks TLS, to this server or to a proxy that says so */
	enum credential_way way;
	struct principal who;
	struct reading reading; /* of who.caller */
	struct quota quota;     /* likewise */
	struct params params;
	struct body body;
	yyjson_doc *json; /* of ROUTE_HAS_JSON, where the parameters point to; NULL: none */
	struct reply reply;
	struct tail *tail;     /* the answer, instead of a body; NULL: none */
	struct stream *stream; /* the answer's body, when it is made while it is sent; NULL: it is reply.body */
	struct request_append in;
	struct job job;
	struct proof_wait wait;
	struct recent rate; /* of a dialect that limits requests */
	enum request_phase phase;
	bool is_suspended;
	bool has_bad_target;                       /* an encoded separator in the path */
	bool is_head;                              /* the method is HEAD: the answer's body is not sent */
	void (*complete)(struct request *request); /* makes the answer once BUSY is over; NULL: it is made */
	uint64_t arrived_bytes;                    /* of the body, as sent */
	uint64_t drained_bytes;
	uint64_t answer_charge; /* what the answer took from the budget */
	int64_t start_ns;
};

/* A parser and its memory; taken for the time of one parse. */
struct parser_slot {
	struct parser_slot *next;
	struct record_parser *parser;
};

struct server {
	struct service *service;
	struct MHD_Daemon *daemon;
	struct tls *tls; /* NULL: plain HTTP */
	struct network_list proxies;
	struct work *work;
	struct work *hashing; /* passwords: few at a time, since each takes much memory */
	_Atomic unsigned hashing_count;
	struct meter meter;
	struct budget budget;
	struct streams streams;
	struct deadlines *deadlines;
	struct tail_hub *tails;
	struct proof_waits *proofs;
	struct system_metrics *metrics;
	struct paging *paging;        /* of dialects whose clients page by number */
	bool has_password_grant;      /* Unqork's interface gives users tokens for their passwords */
	struct recents *unqork_rates; /* requests of an address */
	struct recents *unqork_locks; /* wrong secrets of a credential and an address */
	_Atomic bool is_stopping;     /* no new requests */
	_Atomic bool is_closing;      /* nor handlers for those that are there */
	_Atomic uint64_t busy;        /* handlers that run and suspended requests */

	struct mutex pool_mu; /* guards the pools */
	struct request *idle_requests;
	unsigned idle_count;
	size_t idle_bytes;
	struct parser_slot *idle_parsers;
};

/* From and to the pools. */
struct request *request_take(struct server *s);
void request_give(struct request *r);
struct parser_slot *parser_take(struct server *s);
void parser_give(struct server *s, struct parser_slot *slot, size_t body_bytes);
void request_pools_release(struct server *s);

/* libmicrohttpd's callbacks. The first sees the target of a request as it came; what it returns is *con_cls of the
 * next: NULL, or a mark of a bad one. */
void *request_on_target(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_len, void **con_cls);
void request_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
			  enum MHD_RequestTerminationCode how);

/* Stops the connection's processing until request_finish; before anything is started that may finish it. */
void request_suspend(struct request *r);

/* The answer is there, or `complete` will make it; from any thread. Hands the request back at once, or when what was
 * read is told of. */
void request_finish(struct request *r);

/* Answers with an error. */
void request_fail(struct request *r, const struct err *err);

/* Makes room for an answer of `bytes`, from the budget too, before something is done that cannot be taken back.
 * E_UNAVAILABLE, E_NO_MEMORY. */
int request_reserve_answer(struct request *r, uint64_t bytes, struct err *err) __attribute__((warn_unused_result));

/* Takes what the answer's body holds from the budget; when that is used up, answers 503 instead. */
void request_charge_answer(struct request *r);

/* Checks a request by its headers and takes them in: framing, route, key, parameters, encoding, length. */
int request_check(struct request *r, const char *method, const char *url, const char *version, struct err *err)
	__attribute__((warn_unused_result));

/* Finds out who sent it, for a handler whose route does not ask for that. E_UNAUTHORIZED, E_FORBIDDEN, E_QUOTA. */
int request_authenticate(struct request *r, struct err *err) __attribute__((warn_unused_result));

/* Hands r->reply to libmicrohttpd. */
enum MHD_Result request_send(struct request *r);

#endif
