/* The list of those that wait, looked through every PROOF_STEP_MS. */
#include "api/proof_wait.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "service/proof.h"

#define NS_PER_MS 1000000LL

struct proof_waits {
	struct service *service;
	struct work *work;
	struct thread thread;
	struct proof_wait *waiting; /* the thread's */

	struct mutex mu; /* guards the rest; a leaf, since the journal's writer takes it */
	struct cond cond;
	struct proof_wait *first; /* those that have come */
	bool is_idle;             /* the thread sleeps until one comes */
	bool is_stopping;
};

static bool is_over(struct proof_waits *p, const struct proof_wait *w, int64_t now_ns)
{
	return now_ns >= w->due_ns || service_is_settled(p->service, w->who, w->ledger, w->size);
}

static void look(struct proof_waits *p)
{
	struct proof_wait **link = &p->waiting;
	int64_t now_ns = clock_mono_ns();

	while (*link) {
		struct proof_wait *w = *link;

		if (is_over(p, w, now_ns)) {
			*link = w->next;
			work_submit(p->work, w->job); /* from here it is the worker's */
		} else {
			link = &w->next;
		}
	}
}

static void rest_locked(struct proof_waits *p)
{
	if (p->waiting) {
		(void)cond_wait_for(&p->cond, &p->mu, PROOF_STEP_MS);
		return;
	}
	p->is_idle = true;
	while (!p->first && !p->is_stopping)
		cond_wait(&p->cond, &p->mu);
	p->is_idle = false;
}

static void take_locked(struct proof_waits *p)
{
	struct proof_wait **last = &p->waiting;

	while (*last)
		last = &(*last)->next;
	*last = p->first;
	p->first = NULL;
}

static void *run(void *arg)
{
	struct proof_waits *p = arg;

	mutex_lock(&p->mu);
	while (!p->is_stopping) {
		rest_locked(p);
		take_locked(p);
		mutex_unlock(&p->mu);
		look(p);
		mutex_lock(&p->mu);
	}
	mutex_unlock(&p->mu);
	return NULL;
}

struct proof_waits *proof_waits_start(struct service *service, struct work *work)
{
	struct proof_waits *p = xalloc(sizeof(*p));

	p->service = service;
	p->work = work;
	mutex_init(&p->mu);
	cond_init(&p->cond);
	thread_start(&p->thread, "proofs", run, p);
	return p;
}

struct proof_waits *proof_waits_stop(struct proof_waits *p)
{
	if (!p)
		return NULL;
	mutex_lock(&p->mu);
	p->is_stopping = true;
	cond_signal(&p->cond);
	mutex_unlock(&p->mu);
	thread_join(&p->thread);
	must(!p->first && !p->waiting);
	cond_release(&p->cond);
	mutex_release(&p->mu);
	free(p);
	return NULL;
}

void proof_wait(struct proof_waits *p, struct proof_wait *w)
{
	w->due_ns = clock_mono_ns() + PROOF_WAIT_MS * NS_PER_MS;
	mutex_lock(&p->mu);
	w->next = p->first;
	p->first = w;
	if (p->is_idle)
		cond_signal(&p->cond);
	mutex_unlock(&p->mu);
}
