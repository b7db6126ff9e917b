#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/consumer.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *control;
static int64_t orgs[2];

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static int make_orgs(void **state)
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

static int remove_folder(void **state)
{
	control_close(control);
	return temp_folder_remove(folder);
}

static int create(int64_t org, const char *client_id, const char *name, struct err *err)
{
	char query[] = "action:\"a\"", narrow[] = "b";
	struct control_consumer x = {.org = org,
				     .ledger = "main",
				     .position = 7,
				     .query = query,
				     .narrow = narrow,
				     .created_us = 5,
				     .created_by = "c-1",
				     .version = 1};

	snprintf(x.client_id, sizeof(x.client_id), "%s", client_id);
	snprintf(x.name, sizeof(x.name), "%s", name);
	return control_consumer_create(control, &x, err);
}

static void test_consumer__is_kept(void **state)
{
	struct control_consumer x;

	assert_int_equal(create(orgs[0], "", "siem", NULL), 0);
	control = control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
	assert_int_equal(control_consumer_get(control, orgs[0], "", "siem", &x, NULL), 0);
	assert_int_equal(x.org, orgs[0]);
	assert_string_equal(x.ledger, "main");
	assert_int_equal(x.position, 7);
	assert_string_equal(x.query, "action:\"a\"");
	assert_string_equal(x.narrow, "b");
	assert_int_equal(x.created_us, 5);
	assert_string_equal(x.created_by, "c-1");
	assert_int_equal(x.read_us, 0);
	assert_int_equal(x.version, 1);
	x.position = 9;
	x.read_us = 11;
	x.version = 2;
	assert_int_equal(control_consumer_move(control, &x, NULL), 0);
	control_consumer_release(&x);
	assert_int_equal(control_consumer_get(control, orgs[0], "", "siem", &x, NULL), 0);
	assert_int_equal(x.position, 9);
	assert_int_equal(x.read_us, 11);
	assert_int_equal(x.version, 2);
	assert_int_equal(control_consumer_delete(control, &x, NULL), 0);
	assert_int_equal(control_consumer_move(control, &x, NULL), E_NOT_FOUND);
	assert_int_equal(control_consumer_delete(control, &x, NULL), E_NOT_FOUND);
	control_consumer_release(&x);
}

static void test_consumer__is_one_of_its_org_and_key(void **state)
{
	struct control_consumer x, *list;
	struct err err = ERR_INIT;
	size_t count;

	assert_int_equal(create(orgs[0], "", "b", NULL), 0);
	assert_int_equal(create(orgs[0], "", "a", NULL), 0);
	assert_int_equal(create(orgs[0], "k-1", "a", NULL), 0);
	assert_int_equal(create(orgs[0], "k-2", "a", NULL), 0);
	assert_int_equal(create(orgs[1], "", "a", NULL), 0);
	assert_int_equal(create(orgs[0], "", "a", &err), E_EXISTS);
	assert_string_equal(err.field, "name");
	assert_int_equal(control_consumer_get(control, orgs[1], "k-1", "a", &x, NULL), E_NOT_FOUND);
	assert_int_equal(control_consumer_get(control, orgs[0], "k-1", "b", &x, NULL), E_NOT_FOUND);
	assert_int_equal(control_consumer_list(control, orgs[0], &list, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "a");
	assert_string_equal(list[1].name, "b");
	for (size_t i = 0; i < count; i++)
		control_consumer_release(&list[i]);
	free(list);
}

static void test_consumer__has_a_limit_but_for_those_of_keys(void **state)
{
	char name[16];

	for (unsigned i = 2; i <= CONSUMERS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(create(orgs[1], "", name, NULL), 0);
	}
	assert_int_equal(create(orgs[1], "", "more", NULL), E_TOO_LARGE);
	assert_int_equal(create(orgs[1], "k-1", "more", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consumer__is_kept),
		cmocka_unit_test(test_consumer__is_one_of_its_org_and_key),
		cmocka_unit_test(test_consumer__has_a_limit_but_for_those_of_keys),
	};

	return cmocka_run_group_tests(tests, make_orgs, remove_folder);
}
