/*
 * Changes of keys, roles and orgs, failed at every statement that writes: whatever fails, all tables are as they were,
 * and the self ledger tells of no change that was not taken back. Networks, permissions, and what a key is worth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "control/control_priv.h"
#include "service/key_cache.h"
#include "service/network.h"
#include "service/org.h"
#include "service/role.h"
#include "service/service_priv.h"
#include "temp_folder.h"

#define SECOND_US INT64_C(1000000)

static char folder[TEMP_FOLDER_MAX];
static struct service *service;
static struct principal who;
static struct control_api_key key; /* that acts act on */
static struct key_secret secret;

static struct span word(const char *text)
{
	return span_str(text);
}

static void make_key(const char *role)
{
	const struct span role_text = word(role);
	const struct key_change c = {.role = &role_text};
	struct err err = ERR_INIT;

	if (service_key_create(service, &who, &c, &key, &secret, &err) < 0)
		fail_msg("%s", err.message);
}

static int set_up(void **state)
{
	struct service_config config = {.io = &io_posix, .folder = folder, .url = "http://test:1"};
	bool is_first;

	(void)state;
	assert_int_equal(temp_folder_make(folder), 0);
	assert_int_equal(service_open(&config, &service, &is_first, NULL), 0);
	who = (struct principal){.id = "tester", .permissions = PERMISSIONS_ALL | PERMISSIONS_NODE};
	assert_int_equal(service__org(service, 1, &who.org, NULL), 0);
	make_key("analyst");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	service_close(service);
	return temp_folder_remove(folder);
}

/* ---- what is there ---- */

static int add_row(void *user, int count, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < count; i++)
		buf_printf(user, "%s|", values[i] ? values[i] : "NULL");
	buf_put_u8(user, '\n');
	return 0;
}

/* All that administration changes. */
static void dump_tables(struct buf *to)
{
	static const char *const selects[] = {
		"SELECT * FROM orgs ORDER BY id",
		"SELECT number, org, name FROM ledgers ORDER BY number",
		"SELECT * FROM api_keys ORDER BY client_id",
		"SELECT * FROM roles ORDER BY org, name",
		"SELECT * FROM retention_policies ORDER BY org",
	};
	struct control *c = service->control;
	bool entered = control__enter(c);

	buf_reset(to);
	for (size_t i = 0; i < sizeof(selects) / sizeof(selects[0]); i++)
		assert_int_equal(sqlite3_exec(c->db, selects[i], add_row, to, NULL), SQLITE_OK);
	control__leave(c, entered);
	assert_true(buf_ok(to));
}

static uint64_t count_told(const char *query)
{
	struct search_params params = {
		.ledger = LEDGER_SELF, .query = span_str(query), .limit = 1, .total = SEARCH_TOTAL_EXACT};
	struct page page = PAGE_INIT;
	struct err err = ERR_INIT;
	uint64_t total;

	if (service_search(service, &who, &params, &page, &err) < 0)
		fail_msg("%s", err.message);
	total = page.total;
	page_release(&page);
	return total;
}

/* ---- failing ---- */

static int writes, fails_at;

/* Counts what writes and fails the one that is due. Taking back must be possible. */
static int on_action(void *user, int action, const char *a, const char *b, const char *c, const char *d)
{
	bool is_write = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE ||
			(action == SQLITE_TRANSACTION && strcmp(a, "ROLLBACK") != 0);

	(void)user;
	(void)b;
	(void)c;
	(void)d;
	return is_write && ++writes == fails_at ? SQLITE_DENY : SQLITE_OK;
}

static void set_failing(int nth)
{
	struct control *c = service->control;
	bool entered = control__enter(c);

	writes = 0;
	fails_at = nth;
	assert_int_equal(sqlite3_set_authorizer(c->db, nth ? on_action : NULL, NULL), SQLITE_OK);
	control__leave(c, entered);
}

typedef int act_fn(struct err *err);

