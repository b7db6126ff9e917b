/* Following a ledger, beside a twin that walks the list of what was appended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/seed.h"
#include "base/thread.h"
#include "service/service.h"
#include "world.h"

#define ROUNDS 60

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

static struct query *parse(const char *text)
{
	struct query *q = NULL;

	assert_int_equal(query_parse(span_str(text), clock_wall_us(), &q, NULL), 0);
	return q;
}

static struct follow step(const struct query *q, uint64_t position, uint32_t limit, size_t bytes_max)
{
	struct follow f = FOLLOW_INIT;

	assert_int_equal(
		service_follow(world.service, &world.who, LEDGER_MAIN, q, position, limit, bytes_max, &f, NULL), 0);
	return f;
}

/* Everything that was appended, and how far a follower with any limits has come. */
struct twin {
	char kind[ROUNDS * 8]; /* 'x' matches, 'y' does not */
	size_t count;
	uint64_t position; /* the follower's */
	size_t matched;    /* what it was given */
};

static void append_some(struct twin *t, struct rng *rng)
{
	char text[8 * 64] = "";
	size_t n = 1 + rng_below(rng, 7);

	for (size_t i = 0; i < n; i++) {
		char kind = rng_below(rng, 3) == 0 ? 'y' : 'x';

		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "{\"action\":\"%c\",\"attributes\":{\"n\":%zu}}\n", kind, t->count);
		t->kind[t->count++] = kind;
	}
	world_append(&world, span_str(text));
}

/* One step must give the next matching records, in order, each with its id, and pass over no other that matches. */
static void follow_once(struct twin *t, const struct query *q, struct rng *rng)
{
	uint32_t limit = 1 + (uint32_t)rng_below(rng, 6);
	size_t bytes_max = 1 + rng_below(rng, 700);
	struct follow f = step(q, t->position, limit, bytes_max);
	const uint8_t *record = f.page.records.p;
	uint64_t at = t->position;

	assert_true(f.page.count <= limit && f.position <= t->count && f.position >= t->position);
	for (uint32_t i = 0; i < f.page.count; i++) {
		char number[32];
		uint8_t id[RECORD_ID_LEN];

		while (at < t->count && t->kind[at] != 'x')
			at++;
		snprintf(number, sizeof(number), "{\"n\":%llu}", (unsigned long long)at);
		assert_non_null(memmem(record, f.page.len[i], number, strlen(number)));
		service_id(world.service, &world.who, LEDGER_MAIN, at, id);
		assert_memory_equal(f.id[i], id, sizeof(id));
		record += f.page.len[i];
		at++;
	}
	assert_true(at <= f.position || f.page.count == 0);
	for (; at < f.position; at++)
		assert_int_equal(t->kind[at], 'y');
	t->position = f.position;
	t->matched += f.page.count;
	follow_release(&f);
}

static void test_follow__gives_all_that_matches_once(void **state)
{
	struct rng rng = seeded_rng("test_follow");
	struct query *q = parse("action:x");
	struct twin t = {.count = 0};
	size_t expected = 0;

	for (int round = 0; round < ROUNDS; round++) {
		append_some(&t, &rng);
		follow_once(&t, q, &rng);
		if (round % 20 == 10)
			assert_int_equal(service_seal(world.service, NULL), 0);
	}
	while (t.position < t.count)
		follow_once(&t, q, &rng);
	for (size_t i = 0; i < t.count; i++)
		expected += t.kind[i] == 'x';
	assert_int_equal(t.matched, expected);
	assert_int_equal(service_size(world.service, &world.who, LEDGER_MAIN), t.count);
	query_free(q);
}

static void test_follow__passes_over_what_does_not_match(void **state)
{
	struct query *q = parse("action:none");
	struct follow f;

	f = step(q, 0, 10, 1000);
	assert_int_equal(f.position, 0);
	follow_release(&f);
	world_append(&world, span_str("{\"action\":\"a\"}{\"action\":\"b\"}{\"action\":\"c\"}"));
	f = step(q, 1, 10, 1000);
	assert_int_equal(f.position, 3);
	assert_int_equal(f.page.count, 0);
	follow_release(&f);
	query_free(q);
}

static void test_follow__begins_behind_an_event(void **state)
{
	uint8_t id[RECORD_ID_LEN];
	uint64_t position = 7;
	struct err err = ERR_INIT;

	world_append(&world, span_str("{\"action\":\"a\"}{\"action\":\"b\"}"));
	service_id(world.service, &world.who, LEDGER_MAIN, 1, id);
	assert_int_equal(
		service_position(world.service, &world.who, LEDGER_MAIN, span_of(id, sizeof(id)), &position, NULL), 0);
	assert_int_equal(position, 2);
	assert_int_equal(
		service_position(world.service, &world.who, LEDGER_SELF, span_of(id, sizeof(id)), &position, &err),
		E_INVALID);
	assert_int_equal(service_position(world.service, &world.who, LEDGER_MAIN, SPAN_LIT("x"), &position, NULL),
			 E_INVALID);
	assert_int_equal(position, 2);
}

static void test_permission__lets_readers_save_searches(void **state)
{
	static const char *const may[] = {"owner", "admin", "auditor", "analyst"};
	uint32_t permissions;

	for (size_t i = 0; i < 4; i++) {
		assert_true(role_permissions(may[i], &permissions));
		assert_true((permissions & PERMISSION_SAVE) != 0 && (permissions & PERMISSION_READ) != 0);
	}
	assert_true(role_permissions("writer", &permissions));
	assert_int_equal(permissions & (PERMISSION_SAVE | PERMISSION_READ), 0);
	assert_string_equal(permission_name(PERMISSION_SAVE), "searches:write");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follow__gives_all_that_matches_once),
		TEST(follow__passes_over_what_does_not_match),
		TEST(follow__begins_behind_an_event),
		cmocka_unit_test(test_permission__lets_readers_save_searches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
