/* API keys and roles as rows: all of them comes back, limits, and who has a role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api_key.h"
#include "control/role.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *control;
static int64_t orgs[2];

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	(void)user;
	(void)err;
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(temp_folder_make(folder), 0);
	assert_int_equal(control_open(folder, &control, NULL), 0);
	for (int i = 0; i < 2; i++) {
		struct control_org org = {.name = "Name", .created_us = 1};

		snprintf(org.org_key, sizeof(org.org_key), "org-%d", i);
		assert_int_equal(control_org_create(control, &org, wrap, NULL, NULL), 0);
		orgs[i] = org.id;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	control = control_close(control);
	return temp_folder_remove(folder);
}

static void sql(const char *statement)
{
	char path[96];
	char *problem = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/control.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, statement, NULL, NULL, &problem) != SQLITE_OK)
		fail_msg("%s", problem);
	sqlite3_close(db);
}

static void fill(char *text, size_t size)
{
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
}

/* One with every member as long or large as it may be. */
static struct control_api_key whole_key(void)
{
	struct control_api_key key = {.org = orgs[0],
				      .previous_until_us = 1,
				      .request_rate = UINT32_MAX,
				      .event_rate = 2,
				      .created_us = 3,
				      .updated_us = 4,
				      .expires_us = 5,
				      .revoked_us = 6,
				      .rotated_us = 7,
				      .last_used_us = 8,
				      .version = INT64_MAX};

	memset(key.secret_hash.b, 1, SHA256_LEN);
	memset(key.previous_hash.b, 2, SHA256_LEN);
	fill(key.client_id, sizeof(key.client_id));
	fill(key.role, sizeof(key.role));
	fill(key.name, sizeof(key.name));
	fill(key.narrow, sizeof(key.narrow));
	fill(key.networks, sizeof(key.networks));
	fill(key.created_by, sizeof(key.created_by));
	return key;
}

static void test_api_key__comes_back_whole(void **state)
{
	struct control_api_key key = whole_key(), got;

	(void)state;
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(control_api_key_create(control, &key, NULL), 0);
	assert_int_equal(control_api_key_get(control, key.client_id, &got, NULL), 0);
	assert_memory_equal(&got, &key, sizeof(key));
	assert_int_equal(control_api_key_create(control, &key, NULL), E_EXISTS);
	key.org = 99;
	snprintf(key.client_id, sizeof(key.client_id), "other");
	assert_int_equal(control_api_key_create(control, &key, NULL), E_INVALID);
}

static void test_api_key__changes_what_may_change(void **state)
{
	struct control_api_key key = whole_key(), got;

	(void)state;
	assert_int_equal(control_api_key_create(control, &key, NULL), 0);
	key.previous_until_us = 0;
	key.revoked_us = 0;
	key.version = 2;
	memset(key.secret_hash.b, 3, SHA256_LEN);
	memset(key.previous_hash.b, 0, SHA256_LEN);
	key.narrow[0] = key.networks[0] = key.name[0] = '\0';
	assert_int_equal(control_api_key_update(control, &key, NULL), 0);
	assert_int_equal(control_api_key_get(control, key.client_id, &got, NULL), 0);
	assert_string_equal(got.narrow, "");
	assert_int_equal(got.version, 2);
	assert_int_equal(got.revoked_us, 0);
	assert_memory_equal(got.secret_hash.b, key.secret_hash.b, SHA256_LEN);
	assert_memory_equal(got.previous_hash.b, key.previous_hash.b, SHA256_LEN);
	assert_int_equal(control_api_key_used(control, key.client_id, 20, NULL), 0);
	assert_int_equal(control_api_key_used(control, key.client_id, 10, NULL), 0);
	assert_int_equal(control_api_key_get(control, key.client_id, &got, NULL), 0);
	assert_int_equal(got.last_used_us, 20);
	snprintf(key.client_id, sizeof(key.client_id), "none");
	assert_int_equal(control_api_key_update(control, &key, NULL), E_NOT_FOUND);
}

#define FILL_KEYS(count, revoked)                                                                                      \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " count ")"                          \
	" INSERT INTO api_keys (client_id, secret_hash, org, role, created, revoked) SELECT '" revoked "-' || i,"      \
	" '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 1, 'writer', i, " revoked " FROM n"

