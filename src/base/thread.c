/*
 * Threads. New threads have all signals blocked but those a thread raises itself by a fault: the main thread alone
 * takes signals, and a fault still ends the process with its own message.
 */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

void mutex_init(struct mutex *m)
{
	must(pthread_mutex_init(&m->m, NULL) == 0);
}

void mutex_release(struct mutex *m)
{
	must(pthread_mutex_destroy(&m->m) == 0);
}

void mutex_lock(struct mutex *m)
{
	must(pthread_mutex_lock(&m->m) == 0);
}

void mutex_unlock(struct mutex *m)
{
	must(pthread_mutex_unlock(&m->m) == 0);
}

void cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&c->c, &attr) == 0);
	must(pthread_condattr_destroy(&attr) == 0);
}

void cond_release(struct cond *c)
{
	must(pthread_cond_destroy(&c->c) == 0);
}

void cond_wait(struct cond *c, struct mutex *m)
{
	must(pthread_cond_wait(&c->c, &m->m) == 0);
}

bool cond_wait_for(struct cond *c, struct mutex *m, int64_t timeout_ms)
{
	struct timespec until;
	int rc;

	if (timeout_ms < 0)
		timeout_ms = 0;
	must(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	rc = pthread_cond_timedwait(&c->c, &m->m, &until);
	must(rc == 0 || rc == ETIMEDOUT);
	return rc == 0;
}

void cond_signal(struct cond *c)
{
	must(pthread_cond_signal(&c->c) == 0);
}

void cond_broadcast(struct cond *c)
{
	must(pthread_cond_broadcast(&c->c) == 0);
}

static sigset_t signals_to_block(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
	sigset_t set;

	must(sigfillset(&set) == 0);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		must(sigdelset(&set, faults[i]) == 0);
	return set;
}

void thread_start(struct thread *t, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t blocked = signals_to_block();
	sigset_t before;

	must(strlen(name) <= 15);
	must(pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0); /* the new thread inherits the mask */
	must(pthread_create(&t->t, NULL, run, arg) == 0);
	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	/* A thread that has ended already has no name to set. */
	(void)pthread_setname_np(t->t, name);
}

void thread_join(struct thread *t)
{
	must(pthread_join(t->t, NULL) == 0);
}

void thread_be_last(void)
{
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), 19); /* Linux: of the thread; never fails downwards */
}