/* Fails an act at its first write, its second, and so on until it passes. */
static void assert_whole_or_not_at_all(act_fn *act, const char *query)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	uint64_t told = count_told(query), taken_back = count_told("action:change.failed");
	int nth = 0;
	int rc;

	dump_tables(&before);
	do {
		struct err err = ERR_INIT;

		set_failing(++nth);
		rc = act(&err);
		set_failing(0);
		dump_tables(&after);
		if (rc == 0)
			break;
		assert_true(err.message[0] != '\0');
		assert_true(span_eq(buf_span(&before), buf_span(&after)));
		assert_int_equal(count_told(query) - told, count_told("action:change.failed") - taken_back);
	} while (nth < 100);
	assert_int_equal(rc, 0);
	assert_true(nth > 4); /* begin and write, twice */
	assert_false(span_eq(buf_span(&before), buf_span(&after)));
	assert_int_equal(count_told(query) - told, count_told("action:change.failed") - taken_back + 1);
	buf_release(&before);
	buf_release(&after);
}

/* ---- acts ---- */

static int create_key(struct err *err)
{
	const struct span role = word("writer");
	const struct key_change c = {.role = &role};
	struct control_api_key made;
	struct key_secret ignored;

	return service_key_create(service, &who, &c, &made, &ignored, err);
}

static int change_key(struct err *err)
{
	const struct span query = word("action:x"), networks = word("10.0.0.0/8");
	const struct key_change c = {.query = &query, .networks = &networks};
	struct control_api_key changed;

	return service_key_change(service, &who, span_str(key.client_id), KEY_ANY_VERSION, &c, &changed, err);
}

static int rotate_key(struct err *err)
{
	struct control_api_key changed;
	struct key_secret ignored;

	return service_key_rotate(service, &who, span_str(key.client_id), KEY_ANY_VERSION, 0, &changed, &ignored, err);
}

static int revoke_key(struct err *err)
{
	return service_key_revoke(service, &who, span_str(key.client_id), KEY_ANY_VERSION, err);
}

static int create_role(struct err *err)
{
	const struct span permissions = word("events:read");
	const struct role_change c = {.permissions = &permissions};
	struct control_role made;

	return service_role_create(service, &who, word("reader"), &c, &made, err);
}

static int change_role(struct err *err)
{
	const struct span permissions = word("events:append");
	const struct role_change c = {.permissions = &permissions};
	struct control_role changed;

	return service_role_change(service, &who, word("reader"), ROLE_ANY_VERSION, &c, &changed, err);
}

static int remove_role(struct err *err)
{
	return service_role_delete(service, &who, word("reader"), ROLE_ANY_VERSION, err);
}

static int create_org(struct err *err)
{
	const struct span name = word("Acme"), type = word("team");
	const struct org_change c = {.name = &name, .account_type = &type};
	struct org_view made;
	struct org_key first;

	return service_org_create(service, &who, word("acme"), &c, &made, &first, err);
}

static int change_org(struct err *err)
{
	const struct span type = word("free");
	const bool is_disabled = true;
	const struct org_change c = {.account_type = &type, .is_disabled = &is_disabled};
	struct org_view changed;

	return service_org_change(service, &who, word("acme"), ORG_ANY_VERSION, &c, &changed, err);
}

static void test_administration__of_keys_is_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_whole_or_not_at_all(create_key, "action:key.created");
	assert_whole_or_not_at_all(change_key, "action:key.changed");
	assert_whole_or_not_at_all(rotate_key, "action:key.rotated");
	assert_whole_or_not_at_all(revoke_key, "action:key.revoked");
}

static void test_administration__of_roles_is_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_whole_or_not_at_all(create_role, "action:role.created");
	assert_whole_or_not_at_all(change_role, "action:role.changed");
	assert_whole_or_not_at_all(remove_role, "action:role.removed");
}

