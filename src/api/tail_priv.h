/* What tail.c and tail_hub.c share. */
#ifndef STELE_API_TAIL_PRIV_H
#define STELE_API_TAIL_PRIV_H

#include "api/tail.h"
#include "base/buf.h"
#include "base/thread.h"

enum tail_state {
	TAIL_SENDING,   /* the connection's thread has it */
	TAIL_WAITING,   /* suspended until something comes */
	TAIL_SEARCHING, /* suspended, a worker has it */
};

struct tail {
	struct tail *next;
	struct tail **link; /* what points here */
	struct tail_hub *hub;
	struct tail_config config; /* position: as it began */
	struct job job;
	int fd;

	/* whoever has the tail */
	uint64_t position;  /* the first record not looked at */
	uint64_t announced; /* the client knows the id of the record before it */
	uint64_t events;    /* fetched for it */
	bool has_begun;     /* something was sent */
	uint32_t batch;     /* how many events to fetch next: as many as were sent last, or more */
	struct buf pending; /* what is to be sent */
	size_t sent;        /* of pending */
	int64_t silent_ns;  /* when a heartbeat is due */

	/* the hub's lock */
	enum tail_state state;
	bool is_over; /* nothing more is fetched: what is pending is sent, then the answer ends */
	bool is_gone; /* the client has hung up */
};

struct tail_hub {
	struct service *service;
	struct work *work;
	_Atomic uint64_t *busy;
	int64_t heartbeat_ns;
	struct thread thread;
	struct mutex mu; /* guards the list and its tails' states; taken before locks of the store, of work.c, and of
			    libmicrohttpd */
	struct cond cond;
	struct tail *first;
	unsigned count;
	bool is_closing;
	bool is_stopping;
};

/* Suspends the connection, by its own thread, and searches at once when the ledger has grown already. */
void tail__rest_locked(struct tail *t);

/* Sends what is pending, or ends. */
void tail__wake_locked(struct tail *t);

/* Has a worker search what is new. */
void tail__search_locked(struct tail *t);

/* Appends a comment that says the connection lives, and where the client would go on. */
void tail__put_sign(struct tail *t);

#endif
