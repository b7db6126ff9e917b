/*
 * Retention and verification at the service: what goes, what holds it, what is told, and in which order things become
 * durable. The clock is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "service/retention_priv.h"
#include "service/self_event.h"
#include "service/service_priv.h"
#include "service/verification.h"
#include "temp_folder.h"

#define BEGIN    INT64_C(1700000000000000)
#define ROWS     300u
#define TEXT_MAX 4096

static char folder[TEMP_FOLDER_MAX];
static struct service *service;
static struct principal who;
static struct io io; /* the real one, unless it fails */
static bool is_failing;

/* ---- life ---- */

static int fail_sync(struct io *self, int fd)
{
	(void)self;
	return is_failing ? -EIO : io_posix.sync(&io_posix, fd);
}

static void open_service(void)
{
	struct service_config config = {.io = &io, .folder = folder, .url = "http://test:1"};
	struct err err = ERR_INIT;
	bool is_first;

	if (service_open(&config, &service, &is_first, &err) < 0)
		fail_msg("%s", err.message);
	who = (struct principal){.id = "tester", .permissions = UINT32_MAX};
	assert_int_equal(service__org(service, 1, &who.org, &err), 0);
}

static int set_up(void **state)
{
	io = io_posix;
	io.sync = fail_sync;
	is_failing = false;
	if (temp_folder_make(folder) < 0)
		return -1;
	clock_set_for_test(BEGIN);
	open_service();
	return 0;
}

static int tear_down(void **state)
{
	service_close(service);
	clock_set_for_test(0);
	return temp_folder_remove(folder);
}

static void reopen(void)
{
	service_close(service);
	open_service();
}

/* ---- records ---- */

struct waiter {
	struct mutex mutex;
	struct cond done;
	bool is_done;
};

static void on_done(struct ledger_append *a)
{
	struct waiter *w = a->user;

	mutex_lock(&w->mutex);
	w->is_done = true;
	cond_signal(&w->done);
	mutex_unlock(&w->mutex);
}

static void append(size_t rows)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct waiter w = {.is_done = false};
	struct ledger_append a = {.batch = &batch, .done = on_done, .user = &w};

	mutex_init(&w.mutex);
	cond_init(&w.done);
	for (size_t i = 0; i < rows; i++)
		assert_int_equal(record_parse(parser, SPAN_LIT("{\"action\":\"a\"}"), clock_wall_us(), &batch, NULL),
				 0);
	service_append(service, &who, &a);
	mutex_lock(&w.mutex);
	while (!w.is_done)
		cond_wait(&w.done, &w.mutex);
	mutex_unlock(&w.mutex);
	assert_int_equal(a.rc, 0);
	record_batch_release(&batch);
	record_parser_free(parser);
}

/* A segment a day. */
static void make_days(unsigned days)
{
	struct err err = ERR_INIT;

	for (unsigned i = 0; i < days; i++) {
		clock_set_for_test(BEGIN + (int64_t)i * DAY_US);
		append(ROWS);
		assert_int_equal(ledger_seal(who.org->ledger[LEDGER_MAIN], &err), 0);
	}
}

static uint64_t first(void)
{
	return ledger_first(who.org->ledger[LEDGER_MAIN]);
}

/* How many events of the self ledger match; the newest one goes into `text`. */
static uint64_t find_self(const char *query, char text[TEXT_MAX])
{
	struct search_params params = {
		.ledger = LEDGER_SELF, .query = span_str(query), .limit = 1, .total = SEARCH_TOTAL_EXACT};
	struct page page = PAGE_INIT;
	struct err err = ERR_INIT;
	uint64_t total;

	if (service_search(service, &who, &params, &page, &err) < 0)
		fail_msg("%s", err.message);
	total = page.total;
	if (text)
		snprintf(text, TEXT_MAX, "%.*s", (int)page.records.len, (const char *)page.records.p);
	page_release(&page);
	return total;
}