static void test_administration__of_orgs_is_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_whole_or_not_at_all(create_org, "action:org.created");
	assert_whole_or_not_at_all(change_org, "action:org.changed");
}

static void sql(const char *statement)
{
	struct control *c = service->control;
	bool entered = control__enter(c);

	assert_int_equal(sqlite3_exec(c->db, statement, NULL, NULL, NULL), SQLITE_OK);
	control__leave(c, entered);
}

/* What was looked up before is still known. */
static void test_administration__without_its_table_changes_nothing(void **state)
{
	struct principal got = {.org = NULL};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), 0);
	sql("ALTER TABLE api_keys RENAME TO lost");
	assert_true(rotate_key(&err) < 0);
	assert_int_equal(count_told("action:key.rotated"), 0);
	assert_true(service_authenticate(service, span_str(secret.token), &got, &err) <
		    0); /* it was to be read again */
	sql("ALTER TABLE lost RENAME TO api_keys");
	assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), 0);
}

/* ---- keys ---- */

static void test_administration__takes_a_key_until_its_moment(void **state)
{
	int64_t now_us = clock_wall_us();
	struct principal got = {.caller = {.ip = word("10.1.2.3")}};
	const struct span expires = word("now+1h");
	const struct key_change c = {.expires = &expires};
	struct control_api_key changed;

	(void)state;
	clock_set_for_test(now_us);
	assert_int_equal(service_key_change(service, &who, span_str(key.client_id), 1, &c, &changed, NULL), 0);
	clock_set_for_test(changed.expires_us - 1);
	assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), 0);
	assert_true(span_eq_str(got.caller.ip, "10.1.2.3"));
	clock_set_for_test(changed.expires_us);
	assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), E_UNAUTHORIZED);
	assert_int_equal(service_key_find(service, key.client_id, &got, NULL), E_UNAUTHORIZED);
	clock_set_for_test(0);
}

static void test_administration__takes_the_secret_before_for_as_long_as_said(void **state)
{
	int64_t now_us = clock_wall_us();
	struct principal got = {.org = NULL};
	struct control_api_key changed;
	struct key_secret second;
	uint64_t before, after;

	(void)state;
	clock_set_for_test(now_us);
	assert_int_equal(service_key_generation(service, key.client_id, &before, NULL), 0);
	assert_int_equal(service_key_rotate(service, &who, span_str(key.client_id), 1, 60, &changed, &second, NULL), 0);
	assert_int_equal(service_key_generation(service, key.client_id, &after, NULL), 0);
	assert_true(before != after);
	clock_set_for_test(now_us + 60 * SECOND_US - 1);
	assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), 0);
	clock_set_for_test(now_us + 60 * SECOND_US);
	assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), E_UNAUTHORIZED);
	assert_int_equal(service_authenticate(service, span_str(second.token), &got, NULL), 0);
	clock_set_for_test(0);
	assert_int_equal(revoke_key(NULL), 0);
	assert_int_equal(service_key_generation(service, key.client_id, &after, NULL), E_UNAUTHORIZED);
}

static void test_administration__knows_no_key_by_half(void **state)
{
	struct principal got = {.org = NULL};
	char token[TOKEN_TEXT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < TOKEN_TEXT_LEN; i++) {
		memcpy(token, secret.token, sizeof(token));
		token[i] ^= 1;
		assert_int_equal(service_authenticate(service, span_str(token), &got, NULL), E_UNAUTHORIZED);
		assert_int_equal(service_authenticate(service, span_of(secret.token, i), &got, NULL), E_UNAUTHORIZED);
	}
	assert_int_equal(service_key_find(service, "", &got, NULL), E_UNAUTHORIZED);
	assert_int_equal(service_key_find(service, "0123456789abcdef", &got, NULL), E_UNAUTHORIZED);
}

/* ---- what was looked up ---- */

#define HAMMERS 3
#define CHANGES 60

static _Atomic bool is_over;

