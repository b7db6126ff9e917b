/*
 * A team: helper threads that share one piece of work with the thread that has it. The work is a function that takes
 * what is left to do bit by bit (from an atomic counter, say) and returns when nothing is left; it runs on the calling
 * thread and, at the same time, on each helper that is free. So the work is done with any number of helpers, none
 * included, and a helper is never waited for before it has begun.
 *
 * Several threads may call at once; helpers go to whoever came first.
 */
#ifndef STELE_BASE_TEAM_H
#define STELE_BASE_TEAM_H

/* The most members a team has, the calling thread included. */
#define TEAM_MEMBERS_MAX 16u

struct team;

/* Starts min(`helpers`, TEAM_MEMBERS_MAX - 1) threads; 0 is fine. */
struct team *team_start(unsigned helpers);
struct team *team_stop(struct team *t); /* returns NULL; nothing is being run */

/* One helper for each processor but one. */
unsigned team_helpers_for_machine(void);

/* How many may run a piece of work at once: the caller and the helpers. 1 for NULL. */
unsigned team_size(const struct team *t);

/* `member` is 0 for the caller and another number below team_size for each helper. */
typedef void team_work_fn(void *user, unsigned member);

/* Runs the work and returns when all that ran it have returned. */
void team_run(struct team *t, team_work_fn *work, void *user);

#endif
