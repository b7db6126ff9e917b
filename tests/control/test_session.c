#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/session.h"
#include "temp_folder.h"

#define US_PER_S INT64_C(1000000)
#define NOW      (INT64_C(1800000000) * US_PER_S)
#define IDLE_US  (1800 * US_PER_S)
#define ADA      "00000000000000a1"
#define BOB      "00000000000000b1"
#define EVE      "00000000000000e1" /* of another org */

static char folder[TEMP_FOLDER_MAX];
static struct control *control;
static int64_t orgs[2];

static int wrap(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static void make_user(int64_t org, const char *id, const char *email)
{
	struct control_user u = {.org = org, .role = "analyst", .version = USER_VERSION};

	snprintf(u.id, sizeof(u.id), "%s", id);
	snprintf(u.email, sizeof(u.email), "%s", email);
	assert_int_equal(control_user_create(control, &u, NULL), 0);
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
	make_user(orgs[0], ADA, "ada@example.com");
	make_user(orgs[0], BOB, "bob@example.com");
	make_user(orgs[1], EVE, "eve@example.com");
	return 0;
}

static int tear_down(void **state)
{
	control = control_close(control);
	return temp_folder_remove(folder);
}

static struct session_time at(int64_t now_us)
{
	return (struct session_time){now_us, now_us - IDLE_US};
}

static struct sha256 hash_of(unsigned number)
{
	struct sha256 hash = {.b = {(uint8_t)number, (uint8_t)(number >> 8)}};

	return hash;
}

static struct control_session session_of(const char *user, unsigned number, int64_t now_us)
{
	struct control_session x = {.secret_hash = hash_of(number),
				    .created_us = now_us,
				    .seen_us = now_us,
				    .expires_us = now_us + 12 * 3600 * US_PER_S,
				    .ip = "10.0.0.1",
				    .user_agent = "a browser"};

	snprintf(x.id, sizeof(x.id), "%016x", number);
	snprintf(x.user, sizeof(x.user), "%s", user);
	return x;
}

static void sign_in(const char *user, unsigned number, int64_t now_us)
{
	struct control_session x = session_of(user, number, now_us);
	struct session_time t = at(now_us);

	assert_int_equal(control_session_create(control, &x, &t, NULL), 0);
}

static bool is_alive(unsigned number, int64_t now_us)
{
	struct sha256 hash = hash_of(number);
	struct session_time t = at(now_us);
	struct control_session x;
	int rc = control_session_find(control, &hash, &t, &x, NULL);

	assert_true(rc == 0 || rc == E_NOT_FOUND);
	return rc == 0;
}

static size_t count_of(int64_t org, const char *user, int64_t now_us)
{
	struct session_time t = at(now_us);
	struct control_session *list;
	size_t count;

	assert_int_equal(control_session_list(control, org, user, &t, &list, &count, NULL), 0);
	free(list);
	return count;
}

static void test_session__is_found_by_its_secret(void **state)
{
	struct control_session want = session_of(ADA, 1, NOW);
	struct session_time t = at(NOW);
	struct sha256 hash = hash_of(1);
	struct control_session got;

	sign_in(ADA, 1, NOW);
	snprintf(want.email, sizeof(want.email), "ada@example.com");
	control = control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
	assert_int_equal(control_session_find(control, &hash, &t, &got, NULL), 0);
	assert_memory_equal(&got, &want, sizeof(want));
	hash.b[31] ^= 1;
	assert_int_equal(control_session_find(control, &hash, &t, &got, NULL), E_NOT_FOUND);
	assert_int_equal(control_session_get(control, orgs[0], want.id, &t, &got, NULL), 0);
	assert_int_equal(control_session_get(control, orgs[1], want.id, &t, &got, NULL), E_NOT_FOUND);
}

static void test_session__dies_when_idle_and_in_the_end(void **state)
{
	int64_t now = NOW;

	sign_in(ADA, 1, NOW);
	assert_true(is_alive(1, NOW + IDLE_US - 1));
	assert_false(is_alive(1, NOW + IDLE_US));
	for (int i = 0; i < 24; i++) { /* used every half hour but a second */
		now += IDLE_US - US_PER_S;
		assert_true(is_alive(1, now));
		assert_int_equal(control_session_seen(control, session_of(ADA, 1, 0).id, now, NULL), 0);
	}
	assert_true(is_alive(1, NOW + 12 * 3600 * US_PER_S - 1));
	assert_false(is_alive(1, NOW + 12 * 3600 * US_PER_S));
	assert_int_equal(count_of(orgs[0], "", NOW + 12 * 3600 * US_PER_S), 0);
}

static void test_session__ends_once(void **state)
{
	struct control_session x = session_of(ADA, 1, NOW);

	sign_in(ADA, 1, NOW);
	assert_int_equal(control_session_end(control, x.id, NOW + 1, NULL), 0);
	assert_false(is_alive(1, NOW + 2));
	assert_int_equal(control_session_end(control, x.id, NOW + 3, NULL), E_NOT_FOUND);
	assert_int_equal(control_session_end(control, "0000000000000000", NOW, NULL), E_NOT_FOUND);
}

static void test_session__all_of_a_user_end_but_one(void **state)
{
	for (unsigned i = 1; i <= 3; i++)
		sign_in(ADA, i, NOW);
	sign_in(BOB, 4, NOW);
	assert_int_equal(control_session_end_all(control, ADA, session_of(ADA, 2, NOW).id, NOW, NULL), 0);
	assert_false(is_alive(1, NOW));
	assert_true(is_alive(2, NOW));
	assert_false(is_alive(3, NOW));
	assert_true(is_alive(4, NOW));
	assert_int_equal(control_session_end_all(control, ADA, "", NOW, NULL), 0);
	assert_false(is_alive(2, NOW));
}

static void test_session__lists_the_newest_first_of_one_org(void **state)
{
	struct session_time t = at(NOW + 3);
	struct control_session *list;
	size_t count;

	sign_in(ADA, 1, NOW);
	sign_in(BOB, 2, NOW + 1);
	sign_in(EVE, 3, NOW + 2);
	assert_int_equal(control_session_list(control, orgs[0], "", &t, &list, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].email, "bob@example.com");
	assert_string_equal(list[1].email, "ada@example.com");
	free(list);
	assert_int_equal(count_of(orgs[0], ADA, NOW), 1);
	assert_int_equal(count_of(orgs[1], ADA, NOW), 0);
	assert_int_equal(count_of(orgs[1], "", NOW), 1);
}

static void test_session__the_oldest_make_room(void **state)
{
	sign_in(BOB, 1000, NOW);
	for (unsigned i = 0; i < SESSIONS_USER_MAX + 3; i++) {
		sign_in(ADA, i + 1, NOW + i);
		assert_true(is_alive(i + 1, NOW + i));
	}
	assert_int_equal(count_of(orgs[0], ADA, NOW + 100), SESSIONS_USER_MAX);
	for (unsigned i = 0; i < SESSIONS_USER_MAX + 3; i++)
		assert_int_equal(is_alive(i + 1, NOW + 100), i >= 3);
	assert_true(is_alive(1000, NOW + 100));
}

static void test_session__a_list_has_its_most(void **state)
{
	const unsigned users = SESSIONS_LIST_MAX / SESSIONS_USER_MAX + 1;
	char id[USER_ID_LEN + 1], email[32];

	assert_int_equal(control_begin(control, NULL), 0);
	for (unsigned i = 0; i < users; i++) {
		snprintf(id, sizeof(id), "%016x", i);
		snprintf(email, sizeof(email), "u%u@example.com", i);
		make_user(orgs[0], id, email);
		for (unsigned k = 0; k < SESSIONS_USER_MAX; k++)
			sign_in(id, 1 + i * SESSIONS_USER_MAX + k, NOW);
		if (i + 2 == users)
			assert_int_equal(count_of(orgs[0], "", NOW), SESSIONS_LIST_MAX);
	}
	assert_int_equal(control_commit(control, NULL), 0);
	assert_int_equal(count_of(orgs[0], "", NOW), SESSIONS_LIST_MAX);
}

static void test_session__old_rows_are_dropped(void **state)
{
	int64_t later = NOW + (SESSION_KEEP_S + 13 * 3600) * US_PER_S;
	struct sha256 hash = hash_of(1);
	const struct session_time whenever = {0, 0};
	struct control_session x;

	sign_in(ADA, 1, NOW);
	assert_int_equal(control_session_find(control, &hash, &whenever, &x, NULL), 0); /* the row is there */
	sign_in(ADA, 2, later);
	assert_int_equal(control_session_find(control, &hash, &whenever, &x, NULL), E_NOT_FOUND);
}

static void test_session__dead_ones_are_kept_in_bounds(void **state)
{
	const struct session_time whenever = {0, 0};
	struct sha256 oldest = hash_of(1);
	struct control_session x;

	sign_in(BOB, 1, NOW); /* lives on, however old it is */
	for (unsigned i = 0; i < SESSIONS_KEPT_MAX + 5; i++) {
		sign_in(ADA, i + 2, NOW + i);
		assert_int_equal(control_session_end(control, session_of(ADA, i + 2, NOW).id, NOW + i, NULL), 0);
	}
	sign_in(ADA, 1000, NOW + 1000);
	for (unsigned i = 0; i < SESSIONS_KEPT_MAX + 5; i++) {
		x = session_of(ADA, i + 2, NOW);
		/* Ended ones are not found, but an id is there once: to store one again tells whether its row is. */
		assert_int_equal(control_session_create(control, &x, &whenever, NULL), i < 5 ? 0 : E_EXISTS);
		if (i < 5)
			assert_int_equal(control_session_end(control, x.id, NOW + 2000, NULL), 0);
	}
	assert_int_equal(control_session_find(control, &oldest, &whenever, &x, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_session__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_found_by_its_secret),
		TEST(dies_when_idle_and_in_the_end),
		TEST(ends_once),
		TEST(all_of_a_user_end_but_one),
		TEST(lists_the_newest_first_of_one_org),
		TEST(the_oldest_make_room),
		TEST(a_list_has_its_most),
		TEST(old_rows_are_dropped),
		TEST(dead_ones_are_kept_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
