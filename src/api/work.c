/* A queue and the threads that empty it. */
#include "api/work.h"

#include "base/err.h"
#include "base/mem.h"

struct work {
	struct mutex mu; /* guards the rest but the threads */
	struct cond cond;
	struct job *first;
	struct job **last;
	bool is_stopping;
	unsigned thread_count;
	struct thread threads[];
};

static struct job *take_locked(struct work *w)
{
	struct job *job = w->first;

	if (job) {
		w->first = job->next;
		if (!w->first)
			w->last = &w->first;
	}
	return job;
}

static void *run_jobs(void *arg)
{
	struct work *w = arg;
	struct job *job;

	mutex_lock(&w->mu);
	for (;;) {
		while (!(job = take_locked(w)) && !w->is_stopping)
			cond_wait(&w->cond, &w->mu);
		if (!job)
			break;
		mutex_unlock(&w->mu);
		job->run(job);
		mutex_lock(&w->mu);
	}
	mutex_unlock(&w->mu);
	return NULL;
}

struct work *work_start(unsigned thread_count)
{
	struct work *w = xalloc(sizeof(*w) + thread_count * sizeof(w->threads[0]));

	mutex_init(&w->mu);
	cond_init(&w->cond);
	w->last = &w->first;
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
	must(!w->first);
	cond_release(&w->cond);
	mutex_release(&w->mu);
	free(w);
	return NULL;
}

void work_submit(struct work *w, struct job *job)
{
	mutex_lock(&w->mu);
	must(!w->is_stopping);
	job->next = NULL;
	*w->last = job;
	w->last = &job->next;
	cond_signal(&w->cond);
	mutex_unlock(&w->mu);
}
