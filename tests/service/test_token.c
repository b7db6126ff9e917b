#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "service/access_token.h"
#include "service/api_key.h"
#include "service/refusal_priv.h"
#include "service/service_priv.h"
#include "temp_folder.h"

#define START_US INT64_C(1795000000000000)
#define US_PER_S INT64_C(1000000)

static char folder[TEMP_FOLDER_MAX];
static struct service *s;
static struct principal owner;

/* Opens a service at START_US and makes a key that may do everything. */
static int set_up(void **state)
{
	struct service_config config = {.io = &io_posix, .folder = folder, .url = "http://test:1"};
	bool is_first;

	clock_set_for_test(START_US);
	assert_int_equal(temp_folder_make(folder), 0);
	assert_int_equal(service_open(&config, &s, &is_first, NULL), 0);
	owner = (struct principal){.kind = PRINCIPAL_KEY, .permissions = PERMISSIONS_ALL};
	assert_int_equal(service__org(s, 1, &owner.org, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	service_close(s);
	clock_set_for_test(0);
	return temp_folder_remove(folder);
}

static struct principal make_key(struct key_secret *secret)
{
	static const struct span role = {(const uint8_t *)"analyst", 7};
	const struct key_change change = {.role = &role};
	struct principal who = {0};
	struct control_api_key key;

	assert_int_equal(service_key_create(s, &owner, &change, &key, secret, NULL), 0);
	assert_int_equal(service_key_find(s, key.client_id, &who, NULL), 0);
	return who;
}

static uint64_t told(const char *query)
{
	const struct search_params params = {
		.ledger = LEDGER_SELF, .query = span_str(query), .limit = 1, .total = SEARCH_TOTAL_EXACT};
	struct page page = PAGE_INIT;
	uint64_t total;

	assert_int_equal(service_search(s, &owner, &params, &page, NULL), 0);
	total = page.total;
	page_release(&page);
	return total;
}

static void issue(const struct principal *who, uint32_t permissions, struct span extra, struct buf *token)
{
	const struct token_grant grant = {permissions, SPAN_LIT("\"x\""), extra};

	buf_reset(token);
	assert_int_equal(service_token_issue(s, who, &grant, token, NULL), 0);
}

static void test_access_token__is_good_for_an_hour(void **state)
{
	struct principal who, got = {0};
	struct buf token = BUF_INIT;
	struct key_secret secret;
	struct err err = ERR_INIT;

	who = make_key(&secret);
	issue(&who, who.permissions, span_of(NULL, 0), &token);
	assert_int_equal(service_authenticate_token(s, buf_span(&token), &got, NULL), 0);
	assert_string_equal(got.id, who.id);
	assert_int_equal(got.permissions, who.permissions);
	clock_set_for_test(START_US + ACCESS_TOKEN_S * US_PER_S - 1);
	assert_int_equal(service_authenticate_token(s, buf_span(&token), &got, NULL), 0);
	clock_set_for_test(START_US + ACCESS_TOKEN_S * US_PER_S);
	assert_int_equal(service_authenticate_token(s, buf_span(&token), &got, &err), E_UNAUTHORIZED);
	assert_non_null(strstr(err.message, "expired"));
	buf_release(&token);
}

static void test_access_token__gives_no_more_than_it_was_granted(void **state)
{
	struct principal who, got = {0};
	struct buf token = BUF_INIT;
	struct key_secret secret;
	uint32_t permissions;

	who = make_key(&secret);
	assert_int_equal(token_scope_permissions(&who, SPAN_LIT("events:read"), &permissions, NULL), 0);
	assert_int_equal(permissions, PERMISSION_READ);
	issue(&who, permissions, span_of(NULL, 0), &token);
	assert_int_equal(service_authenticate_token(s, buf_span(&token), &got, NULL), 0);
	assert_int_equal(got.permissions, PERMISSION_READ);
	assert_int_equal(token_scope_permissions(&who, SPAN_LIT("events:append"), &permissions, NULL), E_INVALID);
	assert_int_equal(token_scope_permissions(&who, SPAN_LIT("nonsense"), &permissions, NULL), E_INVALID);
	assert_int_equal(token_scope_permissions(&who, SPAN_LIT(""), &permissions, NULL), 0);
	assert_int_equal(permissions, who.permissions);
	buf_release(&token);
}

static void test_access_token__refuses_every_changed_byte(void **state)
{
	struct principal who, got = {0};
	struct buf token = BUF_INIT;
	struct key_secret secret;

	who = make_key(&secret);
	issue(&who, who.permissions, span_of(NULL, 0), &token);
	for (size_t i = 0; i < token.len; i++) {
		token.p[i] ^= 1;
		assert_int_equal(service_authenticate_token(s, buf_span(&token), &got, NULL), E_UNAUTHORIZED);
		token.p[i] ^= 1;
	}
	for (size_t len = 0; len < token.len; len++)
		assert_int_equal(service_authenticate_token(s, span_of(token.p, len), &got, NULL), E_UNAUTHORIZED);
	buf_release(&token);
}

/* Claims of a dialect's fit up to the limit, and past it nothing is issued nor told. */
static void test_access_token__is_no_longer_than_the_limit(void **state)
{
	struct buf extra = BUF_INIT, token = BUF_INIT;
	struct principal who, got = {0};
	struct key_secret secret;
	struct token_grant grant;
	struct err err = ERR_INIT;
	uint64_t before;
	int rc = 0;

	who = make_key(&secret);
	buf_put_str(&extra, ",\"x\":\"");
	for (int i = 0; i < 2000; i++)
		buf_put_u8(&extra, 'x');
	buf_put_str(&extra, "\"");
	issue(&who, who.permissions, buf_span(&extra), &token);
	assert_true(token.len <= ACCESS_TOKEN_MAX);
	assert_int_equal(service_authenticate_token(s, buf_span(&token), &got, NULL), 0);
	before = told("action:token.issued");
	for (size_t len = token.len; rc == 0; len += 4) { /* three bytes are four digits */
		extra.len--;
		buf_put_str(&extra, "xxx\"");
		grant = (struct token_grant){who.permissions, SPAN_LIT("\"x\""), buf_span(&extra)};
		buf_reset(&token);
		rc = service_token_issue(s, &who, &grant, &token, &err);
		assert_true(rc < 0 || token.len <= ACCESS_TOKEN_MAX);
		before += rc == 0;
		assert_true(len <= ACCESS_TOKEN_MAX);
	}
	assert_int_equal(rc, E_TOO_LARGE);
	assert_non_null(strstr(err.message, "4096"));
	assert_int_equal(told("action:token.issued"), before);
	buf_release(&extra);
	buf_release(&token);
}

/* ---- refusals ---- */

static void refuse(const struct principal *who, const char *ip)
{
	const struct caller caller = {.ip = span_str(ip)};
	int rc = service_refuse(s, GUESS_KEY, span_str(who->id), &caller, NULL);

	assert_true(rc == E_UNAUTHORIZED || rc == E_QUOTA);
}

static void test_refusal__is_told_once_a_minute(void **state)
{
	struct key_secret secret;
	struct principal who = make_key(&secret);
	char query[128];

	snprintf(query, sizeof(query), "action:key.refused entity.id:%s", who.id);
	for (int second = 0; second < 180; second++) {
		clock_set_for_test(START_US + second * US_PER_S);
		refuse(&who, "192.0.2.1");
		refuse(&who, "192.0.2.1");
		refusals__tell(s, false);
	}
	assert_int_equal(told(query), 3);
	refusals__tell(s, true);
	assert_int_equal(told(query), 4);
}

static void test_refusal__of_many_addresses_is_told_together(void **state)
{
	struct key_secret secret;
	struct principal who = make_key(&secret);
	char query[128], ip[32];

	snprintf(query, sizeof(query), "action:key.refused entity.id:%s", who.id);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(ip, sizeof(ip), "198.51.%u.%u", i / 250, i % 250);
		refuse(&who, ip);
	}
	refusals__tell(s, true);
	/* The last place is told of twice when the service's own thread comes in between. */
	assert_in_range(told(query), REFUSALS_KEY_MAX, REFUSALS_KEY_MAX + 1);
}

static void test_refusal__of_nobodys_key_is_not_told(void **state)
{
	const struct caller caller = {.ip = SPAN_LIT("192.0.2.1")};
	uint64_t before = told("action:key.refused");

	assert_int_equal(service_refuse(s, GUESS_KEY, SPAN_LIT("0000000000000000"), &caller, NULL), E_UNAUTHORIZED);
	assert_int_equal(service_refuse(s, GUESS_KEY, SPAN_LIT("a\0b"), &caller, NULL), E_UNAUTHORIZED);
	assert_int_equal(
		service_refuse(s, GUESS_KEY, SPAN_LIT("a-client-id-that-is-longer-than-any-is"), &caller, NULL),
		E_UNAUTHORIZED);
	refusals__tell(s, true);
	assert_int_equal(told("action:key.refused"), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_access_token__is_good_for_an_hour, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_access_token__gives_no_more_than_it_was_granted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_access_token__refuses_every_changed_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_access_token__is_no_longer_than_the_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusal__is_told_once_a_minute, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusal__of_many_addresses_is_told_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusal__of_nobodys_key_is_not_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
