#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "control/ledger_epoch.h"
#include "control/secret.h"
#include "control/user.h"
#include "temp_folder.h"

static char folder[TEMP_FOLDER_MAX];
static struct control *control;

static int wrap_ledger(void *user, uint32_t ledger, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)ledger, KEY_WRAPPED_LEN);
	return 0;
}

static int wrap_epoch(void *user, uint32_t ledger, uint32_t epoch, uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	memset(wrapped, (int)(100 + epoch), KEY_WRAPPED_LEN);
	return 0;
}

static void assert_totp(uint8_t want)
{
	struct control_user u;

	assert_int_equal(control_user_by_id(control, "a1", &u, NULL), 0);
	assert_int_equal(u.totp[0], want);
	assert_int_equal(u.totp[TOTP_SEALED_LEN - 1], want);
}

/* An org with two ledgers, two epochs of the first, two secrets, a user with TOTP and one without. */
static int set_up(void **state)
{
	struct control_org org = {.org_key = "a", .name = "A"};
	struct control_epoch e = {.ledger = 1};
	struct control_user ada = {.id = "a1", .email = "a", .has_totp = true};
	struct control_user bob = {.id = "b1", .email = "b"};

	memset(ada.totp, 9, sizeof(ada.totp));
	if (temp_folder_make(folder) < 0 || control_open(folder, &control, NULL) < 0)
		return -1;
	assert_int_equal(control_org_create(control, &org, wrap_ledger, NULL, NULL), 0);
	assert_int_equal(control_epoch_create(control, &e, wrap_epoch, NULL, NULL), 0);
	assert_int_equal(control_epoch_create(control, &e, wrap_epoch, NULL, NULL), 0);
	ada.org = bob.org = org.id;
	assert_int_equal(control_user_create(control, &ada, NULL), 0);
	assert_int_equal(control_user_create(control, &bob, NULL), 0);
	assert_int_equal(control_secret_create(control, "one", SPAN_LIT("sealed one"), NULL), 0);
	assert_int_equal(control_secret_create(control, "two", SPAN_LIT("sealed two, which is longer"), NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	control = control_close(control);
	return temp_folder_remove(folder);
}

static void assert_secret(const char *name, const char *want)
{
	struct buf got = BUF_INIT;

	assert_int_equal(control_secret_get(control, name, &got, NULL), 0);
	assert_true(span_eq_str(buf_span(&got), want));
	buf_release(&got);
}

static void test_secret__is_there_by_name(void **state)
{
	struct buf got = BUF_INIT;
	struct err err = ERR_INIT;

	assert_secret("one", "sealed one");
	assert_int_equal(control_secret_get(control, "three", &got, &err), E_NOT_FOUND);
	assert_int_equal(control_secret_create(control, "one", SPAN_LIT("x"), &err), E_EXISTS);
	control_close(control);
	assert_int_equal(control_open(folder, &control, NULL), 0);
	assert_secret("two", "sealed two, which is longer");
	buf_release(&got);
}

/* Inverts every bit; fails at the nth. Notes what it was called for. */
struct resealing {
	int fails_at;
	int calls;
	struct buf seen;
};

static int reseal(void *user, const char *label, struct span context, struct span old, uint8_t *to, struct err *err)
{
	struct resealing *r = user;

	if (++r->calls == r->fails_at)
		return err_set(err, E_CRYPTO, "not this one");
	buf_printf(&r->seen, "%s:", label);
	for (size_t i = 0; i < context.len; i++)
		buf_printf(&r->seen, "%02x", context.p[i]);
	buf_put_u8(&r->seen, '\n');
	for (size_t i = 0; i < old.len; i++)
		to[i] = (uint8_t)~old.p[i];
	return 0;
}

static void assert_keys(uint8_t flip)
{
	uint8_t got[KEY_WRAPPED_LEN];

	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(control_ledger_key(control, i, got, NULL), 0);
		assert_int_equal(got[KEY_WRAPPED_LEN - 1], (uint8_t)(i ^ flip));
		assert_int_equal(control_epoch_key(control, 1, i, got, NULL), 0);
		assert_int_equal(got[0], (uint8_t)((100 + i) ^ flip));
	}
}

static void test_secret__resealing_takes_everything_with_its_context(void **state)
{
	struct resealing r = {0};
	uint64_t count;

	assert_int_equal(control_reseal(control, reseal, &r, &count, NULL), 0);
	assert_int_equal(count, 7);
	assert_keys(0xff);
	assert_totp(9 ^ 0xff);
	assert_true(span_eq_str(buf_span(&r.seen), "stele ledger key v1:01000000\nstele ledger key v1:02000000\n"
						   "stele epoch key v1:0100000001000000\n"
						   "stele epoch key v1:0100000002000000\n"
						   "stele totp v1:6131\n"
						   "stele secret v1:6f6e65\nstele secret v1:74776f\n"));
	assert_int_equal(control_reseal(control, reseal, &r, &count, NULL), 0);
	assert_keys(0);
	assert_secret("two", "sealed two, which is longer");
	buf_release(&r.seen);
}

static void test_secret__a_failed_resealing_changes_nothing(void **state)
{
	for (int at = 1; at <= 7; at++) {
		struct resealing r = {.fails_at = at};
		struct err err = ERR_INIT;
		uint64_t count;

		assert_int_equal(control_reseal(control, reseal, &r, &count, &err), E_CRYPTO);
		assert_keys(0);
		assert_totp(9);
		assert_secret("one", "sealed one");
		buf_release(&r.seen);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_secret__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_there_by_name),
		TEST(resealing_takes_everything_with_its_context),
		TEST(a_failed_resealing_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
