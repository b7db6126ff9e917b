/*
 * Followers of ledgers, and their answers as server-sent events that have no end.
 *
 * A tail's connection is suspended while there is nothing to send. One thread, the hub, looks at the sizes of the
 * followed ledgers; where one has grown, a worker searches the new records and the connection goes on with what
 * matched. So a tail holds no thread, and only one batch of events: a client that reads slowly is behind, and nothing
 * is dropped.
 *
 * Whose a tail is (enum tail_state): the connection's thread sends; waiting or searching it is suspended, and the hub
 * or a worker has it. The hub's lock guards the changes from one to the other.
 */
#ifndef STELE_API_TAIL_H
#define STELE_API_TAIL_H

#include <microhttpd.h>

#include "api/deadline.h"
#include "api/work.h"
#include "base/err.h"
#include "service/service.h"

struct tail_hub;
struct tail;

/* `busy` counts the suspended connections, which a stopping server waits for. */
struct tail_hub *tail_hub_start(struct service *service, struct work *work, _Atomic uint64_t *busy,
				unsigned heartbeat_s);

/* Ends every tail, and lets no new one begin. */
void tail_hub_close(struct tail_hub *h);

/* Once every tail is closed; returns NULL. */
struct tail_hub *tail_hub_stop(struct tail_hub *h);

unsigned tail_hub_count(struct tail_hub *h);

struct tail_config {
	struct MHD_Connection *connection;
	struct client *client;
	struct principal who;
	enum control_ledger_name ledger;
	uint64_t position;
	struct query *query; /* taken over, also on failure */
};

/* E_UNAVAILABLE past TAILS_MAX, E_CLOSED. */
int tail_open(struct tail_hub *h, const struct tail_config *config, struct tail **ret, struct err *err)
	__attribute__((warn_unused_result));

/* When the request is over; `t` may be NULL. */
void tail_close(struct tail *t);

/* libmicrohttpd's MHD_ContentReaderCallback; `cls` is the tail. */
ssize_t tail_read(void *cls, uint64_t offset, char *to, size_t max);

#endif
