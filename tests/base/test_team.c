/* Teams: all work is done once, whoever does it, and callers do not get in each other's way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/team.h"
#include "base/thread.h"

#define ITEMS 20000u

struct heap_of_work {
	_Atomic unsigned next;
	_Atomic unsigned members; /* bits of those that came */
	unsigned done[ITEMS];
};

static void take(void *user, unsigned member)
{
	struct heap_of_work *w = user;
	unsigned k;

	w->members |= 1u << member;
	while ((k = w->next++) < ITEMS)
		w->done[k] += k;
}

static void check_run(struct team *t)
{
	struct heap_of_work *w = xalloc(sizeof(*w));

	team_run(t, take, w);
	for (unsigned k = 0; k < ITEMS; k++)
		assert_int_equal(w->done[k], k);
	assert_true(w->members & 1);
	assert_int_equal(w->members >> team_size(t), 0);
	free(w);
}

static void test_team__does_all_of_the_work(void **state)
{
	(void)state;
	for (unsigned helpers = 0; helpers < 5; helpers++) {
		struct team *t = team_start(helpers);

		assert_int_equal(team_size(t), helpers + 1);
		for (unsigned k = 0; k < 20; k++)
			check_run(t);
		team_stop(t);
	}
	assert_int_equal(team_size(NULL), 1);
	check_run(NULL);
}

static void test_team__has_a_largest_size(void **state)
{
	struct team *t = team_start(1000);

	(void)state;
	assert_int_equal(team_size(t), TEAM_MEMBERS_MAX);
	check_run(t);
	team_stop(t);
}

static void *run_many(void *arg)
{
	for (unsigned k = 0; k < 50; k++)
		check_run(arg);
	return NULL;
}

static void test_team__serves_many_callers(void **state)
{
	struct team *t = team_start(2);
	struct thread caller[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		thread_start(&caller[i], "caller", run_many, t);
	for (unsigned i = 0; i < 4; i++)
		thread_join(&caller[i]);
	team_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_team__does_all_of_the_work),
		cmocka_unit_test(test_team__has_a_largest_size),
		cmocka_unit_test(test_team__serves_many_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
