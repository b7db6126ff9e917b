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
		cmocka_unit_test(test_listen__takes_addresses_and_refuses_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
