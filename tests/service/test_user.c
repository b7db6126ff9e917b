/* Users and sessions at the service: what time does to them, and what a failing disk or database leaves of a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/password.h"
#include "service/session.h"
#include "service/user.h"
#include "simdisk.h"
#include "temp_folder.h"

#define TOKEN_MAX_LEN 128
#define US_PER_S      INT64_C(1000000)
#define START_US      (INT64_C(1800000000) * US_PER_S)
#define EMAIL         "ada@example.com"
#define PASSWORD      "several words make a good one"

/* A service whose control data is in a folder of its own and whose files are on a disk in memory. */
struct world {
	char folder[TEMP_FOLDER_MAX];
	struct simdisk *disk;
	struct service *service;
	struct principal who;
	struct control_user user;
	char token[RESET_TEXT_LEN + 1];
	int64_t now_us;
};

static struct world w;

static void pass(int64_t seconds)
{
	w.now_us += seconds * US_PER_S;
	clock_set_for_test(w.now_us);
}

static void open_service(void)
{
	struct service_config config = {.io = simdisk_io(w.disk), .folder = w.folder, .url = "http://test:1"};
	char path[TEMP_FOLDER_MAX + 32], token[TOKEN_MAX_LEN];
	struct err err = ERR_INIT;
	struct span text;
	bool is_first;
	const char *at;

	if (service_open(&config, &w.service, &is_first, &err) < 0)
		fail_msg("%s", err.message);
	snprintf(path, sizeof(path), "%s/bootstrap.json", w.folder);
	text = simdisk_bytes(w.disk, path);
	at = memmem(text.p, text.len, "\"stele_", 7);
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"%127[^\"]\"", token), 1);
	assert_int_equal(service_authenticate(w.service, span_str(token), &w.who, NULL), 0);
}

static void set_password(const char *password)
{
	const struct caller from = {SPAN_LIT("10.0.0.1")};
	struct err err = ERR_INIT;

	if (service_password_reset(w.service, &from, span_str(w.token), span_str(password), &err) < 0)
		fail_msg("%s", err.message);
}

