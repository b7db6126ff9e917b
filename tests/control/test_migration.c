/*
 * Files of every earlier version: they open, keep all they had, and work; and when the disk is full on the way they are
 * as they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "control/api_key.h"
#include "control/control_priv.h"
#include "control/export_job.h"
#include "control/log_key.h"
#include "control/retention.h"
#include "control/role.h"
#include "control/saved_search.h"
#include "control/secret.h"
#include "temp_folder.h"

#define STEP_BYTES 4096 /* of the disk that there is more of each time */

static char folder[TEMP_FOLDER_MAX];

static int make_folder(void **state)
{
	(void)state;
	return temp_folder_make(folder);
}

static int remove_folder(void **state)
{
	(void)state;
	return temp_folder_remove(folder);
}

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_60 HEX_32 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b"

/* What a file of a version holds, by the version that brought the tables. */
static const char *const rows[] = {
	/* 1 */
	"INSERT INTO orgs (id, org_key, name, created) VALUES (1, 'default', 'Default', 11), (2, 'other', 'Ä', 12);"
	"INSERT INTO ledgers (number, org, name, wrapped_key) VALUES (1, 1, 'main', '" HEX_60 "'),"
	" (2, 1, 'self', '" HEX_60 "'), (3, 2, 'main', '" HEX_60 "'), (4, 2, 'self', '" HEX_60 "');"
	"INSERT INTO api_keys (client_id, secret_hash, org, role, created) VALUES"
	" ('0123456789abcdef', '" HEX_32 "', 1, 'owner', 13), ('fedcba9876543210', '" HEX_32 "', 2, 'writer', 14);",
	/* 2 */
	"INSERT INTO saved_searches (id, org, name, query, range_from, range_to, sort, direction, ledger, fields,"
	" description, created, updated, created_by, version) VALUES"
	" ('aaaaaaaaaaaaaaaa', 1, 'Mine', 'action:x', 'now-7d', '', 'time', 'oldest', 'main', 'id', 'd', 21, 22, 'c', "
	"3);",
	/* 3 */
	"INSERT INTO export_jobs (id, org, client_id, format, ledger, newest_first, from_time, to_time, ledger_size,"
	" query, columns, state, error, error_code, created, started, finished, expires, records, bytes) VALUES"
	" ('" HEX_32 "', 1, 'c', 'csv', 'main', 1, 31, 32, 33, 'q', 'id', 'done', '', '', 34, 35, 36, 37, 38, 39);",
	/* 4 */
	"INSERT INTO retention_plans (account_type, days) VALUES ('free', 30);"
	"INSERT INTO retention_policies (org, account_type, days, updated, updated_by) VALUES (1, 'free', -1, 41, 'c');"
	"INSERT INTO legal_holds (id, org, reason, created, created_by, released, released_by) VALUES"
	" ('bbbbbbbbbbbbbbbb', 1, 'Case', 42, 'c', 0, '');"
	"INSERT INTO expiries (ledger, org, next, event_key, event, is_certified) VALUES (1, 1, 43, 'k', '{}', 0);"
	"INSERT INTO verification (id, begun, ledger, position, records, bytes, finished, finished_began,"
	" finished_records, finished_bytes, passes) VALUES (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);"
	"INSERT INTO verification_faults (file, place, message, found, seen) VALUES ('1/a.seg', 44, 'm', 45, 46);",
	/* 5 */
	"INSERT INTO log_keys (ledger, number, origin, public_key, wrapped_seed, created, retired, handover) VALUES"
	" (1, 1, 'o', '" HEX_32 "', '" HEX_60 "', 51, 0, '');",
	/* 6 */
	"UPDATE ledgers SET epoch_seconds = 61 WHERE number = 3;"
	"INSERT INTO ledger_epochs (ledger, epoch, first, created, wrapped_key) VALUES (1, 1, 0, 62, '" HEX_60 "');"
	"INSERT INTO secrets (name, sealed) VALUES ('node', '" HEX_60 "');",
	/* 7 */
	"UPDATE api_keys SET role = 'operator', name = 'first', narrow = 'a:b', networks = '10.0.0.0/8',"
	" request_rate = 71, expires = 72, version = 2 WHERE org = 1;"
	"INSERT INTO roles (org, name, permissions, description, created, updated, created_by, version) VALUES"
	" (2, 'reader', 'events:read', 'd', 73, 74, 'c', 5);"
	"INSERT INTO users (id, org, email, name, role, password, totp, totp_step, reset_hash, reset_until, disabled,"
	" last_login, created, updated, created_by, version) VALUES"
	" ('cccccccccccccccc', 1, 'a@b', 'A', 'admin', 'p', '', 0, '', 0, 0, 75, 76, 77, 'c', 1);"
	"INSERT INTO sessions (id, secret_hash, user_id, created, seen, expires, ended, ip, user_agent) VALUES"
	" ('dddddddddddddddd', '" HEX_32 "', 'cccccccccccccccc', 78, 79, 80, 0, '::1', 'curl');",
	/* 8 */
	"INSERT INTO catalogues (org, content, version, updated, updated_by) VALUES (1, '{}', 1, 81, 'c');",
	/* 9 */
	"UPDATE orgs SET updated = 91, version = 4, disabled = 92 WHERE id = 2;"
	"UPDATE export_jobs SET narrow = 'a:b';",
	/* 10 */
	"INSERT INTO consumers (org, client_id, name, ledger, next_index, query, narrow, created, created_by,"
	" last_read, version) VALUES (1, '', 'siem', 'main', 101, 'q', '', 102, 'c', 103, 1);",
};
#define VERSIONS ((int64_t)(sizeof(rows) / sizeof(rows[0])))

