#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/listen.h"
#include "api/work.h"
#include "base/err.h"

#define JOBS 2000

static _Atomic int ran;

static void count(struct job *job)
{
	ran++;
}

static void test_work__runs_every_job_once(void **state)
{
	static struct job jobs[JOBS];
	struct work *w = work_start(3);

	ran = 0;
	for (int i = 0; i < JOBS; i++) {
		jobs[i].run = count;
		work_submit(w, &jobs[i]);
	}
	assert_null(work_stop(w));
	assert_int_equal(ran, JOBS);
}

/* ---- owners take turns ---- */

#define TURNS 8

static struct mutex gate_mu;
static struct cond gate_cond;
static bool is_gate_open;
static bool is_gate_reached;
static char turns[TURNS + 1];
static size_t turn_count;

struct named_job {
	struct job job;
	char name;
};

static void wait_at_gate(struct job *job)
{
	(void)job;
	mutex_lock(&gate_mu);
	is_gate_reached = true;
	cond_broadcast(&gate_cond);
	while (!is_gate_open)
		cond_wait(&gate_cond, &gate_mu);
	mutex_unlock(&gate_mu);
}

static void note_turn(struct job *job)
{
	mutex_lock(&gate_mu);
	turns[turn_count++] = ((struct named_job *)(void *)job)->name;
	cond_broadcast(&gate_cond);
	mutex_unlock(&gate_mu);
}

static void close_gate(void)
{
	mutex_init(&gate_mu);
	cond_init(&gate_cond);
	is_gate_open = is_gate_reached = false;
	turn_count = 0;
}

static void open_gate(void)
{
	mutex_lock(&gate_mu);
	is_gate_open = true;
	cond_broadcast(&gate_cond);
	mutex_unlock(&gate_mu);
}

static void wait_until(const bool *what)
{
	mutex_lock(&gate_mu);
	while (!*what)
		cond_wait(&gate_cond, &gate_mu);
	mutex_unlock(&gate_mu);
}

static void test_work__owners_take_turns(void **state)
{
	static const char owners[] = "AAAAABBC";
	struct job gate = {.run = wait_at_gate};
	struct named_job jobs[TURNS];
	struct work *w = work_start(1);

	close_gate();
	work_submit(w, &gate);
	wait_until(&is_gate_reached);
	for (size_t i = 0; i < TURNS; i++) {
		jobs[i] = (struct named_job){{.run = note_turn, .owner = strchr(owners, owners[i])}, owners[i]};
		work_submit(w, &jobs[i].job);
	}
	open_gate();
	work_stop(w);
	turns[TURNS] = '\0';
	assert_string_equal(turns, "ABCABAAA");
}

static void test_work__one_thread_is_left_to_others(void **state)
{
	struct job slow[] = {{.run = wait_at_gate, .owner = "slow"}, {.run = wait_at_gate}, {.run = wait_at_gate}};
	struct named_job other = {{.run = note_turn, .owner = "other"}, 'o'};
	struct work *w = work_start(2);

	close_gate();
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		slow[i].owner = slow[0].owner;
		work_submit(w, &slow[i]);
	}
	wait_until(&is_gate_reached);
	work_submit(w, &other.job);
	mutex_lock(&gate_mu);
	while (turn_count == 0)
		cond_wait(&gate_cond, &gate_mu);
	mutex_unlock(&gate_mu);
	open_gate();
	work_stop(w);
}

/* Jobs of many owners, from many threads: each runs once, and stopping waits for all. */
static void *submit_many(void *arg)
{
	static struct job jobs[4][JOBS];
	static _Atomic int next;
	int k = next++ % 4;

	for (int i = 0; i < JOBS; i++) {
		jobs[k][i] = (struct job){.run = count, .owner = i % 7 ? &jobs[0][i % 7] : NULL};
		work_submit(arg, &jobs[k][i]);
	}
	return NULL;
}

static void test_work__runs_those_of_many_owners_once(void **state)
{
	struct work *w = work_start(5);
	struct thread threads[4];

	ran = 0;
	for (int k = 0; k < 4; k++)
		thread_start(&threads[k], "submit", submit_many, w);
	for (int k = 0; k < 4; k++)
		thread_join(&threads[k]);
	work_stop(w);
	assert_int_equal(ran, 4 * JOBS);
}

static void test_listen__takes_addresses_and_refuses_others(void **state)
{
	static const char *const bad[] = {"", "8470", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:80:"};
	char url[LISTEN_URL_MAX];
	char again[32];
	struct err err = ERR_INIT;
	int fd = -1;
	int other = -1;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(listen_open(bad[i], false, &fd, url, &err), E_INVALID);
	assert_int_equal(listen_open("127.0.0.1:0", false, &fd, url, &err), 0);
	assert_int_equal(sscanf(url, "http://%31s", again), 1);
	assert_int_equal(listen_open(again, false, &other, url, &err), E_IO);
	assert_non_null(strstr(err.message, again));
	close(fd);
	assert_int_equal(listen_open(":0", true, &fd, url, &err), 0);
	assert_non_null(strstr(url, "https://localhost:"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work__runs_every_job_once),
		cmocka_unit_test(test_work__owners_take_turns),
		cmocka_unit_test(test_work__one_thread_is_left_to_others),
		cmocka_unit_test(test_work__runs_those_of_many_owners_once),
		cmocka_unit_test(test_listen__takes_addresses_and_refuses_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
