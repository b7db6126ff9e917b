/*
 * The turns of owners, and the threads that take them.
 *
 * An owner is in the table while it has jobs that wait or run. It stands in the round while it may have another one
 * run: some wait, and not as many run as may. So a thread takes the first of the round, and nothing is looked through.
 */
#include "api/work.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

struct owner {
	struct owner *next;   /* in its bucket */
	struct owner *behind; /* in the round */
	const void *name;
	struct job *first;
	struct job **last;
	unsigned running;
	bool is_in_round;
};

struct work {
	struct mutex mu; /* guards the rest but the threads */
	struct cond cond;
	struct owner *bucket[WORK_BUCKETS];
	struct owner *round;
	struct owner **round_last;
	size_t waiting;
	bool is_stopping;
	unsigned thread_count;
	struct thread threads[];
};

/* ---- owners ---- */

static struct owner **find_locked(struct work *w, const void *name)
{
	struct owner **link = &w->bucket[hash64(&name, sizeof(name), 0) % WORK_BUCKETS];

	while (*link && (*link)->name != name)
		link = &(*link)->next;
	return link;
}

static struct owner *owner_locked(struct work *w, const void *name)
{
	struct owner **link = find_locked(w, name);

	if (!*link) {
		*link = xalloc(sizeof(**link));
		(*link)->name = name;
		(*link)->last = &(*link)->first;
	}
	return *link;
}

static bool may_run(const struct work *w, const struct owner *o)
{
	return o->first && (!o->name || o->running + 1 < w->thread_count || w->thread_count == 1);
}

/* Puts the owner at the end of the round, unless it stands there or may have nothing run. */
static void line_up_locked(struct work *w, struct owner *o)
{
	if (o->is_in_round || !may_run(w, o))
		return;
	o->is_in_round = true;
	o->behind = NULL;
	*w->round_last = o;
	w->round_last = &o->behind;
	cond_signal(&w->cond);
}

static void forget_idle_locked(struct work *w, struct owner *o)
{
	if (o->first || o->running > 0)
		return;
	*find_locked(w, o->name) = o->next;
	free(o);
}

/* ---- jobs ---- */

static struct job *take_locked(struct work *w)
{
	struct owner *o = w->round;
	struct job *job;

	if (!o)
		return NULL;
	w->round = o->behind;
	if (!w->round)
		w->round_last = &w->round;
	o->is_in_round = false;
	job = o->first;
	o->first = job->next;
	if (!o->first)
		o->last = &o->first;
	o->running++;
	w->waiting--;
	line_up_locked(w, o);
	return job;
}

static void end_locked(struct work *w, const void *name)
{
	struct owner *o = *find_locked(w, name);

	o->running--;
	line_up_locked(w, o);
	forget_idle_locked(w, o);
}

static void *run_jobs(void *arg)
{
	struct work *w = arg;
	struct job *job;

	mutex_lock(&w->mu);
	for (;;) {
		const void *name;

		while (!(job = take_locked(w)) && !(w->is_stopping && w->waiting == 0))
			cond_wait(&w->cond, &w->mu);
		if (!job)
			break;
		name = job->owner; /* the job may be gone once it has run */
		mutex_unlock(&w->mu);
		job->run(job);
		mutex_lock(&w->mu);
		end_locked(w, name);
		if (w->is_stopping && w->waiting == 0)
			cond_broadcast(&w->cond);
	}
	mutex_unlock(&w->mu);
	return NULL;
}

struct work *work_start(unsigned thread_count)
{
	struct work *w = xalloc(sizeof(*w) + thread_count * sizeof(w->threads[0]));

	mutex_init(&w->mu);
	cond_init(&w->cond);
	w->round_last = &w->round;
	w->thread_count = thread_count;
	for (unsigned i = 0; i < thread_count; i++)
		thread_start(&w->threads[i], "worker", run_jobs, w);
	return w;
}

struct work *work_stop(struct work *w)
{
	if (!w)
		return NULL;
	mutex_lock(&w->mu);
	w->is_stopping = true;
	cond_broadcast(&w->cond);
	mutex_unlock(&w->mu);
	for (unsigned i = 0; i < w->thread_count; i++)
		thread_join(&w->threads[i]);
	must(w->waiting == 0);
	cond_release(&w->cond);
	mutex_release(&w->mu);
	free(w);
	return NULL;
}

size_t work_waiting(struct work *w)
{
	size_t waiting;

	mutex_lock(&w->mu);
	waiting = w->waiting;
	mutex_unlock(&w->mu);
	return waiting;
}

void work_submit(struct work *w, struct job *job)
{
	struct owner *o;

	mutex_lock(&w->mu);
	must(!w->is_stopping);
	o = owner_locked(w, job->owner);
	job->next = NULL;
	*o->last = job;
	o->last = &job->next;
	w->waiting++;
	line_up_locked(w, o);
	mutex_unlock(&w->mu);
}
