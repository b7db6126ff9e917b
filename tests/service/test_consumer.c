/* Consumers and pages by number, beside a list of what was appended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/seed.h"
#include "base/thread.h"
#include "service/consumer.h"
#include "service/window.h"
#include "world.h"

#define EVENTS  600u
#define READERS 4

static struct world world;

static int open_world(void **state)
{
	(void)state;
	return world_open(&world);
}

static int close_world(void **state)
{
	(void)state;
	return world_close(&world);
}

/* What was appended: event n has the number n, and an even one the action "x". */
static uint64_t appended;

static void append_events(uint64_t count)
{
	struct buf text = BUF_INIT;

	for (uint64_t i = 0; i < count; i++, appended++)
		buf_printf(&text, "{\"action\":\"%c\",\"attributes\":{\"n\":%llu}}\n", appended % 2 ? 'y' : 'x',
			   (unsigned long long)appended);
	buf_put_u8(&text, 0);
	world_append(&world, span_str((const char *)text.p));
	buf_release(&text);
}

static uint64_t number_of(struct span record)
{
	const char *at = memmem(record.p, record.len, "\"n\":", 4);

	assert_non_null(at);
	return strtoull(at + 4, NULL, 10);
}

/* ---- consumers ---- */

static void make_consumer(const char *name, const char *query)
{
	const struct consumer_params p = {.name = span_str(name), .query = span_str(query)};
	struct consumer_view v;

	assert_int_equal(service_consumer_create(world.service, &world.who, &p, &v, NULL), 0);
	consumer_view_release(&v);
}

/* What a batch held; with `rc` the answer cannot be made. */
struct seen {
	uint64_t number[EVENTS];
	uint32_t count;
	uint64_t next;
	int rc;
};

static int take(void *user, const struct consumer_batch *b, struct err *err)
{
	struct seen *seen = user;
	const uint8_t *at = b->page.records.p;

	for (uint32_t i = 0; i < b->page.count; i++) {
		seen->number[seen->count++] = number_of(span_of(at, b->page.len[i]));
		at += b->page.len[i];
	}
	seen->next = b->next;
	return seen->rc;
}

static int read_into(struct seen *seen, const char *name, uint32_t limit, bool is_auto)
{
	const struct consumer_read read = {limit, is_auto, take, seen};

	return service_consumer_read(world.service, &world.who, span_str(name), &read, NULL);
}

static void test_consumer__moves_nothing_that_was_not_answered(void **state)
{
	struct seen seen = {.rc = E_NO_MEMORY};

	make_consumer("failing", "");
	assert_int_equal(read_into(&seen, "failing", 10, true), E_NO_MEMORY);
	assert_int_equal(seen.count, 10);
	seen = (struct seen){.rc = 0};
	assert_int_equal(read_into(&seen, "failing", 10, true), 0);
	assert_int_equal(seen.number[0], 0);
	seen = (struct seen){.rc = 0};
	assert_int_equal(read_into(&seen, "failing", 10, true), 0);
	assert_int_equal(seen.number[0], 10);
}

static void acknowledge(const char *name, uint64_t position)
{
	struct consumer_view v;

	assert_int_equal(service_consumer_ack(world.service, &world.who, span_str(name), position, &v, NULL), 0);
	consumer_view_release(&v);
}

/* Reads of any size, acknowledged or not, while events arrive: each event that matches once, in order. */
static void test_consumer__hands_out_each_event_once(void **state)
{
	struct rng rng = seeded_rng("consumer");
	struct seen rest;
	uint64_t expected = 0;

	make_consumer("random", "action:x");
	for (int round = 0; round < 200; round++) {
		struct seen seen = {.rc = 0};
		bool is_auto = rng_below(&rng, 2) == 0, is_lost = !is_auto && rng_below(&rng, 2) == 0;

		if (rng_below(&rng, 4) == 0 && appended < EVENTS - 10)
			append_events(rng_below(&rng, 9) + 1);
		assert_int_equal(read_into(&seen, "random", 1 + (uint32_t)rng_below(&rng, 30), is_auto), 0);
		for (uint32_t i = 0; i < seen.count; i++)
			assert_int_equal(seen.number[i], expected + 2 * i);
		if (!is_auto && !is_lost)
			acknowledge("random", seen.next);
		if (!is_lost)
			expected += 2 * (uint64_t)seen.count;
	}
	rest = (struct seen){.rc = 0};
	assert_int_equal(read_into(&rest, "random", EVENTS, true), 0);
	assert_int_equal(expected + 2 * (uint64_t)rest.count, (appended + 1) / 2 * 2);
}

struct consuming {
	struct thread thread;
	struct seen seen;
};

static void *read_all(void *arg)
{
	struct consuming *r = arg;
	uint32_t before;

	do {
		before = r->seen.count;
		must(read_into(&r->seen, "shared", 7, true) == 0);
	} while (r->seen.count > before);
	return NULL;
}

static void test_consumer__shares_among_readers(void **state)
{
	static struct consuming readers[READERS];
	static unsigned times[EVENTS];

	make_consumer("shared", "");
	for (int i = 0; i < READERS; i++)
		thread_start(&readers[i].thread, "reader", read_all, &readers[i]);
	for (int i = 0; i < READERS; i++) {
		thread_join(&readers[i].thread);
		for (uint32_t k = 0; k < readers[i].seen.count; k++)
			times[readers[i].seen.number[k]]++;
	}
	for (uint64_t n = 0; n < appended; n++)
		assert_int_equal(times[n], 1);
}

