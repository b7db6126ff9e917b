/*
 * What is done to the log itself becomes an event of the org's self ledger. An act whose event cannot be recorded does
 * not happen: whoever acts appends first, or within the transaction that the act is.
 */
#ifndef STELE_SERVICE_SELF_EVENT_H
#define STELE_SERVICE_SELF_EVENT_H

#include "service/service.h"

/* Appends one event (a JSON object) to the org's self ledger and waits until it is durable. Blocks; not to be called
 * from an append's `done`. E_INVALID and so on when it is no event; E_UNAVAILABLE (also when the ledger is refused by
 * the signer), E_NO_SPACE, E_IO, … */
int service_self_append(struct service *s, struct org *org, struct span json, struct err *err)
	__attribute__((warn_unused_result));

/* The same under an idempotency key: said again within 24 hours it adds nothing. */
int service_self_append_once(struct service *s, struct org *org, struct span json, const char *key, struct err *err)
	__attribute__((warn_unused_result));

/* Begins an event: {"action":…,"actor":{…},"context":{…}; the caller adds members, each with a comma in front, and the
 * last '}'. `who` NULL: the server acts by itself. */
void self_event_begin(struct buf *to, const char *action, const struct principal *who);

/* The same to a self ledger of a store that no service has open. */
int self_ledger_append(struct ledger *self, struct span json, struct err *err) __attribute__((warn_unused_result));

#endif
