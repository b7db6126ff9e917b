/*
 * Worker threads for what would keep a connection thread from its other connections: searches, large bodies, sealing.
 * Jobs run in the order they came, as many at a time as there are threads.
 */
#ifndef STELE_API_WORK_H
#define STELE_API_WORK_H

#include "base/thread.h"

/* Part of whatever is to be done; the caller's until `run` is called. */
struct job {
	struct job *next;
	void (*run)(struct job *job);
};

struct work;
struct work *work_start(unsigned thread_count);
struct work *work_stop(struct work *w); /* runs what is queued, then returns NULL */
void work_submit(struct work *w, struct job *job);

#endif
