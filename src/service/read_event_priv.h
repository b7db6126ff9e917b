/*
 * The event of what is read: who, from where and by which resource (self_event.h); which ledger; what was asked for,
 * in its normal form; for which time. Never what was found.
 *
 * read_event__begin, members of its attributes, service__tell.
 */
#ifndef STELE_SERVICE_READ_EVENT_PRIV_H
#define STELE_SERVICE_READ_EVENT_PRIV_H

#include "service/telling_priv.h"

struct read_event {
	const char *action;
	enum control_ledger_name ledger;
	const char *entity; /* its type; NULL: the ledger */
	struct span id;     /* the entity's */
};

void read_event__begin(struct buf *to, const struct principal *who, const struct read_event *e);

/* Nothing when it is empty. What is longer than any honest one is cut. */
void read_event__put_text(struct buf *to, const char *name, struct span text);
void read_event__put_number(struct buf *to, const char *name, uint64_t number);
void read_event__put_time(struct buf *to, const char *name, int64_t us);
/* `text` is the query as it was asked for, and stands in where its normal form is longer than a query may be; empty:
 * it never was a text. */
void read_event__put_scope(struct buf *to, struct span text, const struct query *query, int64_t from_us, int64_t to_us);

/* Ends the event, and tells. */
int read_event__tell(struct service *s, const struct principal *who, struct buf *event, struct err *err)
	__attribute__((warn_unused_result));

#endif
