#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/user.h"
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
	control = control_close(control);
	return temp_folder_remove(folder);
}

static void reopen(void)
{
	control = control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
}

static struct control_user user_of(int64_t org, const char *id, const char *email)
{
	struct control_user u = {.org = org,
				 .name = "Ada",
				 .role = "analyst",
				 .created_us = 5,
				 .updated_us = 6,
				 .created_by = "c-1",
				 .version = USER_VERSION};

	snprintf(u.id, sizeof(u.id), "%s", id);
	snprintf(u.email, sizeof(u.email), "%s", email);
	return u;
}

static int create(int64_t org, const char *id, const char *email, struct err *err)
{
	struct control_user u = user_of(org, id, email);

	return control_user_create(control, &u, err);
}

static void test_user__is_read_as_it_was_stored(void **state)
{
	struct control_user u = user_of(orgs[0], "00000000000000a1", "ada@example.com");
	struct control_user got;

	snprintf(u.password, sizeof(u.password), "$scrypt$x");
	u.has_totp = true;
	memset(u.totp, 7, sizeof(u.totp));
	u.totp_step = TOTP_PENDING;
	u.has_reset = true;
	memset(&u.reset_hash, 8, sizeof(u.reset_hash));
	u.reset_until_us = 9;
	u.disabled_us = 10;
	u.last_login_us = 11;
	assert_int_equal(control_user_create(control, &u, NULL), 0);
	reopen();
	assert_int_equal(control_user_get(control, orgs[0], u.id, &got, NULL), 0);
	assert_memory_equal(&got, &u, sizeof(u));
	assert_int_equal(control_user_find(control, orgs[0], "ada@example.com", &got, NULL), 0);
	assert_memory_equal(&got, &u, sizeof(u));
	assert_int_equal(control_user_by_id(control, u.id, &got, NULL), 0);
	assert_memory_equal(&got, &u, sizeof(u));
}

static void test_user__is_unknown_to_other_orgs(void **state)
{
	struct control_user got, *list = NULL;
	size_t count;

	assert_int_equal(create(orgs[0], "00000000000000a1", "ada@example.com", NULL), 0);
	assert_int_equal(control_user_get(control, orgs[1], "00000000000000a1", &got, NULL), E_NOT_FOUND);
	assert_int_equal(control_user_find(control, orgs[1], "ada@example.com", &got, NULL), E_NOT_FOUND);
	assert_int_equal(control_user_list(control, orgs[1], "", &list, &count, NULL), 0);
	assert_int_equal(count, 0);
	got = user_of(orgs[1], "00000000000000a1", "eve@example.com");
	assert_int_equal(control_user_set(control, &got, USER_ANY, NULL), E_NOT_FOUND);
	assert_int_equal(control_user_set_secrets(control, &got, NULL), E_NOT_FOUND);
	free(list);
}

static void test_user__an_address_is_there_once_an_org(void **state)
{
	struct control_user u;
	struct err err = ERR_INIT;

	assert_int_equal(create(orgs[0], "00000000000000a1", "ada@example.com", NULL), 0);
	assert_int_equal(create(orgs[0], "00000000000000a2", "ada@example.com", &err), E_EXISTS);
	assert_string_equal(err.field, "email");
	assert_int_equal(create(orgs[1], "00000000000000a3", "ada@example.com", NULL), 0);
	assert_int_equal(create(orgs[0], "00000000000000a4", "bob@example.com", NULL), 0);
	u = user_of(orgs[0], "00000000000000a4", "ada@example.com");
	assert_int_equal(control_user_set(control, &u, USER_ANY, &err), E_EXISTS);
}

static void test_user__changes_name_their_version(void **state)
{
	struct control_user u = user_of(orgs[0], "00000000000000a1", "ada@example.com");
	struct control_user got;
	struct err err = ERR_INIT;

	assert_int_equal(control_user_create(control, &u, NULL), 0);
	snprintf(u.role, sizeof(u.role), "admin");
	snprintf(u.email, sizeof(u.email), "new@example.com");
	u.disabled_us = u.updated_us = 77;
	snprintf(u.password, sizeof(u.password), "not set by this");
	assert_int_equal(control_user_set(control, &u, 1, NULL), 0);
	assert_int_equal(control_user_get(control, orgs[0], u.id, &got, NULL), 0);
	assert_string_equal(got.role, "admin");
	assert_string_equal(got.email, "new@example.com");
	assert_string_equal(got.password, "");
	assert_int_equal(got.disabled_us, 77);
	assert_int_equal(got.version, 2);
	assert_int_equal(control_user_set(control, &u, 1, &err), E_CHANGED);
	assert_non_null(strstr(err.message, "version 2"));
	assert_int_equal(control_user_set(control, &u, USER_ANY, NULL), 0);

	u.has_totp = true;
	u.has_reset = true;
	u.last_login_us = 5;
	assert_int_equal(control_user_set_secrets(control, &u, NULL), 0);
	assert_int_equal(control_user_get(control, orgs[0], u.id, &got, NULL), 0);
	assert_true(got.has_totp && got.has_reset && got.last_login_us == 5);
	assert_string_equal(got.password, "not set by this");
	assert_int_equal(got.version, 3); /* secrets are no part of it */
	u.has_totp = u.has_reset = false;
	assert_int_equal(control_user_set_secrets(control, &u, NULL), 0);
	assert_int_equal(control_user_get(control, orgs[0], u.id, &got, NULL), 0);
	assert_true(!got.has_totp && !got.has_reset);
}

static void test_user__lists_by_address(void **state)
{
	struct control_user *list;
	size_t count;

	assert_int_equal(create(orgs[0], "00000000000000a1", "zoe@example.com", NULL), 0);
	assert_int_equal(create(orgs[0], "00000000000000a2", "ada@example.com", NULL), 0);
	assert_int_equal(control_user_list(control, orgs[0], "", &list, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].email, "ada@example.com");
	assert_string_equal(list[1].email, "zoe@example.com");
	free(list);
	assert_int_equal(control_user_list(control, orgs[0], "zoe@example.com", &list, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_string_equal(list[0].id, "00000000000000a1");
	free(list);
}

static void test_user__so_many_and_no_more(void **state)
{
	struct control_user *list;
	struct err err = ERR_INIT;
	char id[USER_ID_LEN + 1], email[32];
	size_t count;

	assert_int_equal(control_begin(control, NULL), 0);
	for (unsigned i = 0; i < USERS_MAX; i++) {
		snprintf(id, sizeof(id), "%016x", i);
		snprintf(email, sizeof(email), "u%u@example.com", i);
		assert_int_equal(create(orgs[0], id, email, NULL), 0);
	}
	assert_int_equal(control_commit(control, NULL), 0);
	assert_int_equal(create(orgs[0], "ffffffffffffffff", "x@example.com", &err), E_TOO_LARGE);
	assert_int_equal(create(orgs[1], "ffffffffffffffff", "x@example.com", NULL), 0);
	assert_int_equal(control_user_list(control, orgs[0], "", &list, &count, NULL), 0);
	assert_int_equal(count, USERS_MAX);
	free(list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_user__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_read_as_it_was_stored),   TEST(is_unknown_to_other_orgs), TEST(an_address_is_there_once_an_org),
		TEST(changes_name_their_version), TEST(lists_by_address),         TEST(so_many_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
