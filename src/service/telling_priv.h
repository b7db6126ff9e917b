/* Appending the events of what is read, without waiting for them; reading.h. */
#ifndef STELE_SERVICE_TELLING_PRIV_H
#define STELE_SERVICE_TELLING_PRIV_H

#include "base/thread.h"
#include "service/reading.h"
#include "service/self_event.h"

/* The tellings that wait to be used again: each has a parser and its memory. Zeroed before service__tellings_init. */
struct telling;
struct tellings {
	struct mutex mu; /* a leaf: the journal's writer takes it */
	struct telling *idle;
	unsigned idle_count;
};

void service__tellings_init(struct tellings *all);
void service__tellings_release(struct tellings *all); /* once every append is done */

/* Told through the principal's reading, or durable when this returns 0. On failure nothing is told. */
int service__tell(struct service *s, const struct principal *who, const struct buf *event, struct err *err)
	__attribute__((warn_unused_result));

/* Says afterwards what has been: nobody waits, and a failure is logged. */
void service__tell_later(struct service *s, struct org *org, const struct buf *event);

/* One more event is under way; ended by reading__end. By the reader's thread, before it joins. */
void reading__begin(struct reading *r);
void reading__end(struct reading *r, int rc, const struct err *err);

#endif
