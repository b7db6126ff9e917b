/*
 * A change to what is configured, told of before it is made: it is tried and taken back, then its event is appended to
 * the org's self ledger, then it is made. When the event cannot be recorded, nothing changes; when the change fails
 * after its event, a second event takes the first back.
 *
 * Not one transaction around all: an append may wait for others that need control.db.
 */
#ifndef STELE_SERVICE_ACT_H
#define STELE_SERVICE_ACT_H

#include "service/self_event.h"

struct act {
	/* Makes the change; called twice, within a transaction of control.db. What it leaves in `user` is there for
	 * put_event. */
	int (*apply)(struct service *s, const struct principal *who, void *user, struct err *err);
	/* Writes the event, with self_event_begin. */
	void (*put_event)(const struct principal *who, const void *user, struct buf *to);
	void *user;
	struct org *also; /* another org whose self ledger is told as well; NULL: none */
};

/* Acts of a service wait for each other. As `apply` and service_self_append. */
int service__act(struct service *s, const struct principal *who, const struct act *a, struct err *err)
	__attribute__((warn_unused_result));

#endif