static void *hammer(void *arg)
{
	(void)arg;
	while (!is_over) {
		struct principal got = {.org = NULL};
		uint32_t permissions;

		must(service_authenticate(service, span_str(secret.token), &got, NULL) == 0);
		must(service_role_permissions(service, 1, "changing", &permissions, NULL) == 0);
	}
	return NULL;
}

/* A change is seen by whoever asks after it, however many look the key up meanwhile. */
static void test_administration__changes_are_seen_at_once(void **state)
{
	static const char *const sets[] = {"events:read", "events:append", "events:read,log:read"};
	const struct span role = word("changing");
	const struct key_change to_role = {.role = &role};
	struct control_api_key changed;
	struct thread threads[HAMMERS];
	struct span permissions = word(sets[0]);
	const struct role_change c = {.permissions = &permissions};
	struct control_role made;

	(void)state;
	assert_int_equal(service_role_create(service, &who, role, &c, &made, NULL), 0);
	assert_int_equal(service_key_change(service, &who, span_str(key.client_id), 1, &to_role, &changed, NULL), 0);
	is_over = false;
	for (int i = 0; i < HAMMERS; i++)
		thread_start(&threads[i], "hammer", hammer, NULL);
	for (int i = 1; i <= CHANGES; i++) {
		struct principal got = {.org = NULL};
		uint32_t due, cached;

		permissions = word(sets[i % 3]);
		assert_int_equal(permission_parse_set(permissions, &due, NULL), 0);
		assert_int_equal(service_role_change(service, &who, role, i, &c, &made, NULL), 0);
		assert_int_equal(service_authenticate(service, span_str(secret.token), &got, NULL), 0);
		assert_int_equal(got.permissions, due);
		assert_int_equal(service_role_permissions(service, 1, "changing", &cached, NULL), 0);
		assert_int_equal(cached, due);
	}
	is_over = true;
	for (int i = 0; i < HAMMERS; i++)
		thread_join(&threads[i]);
	assert_int_equal(revoke_key(NULL), 0);
}

/* ---- permissions ---- */

static void test_permission__sets_are_texts_and_back(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 1000; seed++) {
		struct buf text = BUF_INIT;
		uint32_t set = 0, again;

		for (size_t i = 0; i < permission_info_count; i++)
			set |= (seed * 2654435761u >> i & 1) ? (uint32_t)permission_infos[i].permission : 0;
		permission_put_set(&text, set);
		assert_int_equal(permission_parse_set(buf_span(&text), &again, NULL), 0);
		assert_int_equal(again, set);
		assert_true(text.len <= ROLE_PERMISSIONS_MAX);
		buf_release(&text);
	}
	assert_int_equal(permission_first(0), PERMISSION_NONE);
	assert_int_equal(permission_first(PERMISSION_READ | PERMISSION_PROVE), PERMISSION_READ);
}

/* A new permission belongs to orgs or to the node: else no role has it. */
static void test_permission__each_is_an_orgs_or_the_nodes(void **state)
{
	uint32_t all = 0, operators = 0;

	(void)state;
	for (size_t i = 0; i < permission_info_count; i++)
		all |= (uint32_t)permission_infos[i].permission;
	assert_int_equal(PERMISSIONS_ALL & PERMISSIONS_NODE, 0);
	assert_int_equal(PERMISSIONS_ALL | PERMISSIONS_NODE, all);
	assert_true(role_permissions("operator", &operators));
	assert_int_equal(operators, all);
}

/* ---- networks ---- */

static bool has(const char *list, const char *ip)
{
	char normal[NETWORKS_TEXT_MAX + 1];
	struct network_list networks;

	assert_int_equal(network_list_parse(span_str(list), &networks, normal, NULL), 0);
	return network_list_has(&networks, span_str(ip));
}

static int set_query(const char *text, struct err *err)
{
	const struct span query = word(text);
	const struct key_change c = {.query = &query};
	struct control_api_key changed;

	return service_key_change(service, &who, span_str(key.client_id), KEY_ANY_VERSION, &c, &changed, err);
}

