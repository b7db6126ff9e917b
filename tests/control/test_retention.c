/* Policies, plans, holds, removals under way, and what the verification found, as control.db keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/retention.h"
#include "control/verification.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *control;
static int64_t orgs[2];

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static int set_up(void **state)
{
	static const char *const keys[] = {"acme", "other"};

	if (temp_folder_make(folder) < 0 || control_open(folder, &control, NULL) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		struct control_org org = {.name = "Name"};

		snprintf(org.org_key, sizeof(org.org_key), "%s", keys[i]);
		if (control_org_create(control, &org, wrap, NULL, NULL) < 0)
			return -1;
		orgs[i] = org.id;
	}
	return 0;
}

static int tear_down(void **state)
{
	control_close(control);
	return temp_folder_remove(folder);
}

static void reopen(void)
{
	control = control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
}

static void test_org__lists_ids_and_finds_the_org_of_a_ledger(void **state)
{
	int64_t *ids;
	size_t count;
	int64_t org = 0;

	assert_int_equal(control_org_ids(control, &ids, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_int_equal(ids[0], orgs[0]);
	assert_int_equal(ids[1], orgs[1]);
	free(ids);
	assert_int_equal(control_ledger_org(control, 3, &org, NULL), 0);
	assert_int_equal(org, orgs[1]);
	assert_int_equal(control_ledger_org(control, 99, &org, NULL), E_NOT_FOUND);
}

static void test_retention__is_by_plan_until_it_is_set(void **state)
{
	struct control_retention r = {.org = orgs[0], .account_type = "free", .days = 7, .updated_us = 5};
	struct control_retention got;

	assert_int_equal(control_retention_get(control, orgs[0], &got, NULL), 0);
	assert_int_equal(got.days, RETENTION_BY_PLAN);
	assert_string_equal(got.account_type, "");
	for (int i = 0; i < 2; i++) { /* the second replaces the first */
		r.days += 1;
		assert_int_equal(control_retention_set(control, &r, NULL), 0);
	}
	reopen();
	assert_int_equal(control_retention_get(control, orgs[0], &got, NULL), 0);
	assert_int_equal(got.days, 9);
	assert_string_equal(got.account_type, "free");
	assert_int_equal(control_retention_get(control, orgs[1], &got, NULL), 0);
	assert_int_equal(got.days, RETENTION_BY_PLAN);
}

