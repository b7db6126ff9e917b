#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/thread.h"
#include "service/reading.h"
#include "service/telling_priv.h"

#define ROUNDS  500
#define THREADS 4

static _Atomic int finished;

static void on_done(struct reading *r)
{
	(void)r;
	finished++;
}

static void test_reading__goes_on_at_once_when_nothing_is_told(void **state)
{
	struct reading r;

	finished = 0;
	reading_init(&r, on_done);
	assert_false(reading_is_open(&r));
	assert_true(reading_join(&r));
	assert_int_equal(reading_result(&r, NULL), 0);
	assert_int_equal(finished, 0);
}

static void test_reading__the_last_one_goes_on(void **state)
{
	struct reading r;

	finished = 0;
	reading_init(&r, on_done);
	reading__begin(&r);
	reading__begin(&r);
	assert_true(reading_is_open(&r));
	reading__end(&r, 0, NULL);
	assert_false(reading_join(&r));
	assert_int_equal(finished, 0);
	reading__end(&r, 0, NULL);
	assert_int_equal(finished, 1);

	reading_init(&r, on_done);
	reading__begin(&r);
	reading__end(&r, 0, NULL);
	assert_true(reading_join(&r));
	assert_int_equal(finished, 1);
}

static void test_reading__keeps_the_first_failure(void **state)
{
	struct reading r;
	struct err full = ERR_INIT, io = ERR_INIT, seen = ERR_INIT;

	(void)err_set(&full, E_NO_SPACE, "full");
	(void)err_set(&io, E_IO, "broken");
	reading_init(&r, on_done);
	for (int i = 0; i < 3; i++)
		reading__begin(&r);
	reading__end(&r, 0, NULL);
	reading__end(&r, E_NO_SPACE, &full);
	reading__end(&r, E_IO, &io);
	assert_true(reading_join(&r));
	assert_int_equal(reading_result(&r, &seen), E_NO_SPACE);
	assert_string_equal(seen.message, "full");
}

static void *end_one(void *arg)
{
	struct err err = ERR_INIT;

	(void)err_set(&err, E_IO, "broken");
	reading__end(arg, E_IO, &err);
	return NULL;
}

/* Whoever comes last, exactly one goes on, and sees the failure. */
static void test_reading__exactly_one_goes_on(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct thread threads[THREADS];
		struct reading r;
		struct err err = ERR_INIT;
		bool is_joined;

		finished = 0;
		reading_init(&r, on_done);
		for (int k = 0; k < THREADS; k++) {
			reading__begin(&r);
			thread_start(&threads[k], "end", end_one, &r);
		}
		is_joined = reading_join(&r);
		for (int k = 0; k < THREADS; k++)
			thread_join(&threads[k]);
		assert_int_equal(finished, is_joined ? 0 : 1);
		assert_int_equal(reading_result(&r, &err), E_IO);
		assert_string_equal(err.message, "broken");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading__goes_on_at_once_when_nothing_is_told),
		cmocka_unit_test(test_reading__the_last_one_goes_on),
		cmocka_unit_test(test_reading__keeps_the_first_failure),
		cmocka_unit_test(test_reading__exactly_one_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