static void test_consumer__of_a_key_begins_some_time_ago(void **state)
{
	struct seen seen = {.rc = 0};
	const struct consumer_read read = {EVENTS, true, take, &seen};

	/* The events have the time they were parsed at, a second after 1970. */
	assert_int_equal(service_queue_read(world.service, &world.who, "late", 1, &read, NULL), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(service_queue_read(world.service, &world.who, "early", clock_wall_us(), &read, NULL), 0);
	assert_int_equal(seen.count, appended);
	seen.count = 0;
	append_events(3);
	assert_int_equal(service_queue_read(world.service, &world.who, "late", 1, &read, NULL), 0);
	assert_int_equal(seen.count, 3);
}

static void test_consumer__is_not_moved_by_a_browser(void **state)
{
	struct seen seen = {.rc = 0};
	const struct consumer_read read = {10, true, take, &seen};

	make_consumer("mine", "");
	world.who.kind = PRINCIPAL_USER;
	assert_int_equal(read_into(&seen, "mine", 10, true), E_FORBIDDEN);
	assert_int_equal(service_queue_read(world.service, &world.who, "mine", 1, &read, NULL), E_FORBIDDEN);
	assert_int_equal(seen.count, 0);
	assert_int_equal(read_into(&seen, "mine", 10, false), 0);
	assert_int_equal(seen.count, 10);
	world.who.kind = PRINCIPAL_KEY;
}

/* ---- pages by number ---- */

static struct window window_of(struct window_params p, const char *text)
{
	struct window w;

	assert_int_equal(query_parse(span_str(text), clock_wall_us(), &p.query, NULL), 0);
	assert_int_equal(service_window(world.service, &world.who, &p, &w, NULL), 0);
	query_free(p.query);
	return w;
}

static struct window_params params_of(uint32_t skip, uint32_t limit, bool oldest_first)
{
	return (struct window_params){.from_us = INT64_MIN,
				      .to_us = INT64_MAX,
				      .oldest_first = oldest_first,
				      .size = UINT64_MAX,
				      .after = UINT64_MAX,
				      .skip = skip,
				      .limit = limit};
}

/* Page after page, by skipping and by going on: the same rows, all of them. */
static void check_pages(struct rng *rng, bool oldest_first, const struct field *sort)
{
	uint64_t size = appended, matches = (size + 1) / 2, seen = 0, after = UINT64_MAX;

	while (seen < matches) {
		uint32_t limit = 1 + (uint32_t)rng_below(rng, 40);
		struct window_params p = params_of((uint32_t)seen, limit, oldest_first);
		struct window skipped, gone_on;

		p.sort = sort;
		p.size = size;
		p.total_max = 1000;
		skipped = window_of(p, "action:x");
		assert_int_equal(skipped.page.total, matches);
		p.skip = 0;
		p.after = after;
		p.total_max = 0;
		gone_on = window_of(p, "action:x");
		assert_false(gone_on.page.has_total);
		assert_int_equal(skipped.page.count, matches - seen < limit ? matches - seen : limit);
		assert_true(span_eq(buf_span(&skipped.page.records), buf_span(&gone_on.page.records)));
		assert_int_equal(skipped.last, gone_on.last);
		assert_int_equal(number_of(buf_span(&skipped.page.records)),
				 oldest_first ? 2 * seen : 2 * (matches - 1 - seen));
		seen += skipped.page.count;
		after = skipped.last;
		window_release(&skipped);
		window_release(&gone_on);
		append_events(appended < EVENTS - 2 ? 1 : 0);
	}
}

static void test_window__pages_are_the_same_by_number_and_by_place(void **state)
{
	struct rng rng = seeded_rng("window");
	struct field sort;

	check_pages(&rng, true, NULL);
	check_pages(&rng, false, NULL);
	assert_int_equal(field_parse(SPAN_LIT("attributes.n"), &sort, NULL), 0);
	check_pages(&rng, true, &sort);
	check_pages(&rng, false, &sort);
	field_release(&sort);
}

static void test_window__may_be_empty(void **state)
{
	struct window_params p = params_of(0, 0, true);
	struct window w;

	p.total_max = 5;
	w = window_of(p, "action:x");
	assert_int_equal(w.page.count, 0);
	assert_true(w.page.total >= 5);
	assert_int_equal(w.last, UINT64_MAX);
	window_release(&w);
	w = window_of(params_of(EVENTS, 10, true), "");
	assert_int_equal(w.page.count, 0);
	window_release(&w);
}

static int open_and_fill(void **state)
{
	if (open_world(state) < 0)
		return -1;
	append_events(100);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consumer__moves_nothing_that_was_not_answered),
		cmocka_unit_test(test_consumer__hands_out_each_event_once),
		cmocka_unit_test(test_consumer__shares_among_readers),
		cmocka_unit_test(test_consumer__of_a_key_begins_some_time_ago),
		cmocka_unit_test(test_consumer__is_not_moved_by_a_browser),
		cmocka_unit_test(test_window__pages_are_the_same_by_number_and_by_place),
		cmocka_unit_test(test_window__may_be_empty),
	};

	return cmocka_run_group_tests(tests, open_and_fill, close_world);
}
