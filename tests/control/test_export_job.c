#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/export_job.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *control;
static int64_t org, other_org;

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static int64_t make_org(const char *key)
{
	struct control_org o = {.name = "Name", .created_us = 1};

	snprintf(o.org_key, sizeof(o.org_key), "%s", key);
	assert_int_equal(control_org_create(control, &o, wrap, NULL, NULL), 0);
	return o.id;
}

static int set_up(void **state)
{
	if (temp_folder_make(folder) < 0 || control_open(folder, &control, NULL) < 0)
		return -1;
	org = make_org("one");
	other_org = make_org("two");
	return 0;
}

static int tear_down(void **state)
{
	control = control_close(control);
	return temp_folder_remove(folder);
}

/* A job whose id is 32 times `digit`. */
static struct control_export_job job_of(char digit, int64_t created_us)
{
	struct control_export_job j = {.org = org,
				       .client_id = "client",
				       .format = "csv",
				       .ledger = "main",
				       .newest_first = true,
				       .from_us = INT64_MIN,
				       .to_us = INT64_MAX,
				       .ledger_size = 7,
				       .query = xstrdup("actor:\"it's\""),
				       .columns = xstrdup("time,id"),
				       .error = xstrdup(""),
				       .created_us = created_us};

	memset(j.id, digit, EXPORT_ID_LEN);
	return j;
}

static void add(char digit, int64_t created_us)
{
	struct control_export_job j = job_of(digit, created_us);

	assert_int_equal(control_export_job_create(control, &j, NULL), 0);
	control_export_job_release(&j);
}

static enum control_export_state state_of(char digit)
{
	struct control_export_job j, named = job_of(digit, 0);
	enum control_export_state state;

	assert_int_equal(control_export_job_get(control, org, named.id, &j, NULL), 0);
	state = j.state;
	control_export_job_release(&j);
	control_export_job_release(&named);
	return state;
}

/* Takes a job and ends it. */
static void finish(enum control_export_state state, int64_t bytes, int64_t expires_us)
{
	struct control_export_job j;
	bool stored;

	assert_int_equal(control_export_job_take(control, 50, &j, NULL), 1);
	j.state = state;
	j.bytes = bytes;
	j.expires_us = expires_us;
	assert_int_equal(control_export_job_end(control, &j, &stored, NULL), 0);
	assert_true(stored);
	control_export_job_release(&j);
}

static void test_export_job__keeps_all_of_it(void **state)
{
	struct control_export_job want = job_of('a', 100), got;

	add('a', 100);
	assert_int_equal(control_export_job_create(control, &want, NULL), E_EXISTS);
	assert_int_equal(control_export_job_get(control, org, want.id, &got, NULL), 0);
	assert_string_equal(got.id, want.id);
	assert_string_equal(got.client_id, "client");
	assert_string_equal(got.format, "csv");
	assert_string_equal(got.ledger, "main");
	assert_true(got.newest_first);
	assert_true(got.from_us == INT64_MIN && got.to_us == INT64_MAX);
	assert_int_equal(got.ledger_size, 7);
	assert_string_equal(got.query, "actor:\"it's\"");
	assert_string_equal(got.columns, "time,id");
	assert_int_equal(got.state, EXPORT_QUEUED);
	assert_int_equal(got.created_us, 100);
	assert_int_equal(got.started_us + got.finished_us + got.expires_us + got.records + got.bytes, 0);
	control_export_job_release(&got);
	assert_int_equal(control_export_job_get(control, other_org, want.id, &got, NULL), E_NOT_FOUND);
	control_export_job_release(&want);
}

