#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/api_key.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];

static int make_folder(void **state)
{
	return temp_folder_make(folder);
}

static int remove_folder(void **state)
{
	return temp_folder_remove(folder);
}

static struct control *open_must(void)
{
	struct control *c = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(control_open(folder, &c, &err), 0);
	return c;
}

/* A wrapped key that says which ledger it is for. */
static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	int *fails_at = user;

	if (fails_at && (int)ledger == *fails_at)
		return err_set(err, E_CRYPTO, "no key today");
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static struct control_org org_named(const char *org_key)
{
	struct control_org org = {.name = "Name", .created_us = 42};

	snprintf(org.org_key, sizeof(org.org_key), "%s", org_key);
	return org;
}

static void sql(const char *statement)
{
	char path[96];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/control.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* The one number a statement yields. */
static int number(const char *statement)
{
	char path[96];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int n;

	snprintf(path, sizeof(path), "%s/control.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, statement, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void test_control__migrates_once_and_stays(void **state)
{
	int version;

	control_close(open_must());
	version = number("SELECT version FROM schema_version");
	assert_true(version >= 2);
	control_close(open_must());
	assert_int_equal(number("SELECT version FROM schema_version"), version);
	assert_int_equal(number("SELECT COUNT(*) FROM schema_version"), 1);
}

static void test_control__refuses_a_newer_schema(void **state)
{
	struct control *c = control_close(open_must());
	struct err err = ERR_INIT;

	sql("UPDATE schema_version SET version = 999");
	assert_int_equal(control_open(folder, &c, &err), E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "999"));
	assert_null(c);
}

static void test_control__is_private(void **state)
{
	struct control *c = open_must();
	char path[96];
	struct stat st;

	snprintf(path, sizeof(path), "%s/control.db", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s/control.db-wal", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	control_close(c);
}

static void test_control__says_when_the_file_is_none(void **state)
{
	struct control *c = NULL;
	struct err err = ERR_INIT;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/control.db", folder);
	f = fopen(path, "w");
	for (int i = 0; i < 200; i++)
		fprintf(f, "this is not a database, however long one looks at it\n");
	fclose(f);
	assert_int_equal(control_open(folder, &c, &err), E_CORRUPT);
	assert_string_equal(err.field, "control.db");
}

static void test_control__makes_orgs_with_two_ledgers(void **state)
{
	struct control *c = open_must();
	struct control_org a = org_named("acme");
	struct control_org b = org_named("b-2");
	struct control_org got;
	uint8_t wrapped[KEY_WRAPPED_LEN];
	int64_t count = 0;

	assert_int_equal(control_org_create(c, &a, wrap, NULL, NULL), 0);
	assert_int_equal(control_org_create(c, &b, wrap, NULL, NULL), 0);
	assert_int_equal(control_org_count(c, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_int_equal(a.ledger[LEDGER_MAIN], 1);
	assert_int_equal(b.ledger[LEDGER_SELF], 4);
	control_close(c);

	c = open_must();
	assert_int_equal(control_org_get(c, b.id, &got, NULL), 0);
	assert_string_equal(got.org_key, "b-2");
	assert_string_equal(got.name, "Name");
	assert_int_equal(got.created_us, 42);
	assert_memory_equal(got.ledger, b.ledger, sizeof(b.ledger));
	assert_int_equal(control_ledger_key(c, 3, wrapped, NULL), 0);
	assert_int_equal(wrapped[0], 3);
	assert_int_equal(wrapped[KEY_WRAPPED_LEN - 1], 3);
	assert_int_equal(control_ledger_key(c, 5, wrapped, NULL), E_NOT_FOUND);
	assert_int_equal(control_org_get(c, 99, &got, NULL), E_NOT_FOUND);
	control_close(c);
}

static void test_control__refuses_bad_and_taken_org_keys(void **state)
{
	static const char *const bad[] = {"", "-a", "A", "a b", "ä", "a/b"};
	struct control *c = open_must();
	struct control_org org;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		org = org_named(bad[i]);
		assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), E_INVALID);
	}
	org = org_named("twice");
	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), E_EXISTS);
	control_close(c);
}

