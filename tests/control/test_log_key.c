#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "control/log_key.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *c;

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static int set_up(void **state)
{
	struct control_org org = {.org_key = "acme", .name = "Acme", .created_us = 1};

	if (temp_folder_make(folder) < 0 || control_open(folder, &c, NULL) < 0)
		return -1;
	return control_org_create(c, &org, wrap, NULL, NULL);
}

static int tear_down(void **state)
{
	control_close(c);
	return temp_folder_remove(folder);
}

static int add(uint32_t ledger, const char *origin, int seed, const char *handover)
{
	struct control_log_key k = {.ledger = ledger, .created_us = 100 + seed};
	struct err err = ERR_INIT;

	snprintf(k.origin, sizeof(k.origin), "%s", origin);
	memset(k.public_key, seed, sizeof(k.public_key));
	memset(k.wrapped_seed, seed + 1, sizeof(k.wrapped_seed));
	k.handover = (char *)(uintptr_t)handover;
	return control_log_key_add(c, &k, &err);
}

static void check(const struct control_log_key *k, const char *origin, int seed, int64_t retired_us,
		  const char *handover)
{
	assert_string_equal(k->origin, origin);
	assert_int_equal(k->created_us, 100 + seed);
	assert_int_equal(k->retired_us, retired_us);
	assert_int_equal(k->public_key[31], seed);
	assert_int_equal(k->wrapped_seed[KEY_WRAPPED_LEN - 1], seed + 1);
	assert_string_equal(k->handover, handover);
}

static void test_log_key__a_new_one_retires_the_one_before(void **state)
{
	struct control_log_key *keys = NULL;
	struct err err = ERR_INIT;
	size_t count = 9;

	assert_int_equal(control_log_keys(c, 1, &keys, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(add(1, "a/log", 1, NULL), 0);
	assert_int_equal(add(2, "b/log", 2, NULL), 0);
	assert_int_equal(add(1, "a/log", 3, "a note\n"), 0);
	assert_int_equal(add(1, "c/log", 1, ""), 0); /* the same bytes for a log of another name */
	control_close(c);
	assert_int_equal(control_open(folder, &c, NULL), 0);
	assert_int_equal(control_log_keys(c, 1, &keys, &count, &err), 0);
	assert_int_equal(count, 3);
	check(&keys[0], "a/log", 1, 103, "");
	check(&keys[1], "a/log", 3, 101, "a note\n");
	check(&keys[2], "c/log", 1, 0, "");
	for (size_t i = 0; i < count; i++)
		control_log_key_release(&keys[i]);
	free(keys);
}

static void test_log_key__refuses_what_is_there_or_nobodys(void **state)
{
	struct control_log_key *keys = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	assert_int_equal(add(1, "a/log", 1, NULL), 0);
	assert_int_equal(add(1, "a/log", 1, NULL), E_EXISTS);
	assert_true(add(77, "a/log", 1, NULL) < 0); /* no such ledger */
	assert_int_equal(control_log_keys(c, 1, &keys, &count, &err), 0);
	assert_int_equal(count, 1);
	check(&keys[0], "a/log", 1, 0, ""); /* still in use: nothing of a failed change is left */
	control_log_key_release(&keys[0]);
	free(keys);
}

static void test_log_key__tells_whose_a_ledger_is(void **state)
{
	struct control_ledger l;
	struct err err = ERR_INIT;

	assert_int_equal(control_ledger_get(c, 2, &l, &err), 0);
	assert_string_equal(l.org_key, "acme");
	assert_string_equal(l.name, "self");
	assert_int_equal(control_ledger_get(c, 3, &l, &err), E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_log_key__a_new_one_retires_the_one_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log_key__refuses_what_is_there_or_nobodys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log_key__tells_whose_a_ledger_is, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