static int set_up(void **state)
{
	const struct span email = SPAN_LIT(EMAIL);
	const struct span role = SPAN_LIT("analyst");
	const struct user_change change = {.email = &email, .role = &role};
	struct io *io;

	w = (struct world){.disk = simdisk_new(1), .now_us = START_US};
	pass(0);
	io = simdisk_io(w.disk);
	if (temp_folder_make(w.folder) < 0 || io->mkdir(io, "/tmp", 0700) < 0 || io->sync_folder(io, "/") < 0)
		return -1;
	open_service();
	assert_int_equal(service_user_create(w.service, &w.who, &change, &w.user, w.token, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	w.service = service_close(w.service);
	assert_int_equal(simdisk_open_count(w.disk), 0);
	simdisk_free(w.disk);
	clock_set_for_test(0);
	return temp_folder_remove(w.folder);
}

/* Runs SQL on control.db beside the service. */
static void exec(const char *sql)
{
	char path[TEMP_FOLDER_MAX + 32];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/control.db", w.folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int sign_in_from(const char *ip, const char *password, struct signed_in *ret, struct err *err)
{
	const struct caller from = {span_str(ip)};
	const struct sign_in in = {.email = SPAN_LIT(EMAIL), .password = span_str(password)};

	return service_sign_in(w.service, &from, &in, ret, err);
}

static struct signed_in sign_in(void)
{
	struct signed_in made;
	struct err err = ERR_INIT;

	if (sign_in_from("10.0.0.1", PASSWORD, &made, &err) < 0)
		fail_msg("%s", err.message);
	return made;
}

static int who_is(const char *cookie)
{
	struct principal who = {.caller = {SPAN_LIT("10.0.0.1")}};
	int rc = service_authenticate_session(w.service, span_str(cookie), &who, NULL);

	if (rc == 0)
		service_session_used(w.service, &who);
	return rc;
}

static struct control_user read_user(void)
{
	struct control_user u;

	assert_int_equal(service_user_get(w.service, &w.who, span_str(w.user.id), &u, NULL), 0);
	return u;
}

/* Of the self ledger, without those that tell of reading it. */
static size_t count_changes(void)
{
	const struct search_params params = {.ledger = LEDGER_SELF,
					     .query = SPAN_LIT("action:(user.* OR session.* OR change.*)"),
					     .limit = 1000,
					     .total = SEARCH_TOTAL_EXACT};
	struct page page = PAGE_INIT;
	size_t count;

	assert_int_equal(service_search(w.service, &w.who, &params, &page, NULL), 0);
	count = page.count;
	page_release(&page);
	return count;
}

/* ---- time ---- */

static void test_user__a_reset_token_is_good_for_a_day(void **state)
{
	const struct caller from = {SPAN_LIT("10.0.0.1")};
	struct err err = ERR_INIT;

	pass(RESET_S);
	assert_int_equal(service_password_reset(w.service, &from, span_str(w.token), SPAN_LIT(PASSWORD), &err),
			 E_UNAUTHORIZED);
	assert_string_equal(err.field, "token");
	assert_int_equal(service_user_reset(w.service, &w.who, span_str(w.user.id), &w.user, w.token, NULL), 0);
	pass(RESET_S - 1);
	set_password(PASSWORD);
	(void)sign_in();
}

static void test_user__a_session_ends_idle_and_in_the_end(void **state)
{
	struct signed_in made;

	set_password(PASSWORD);
	made = sign_in();
	pass(SESSION_IDLE_S - 1);
	assert_int_equal(who_is(made.cookie), 0);
	pass(SESSION_IDLE_S);
	assert_int_equal(who_is(made.cookie), E_UNAUTHORIZED);

	made = sign_in();
	pass(SESSION_NOTE_S - 1);
	assert_int_equal(who_is(made.cookie), 0); /* too soon to be written down */
	pass(SESSION_IDLE_S - SESSION_NOTE_S + 1);
	assert_int_equal(who_is(made.cookie), E_UNAUTHORIZED);

	made = sign_in();
	for (int at = 0; at < SESSION_S - 600; at += 600) {
		assert_int_equal(who_is(made.cookie), 0);
		pass(600);
	}
	assert_int_equal(who_is(made.cookie), 0);
	pass(599);
	assert_int_equal(who_is(made.cookie), 0);
	pass(1);
	assert_int_equal(who_is(made.cookie), E_UNAUTHORIZED);
}

static void test_user__waits_grow_and_end(void **state)
{
	struct signed_in made;
	struct err err = ERR_INIT;

	set_password(PASSWORD);
	for (unsigned i = 0; i <= GUESS_ACCOUNT_FREE; i++)
		assert_int_equal(sign_in_from("10.0.0.9", "not the right one", &made, NULL), E_UNAUTHORIZED);
	assert_int_equal(sign_in_from("10.0.0.9", PASSWORD, &made, &err), E_QUOTA);
	assert_int_equal(err.retry_s, 1);
	(void)sign_in(); /* from elsewhere */
	pass(1);
	assert_int_equal(sign_in_from("10.0.0.9", "not the right one", &made, NULL), E_UNAUTHORIZED);
	assert_int_equal(sign_in_from("10.0.0.9", PASSWORD, &made, &err), E_QUOTA);
	assert_int_equal(err.retry_s, 2);
	pass(2);
	assert_int_equal(sign_in_from("10.0.0.9", PASSWORD, &made, NULL), 0);
	assert_int_equal(sign_in_from("10.0.0.9", PASSWORD, &made, NULL), 0);
}

/* ---- failing ---- */

static void break_disk(void)
{
	simdisk_fail(w.disk, (struct simdisk_fault){.nth = 1, .kinds = SIMDISK_CHANGES, .persists = true});
}

static void mend_disk(void)
{
	simdisk_fail(w.disk, (struct simdisk_fault){.nth = UINT64_MAX});
}

static void test_user__what_cannot_be_recorded_does_not_happen(void **state)
{
	const struct caller from = {SPAN_LIT("10.0.0.1")};
	const bool yes = true;
	const struct user_change disable = {.is_disabled = &yes};
	struct control_user before, after, ignored;
	char token[RESET_TEXT_LEN + 1];
	struct signed_in made, more;

	set_password(PASSWORD);
	made = sign_in();
	before = read_user();
	break_disk();
	assert_true(sign_in_from("10.0.0.1", PASSWORD, &more, NULL) < 0);
	assert_true(sign_in_from("10.0.0.1", "not the right one", &more, NULL) < 0);
	assert_true(service_user_change(w.service, &w.who, span_str(before.id), USER_ANY, &disable, &ignored, NULL) <
		    0);
	assert_true(service_user_reset(w.service, &w.who, span_str(before.id), &ignored, token, NULL) < 0);
	assert_true(service_session_end(w.service, &made.who, span_of(NULL, 0), NULL) < 0);
	made.who.caller = from;
	assert_true(service_password_change(w.service, &made.who, SPAN_LIT(PASSWORD), SPAN_LIT("quite another one"),
					    NULL) < 0);
	assert_int_equal(who_is(made.cookie), 0); /* reading goes on */
	mend_disk();
	after = read_user();
	assert_memory_equal(&after, &before, sizeof(before));
	assert_int_equal(who_is(made.cookie), 0);
}

/* At each table that a change needs: nothing of it is left, and no event says that it was made. */
static void test_user__a_change_is_whole_or_not_at_all(void **state)
{
	const bool yes = true;
	const struct user_change disable = {.is_disabled = &yes};
	struct control_user before, after, ignored;
	char token[RESET_TEXT_LEN + 1];
	struct signed_in made;
	size_t events;

	set_password(PASSWORD);
	before = read_user();
	events = count_changes();
	assert_int_equal(events, 2); /* made, and given a password */
	exec("ALTER TABLE sessions RENAME TO hidden");
	assert_true(service_user_change(w.service, &w.who, span_str(before.id), USER_ANY, &disable, &ignored, NULL) <
		    0);
	assert_true(service_user_reset(w.service, &w.who, span_str(before.id), &ignored, token, NULL) < 0);
	assert_true(sign_in_from("10.0.0.1", PASSWORD, &made, NULL) < 0);
	after = read_user();
	assert_memory_equal(&after, &before, sizeof(before));
	assert_int_equal(count_changes(), events);
	exec("ALTER TABLE hidden RENAME TO sessions");
	made = sign_in();
	exec("ALTER TABLE users RENAME TO hidden");
	assert_true(who_is(made.cookie) < 0); /* nobody gets in while it is not known who they are */
	assert_true(sign_in_from("10.0.0.1", PASSWORD, &made, NULL) < 0);
	exec("ALTER TABLE hidden RENAME TO users");
	assert_int_equal(who_is(made.cookie), 0);
}

/* ---- rules ---- */

static void test_user__passwords_have_rules(void **state)
{
	static const char *const bad[] = {
		"",
		"elevenbytes",
		"aaaaaaaaaaaa",
		"abababababab",
		"abcabcabcabc",
		"abcdabcdabcdab",
		"abcdefghijkl",
		"lkjihgfedcba",
		"ada.lovelace@example.com",
		"ADA.Lovelace@example.com",
		"ada.LOVELACE",
	};
	static const char *const good[] = {"twelve bytes", "abcdeabcdeab", "aaaaaaaaaaab", "0123456789012",
					   "ada.lovelace2"};
	char longest[PASSWORD_MAX + 2];
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(password_check(span_str(bad[i]), "ada.lovelace@example.com", &err), E_INVALID);
	assert_string_equal(err.field, "password");
	assert_non_null(strstr(err.message, "12 to 1024 bytes"));
	err = (struct err)ERR_INIT;
	assert_int_equal(password_check(SPAN_LIT("twelve bytes"), "", &err), 0);
	assert_string_equal(err.field, "");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(password_check(span_str(good[i]), "ada.lovelace@example.com", NULL), 0);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = (char)('a' + i * i % 23);
	assert_int_equal(password_check(span_of(longest, PASSWORD_MAX), "", NULL), 0);
	assert_int_equal(password_check(span_of(longest, PASSWORD_MAX + 1), "", NULL), E_INVALID);
}

static void test_user__csrf_tokens_are_of_one_cookie(void **state)
{
	char one[CSRF_LEN + 1], two[CSRF_LEN + 1];

	session_csrf(SPAN_LIT("cookie one"), one);
	session_csrf(SPAN_LIT("cookie two"), two);
	assert_string_not_equal(one, two);
	assert_true(session_csrf_is(SPAN_LIT("cookie one"), span_str(one)));
	assert_false(session_csrf_is(SPAN_LIT("cookie one"), span_str(two)));
	assert_false(session_csrf_is(SPAN_LIT("cookie one"), span_of(one, CSRF_LEN - 1)));
	assert_false(session_csrf_is(SPAN_LIT("cookie one"), SPAN_LIT("")));
	for (size_t i = 0; i < CSRF_LEN; i++) {
		one[i] ^= 1;
		assert_false(session_csrf_is(SPAN_LIT("cookie one"), span_str(one)));
		one[i] ^= 1;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_user__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reset_token_is_good_for_a_day),
		TEST(a_session_ends_idle_and_in_the_end),
		TEST(waits_grow_and_end),
		TEST(what_cannot_be_recorded_does_not_happen),
		TEST(a_change_is_whole_or_not_at_all),
		cmocka_unit_test(test_user__passwords_have_rules),
		cmocka_unit_test(test_user__csrf_tokens_are_of_one_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