static void test_api_key__are_so_many_and_no_more(void **state)
{
	struct control_api_key key = {.org = orgs[0], .client_id = "new", .role = "writer", .version = 1};
	struct control_api_key *list;
	struct err err = ERR_INIT;
	size_t count;

	(void)state;
	assert_int_equal(API_KEYS_MAX, 1000);
	sql(FILL_KEYS("999", "0"));
	sql(FILL_KEYS("3000", "5")); /* the revoked do not count, and are cut off a list */
	assert_int_equal(control_api_key_create(control, &key, &err), 0);
	snprintf(key.client_id, sizeof(key.client_id), "new2");
	assert_int_equal(control_api_key_create(control, &key, &err), E_TOO_LARGE);
	key.org = orgs[1];
	assert_int_equal(control_api_key_create(control, &key, NULL), 0);
	assert_int_equal(control_api_key_list(control, orgs[0], &list, &count, NULL), 0);
	assert_int_equal(count, API_KEYS_LISTED_MAX);
	assert_int_equal(list[API_KEYS_MAX - 1].revoked_us, 0);
	assert_int_equal(list[API_KEYS_MAX].revoked_us, 5);
	assert_int_equal(list[API_KEYS_MAX].created_us, 3000); /* the newest first */
	free(list);
}

static void test_org__are_so_many_and_no_more(void **state)
{
	struct control_org org = {.org_key = "last", .name = "Last", .created_us = 1};

	(void)state;
	assert_int_equal(ORGS_MAX, 10000);
	sql("WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
	    " INSERT INTO orgs (id, org_key, name, created) SELECT i, 'k' || i, 'n', 1 FROM n");
	assert_int_equal(control_org_create(control, &org, wrap, NULL, NULL), 0);
	snprintf(org.org_key, sizeof(org.org_key), "onemore");
	assert_int_equal(control_org_create(control, &org, wrap, NULL, NULL), E_TOO_LARGE);
	assert_int_equal(control_org_find(control, "onemore", &org, NULL), E_NOT_FOUND);
}

static void test_role__is_of_its_org_and_in_use_or_not(void **state)
{
	struct control_role role = {.name = "reader", .permissions = "log:read", .created_by = "c", .version = 1}, got;
	struct control_api_key key = {.client_id = "k", .role = "reader", .version = 1};
	int64_t uses;

	(void)state;
	key.org = role.org = orgs[0];
	assert_int_equal(control_role_create(control, &role, NULL), 0);
	assert_int_equal(control_role_create(control, &role, NULL), E_EXISTS);
	assert_int_equal(control_role_get(control, orgs[1], "reader", &got, NULL), E_NOT_FOUND);
	assert_int_equal(control_role_get(control, orgs[0], "reader", &got, NULL), 0);
	assert_string_equal(got.permissions, "log:read");
	assert_int_equal(control_api_key_create(control, &key, NULL), 0);
	sql("INSERT INTO users (id, org, email, name, role, password, totp, totp_step, reset_hash, reset_until, "
	    "disabled,"
	    " last_login, created, updated, created_by, version) VALUES"
	    " ('u', 1, 'a@b', 'A', 'reader', 'p', '', 0, '', 0, 9, 0, 1, 1, 'c', 1)");
	assert_int_equal(control_role_uses(control, orgs[0], "reader", &uses, NULL), 0);
	assert_int_equal(uses, 2); /* a disabled user may come back */
	key.revoked_us = 5;
	assert_int_equal(control_api_key_update(control, &key, NULL), 0);
	assert_int_equal(control_role_uses(control, orgs[0], "reader", &uses, NULL), 0);
	assert_int_equal(uses, 1);
	assert_int_equal(control_role_uses(control, orgs[1], "reader", &uses, NULL), 0);
	assert_int_equal(uses, 0);
	role.version = 2;
	fill(role.description, sizeof(role.description));
	fill(role.permissions, sizeof(role.permissions));
	assert_int_equal(control_role_update(control, &role, NULL), 0);
	assert_int_equal(control_role_get(control, orgs[0], "reader", &got, NULL), 0);
	assert_memory_equal(&got, &role, sizeof(role));
	assert_int_equal(control_role_delete(control, orgs[1], "reader", NULL), E_NOT_FOUND);
	assert_int_equal(control_role_delete(control, orgs[0], "reader", NULL), 0);
	assert_int_equal(control_role_update(control, &role, NULL), E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(api_key__comes_back_whole),
		TEST(api_key__changes_what_may_change),
		TEST(api_key__are_so_many_and_no_more),
		TEST(org__are_so_many_and_no_more),
		TEST(role__is_of_its_org_and_in_use_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