static void test_control__leaves_nothing_of_a_failed_org(void **state)
{
	struct control *c = open_must();
	struct control_org org = org_named("half");
	struct err err = ERR_INIT;
	int fails_at = 2;
	int64_t count = -1;

	assert_int_equal(control_org_create(c, &org, wrap, &fails_at, &err), E_CRYPTO);
	assert_int_equal(org.id, 0);
	assert_int_equal(control_org_count(c, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	assert_int_equal(org.ledger[LEDGER_MAIN], 1);
	control_close(c);
}

static struct control_api_key key_named(const char *client_id, int64_t org)
{
	struct control_api_key key = {.org = org, .role = "owner", .created_us = 7};

	snprintf(key.client_id, sizeof(key.client_id), "%s", client_id);
	memset(key.secret_hash.b, 0xa5, SHA256_LEN);
	return key;
}

static void test_control__keeps_api_keys(void **state)
{
	struct control *c = open_must();
	struct control_org org = org_named("acme");
	struct control_api_key key, got;

	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	key = key_named("0123456789abcdef", org.id);
	assert_int_equal(control_api_key_create(c, &key, NULL), 0);
	assert_int_equal(control_api_key_create(c, &key, NULL), E_EXISTS);
	assert_int_equal(control_api_key_get(c, "0123456789abcdef", &got, NULL), 0);
	assert_memory_equal(got.secret_hash.b, key.secret_hash.b, SHA256_LEN);
	assert_int_equal(got.org, org.id);
	assert_string_equal(got.role, "owner");
	assert_int_equal(control_api_key_get(c, "' OR 1=1 --", &got, NULL), E_NOT_FOUND);
	key = key_named("fedcba9876543210", 99);
	assert_int_equal(control_api_key_create(c, &key, NULL), E_INVALID);
	control_close(c);
}

static void test_control__rolls_a_transaction_back_whole(void **state)
{
	struct control *c = open_must();
	struct control_org org = org_named("gone");
	struct control_api_key key;
	int64_t count = -1;

	assert_int_equal(control_begin(c, NULL), 0);
	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	key = key_named("0123456789abcdef", org.id);
	assert_int_equal(control_api_key_create(c, &key, NULL), 0);
	control_rollback(c);
	assert_int_equal(control_org_count(c, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(control_api_key_get(c, key.client_id, &key, NULL), E_NOT_FOUND);

	assert_int_equal(control_begin(c, NULL), 0);
	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	assert_int_equal(control_commit(c, NULL), 0);
	assert_int_equal(control_org_count(c, &count, NULL), 0);
	assert_int_equal(count, 1);
	control_close(c);
}

static void copy_control_db(const char *to_folder)
{
	char from[96], to[96], bytes[65536];
	size_t n;
	FILE *in, *out;

	snprintf(from, sizeof(from), "%s/control.db", folder);
	snprintf(to, sizeof(to), "%s/control.db", to_folder);
	in = fopen(from, "r");
	out = fopen(to, "w");
	assert_true(in && out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	fclose(out);
}

/* A copy of the file alone, while it is open, has all that was committed. */
static void test_control__can_be_copied_while_it_is_open(void **state)
{
	struct control *c = open_must();
	struct control_org org = org_named("acme");
	char copy[TEMP_FOLDER_MAX];
	int64_t count = 0;

	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	assert_int_equal(temp_folder_make(copy), 0);
	copy_control_db(copy);
	control_close(c);
	assert_int_equal(control_open(copy, &c, NULL), 0);
	assert_int_equal(control_org_count(c, &count, NULL), 0);
	assert_int_equal(count, 1);
	control_close(c);
	temp_folder_remove(copy);
}

static void test_control__finds_a_damaged_key(void **state)
{
	struct control *c = open_must();
	struct control_org org = org_named("acme");
	uint8_t wrapped[KEY_WRAPPED_LEN];
	struct err err = ERR_INIT;

	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	control_close(c);
	sql("UPDATE ledgers SET wrapped_key = 'zz' || substr(wrapped_key, 3) WHERE number = 1");
	c = open_must();
	assert_int_equal(control_ledger_key(c, 1, wrapped, &err), E_CORRUPT);
	assert_int_equal(control_ledger_key(c, 2, wrapped, &err), 0);
	control_close(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_control__##name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(migrates_once_and_stays),
		TEST(refuses_a_newer_schema),
		TEST(is_private),
		TEST(says_when_the_file_is_none),
		TEST(makes_orgs_with_two_ledgers),
		TEST(refuses_bad_and_taken_org_keys),
		TEST(leaves_nothing_of_a_failed_org),
		TEST(keeps_api_keys),
		TEST(rolls_a_transaction_back_whole),
		TEST(can_be_copied_while_it_is_open),
		TEST(finds_a_damaged_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