/* ---- files of a version ---- */

/* A handle as control_open makes it, before it migrates. */
static void open_raw(struct control *c)
{
	char path[96];

	*c = (struct control){0};
	mutex_init(&c->mu);
	snprintf(path, sizeof(path), "%s/control.db", folder);
	assert_int_equal(sqlite3_open(path, &c->db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(c->db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL), SQLITE_OK);
}

static void close_raw(struct control *c)
{
	assert_int_equal(sqlite3_close(c->db), SQLITE_OK);
	mutex_release(&c->mu);
}

static void make_version(int64_t version)
{
	struct control c;
	char *problem = NULL;

	open_raw(&c);
	assert_int_equal(control__migrate_to(&c, version, NULL), 0);
	for (int64_t i = 0; i < version; i++) {
		if (sqlite3_exec(c.db, rows[i], NULL, NULL, &problem) != SQLITE_OK)
			fail_msg("rows of version %" PRId64 ": %s", i + 1, problem);
	}
	close_raw(&c);
}

/* What must be the same: the columns that this version has of each table, row by row. */
struct dump {
	struct buf selects; /* statements, each with its NUL */
	struct buf text;
};

static int add_select(void *user, int count, char **values, char **names)
{
	struct dump *d = user;

	(void)count;
	(void)names;
	buf_printf(&d->selects, "SELECT '%s', %s FROM %s ORDER BY 2, 3", values[0], values[1], values[0]);
	buf_put_u8(&d->selects, 0);
	return 0;
}

static int add_row(void *user, int count, char **values, char **names)
{
	struct dump *d = user;

	(void)names;
	for (int i = 0; i < count; i++)
		buf_printf(&d->text, "%s|", values[i] ? values[i] : "NULL");
	buf_put_u8(&d->text, '\n');
	return 0;
}

static void dump_rows(sqlite3 *db, struct dump *d)
{
	static const char list[] =
		"SELECT m.name, group_concat(i.name, ', ') FROM sqlite_master m JOIN pragma_table_info(m.name) i"
		" WHERE m.type = 'table' AND m.name <> 'schema_version' GROUP BY m.name ORDER BY m.name";

	if (d->selects.len == 0)
		assert_int_equal(sqlite3_exec(db, list, add_select, d, NULL), SQLITE_OK);
	buf_reset(&d->text);
	for (size_t at = 0; at < d->selects.len; at += strlen((const char *)d->selects.p + at) + 1)
		assert_int_equal(sqlite3_exec(db, (const char *)d->selects.p + at, add_row, d, NULL), SQLITE_OK);
	buf_put_u8(&d->text, 0);
	assert_true(buf_ok(&d->text) && buf_ok(&d->selects));
}

static void dump_file(struct dump *d)
{
	struct control c;

	open_raw(&c);
	dump_rows(c.db, d);
	close_raw(&c);
}

static void release(struct dump *d)
{
	buf_release(&d->selects);
	buf_release(&d->text);
}

/* The one thing that a step changes of what is there: keys of before version 7 operate the node. */
static char *raise_owners(const char *text)
{
	const char *at = strstr(text, "|owner|");

	if (!at)
		return xstrdup(text);
	return xformat("%.*s|operator|%s", (int)(at - text), text, at + strlen("|owner|"));
}

/* ---- what a migrated file can do ---- */

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	(void)user;
	(void)err;
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static void assert_knows_old(struct control *c, int64_t version)
{
	struct control_api_key key;
	struct control_org org;

	assert_int_equal(control_org_find(c, "default", &org, NULL), 0);
	assert_int_equal(org.id, 1);
	assert_int_equal(org.ledger[LEDGER_SELF], 2);
	assert_int_equal(org.version, ORG_VERSION);
	assert_int_equal(control_api_key_get(c, "0123456789abcdef", &key, NULL), 0);
	assert_string_equal(key.role, "operator");
	assert_int_equal(key.version, version < 7 ? API_KEY_VERSION : 2);
	assert_int_equal(key.revoked_us, 0);
	assert_string_equal(key.narrow, version < 7 ? "" : "a:b");
	assert_int_equal(control_api_key_get(c, "fedcba9876543210", &key, NULL), 0);
	assert_string_equal(key.role, "writer");
}

static void assert_takes_new(struct control *c)
{
	struct control_org org = {.org_key = "new", .name = "New", .created_us = 1};
	struct control_api_key key = {.client_id = "new", .role = "admin", .narrow = "x", .version = 1};
	struct control_role role = {.name = "new", .permissions = "log:read", .version = 1};
	struct control_retention retention;
	struct control_org *orgs;
	size_t count;

	assert_int_equal(control_org_create(c, &org, wrap, NULL, NULL), 0);
	role.org = key.org = org.id;
	assert_int_equal(control_api_key_create(c, &key, NULL), 0);
	key.revoked_us = 5;
	assert_int_equal(control_api_key_update(c, &key, NULL), 0);
	assert_int_equal(control_role_create(c, &role, NULL), 0);
	assert_int_equal(control_retention_get(c, org.id, &retention, NULL), 0);
	assert_int_equal(control_org_list(c, &orgs, &count, NULL), 0);
	free(orgs);
}

static void test_migration__keeps_what_every_version_had(void **state)
{
	for (int64_t version = 1; version <= VERSIONS; version++) {
		struct dump d = {BUF_INIT, BUF_INIT};
		struct control *c = NULL;
		char *before;

		make_version(version);
		dump_file(&d);
		before = version < 7 ? raise_owners((const char *)d.text.p) : xstrdup((const char *)d.text.p);
		assert_int_equal(control_open(folder, &c, NULL), 0);
		dump_rows(c->db, &d);
		assert_string_equal((const char *)d.text.p, before);
		assert_knows_old(c, version);
		assert_takes_new(c);
		control_close(c);
		assert_int_equal(control_open(folder, &c, NULL), 0); /* once more: there is nothing left to do */
		assert_knows_old(c, version);
		control_close(c);
		release(&d);
		free(before);
		remove_folder(state);
		make_folder(state);
	}
}

/* An empty file, which is what a start that was broken off leaves, is made from the beginning. */
static void test_migration__begins_with_nothing(void **state)
{
	struct control *c = NULL;

	(void)state;
	make_version(0);
	assert_int_equal(control_open(folder, &c, NULL), 0);
	assert_takes_new(c);
	control_close(c);
}

/* ---- steps stay as they are ---- */

/* Of the schema that each version leaves. A step that is released is never changed: a file that went through it would
 * not be like a new one. */
static const uint64_t schemas[] = {UINT64_C(0xdf88d3f3a8991835), UINT64_C(0xda2404b6a4a31fb0),
				   UINT64_C(0x03d81bbf8547eabc), UINT64_C(0x107b08f7cdd4f97e),
				   UINT64_C(0x9d52f39c3edbc639), UINT64_C(0x61e2a2aee9066182),
				   UINT64_C(0xd723f6631a254a93), UINT64_C(0xee35eb6300805b6b),
				   UINT64_C(0xcd25f67c70d5ce33), UINT64_C(0x4328aebad5c1d808)};

static int add_schema(void *user, int count, char **values, char **names)
{
	(void)count;
	(void)names;
	buf_printf(user, "%s;", values[0] ? values[0] : "");
	return 0;
}

static void test_migration__leaves_the_steps_alone(void **state)
{
	for (int64_t version = 1; version <= (int64_t)(sizeof(schemas) / sizeof(schemas[0])); version++) {
		struct buf text = BUF_INIT;
		struct control c;
		uint64_t hash;

		open_raw(&c);
		assert_int_equal(control__migrate_to(&c, version, NULL), 0);
		assert_int_equal(
			sqlite3_exec(c.db, "SELECT sql FROM sqlite_master ORDER BY name", add_schema, &text, NULL),
			SQLITE_OK);
		close_raw(&c);
		hash = hash64(text.p, text.len, 0);
		if (hash != schemas[version - 1])
			fail_msg("the schema of version %" PRId64 " is 0x%016" PRIx64, version, hash);
		buf_release(&text);
		remove_folder(state);
		make_folder(state);
	}
}

/* ---- full disks ---- */

/* No file may grow past this. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_migration__is_whole_or_not_at_all_when_the_disk_is_full(void **state)
{
	struct dump d = {BUF_INIT, BUF_INIT};
	char *before, *after;
	unsigned failures = 0;
	bool is_done = false;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	make_version(3);
	dump_file(&d);
	before = xstrdup((const char *)d.text.p);
	after = raise_owners(before);
	for (rlim_t bytes = 0; !is_done; bytes += STEP_BYTES) {
		struct control *c = NULL;
		struct err err = ERR_INIT;

		assert_true(bytes < (rlim_t)64 * 1024 * 1024);
		limit_files(bytes);
		is_done = control_open(folder, &c, &err) == 0;
		control_close(c);
		limit_files(RLIM_INFINITY);
		failures += !is_done;
		dump_file(&d);
		if (strcmp((const char *)d.text.p, is_done ? after : before) != 0)
			fail_msg("with files of %llu bytes: %s", (unsigned long long)bytes, (const char *)d.text.p);
	}
	assert_true(failures > 3);
	free(before);
	free(after);
	release(&d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_migration__##name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_every_version_had),
		TEST(begins_with_nothing),
		TEST(leaves_the_steps_alone),
		TEST(is_whole_or_not_at_all_when_the_disk_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
