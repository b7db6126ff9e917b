/*
 * What is read from a log is told of in the org's self ledger before the reader gets it; when that cannot be written,
 * the reader gets nothing.
 *
 * A synced write takes longer than most searches. So the event is appended while the search runs, and only the answer
 * waits: for the longer of the two, and on no thread. A request holds a struct reading and names it in
 * principal.caller; every function of the service that reads for a principal tells of it there. Where none is named the
 * function itself waits for its event, so that nothing is read untold because somebody forgot.
 *
 * Use: reading_init; calls that read, on one thread at a time; reading_join, once, when the answer is made. When it
 * returns false, `done` is called later instead. Then reading_result.
 */
#ifndef STELE_SERVICE_READING_H
#define STELE_SERVICE_READING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

struct reading {
	void (*done)(struct reading *r); /* on any thread; must not block */
	/* the service's */
	_Atomic unsigned open; /* events that are not durable yet, and one for the reader until it joins */
	_Atomic int rc;        /* the first failure */
	struct err err;
};

void reading_init(struct reading *r, void (*done)(struct reading *r));

/* Whether anything is told, and not known to be durable. */
static inline bool reading_is_open(const struct reading *r)
{
	return r->open > 1;
}

/* The answer is made. True: all there is to tell is told, or failed; false: `done` will be called, and maybe was. */
bool reading_join(struct reading *r);

/* 0, or why what was read must not be given out. */
int reading_result(const struct reading *r, struct err *err) __attribute__((warn_unused_result));

#endif