static unsigned count_narrows(void)
{
	unsigned count = 0;

	for (const struct narrow *n = service->narrows; n; n = n->next)
		count++;
	return count;
}

/* What keys are narrowed to is kept for as long as the service lives, so it is only what was used, and bounded. */
static void test_administration__keeps_so_many_queries_of_an_org(void **state)
{
	const struct narrow *narrow, *same;
	struct err err = ERR_INIT;
	char text[32];

	(void)state;
	assert_int_equal(set_query("action:never-used", &err), 0);
	assert_int_equal(count_narrows(), 0);
	for (unsigned i = 0; i < NARROWS_MAX - 1; i++) {
		snprintf(text, sizeof(text), "action:a%u", i);
		assert_int_equal(service__narrow(service, 1, text, &narrow, NULL), 0);
	}
	assert_int_equal(set_query("action:the-last", &err), 0);
	assert_int_equal(service__narrow(service, 1, "action:the-last", &narrow, NULL), 0);
	assert_int_equal(count_narrows(), NARROWS_MAX);
	assert_int_equal(set_query("action:one-more", &err), E_QUOTA);
	assert_string_equal(err.field, "query");
	assert_int_equal(set_query("action:a7", NULL), 0);
	assert_int_equal(set_query("", NULL), 0);
	assert_int_equal(service__narrow_check(service, 2, "action:one-more", NULL), 0);
	assert_int_equal(service__narrow(service, 2, "action:a7", &same, NULL), 0);
	assert_ptr_not_equal(same, narrow);
}

static void test_network__has_what_lies_in_it(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.0.1"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.6"));
	assert_true(has("192.0.2.6/31", "192.0.2.7"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	assert_false(has("::/0", "10.0.0.1")); /* all of IPv6 is not all of IPv4 */
	assert_true(has("::ffff:10.0.0.0/104", "10.0.0.1"));
	assert_true(has("1.2.3.4 , ::1", "::1"));
	assert_false(has("1.2.3.4,::1", ""));
	assert_false(has("", "1.2.3.4"));
}

static void test_network__refuses_what_is_none(void **state)
{
	static const char *const bad[] = {"here",         "10.0.0",       "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08",
					  "10.0.0.0/-1",  "::/129",       "10.0.0.0/8/", "1.2.3.4,",  ",1.2.3.4",
					  "1.2.3.4,,::1", "fe80::1%eth0", "1.2.3.4 5"};
	char normal[NETWORKS_TEXT_MAX + 1];
	struct network_list networks;
	struct buf many = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(network_list_parse(span_str(bad[i]), &networks, normal, NULL), E_INVALID);
	for (unsigned i = 0; i < NETWORKS_MAX; i++)
		buf_printf(&many, "%sffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", i ? "," : "");
	assert_int_equal(network_list_parse(buf_span(&many), &networks, normal, NULL), 0);
	assert_int_equal(strlen(normal), many.len);
	buf_put_str(&many, ",::1");
	assert_int_equal(network_list_parse(buf_span(&many), &networks, normal, NULL), E_TOO_LARGE);
	buf_release(&many);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_administration__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_keys_is_whole_or_not_at_all),
		TEST(of_roles_is_whole_or_not_at_all),
		TEST(of_orgs_is_whole_or_not_at_all),
		TEST(without_its_table_changes_nothing),
		TEST(takes_a_key_until_its_moment),
		TEST(takes_the_secret_before_for_as_long_as_said),
		TEST(knows_no_key_by_half),
		TEST(changes_are_seen_at_once),
		cmocka_unit_test(test_permission__sets_are_texts_and_back),
		cmocka_unit_test(test_permission__each_is_an_orgs_or_the_nodes),
		TEST(keeps_so_many_queries_of_an_org),
		cmocka_unit_test(test_network__has_what_lies_in_it),
		cmocka_unit_test(test_network__refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
