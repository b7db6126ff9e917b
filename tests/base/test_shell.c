#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shell.h"

#define CAP 8

static uint8_t out[CAP];
static size_t len;
static struct err err;

static int run(const char *command)
{
	err = (struct err)ERR_INIT;
	memset(out, 0xee, sizeof(out));
	return shell_read(command, 5000, out, sizeof(out), &len, &err);
}

static void assert_wiped(void)
{
	static const uint8_t zeros[CAP];

	assert_memory_equal(out, zeros, CAP);
	assert_null(strstr(err.message, "secret"));
}

static void test_shell__gives_what_is_printed(void **state)
{
	(void)state;
	assert_int_equal(run("printf abc"), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(run("printf a; printf b; cat"), 0); /* nothing is there to be read */
	assert_int_equal(len, 2);
	assert_int_equal(run("true"), 0);
	assert_int_equal(len, 0);
	assert_int_equal(run("printf 12345678"), 0);
	assert_int_equal(len, CAP);
}

static void test_shell__refuses_more_than_fits(void **state)
{
	(void)state;
	assert_int_equal(run("printf secret789"), E_TOO_LARGE);
	assert_wiped();
	assert_int_equal(run("yes secret"), E_TOO_LARGE);
	assert_wiped();
}

static void test_shell__says_how_a_command_failed(void **state)
{
	(void)state;
	assert_int_equal(run("printf secret; exit 3"), E_IO);
	assert_string_equal(err.message, "the command ended with status 3");
	assert_wiped();
	assert_int_equal(run("kill -9 $$"), E_IO);
	assert_string_equal(err.message, "the command ended by signal 9");
	assert_int_equal(run("/nowhere/at/all 2>/dev/null"), E_IO);
	assert_string_equal(err.message, "the command ended with status 127");
}

static void test_shell__ends_what_takes_too_long(void **state)
{
	int64_t start_ns = clock_mono_ns();

	(void)state;
	err = (struct err)ERR_INIT;
	assert_int_equal(shell_read("printf secret; sleep 60 & wait", 100, out, sizeof(out), &len, &err), E_TIMEOUT);
	assert_true(clock_mono_ns() - start_ns < INT64_C(20) * 1000000000);
	assert_wiped();
}

/* Whoever starts it may have blocked signals for its own threads. */
static void test_shell__commands_can_be_interrupted(void **state)
{
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(run("kill -TERM $$; printf on"), E_IO);
	assert_string_equal(err.message, "the command ended by signal 15");
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shell__gives_what_is_printed),
		cmocka_unit_test(test_shell__refuses_more_than_fits),
		cmocka_unit_test(test_shell__says_how_a_command_failed),
		cmocka_unit_test(test_shell__ends_what_takes_too_long),
		cmocka_unit_test(test_shell__commands_can_be_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