static int set_days(int64_t days)
{
	struct retention_change change = {.days = days};

	return service_retention_put(service, &who, &change, NULL);
}

static struct retention_result run(bool is_dry_run)
{
	struct retention_result result;
	struct err err = ERR_INIT;

	if (service_retention_run(service, is_dry_run, &result, &err) < 0)
		fail_msg("%s", err.message);
	return result;
}

static int64_t stored_bytes(void)
{
	struct store_figures f;

	service_figures(service, &f);
	return (int64_t)f.segment_bytes;
}

/* ---- what goes ---- */

static void test_retention__keeps_for_ever_unless_told(void **state)
{
	make_days(3);
	clock_set_for_test(BEGIN + 36500 * DAY_US);
	assert_int_equal(run(false).records, 0);
	assert_int_equal(first(), 0);
	assert_int_equal(find_self("action:retention.expired", NULL), 0);
}

static void test_retention__removes_what_is_older_and_certifies_it(void **state)
{
	char text[TEXT_MAX];
	char want[80];
	struct retention_view v;
	struct retention_result result;
	struct sha256 root;
	struct buf record = BUF_INIT;
	struct err err = ERR_INIT;
	uint8_t id[RECORD_ID_LEN];
	uint64_t size;
	int64_t before;

	make_days(3);
	assert_int_equal(ledger_root(who.org->ledger[LEDGER_MAIN], &size, &root, &err), 0);
	service_ids(service, &who, 5, 1, id);
	clock_set_for_test(BEGIN + 10 * DAY_US);
	append(ROWS);
	assert_int_equal(service_seal(service, &err), 0);
	before = stored_bytes();
	assert_int_equal(set_days(7), 0);
	assert_int_equal(run(true).records, 3 * ROWS);
	assert_int_equal(service_retention_get(service, &who, &v, &err), 0);
	assert_int_equal(v.due.next, 3 * ROWS);
	assert_int_equal(v.days, 7);
	assert_int_equal(v.source, RETENTION_OWN);
	assert_int_equal(first(), 0);
	retention_view_release(&v);

	result = run(false);
	assert_int_equal(result.records, 3 * ROWS);
	assert_int_equal(result.segments, 3);
	assert_int_equal(result.failed, 0);
	assert_int_equal(first(), 3 * ROWS);
	assert_true(stored_bytes() < before);
	assert_int_equal(run(false).records, 0);
	assert_int_equal(find_self("action:retention.expired", text), 1);
	assert_non_null(strstr(text, "\"first_index\":0,\"last_index\":899"));
	assert_non_null(strstr(text, "\"records\":900"));
	assert_non_null(strstr(text, "\"received_from\":\"2023-11-14T22:13:20.000000Z\""));
	assert_non_null(strstr(text, "\"received_to\":\"2023-11-16T22:13:20.000000Z\""));
	assert_non_null(strstr(text, "\"policy\":{\"account_type\":\"\",\"days\":7,\"source\":\"own\"}"));
	assert_non_null(strstr(text, "\"tree_size\":900"));
	for (size_t i = 0; i < sizeof(root); i++)
		snprintf(want + 2 * i, 3, "%02x", root.b[i]);
	assert_non_null(strstr(text, want));
	assert_int_equal(service_event(service, &who, LEDGER_MAIN, span_of(id, sizeof(id)), &record, &err),
			 E_NOT_FOUND);
	assert_non_null(strstr(err.message, "has expired"));
	buf_release(&record);
	reopen();
	assert_int_equal(first(), 3 * ROWS);
	assert_int_equal(find_self("action:retention.expired", NULL), 1);
}

