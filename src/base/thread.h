/*
 * Thin wrappers over POSIX threads: a failure of any of them is a programmer error and aborts.
 * Lock order over the whole program is written in docs/design.md.
 */
#ifndef STELE_BASE_THREAD_H
#define STELE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct mutex {
	pthread_mutex_t m;
};
struct cond {
	pthread_cond_t c; /* on the monotonic clock */
};
struct thread {
	pthread_t t;
};

void mutex_init(struct mutex *m);
void mutex_release(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

void cond_init(struct cond *c);
void cond_release(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
bool cond_wait_for(struct cond *c, struct mutex *m, int64_t timeout_ms); /* false: timed out */
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* Starts a thread; `name` (at most 15 bytes) shows in ps and gdb. Signals are blocked in it. */
void thread_start(struct thread *t, const char *name, void *(*run)(void *), void *arg);
void thread_join(struct thread *t);

/* The calling thread runs when no other wants to, from now on. */
void thread_be_last(void);

#endif