static void test_export_job__are_taken_in_order_and_listed_newest_first(void **state)
{
	struct control_export_job list[3], j;
	size_t count;

	add('b', 200);
	add('a', 100);
	add('c', 300);
	assert_int_equal(control_export_job_list(control, org, 3, list, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_int_equal(list[0].id[0], 'c');
	assert_int_equal(list[2].id[0], 'a');
	for (size_t i = 0; i < 3; i++)
		control_export_job_release(&list[i]);
	assert_int_equal(control_export_job_list(control, org, 2, list, &count, NULL), 0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 2; i++)
		control_export_job_release(&list[i]);
	assert_int_equal(control_export_job_list(control, other_org, 3, list, &count, NULL), 0);
	assert_int_equal(count, 0);
	for (const char *id = "abc"; *id; id++) {
		assert_int_equal(control_export_job_take(control, 400, &j, NULL), 1);
		assert_int_equal(j.id[0], *id);
		assert_int_equal(j.state, EXPORT_RUNNING);
		assert_int_equal(j.started_us, 400);
		control_export_job_release(&j);
	}
	assert_int_equal(control_export_job_take(control, 400, &j, NULL), 0);
	assert_int_equal(control_export_job_requeue(control, NULL), 0);
	assert_int_equal(state_of('b'), EXPORT_QUEUED);
}

static void test_export_job__a_cancelled_one_is_not_done(void **state)
{
	struct control_export_job j;
	bool is;

	add('a', 100);
	assert_int_equal(control_export_job_take(control, 200, &j, NULL), 1);
	assert_int_equal(control_export_job_cancel(control, other_org, j.id, 300, &is, NULL), 0);
	assert_false(is);
	assert_int_equal(control_export_job_cancel(control, org, j.id, 300, &is, NULL), 0);
	assert_true(is);
	assert_int_equal(control_export_job_cancel(control, org, j.id, 300, &is, NULL), 0);
	assert_false(is);
	j.state = EXPORT_DONE;
	assert_int_equal(control_export_job_end(control, &j, &is, NULL), 0);
	assert_false(is);
	assert_int_equal(state_of('a'), EXPORT_CANCELLED);
	control_export_job_release(&j);
}

static void test_export_job__files_are_counted_and_expire(void **state)
{
	struct control_export_job a = job_of('a', 0);
	int64_t n;
	bool is;

	add('a', 100);
	add('b', 200);
	finish(EXPORT_DONE, 1000, 5000);
	finish(EXPORT_DONE, 234, 6000);
	assert_int_equal(control_export_job_bytes(control, &n, NULL), 0);
	assert_int_equal(n, 1234);
	assert_int_equal(control_export_job_has_file(control, a.id, "csv", &is, NULL), 0);
	assert_true(is);
	assert_int_equal(control_export_job_has_file(control, a.id, "zip", &is, NULL), 0);
	assert_false(is);
	assert_int_equal(control_export_job_expire(control, 4999, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(control_export_job_expire(control, 5000, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(state_of('a'), EXPORT_EXPIRED);
	assert_int_equal(state_of('b'), EXPORT_DONE);
	assert_int_equal(control_export_job_has_file(control, a.id, "csv", &is, NULL), 0);
	assert_false(is);
	assert_int_equal(control_export_job_bytes(control, &n, NULL), 0);
	assert_int_equal(n, 234);
	control_export_job_release(&a);
}

static void test_export_job__only_those_without_a_file_make_way(void **state)
{
	struct control_export_job b = job_of('b', 0);
	int64_t n;
	bool is;

	add('a', 100);
	add('b', 200);
	add('c', 300);
	finish(EXPORT_DONE, 10, 5000);
	finish(EXPORT_FAILED, 0, 0);
	assert_int_equal(control_export_job_drop_oldest(control, other_org, &is, NULL), 0);
	assert_false(is);
	assert_int_equal(control_export_job_drop_oldest(control, org, &is, NULL), 0);
	assert_true(is);
	assert_int_equal(control_export_job_get(control, org, b.id, &b, NULL), E_NOT_FOUND);
	assert_int_equal(control_export_job_drop_oldest(control, org, &is, NULL), 0);
	assert_false(is);
	assert_int_equal(control_export_job_count(control, org, &n, NULL), 0);
	assert_int_equal(n, 2);
	control_export_job_release(&b);
	b = job_of('a', 0);
	assert_int_equal(control_export_job_delete(control, other_org, b.id, NULL), 0);
	assert_int_equal(state_of('a'), EXPORT_DONE);
	assert_int_equal(control_export_job_delete(control, org, b.id, NULL), 0);
	assert_int_equal(control_export_job_count(control, org, &n, NULL), 0);
	assert_int_equal(n, 1);
	control_export_job_release(&b);
}

/* However many one org has waiting, the other's is next; whether what was taken still runs or not. */
static void check_turns(bool has_ended)
{
	static const char *const turns[] = {"a1", "b4", "a2", "b5", "a3"};
	struct control_export_job j;

	for (int digit = '1'; digit <= '5'; digit++) {
		j = job_of((char)digit, digit);
		j.org = digit < '4' ? org : other_org;
		assert_int_equal(control_export_job_create(control, &j, NULL), 0);
		control_export_job_release(&j);
	}
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		bool is_stored;

		assert_int_equal(control_export_job_take(control, 1000 + (int64_t)i, &j, NULL), 1);
		assert_int_equal(j.org, turns[i][0] == 'a' ? org : other_org);
		assert_int_equal(j.id[0], turns[i][1]);
		j.state = EXPORT_DONE;
		if (has_ended)
			assert_int_equal(control_export_job_end(control, &j, &is_stored, NULL), 0);
		control_export_job_release(&j);
	}
}

static void test_export_job__orgs_take_turns(void **state)
{
	check_turns(true);
}

static void test_export_job__orgs_take_turns_at_what_runs(void **state)
{
	check_turns(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_export_job__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_all_of_it),
		TEST(are_taken_in_order_and_listed_newest_first),
		TEST(orgs_take_turns),
		TEST(orgs_take_turns_at_what_runs),
		TEST(a_cancelled_one_is_not_done),
		TEST(files_are_counted_and_expire),
		TEST(only_those_without_a_file_make_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