static void test_retention__goes_by_the_plan_of_the_account_type(void **state)
{
	struct retention_change change = {.account_type = SPAN_LIT("free"),
					  .days = RETENTION_BY_PLAN,
					  .has_plans = true,
					  .plans = SPAN_LIT("free=2,team=0")};
	struct retention_view v;
	char text[TEXT_MAX];

	make_days(5);
	assert_int_equal(service_retention_put(service, &who, &change, NULL), 0);
	assert_int_equal(run(true).records, 2 * ROWS); /* the third is two days old to the microsecond */
	change.account_type = SPAN_LIT("team");
	change.has_plans = false;
	assert_int_equal(service_retention_put(service, &who, &change, NULL), 0);
	assert_int_equal(run(true).records, 0);
	change.account_type = SPAN_LIT("unknown");
	assert_int_equal(service_retention_put(service, &who, &change, NULL), 0);
	assert_int_equal(service_retention_get(service, &who, &v, NULL), 0);
	assert_int_equal(v.source, RETENTION_DEFAULT);
	assert_int_equal(v.days, RETENTION_FOREVER);
	assert_int_equal(v.plan_count, 2);
	retention_view_release(&v);
	assert_int_equal(find_self("action:retention.changed", text), 3);
	assert_non_null(strstr(text, "\"before\":{\"account_type\":\"team\",\"days\":\"plan\",\"plans\":{\"free\":2,"
				     "\"team\":0}}"));
	assert_non_null(strstr(text, "\"after\":{\"account_type\":\"unknown\""));
	assert_non_null(strstr(text, "\"actor\":{\"id\":\"tester\",\"type\":\"api_key\"}"));
}

static void test_retention__seals_a_head_that_is_old(void **state)
{
	struct ledger *l = who.org->ledger[LEDGER_MAIN];
	int64_t since;

	append(10);
	assert_int_equal(set_days(30), 0);
	clock_set_for_test(BEGIN + 2 * DAY_US);
	(void)run(false);
	assert_int_equal(ledger_head_since(l, &since, NULL), 0);
	assert_int_equal(since, BEGIN);
	clock_set_for_test(BEGIN + 3 * DAY_US + 1);
	(void)run(false);
	assert_int_equal(ledger_head_since(l, &since, NULL), 0);
	assert_int_equal(since, INT64_MAX);
	clock_set_for_test(BEGIN + 30 * DAY_US + 1);
	assert_int_equal(run(false).records, 10);
}

static void test_retention__is_stopped_by_a_hold(void **state)
{
	struct control_hold hold, second;
	struct retention_view v;
	char text[TEXT_MAX];

	make_days(3);
	clock_set_for_test(BEGIN + 100 * DAY_US);
	assert_int_equal(set_days(1), 0);
	assert_int_equal(service_hold_create(service, &who, SPAN_LIT("case 17"), &hold, NULL), 0);
	assert_int_equal(service_hold_create(service, &who, SPAN_LIT("case 18"), &second, NULL), 0);
	assert_int_equal(run(true).records, 0);
	assert_int_equal(run(false).records, 0);
	reopen();
	assert_int_equal(run(false).records, 0);
	assert_int_equal(service_hold_release(service, &who, span_str(hold.id), &hold, NULL), 0);
	assert_int_equal(run(false).records, 0); /* the second holds */
	assert_int_equal(service_hold_release(service, &who, span_str(second.id), &second, NULL), 0);
	assert_int_equal(service_hold_release(service, &who, span_str(second.id), &second, NULL), E_NOT_FOUND);
	assert_int_equal(service_hold_release(service, &who, SPAN_LIT("none"), &second, NULL), E_NOT_FOUND);
	assert_int_equal(service_retention_get(service, &who, &v, NULL), 0);
	assert_int_equal(v.hold_count, 2); /* released, not gone */
	assert_false(v.is_held);
	retention_view_release(&v);
	assert_int_equal(find_self("action:retention.hold_created", NULL), 2);
	assert_int_equal(find_self("action:retention.hold_released", text), 2);
	assert_non_null(strstr(text, "\"reason\":\"case 18\""));
	assert_int_equal(run(false).records, 3 * ROWS);
}

