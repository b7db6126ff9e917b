/*
 * What is looked up for every request, asked by several threads while it is changed: once a change has returned, nobody
 * is taken by what was before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "base/thread.h"
#include "service/catalogue.h"
#include "service/guess.h"
#include "service/org.h"
#include "service/quota.h"
#include "service/role.h"
#include "service/service_priv.h"
#include "temp_folder.h"

#define ASKING 4
#define ROUNDS 25

#define LOOKS    PERMISSION_READ
#define LOOKS_ON (PERMISSION_READ | PERMISSION_EXPORT)

static char folder[TEMP_FOLDER_MAX];
static struct service *service;
static struct principal who;
static struct org_key made; /* of the other org */
static _Atomic bool is_over;
static _Atomic unsigned taken, refused;

static int set_up(void **state)
{
	struct service_config config = {.io = &io_posix, .folder = folder, .url = "http://test:1"};
	const struct span name = SPAN_LIT("other");
	const struct org_change c = {.name = &name};
	struct org_view view;
	bool is_first;

	(void)state;
	assert_int_equal(temp_folder_make(folder), 0);
	assert_int_equal(service_open(&config, &service, &is_first, NULL), 0);
	who = (struct principal){.id = "tester", .permissions = PERMISSIONS_ALL | PERMISSIONS_NODE};
	assert_int_equal(service__org(service, 1, &who.org, NULL), 0);
	assert_int_equal(service_org_create(service, &who, name, &c, &view, &made, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	service_close(service);
	return temp_folder_remove(folder);
}

static int authenticate(struct principal *ret)
{
	*ret = (struct principal){.caller.ip = SPAN_LIT("192.0.2.7")};
	return service_authenticate(service, span_str(made.secret.token), ret, NULL);
}

/* All that a request is looked at for. */
static void ask_once(void)
{
	const struct guess guess = {.kind = GUESS_KEY, .account = SPAN_LIT("a"), .ip = SPAN_LIT("192.0.2.7")};
	struct catalogue *catalogue = NULL;
	struct quota quota = {0};
	struct principal p, again;

	if (authenticate(&p) < 0) {
		refused++;
		if (guess_check(service->guesses, &guess, NULL) == 0)
			guess_failed(service->guesses, &guess);
		return;
	}
	taken++;
	must(p.permissions == LOOKS || p.permissions == LOOKS_ON || p.permissions == PERMISSIONS_ALL);
	guess_worked(service->guesses, &guess);
	must(quota_request(service, &p, &quota, NULL) == 0);
	must(service_catalogue_strict(service, p.org, &catalogue, NULL) == 0);
	catalogue_release(catalogue);
	again = (struct principal){.caller = p.caller};
	(void)!service_key_again(service, &p, &again, NULL);
}

static void *ask(void *arg)
{
	(void)arg;
	while (!is_over)
		ask_once();
	return NULL;
}

/* ---- changes; `admin` is the other org's own ---- */

static struct principal admin;

static void set_role(const char *permissions)
{
	const struct span text = span_str(permissions);
	const struct role_change c = {.permissions = &text};
	struct control_role ignored;

	assert_int_equal(service_role_change(service, &admin, SPAN_LIT("looks"), ROLE_ANY_VERSION, &c, &ignored, NULL),
			 0);
}

static void set_disabled(bool is_disabled)
{
	const struct org_change c = {.is_disabled = &is_disabled};
	struct org_view ignored;

	assert_int_equal(service_org_change(service, &who, SPAN_LIT("other"), ORG_ANY_VERSION, &c, &ignored, NULL), 0);
}

static void set_strict(bool is_strict)
{
	const struct span json = is_strict ? SPAN_LIT("{\"strict\":true}") : SPAN_LIT("{}");
	struct catalogue *c = NULL;

	assert_int_equal(service_catalogue_put(service, &admin, json, CATALOGUE_ANY, NULL), 0);
	assert_int_equal(service_catalogue_strict(service, admin.org, &c, NULL), 0);
	assert_true((c != NULL) == is_strict);
	catalogue_release(c);
}

static void rotate(void)
{
	struct key_secret secret;
	struct control_api_key key;

	assert_int_equal(service_key_rotate(service, &admin, span_str(made.key.client_id), KEY_ANY_VERSION, 60, &key,
					    &secret, NULL),
			 0);
}

static void change_all(void)
{
	struct principal p;

	set_role("events:read");
	assert_int_equal(authenticate(&p), 0);
	assert_int_equal(p.permissions, LOOKS);
	set_role("events:read,events:export");
	assert_int_equal(authenticate(&p), 0);
	assert_int_equal(p.permissions, LOOKS_ON);
	set_disabled(true);
	assert_int_equal(authenticate(&p), E_UNAUTHORIZED);
	set_disabled(false);
	assert_int_equal(authenticate(&p), 0);
	set_strict(true);
	set_strict(false);
}

static void make_role_and_key(void)
{
	const struct span permissions = SPAN_LIT("events:read"), role = SPAN_LIT("looks");
	const struct role_change r = {.permissions = &permissions};
	const struct key_change k = {.role = &role};
	struct control_role ignored;

	assert_int_equal(authenticate(&admin), 0);
	assert_int_equal(service_role_create(service, &admin, role, &r, &ignored, NULL), 0);
	assert_int_equal(service_key_create(service, &admin, &k, &made.key, &made.secret, NULL), 0);
}

static void test_caches__give_nobody_what_was_before(void **state)
{
	struct thread threads[ASKING];
	struct principal p;

	(void)state;
	make_role_and_key();
	for (int i = 0; i < ASKING; i++)
		thread_start(&threads[i], "asks", ask, NULL);
	for (int i = 0; i < ROUNDS; i++)
		change_all();
	rotate();
	assert_int_equal(authenticate(&p), 0);
	rotate(); /* the secret before is another by now */
	assert_int_equal(authenticate(&p), E_UNAUTHORIZED);
	is_over = true;
	for (int i = 0; i < ASKING; i++)
		thread_join(&threads[i]);
	assert_true(taken > 0 && refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_caches__give_nobody_what_was_before, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
