/*
 * Worker threads for what would keep a connection thread from its other connections: searches, large bodies, sealing.
 *
 * Owners of jobs (orgs) take turns: of those that have jobs waiting each gets one run, then the next; one owner's own
 * run in the order they came. And no owner has all threads at a time: one stays for the others, so that who comes while
 * somebody's slow searches fill the queue need not wait for any of them to end.
 */
#ifndef STELE_API_WORK_H
#define STELE_API_WORK_H

#include <stddef.h>

#include "base/thread.h"

#define WORK_BUCKETS 64u /* of the table of owners that have jobs */

/* Part of whatever is to be done; the caller's until `run` is called. */
struct job {
	void (*run)(struct job *job);
	const void *owner; /* NULL: nobody's, which take turns as one owner, without a bound */
	/* the queue's */
	struct job *next;
};

struct work;
/* An owner may have all threads but one; of two or more. */
struct work *work_start(unsigned thread_count);
struct work *work_stop(struct work *w); /* runs what is queued, then returns NULL */
size_t work_waiting(struct work *w);    /* jobs that no thread has taken yet */
void work_submit(struct work *w, struct job *job);

#endif
