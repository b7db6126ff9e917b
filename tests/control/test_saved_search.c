#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/saved_search.h"
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

static void reopen(void)
{
	control = control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
}

static struct saved_search search_named(int64_t org, const char *id, const char *name)
{
	struct saved_search s = {.org = org, .version = 1, .created_us = 5, .updated_us = 6, .created_by = "c-1"};

	snprintf(s.id, sizeof(s.id), "%s", id);
	for (int i = 0; i < SAVED_TEXT_COUNT; i++)
		s.text[i] = span_str(saved_search_member((enum saved_search_text)i));
	s.text[SAVED_NAME] = span_str(name);
	return s;
}

static int create(int64_t org, const char *id, const char *name, struct err *err)
{
	struct saved_search s = search_named(org, id, name);

	return control_saved_search_create(control, &s, err);
}

static void assert_same(const struct saved_search *a, const struct saved_search *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->created_by, b->created_by);
	assert_int_equal(a->org, b->org);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->created_us, b->created_us);
	assert_int_equal(a->updated_us, b->updated_us);
	for (int i = 0; i < SAVED_TEXT_COUNT; i++)
		assert_true(span_eq(a->text[i], b->text[i]));
}

static size_t count(int64_t org)
{
	struct saved_search *list = NULL;
	size_t n = 0;

	assert_int_equal(control_saved_search_list(control, org, &list, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			assert_true(span_cmp(list[i - 1].text[SAVED_NAME], list[i].text[SAVED_NAME]) < 0);
		saved_search_release(&list[i]);
	}
	free(list);
	return n;
}

static void test_saved_search__gives_back_what_was_saved(void **state)
{
	struct saved_search s = search_named(orgs[0], "0123456789abcdef", "a");
	struct saved_search got;

	s.text[SAVED_TO] = (struct span){0};
	assert_int_equal(control_saved_search_create(control, &s, NULL), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(control_saved_search_get(control, orgs[0], s.id, &got, NULL), 0);
		assert_same(&got, &s);
		saved_search_release(&got);
		reopen();
	}
	assert_int_equal(create(orgs[0], "0123456789abcdee", "b", NULL), 0);
	assert_int_equal(count(orgs[0]), 2);
}

static void test_saved_search__has_a_name_once_in_an_org(void **state)
{
	struct err err = ERR_INIT;
	struct saved_search b;

	assert_int_equal(create(orgs[0], "1", "a", NULL), 0);
	assert_int_equal(create(orgs[0], "2", "a", &err), E_EXISTS);
	assert_string_equal(err.field, "name");
	assert_null(strstr(err.message, "saved_searches"));
	assert_int_equal(create(orgs[1], "3", "a", NULL), 0);
	assert_int_equal(create(orgs[0], "4", "A", NULL), 0);
	b = search_named(orgs[0], "4", "a");
	err = (struct err)ERR_INIT;
	assert_int_equal(control_saved_search_replace(control, &b, SAVED_SEARCH_ANY, &err), E_EXISTS);
	assert_string_equal(err.field, "name");
	assert_int_equal(count(orgs[0]), 2);
}

static void test_saved_search__belongs_to_its_org(void **state)
{
	struct saved_search other = search_named(orgs[1], "1", "changed");
	struct saved_search got;

	assert_int_equal(create(orgs[0], "1", "a", NULL), 0);
	assert_int_equal(control_saved_search_get(control, orgs[1], "1", &got, NULL), E_NOT_FOUND);
	assert_int_equal(control_saved_search_replace(control, &other, SAVED_SEARCH_ANY, NULL), E_NOT_FOUND);
	assert_int_equal(control_saved_search_replace(control, &other, 1, NULL), E_NOT_FOUND);
	assert_int_equal(control_saved_search_delete(control, orgs[1], "1", SAVED_SEARCH_ANY, NULL), E_NOT_FOUND);
	assert_int_equal(count(orgs[1]), 0);
	assert_int_equal(control_saved_search_get(control, orgs[0], "1", &got, NULL), 0);
	assert_true(span_eq_str(got.text[SAVED_NAME], "a"));
	saved_search_release(&got);
}

static void test_saved_search__changes_the_version_that_was_meant(void **state)
{
	struct saved_search s = search_named(orgs[0], "1", "b");
	struct saved_search got;

	assert_int_equal(create(orgs[0], "1", "a", NULL), 0);
	s.updated_us = 9;
	assert_int_equal(control_saved_search_replace(control, &s, 2, NULL), E_CHANGED);
	assert_int_equal(control_saved_search_replace(control, &s, 1, NULL), 0);
	assert_int_equal(control_saved_search_replace(control, &s, 1, NULL), E_CHANGED);
	assert_int_equal(control_saved_search_get(control, orgs[0], "1", &got, NULL), 0);
	s.version = 2;
	assert_same(&got, &s);
	saved_search_release(&got);
	assert_int_equal(control_saved_search_replace(control, &s, SAVED_SEARCH_ANY, NULL), 0);
	assert_int_equal(control_saved_search_delete(control, orgs[0], "1", 2, NULL), E_CHANGED);
	assert_int_equal(control_saved_search_delete(control, orgs[0], "1", 3, NULL), 0);
	assert_int_equal(control_saved_search_delete(control, orgs[0], "1", 3, NULL), E_NOT_FOUND);
	assert_int_equal(count(orgs[0]), 0);
}

static void test_saved_search__are_so_many_and_no_more(void **state)
{
	struct err err = ERR_INIT;
	char id[16];

	assert_int_equal(control_begin(control, NULL), 0); /* one sync instead of a thousand */
	for (unsigned i = 0; i < SAVED_SEARCHES_MAX; i++) {
		snprintf(id, sizeof(id), "%u", i);
		assert_int_equal(create(orgs[0], id, id, NULL), 0);
	}
	assert_int_equal(control_commit(control, NULL), 0);
	assert_int_equal(create(orgs[0], "more", "more", &err), E_TOO_LARGE);
	assert_non_null(strstr(err.message, "1000"));
	assert_int_equal(create(orgs[1], "other", "more", NULL), 0);
	assert_int_equal(count(orgs[0]), SAVED_SEARCHES_MAX);
	assert_int_equal(control_saved_search_delete(control, orgs[0], "7", SAVED_SEARCH_ANY, NULL), 0);
	assert_int_equal(create(orgs[0], "more", "more", NULL), 0);
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

static void test_saved_search__finds_damage(void **state)
{
	struct saved_search got;

	assert_int_equal(create(orgs[0], "1", "a", NULL), 0);
	control = control_close(control);
	sql("UPDATE saved_searches SET range_from = hex(zeroblob(100))");
	assert_int_equal(control_open(folder, &control, NULL), 0);
	assert_int_equal(control_saved_search_get(control, orgs[0], "1", &got, NULL), E_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_saved_search__##name, make_orgs, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_back_what_was_saved),          TEST(has_a_name_once_in_an_org), TEST(belongs_to_its_org),
		TEST(changes_the_version_that_was_meant), TEST(are_so_many_and_no_more),   TEST(finds_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
