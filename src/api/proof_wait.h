/*
 * Requests that wait for a checkpoint. They are suspended and hold no thread: one thread looks after all of them, and
 * hands each to the workers when its records are signed or its time is up. Without such requests it sleeps.
 */
#ifndef STELE_API_PROOF_WAIT_H
#define STELE_API_PROOF_WAIT_H

#include "api/work.h"
#include "service/service.h"

/* Part of a request that is suspended; the list's from proof_wait until the job runs. */
struct proof_wait {
	struct proof_wait *next;
	const struct principal *who;
	enum control_ledger_name ledger;
	uint64_t size; /* how many records are to be signed */
	int64_t due_ns;
	struct job *job;
};

struct proof_waits;
struct proof_waits *proof_waits_start(struct service *service, struct work *work);
struct proof_waits *proof_waits_stop(struct proof_waits *p); /* when nothing waits any more; returns NULL */

/* Has the job run once `size` records are signed, or after PROOF_WAIT_MS. May run before this returns. */
void proof_wait(struct proof_waits *p, struct proof_wait *w);

#endif