static void test_plans__are_replaced_as_a_whole(void **state)
{
	const struct control_plan two[] = {{"team", 365}, {"free", 30}};
	const struct control_plan same[] = {{"x", 1}, {"x", 2}};
	struct control_plan got[RETENTION_PLANS_MAX];
	size_t count = 9;

	assert_int_equal(control_plans(control, got, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(control_plans_set(control, two, 2, NULL), 0);
	assert_int_equal(control_plans_set(control, same, 2, NULL), E_EXISTS);
	assert_int_equal(control_plans(control, got, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(got[0].account_type, "free");
	assert_int_equal(got[1].days, 365);
	assert_int_equal(control_plans_set(control, NULL, 0, NULL), 0);
	assert_int_equal(control_plans(control, got, &count, NULL), 0);
	assert_int_equal(count, 0);
}

static struct control_hold hold_of(int64_t org, unsigned number)
{
	struct control_hold h = {.org = org, .reason = "why", .created_us = number + 1, .created_by = "c"};

	snprintf(h.id, sizeof(h.id), "%016x", number);
	return h;
}

static void test_holds__are_released_and_stay(void **state)
{
	struct control_hold a = hold_of(orgs[0], 1);
	struct control_hold b = hold_of(orgs[0], 2);
	struct control_hold *list;
	int64_t holding;
	size_t count;

	assert_int_equal(control_hold_create(control, &a, NULL), 0);
	assert_int_equal(control_hold_create(control, &b, NULL), 0);
	assert_int_equal(control_hold_create(control, &b, NULL), E_EXISTS);
	b.released_us = 50;
	memcpy(b.released_by, "r", 2);
	assert_int_equal(control_hold_release(control, &b, NULL), 0);
	assert_int_equal(control_hold_release(control, &b, NULL), E_NOT_FOUND);
	b.org = orgs[1];
	assert_int_equal(control_hold_release(control, &b, NULL), E_NOT_FOUND);
	assert_int_equal(control_hold_get(control, orgs[1], a.id, &a, NULL), E_NOT_FOUND);
	reopen();
	assert_int_equal(control_hold_count(control, orgs[0], &holding, NULL), 0);
	assert_int_equal(holding, 1);
	assert_int_equal(control_hold_count(control, orgs[1], &holding, NULL), 0);
	assert_int_equal(holding, 0);
	assert_int_equal(control_hold_list(control, orgs[0], &list, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].id, a.id); /* what holds comes first */
	assert_int_equal(list[1].released_us, 50);
	assert_string_equal(list[1].released_by, "r");
	free(list);
}

static void test_holds__have_a_limit(void **state)
{
	struct control_hold h;
	struct control_hold *list;
	size_t count;

	assert_int_equal(control_begin(control, NULL), 0); /* a thousand syncs take long */
	for (unsigned i = 0; i < HOLDS_MAX; i++) {
		h = hold_of(orgs[0], i);
		assert_int_equal(control_hold_create(control, &h, NULL), 0);
	}
	h = hold_of(orgs[0], HOLDS_MAX);
	assert_int_equal(control_hold_create(control, &h, NULL), E_TOO_LARGE);
	h = hold_of(orgs[0], 0);
	h.released_us = 1;
	assert_int_equal(control_hold_release(control, &h, NULL), 0);
	h = hold_of(orgs[0], HOLDS_MAX);
	assert_int_equal(control_hold_create(control, &h, NULL), 0);
	assert_int_equal(control_commit(control, NULL), 0);
	assert_int_equal(control_hold_list(control, orgs[0], &list, &count, NULL), 0);
	assert_int_equal(count, HOLDS_MAX + 1);
	free(list);
}

static void test_expiry__is_one_a_ledger_until_it_is_done(void **state)
{
	struct control_expiry x = {.org = orgs[0], .ledger = 1, .next = 300, .key = "k", .event = "{}"};
	struct control_expiry got;

	assert_int_equal(control_expiry_get(control, 1, &got, NULL), 0);
	assert_int_equal(control_expiry_plan(control, &x, NULL), 0);
	assert_int_equal(control_expiry_plan(control, &x, NULL), E_EXISTS);
	reopen();
	assert_int_equal(control_expiry_get(control, 1, &got, NULL), 1);
	assert_int_equal(got.next, 300);
	assert_string_equal(got.event, "{}");
	assert_false(got.is_certified);
	assert_int_equal(control_expiry_certify(control, 1, NULL), 0);
	assert_int_equal(control_expiry_get(control, 1, &got, NULL), 1);
	assert_true(got.is_certified);
	assert_int_equal(control_expiry_get(control, 2, &got, NULL), 0);
	assert_int_equal(control_expiry_done(control, 1, NULL), 0);
	assert_int_equal(control_expiry_get(control, 1, &got, NULL), 0);
}

static void test_verification__keeps_its_state(void **state)
{
	struct control_verification v = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	struct control_verification got;

	assert_int_equal(control_verification_get(control, &got, NULL), 0);
	assert_int_equal(got.passes, 0);
	assert_int_equal(control_verification_set(control, &v, NULL), 0);
	v.passes = 11;
	assert_int_equal(control_verification_set(control, &v, NULL), 0);
	reopen();
	assert_int_equal(control_verification_get(control, &got, NULL), 0);
	assert_int_equal(got.begun_us, 1);
	assert_int_equal(got.ledger, 2);
	assert_int_equal(got.position, 3);
	assert_int_equal(got.finished_us, 6);
	assert_int_equal(got.passes, 11);
}

static void test_faults__are_known_until_a_pass_does_not_see_them(void **state)
{
	struct control_fault f = {.file = "1/0-9.seg", .offset = 5, .message = "m", .found_us = 10, .seen_us = 10};
	struct control_fault *list;
	size_t count;

	assert_int_equal(control_fault_touch(control, &f, NULL), 0);
	assert_int_equal(control_fault_add(control, &f, NULL), 0);
	assert_int_equal(control_fault_touch(control, &f, NULL), 1);
	f.offset = 6;
	assert_int_equal(control_fault_touch(control, &f, NULL), 0);
	f.seen_us = 20;
	assert_int_equal(control_fault_add(control, &f, NULL), 0);
	assert_int_equal(control_fault_clear(control, 20, NULL), 0);
	assert_int_equal(control_fault_list(control, &list, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(list[0].offset, 6);
	free(list);
	assert_int_equal(control_begin(control, NULL), 0);
	for (int64_t i = 1; i < FAULTS_MAX; i++) {
		f.offset = 100 + i;
		assert_int_equal(control_fault_add(control, &f, NULL), 0);
	}
	f.offset = 99;
	assert_int_equal(control_fault_add(control, &f, NULL), E_TOO_LARGE);
	assert_int_equal(control_commit(control, NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_org__lists_ids_and_finds_the_org_of_a_ledger),
		TEST(test_retention__is_by_plan_until_it_is_set),
		TEST(test_plans__are_replaced_as_a_whole),
		TEST(test_holds__are_released_and_stay),
		TEST(test_holds__have_a_limit),
		TEST(test_expiry__is_one_a_ledger_until_it_is_done),
		TEST(test_verification__keeps_its_state),
		TEST(test_faults__are_known_until_a_pass_does_not_see_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
