#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

struct shared {
	struct mutex mutex;
	struct cond cond;
	int count;
	int turn;
	bool go;
};

static void init_shared(struct shared *s)
{
	memset(s, 0, sizeof(*s));
	mutex_init(&s->mutex);
	cond_init(&s->cond);
}

static void release_shared(struct shared *s)
{
	cond_release(&s->cond);
	mutex_release(&s->mutex);
}

static void *count_up(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 20000; i++) {
		mutex_lock(&s->mutex);
		s->count++;
		mutex_unlock(&s->mutex);
	}
	return NULL;
}

static void test_thread__excludes_by_mutex(void **state)
{
	struct thread threads[4];
	struct shared s;

	init_shared(&s);
	for (int i = 0; i < 4; i++)
		thread_start(&threads[i], "counter", count_up, &s);
	for (int i = 0; i < 4; i++)
		thread_join(&threads[i]);
	assert_int_equal(s.count, 80000);
	release_shared(&s);
}

static void *answer_turns(void *arg)
{
	struct shared *s = arg;

	mutex_lock(&s->mutex);
	for (int i = 0; i < 1000; i++) {
		while (s->turn != 1)
			cond_wait(&s->cond, &s->mutex);
		s->turn = 0;
		s->count++;
		cond_signal(&s->cond);
	}
	mutex_unlock(&s->mutex);
	return NULL;
}

static void test_thread__takes_turns_by_condition(void **state)
{
	struct thread thread;
	struct shared s;

	init_shared(&s);
	thread_start(&thread, "fifteen-bytes-x", answer_turns, &s);
	mutex_lock(&s.mutex);
	for (int i = 0; i < 1000; i++) {
		s.turn = 1;
		cond_signal(&s.cond);
		while (s.turn != 0)
			assert_true(cond_wait_for(&s.cond, &s.mutex, 10000) || s.turn == 0);
	}
	mutex_unlock(&s.mutex);
	thread_join(&thread);
	assert_int_equal(s.count, 1000);
	release_shared(&s);
}

static void *wait_for_go(void *arg)
{
	struct shared *s = arg;

	mutex_lock(&s->mutex);
	s->count++;
	cond_broadcast(&s->cond);
	while (!s->go)
		cond_wait(&s->cond, &s->mutex);
	mutex_unlock(&s->mutex);
	return NULL;
}

static void test_thread__wakes_all_by_broadcast(void **state)
{
	struct thread threads[5];
	struct shared s;

	init_shared(&s);
	for (int i = 0; i < 5; i++)
		thread_start(&threads[i], "waiter", wait_for_go, &s);
	mutex_lock(&s.mutex);
	while (s.count < 5)
		cond_wait(&s.cond, &s.mutex);
	s.go = true;
	cond_broadcast(&s.cond);
	mutex_unlock(&s.mutex);
	for (int i = 0; i < 5; i++)
		thread_join(&threads[i]);
	release_shared(&s);
}

static void test_thread__times_out(void **state)
{
	struct shared s;
	int64_t start = clock_mono_ns();

	init_shared(&s);
	mutex_lock(&s.mutex);
	while (cond_wait_for(&s.cond, &s.mutex, 30))
		;
	assert_true(clock_mono_ns() - start >= 29 * 1000000);
	while (cond_wait_for(&s.cond, &s.mutex, 0))
		;
	while (cond_wait_for(&s.cond, &s.mutex, -5))
		;
	assert_true(clock_mono_ns() - start < (int64_t)10 * 1000000000);
	mutex_unlock(&s.mutex);
	release_shared(&s);
}

static void *read_mask(void *arg)
{
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, arg), 0);
	return NULL;
}

static void test_thread__blocks_signals_but_faults(void **state)
{
	struct thread thread;
	sigset_t mask;

	sigemptyset(&mask);
	thread_start(&thread, "masked", read_mask, &mask);
	thread_join(&thread);
	assert_int_equal(sigismember(&mask, SIGTERM), 1);
	assert_int_equal(sigismember(&mask, SIGHUP), 1);
	assert_int_equal(sigismember(&mask, SIGPIPE), 1);
	assert_int_equal(sigismember(&mask, SIGSEGV), 0);
	read_mask(&mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread__excludes_by_mutex),
		cmocka_unit_test(test_thread__takes_turns_by_condition),
		cmocka_unit_test(test_thread__wakes_all_by_broadcast),
		cmocka_unit_test(test_thread__times_out),
		cmocka_unit_test(test_thread__blocks_signals_but_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