static void test_retention__refuses_what_is_no_policy(void **state)
{
	static const char *const bad_plans[] = {"free",    "=3",      "free=",         "free=-1", "free=36501",
						"free=3,", ",free=3", "free=3,free=4", "fr ee=3", "free=3;team=4",
						"free=x"};
	static const char *const bad_types[] = {"two words", "a,b", "a=b", "\xc3\xa4"};
	struct retention_change change = {.days = 36501};
	struct control_hold hold;
	struct err err = ERR_INIT;
	char reason[HOLD_REASON_MAX + 2];

	assert_int_equal(service_retention_put(service, &who, &change, &err), E_INVALID);
	assert_string_equal(err.field, "days");
	change.days = -2;
	assert_int_equal(service_retention_put(service, &who, &change, NULL), E_INVALID);
	change = (struct retention_change){.has_plans = true};
	for (size_t i = 0; i < sizeof(bad_plans) / sizeof(bad_plans[0]); i++) {
		change.plans = span_str(bad_plans[i]);
		err = (struct err)ERR_INIT;
		assert_int_equal(service_retention_put(service, &who, &change, &err), E_INVALID);
		assert_string_equal(err.field, "plans");
	}
	change.has_plans = false;
	for (size_t i = 0; i < sizeof(bad_types) / sizeof(bad_types[0]); i++) {
		change.account_type = span_str(bad_types[i]);
		assert_int_equal(service_retention_put(service, &who, &change, NULL), E_INVALID);
	}
	change = (struct retention_change){.days = 36500};
	assert_int_equal(service_retention_put(service, &who, &change, NULL), 0);
	memset(reason, 'x', sizeof(reason));
	assert_int_equal(service_hold_create(service, &who, SPAN_LIT(""), &hold, NULL), E_INVALID);
	assert_int_equal(service_hold_create(service, &who, SPAN_LIT("a\nb"), &hold, NULL), E_INVALID);
	assert_int_equal(service_hold_create(service, &who, span_of(reason, HOLD_REASON_MAX + 1), &hold, NULL),
			 E_INVALID);
	assert_int_equal(service_hold_create(service, &who, span_of(reason, HOLD_REASON_MAX), &hold, NULL), 0);
	assert_int_equal(find_self("action:retention.changed", NULL), 1);
}

/* ---- what breaks off ---- */

/* A removal as it stands in control.db before its certificate is written. */
static struct control_expiry plan_removal(uint64_t next)
{
	struct control_expiry x = {.org = 1, .ledger = who.org->control.ledger[LEDGER_MAIN], .next = (int64_t)next};

	snprintf(x.key, sizeof(x.key), "retention test");
	snprintf(x.event, sizeof(x.event), "{\"action\":\"retention.expired\",\"attributes\":{\"tree_size\":%llu}}",
		 (unsigned long long)next);
	assert_int_equal(control_expiry_plan(service->control, &x, NULL), 0);
	return x;
}

static void check_ended(void)
{
	struct control_expiry x;

	assert_int_equal(first(), 2 * ROWS);
	assert_int_equal(find_self("action:retention.expired", NULL), 1);
	assert_int_equal(control_expiry_get(service->control, who.org->control.ledger[LEDGER_MAIN], &x, NULL), 0);
}

static void test_retention__carries_on_after_a_crash(void **state)
{
	struct control_expiry x;
	uint64_t left;

	make_days(4);
	for (int how_far = 0; how_far < 4; how_far++) {
		x = plan_removal(2 * ROWS);
		if (how_far >= 1) /* the certificate is there, and nobody knows */
			assert_int_equal(service_self_append_once(service, who.org, span_str(x.event), x.key, NULL), 0);
		if (how_far >= 2)
			assert_int_equal(control_expiry_certify(service->control, x.ledger, NULL), 0);
		if (how_far >= 3)
			assert_int_equal(ledger_prune(who.org->ledger[LEDGER_MAIN], 2 * ROWS, &left, NULL), 0);
		reopen();
		check_ended();
	}
}

