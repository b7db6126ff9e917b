/* The posted jobs are a list; one leaves it as soon as any member comes back, since then nothing is left to take. */
#include "base/team.h"

#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"

struct team_job {
	struct team_job *next;
	team_work_fn *work;
	void *user;
	unsigned members; /* that have joined, the caller included */
	unsigned running; /* helpers that have not come back */
	bool is_posted;
};

struct team {
	struct mutex mu; /* guards the rest but the threads */
	struct cond posted;
	struct cond finished;
	struct team_job *jobs;
	bool is_stopping;
	unsigned helpers;
	struct thread thread[TEAM_MEMBERS_MAX];
};

unsigned team_helpers_for_machine(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors > 1 ? (unsigned)processors - 1 : 0;
}

unsigned team_size(const struct team *t)
{
	return t ? t->helpers + 1 : 1;
}

static void unpost_locked(struct team *t, struct team_job *job)
{
	struct team_job **at = &t->jobs;

	if (!job->is_posted)
		return;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	job->is_posted = false;
}

static void help_locked(struct team *t, struct team_job *job)
{
	unsigned member = job->members++;

	job->running++;
	mutex_unlock(&t->mu);
	job->work(job->user, member);
	mutex_lock(&t->mu);
	unpost_locked(t, job);
	if (--job->running == 0)
		cond_broadcast(&t->finished);
}

static void *run_helper(void *arg)
{
	struct team *t = arg;

	mutex_lock(&t->mu);
	while (!t->is_stopping) {
		if (t->jobs)
			help_locked(t, t->jobs);
		else
			cond_wait(&t->posted, &t->mu);
	}
	mutex_unlock(&t->mu);
	return NULL;
}

struct team *team_start(unsigned helpers)
{
	struct team *t = xalloc(sizeof(*t));

	mutex_init(&t->mu);
	cond_init(&t->posted);
	cond_init(&t->finished);
	t->helpers = helpers < TEAM_MEMBERS_MAX - 1 ? helpers : TEAM_MEMBERS_MAX - 1;
	for (unsigned i = 0; i < t->helpers; i++)
		thread_start(&t->thread[i], "team", run_helper, t);
	return t;
}

struct team *team_stop(struct team *t)
{
	if (!t)
		return NULL;
	mutex_lock(&t->mu);
	must(!t->jobs);
	t->is_stopping = true;
	cond_broadcast(&t->posted);
	mutex_unlock(&t->mu);
	for (unsigned i = 0; i < t->helpers; i++)
		thread_join(&t->thread[i]);
	cond_release(&t->finished);
	cond_release(&t->posted);
	mutex_release(&t->mu);
	free(t);
	return NULL;
}

/* Behind those that are there: the first that came is helped first. */
static void post_locked(struct team *t, struct team_job *job)
{
	struct team_job **at = &t->jobs;

	while (*at)
		at = &(*at)->next;
	*at = job;
	job->is_posted = true;
	cond_broadcast(&t->posted);
}

void team_run(struct team *t, team_work_fn *work, void *user)
{
	struct team_job job = {.work = work, .user = user, .members = 1};

	if (team_size(t) == 1) {
		work(user, 0);
		return;
	}
	mutex_lock(&t->mu);
	post_locked(t, &job);
	mutex_unlock(&t->mu);
	work(user, 0);
	mutex_lock(&t->mu);
	unpost_locked(t, &job);
	while (job.running > 0)
		cond_wait(&t->finished, &t->mu);
	mutex_unlock(&t->mu);
}
