#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "control/ledger_epoch.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *control;
static uint32_t ledger; /* of an org */

static int wrap_ledger(void *user, uint32_t number, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, 0, KEY_WRAPPED_LEN);
	return 0;
}

/* A wrapped key that says what it is for, in bytes that are nowhere else. */
static int wrap(void *user, uint32_t number, uint32_t epoch, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	if (user)
		return err_set(err, E_CRYPTO, "no key today");
	for (size_t i = 0; i < KEY_WRAPPED_LEN; i++)
		wrapped[i] = (uint8_t)(0x90 + epoch * 7 + i * 3);
	return 0;
}

static int set_up(void **state)
{
	struct control_org org = {.org_key = "a", .name = "A"};

	if (temp_folder_make(folder) < 0 || control_open(folder, &control, NULL) < 0)
		return -1;
	if (control_org_create(control, &org, wrap_ledger, NULL, NULL) < 0)
		return -1;
	ledger = org.ledger[LEDGER_MAIN];
	return 0;
}

static int tear_down(void **state)
{
	control = control_close(control);
	return temp_folder_remove(folder);
}

static uint32_t create(uint64_t first)
{
	struct control_epoch e = {.ledger = ledger, .first = first, .created_us = 100 + (int64_t)first};

	assert_int_equal(control_epoch_create(control, &e, wrap, NULL, NULL), 0);
	return e.epoch;
}

static uint32_t find(uint64_t record)
{
	struct control_epoch e = {0};
	struct err err = ERR_INIT;
	int rc = control_epoch_find(control, ledger, record, &e, &err);

	if (rc == E_NOT_FOUND)
		return 0;
	assert_int_equal(rc, 0);
	assert_int_equal(e.created_us, 100 + (int64_t)e.first);
	return e.epoch;
}

static void test_ledger_epoch__a_record_is_of_the_one_that_began_last(void **state)
{
	assert_int_equal(find(0), 0);
	assert_int_equal(create(100), 1);
	assert_int_equal(create(200), 2);
	assert_int_equal(create(0), 3); /* for files of before there were epochs */
	assert_int_equal(find(0), 3);
	assert_int_equal(find(99), 3);
	assert_int_equal(find(100), 1);
	assert_int_equal(find(199), 1);
	assert_int_equal(find(200), 2);
	assert_int_equal(find(UINT32_MAX), 2);
}

static void test_ledger_epoch__keys_stay_until_they_are_destroyed(void **state)
{
	uint8_t want[KEY_WRAPPED_LEN], got[KEY_WRAPPED_LEN];
	struct err err = ERR_INIT;
	uint32_t count;

	for (uint64_t i = 0; i < 5; i++)
		create(i * 100);
	control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
	assert_int_equal(control_epoch_destroy(control, ledger, 299, &count, NULL), 0);
	assert_int_equal(count, 2); /* the third has records up to 299 */
	for (uint32_t epoch = 1; epoch <= 5; epoch++) {
		assert_int_equal(control_epoch_key(control, ledger, epoch, got, &err), epoch <= 2 ? E_NOT_FOUND : 0);
		(void)wrap(NULL, ledger, epoch, want, NULL);
		if (epoch > 2)
			assert_memory_equal(got, want, sizeof(got));
	}
	assert_non_null(strstr(err.message, "destroyed"));
	assert_int_equal(control_epoch_destroy(control, ledger, UINT32_MAX, &count, NULL), 0);
	assert_int_equal(count, 2); /* the newest stays */
	assert_int_equal(find(1000), 5);
	assert_int_equal(create(1000), 6);
}

static void test_ledger_epoch__a_destroyed_key_is_not_in_the_files(void **state)
{
	static const char *const names[] = {"control.db", "control.db-wal"};
	uint8_t wrapped[KEY_WRAPPED_LEN];
	char hex[2 * KEY_WRAPPED_LEN + 1];
	uint32_t count;

	create(0);
	create(100);
	assert_int_equal(control_epoch_key(control, ledger, 1, wrapped, NULL), 0);
	for (size_t i = 0; i < sizeof(wrapped); i++)
		snprintf(hex + 2 * i, 3, "%02x", wrapped[i]);
	assert_int_equal(control_epoch_destroy(control, ledger, 100, &count, NULL), 0);
	assert_int_equal(count, 1);
	for (size_t i = 0; i < 2; i++) {
		char path[TEMP_FOLDER_MAX + 32];
		char *text = xalloc(1u << 20);
		FILE *f;
		size_t len;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		f = fopen(path, "r");
		assert_non_null(f);
		len = fread(text, 1, 1u << 20, f);
		assert_null(memmem(text, len, hex, 40));
		fclose(f);
		free(text);
	}
}

static void test_ledger_epoch__a_failed_wrap_adds_nothing(void **state)
{
	struct control_epoch e = {.ledger = ledger};
	struct err err = ERR_INIT;

	assert_int_equal(control_epoch_create(control, &e, wrap, &err, &err), E_CRYPTO);
	assert_int_equal(find(0), 0);
	e.ledger = 99;
	assert_true(control_epoch_create(control, &e, wrap, NULL, &err) < 0); /* there is no such ledger */
}

static void test_ledger_epoch__how_long_one_lasts_can_be_set(void **state)
{
	struct err err = ERR_INIT;
	int64_t seconds;

	assert_int_equal(control_ledger_epoch_seconds(control, ledger, &seconds, NULL), 0);
	assert_int_equal(seconds, LEDGER_EPOCH_S);
	assert_int_equal(control_ledger_set_epoch_seconds(control, ledger, 5 * 86400, NULL), 0);
	assert_int_equal(control_ledger_epoch_seconds(control, ledger, &seconds, NULL), 0);
	assert_int_equal(seconds, 5 * 86400);
	assert_int_equal(control_ledger_set_epoch_seconds(control, ledger, LEDGER_EPOCH_MIN_S - 1, NULL), 0);
	assert_int_equal(control_ledger_epoch_seconds(control, ledger, &seconds, NULL), 0);
	assert_int_equal(seconds, LEDGER_EPOCH_MIN_S);
	assert_int_equal(control_ledger_epoch_seconds(control, 99, &seconds, &err), E_NOT_FOUND);
	assert_int_equal(control_ledger_set_epoch_seconds(control, 99, 86400, &err), E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_ledger_epoch__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_of_the_one_that_began_last), TEST(keys_stay_until_they_are_destroyed),
		TEST(a_destroyed_key_is_not_in_the_files),    TEST(a_failed_wrap_adds_nothing),
		TEST(how_long_one_lasts_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