/* Longer than idempotency keys are kept, and with the newest certificate being another's. */
static void test_retention__certifies_once_however_late_it_carries_on(void **state)
{
	struct control_expiry x;

	make_days(4);
	assert_int_equal(service_self_append(service, who.org,
					     SPAN_LIT("{\"action\":\"other\",\"attributes\":{\"tree_size\":600}}"),
					     NULL),
			 0);
	x = plan_removal(2 * ROWS);
	assert_int_equal(service_self_append_once(service, who.org, span_str(x.event), x.key, NULL), 0);
	assert_int_equal(service_self_append(
				 service, who.org,
				 SPAN_LIT("{\"action\":\"retention.expired\",\"attributes\":{\"tree_size\":1}}"), NULL),
			 0);
	clock_set_for_test(BEGIN + 40 * DAY_US);
	reopen();
	assert_int_equal(first(), 2 * ROWS);
	assert_int_equal(find_self("action:retention.expired", NULL), 2);
	assert_int_equal(control_expiry_get(service->control, x.ledger, &x, NULL), 0);
}

static void test_retention__ends_a_removal_before_a_hold(void **state)
{
	struct control_hold hold;

	make_days(3);
	(void)plan_removal(2 * ROWS);
	assert_int_equal(service_hold_create(service, &who, SPAN_LIT("too late"), &hold, NULL), 0);
	check_ended();
}

static void test_retention__does_nothing_that_it_cannot_tell(void **state)
{
	struct control_retention set;
	struct control_hold hold;
	struct err err = ERR_INIT;
	int64_t holds;

	make_days(3);
	assert_int_equal(set_days(50), 0);
	clock_set_for_test(BEGIN + 100 * DAY_US);
	is_failing = true;
	assert_true(set_days(1) < 0);
	assert_true(service_hold_create(service, &who, SPAN_LIT("case"), &hold, &err) < 0);
	assert_int_not_equal(err.message[0], 0);
	assert_int_equal(run(false).failed, 1);
	assert_int_equal(first(), 0);
	assert_int_equal(control_retention_get(service->control, 1, &set, NULL), 0);
	assert_int_equal(set.days, 50);
	assert_int_equal(control_hold_count(service->control, 1, &holds, NULL), 0);
	is_failing = false;
	reopen(); /* the removal was planned, and is carried out */
	assert_int_equal(first(), 3 * ROWS);
	assert_int_equal(find_self("action:retention.expired", NULL), 1);
}

/* ---- the self ledger ---- */

static void test_self_event__is_durable_and_whole(void **state)
{
	struct err err = ERR_INIT;

	assert_int_equal(service_self_append(service, who.org, SPAN_LIT("{\"action\":\"x\"}"), &err), 0);
	assert_int_equal(service_self_append(service, who.org, SPAN_LIT("{\"actor\":{}}"), &err), E_INVALID);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			service_self_append_once(service, who.org, SPAN_LIT("{\"action\":\"y\"}"), "key", &err), 0);
	reopen();
	assert_int_equal(find_self("action:x", NULL), 1);
	assert_int_equal(find_self("action:y", NULL), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_retention__keeps_for_ever_unless_told),
		TEST(test_retention__removes_what_is_older_and_certifies_it),
		TEST(test_retention__goes_by_the_plan_of_the_account_type),
		TEST(test_retention__seals_a_head_that_is_old),
		TEST(test_retention__is_stopped_by_a_hold),
		TEST(test_retention__refuses_what_is_no_policy),
		TEST(test_retention__carries_on_after_a_crash),
		TEST(test_retention__certifies_once_however_late_it_carries_on),
		TEST(test_retention__ends_a_removal_before_a_hold),
		TEST(test_retention__does_nothing_that_it_cannot_tell),
		TEST(test_self_event__is_durable_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
