#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../base/seed.h"
#include "base/clock.h"
#include "service/guess.h"
#include "service/limits.h"

#define US_PER_S INT64_C(1000000)
#define START_US (INT64_C(1800000000) * US_PER_S)

static struct guesses *guesses;
static int64_t now_us;

static void pass(int64_t seconds)
{
	now_us += seconds * US_PER_S;
	clock_set_for_test(now_us);
}

static int set_up(void **state)
{
	now_us = START_US;
	pass(0);
	guesses = guesses_new();
	return 0;
}

static int tear_down(void **state)
{
	clock_set_for_test(0);
	guesses = guesses_free(guesses);
	return 0;
}

static struct guess of(const char *account, const char *ip)
{
	return (struct guess){.account = span_str(account), .ip = span_str(ip)};
}

/* Seconds to wait; 0: it may be tried now. */
static uint32_t wait_of(const struct guess *guess)
{
	struct err err = ERR_INIT;
	int rc = guess_check(guesses, guess, &err);

	assert_int_equal(rc, rc == 0 ? 0 : E_QUOTA);
	assert_int_equal(rc == 0, err.retry_s == 0);
	return err.retry_s;
}

static void fail_times(const struct guess *guess, unsigned times)
{
	while (times-- > 0)
		guess_failed(guesses, guess);
}

static void test_guess__the_first_failures_cost_nothing_then_waits_double(void **state)
{
	struct guess g = of("ada", "10.0.0.1");
	uint32_t expected = 1;

	fail_times(&g, GUESS_ACCOUNT_FREE);
	assert_int_equal(wait_of(&g), 0);
	for (int i = 0; i < 30; i++) {
		fail_times(&g, 1);
		assert_int_equal(wait_of(&g), expected);
		pass(expected - 1);
		assert_int_equal(wait_of(&g), 1);
		pass(1);
		assert_int_equal(wait_of(&g), 0);
		expected = expected * 2 < GUESS_ACCOUNT_DELAY_MAX_S ? expected * 2 : GUESS_ACCOUNT_DELAY_MAX_S;
	}
}

static void test_guess__the_message_says_how_long(void **state)
{
	struct guess g = of("ada", "10.0.0.1");
	struct err err = ERR_INIT;

	fail_times(&g, GUESS_ACCOUNT_FREE + 4);
	assert_int_equal(guess_check(guesses, &g, &err), E_QUOTA);
	assert_non_null(strstr(err.message, "in 8 seconds"));
	assert_int_equal(guess_check(guesses, &g, NULL), E_QUOTA);
}

/* As a client that tries as fast as it may: what is refused is not tried, and so does not count. */
static void try_all_the_time(const struct guess *g, unsigned times)
{
	while (times-- > 0) {
		if (wait_of(g) == 0)
			fail_times(g, 1);
	}
}

static void test_guess__two_hundred_failures_lock_nobody_else_out(void **state)
{
	struct guess attacker = of("ada", "10.0.0.1");
	struct guess ada = of("ada", "10.0.0.2");
	struct guess colleague = of("grace", "10.0.0.1");

	try_all_the_time(&attacker, 200);
	assert_true(wait_of(&attacker) > 0);
	assert_int_equal(wait_of(&ada), 0);
	assert_int_equal(wait_of(&colleague), 0);
}

static void test_guess__an_address_that_tries_many_accounts_waits(void **state)
{
	struct guess known = of("grace", "10.0.0.1");
	struct guess next = of("next", "10.0.0.1");
	char name[16];

	guess_worked(guesses, &known);
	for (unsigned i = 0; i < GUESS_ADDRESS_FREE; i++) {
		struct guess g;

		snprintf(name, sizeof(name), "u%u", i);
		g = of(name, "10.0.0.1");
		fail_times(&g, 1);
		assert_int_equal(wait_of(&next), 0);
	}
	fail_times(&next, 1);
	assert_int_equal(wait_of(&next), 1);
	next = of("another", "10.0.0.1");
	assert_int_equal(wait_of(&next), 1);
	assert_int_equal(wait_of(&known), 0); /* has signed in from there */
	next = of("another", "10.0.0.2");
	assert_int_equal(wait_of(&next), 0);
}

static void test_guess__one_address_never_waits_longer_than_its_most(void **state)
{
	struct guess g = of("a", "10.0.0.1");
	struct guess other = of("b", "10.0.0.1");

	fail_times(&g, 1000);
	assert_int_equal(wait_of(&g), GUESS_ACCOUNT_DELAY_MAX_S);
	assert_int_equal(wait_of(&other), GUESS_ADDRESS_DELAY_MAX_S);
}

static void test_guess__success_clears_the_account_and_not_the_address(void **state)
{
	struct guess own = of("own", "10.0.0.1");
	struct guess other = of("other", "10.0.0.1");

	fail_times(&own, GUESS_ADDRESS_FREE + 5);
	guess_worked(guesses, &own);
	assert_int_equal(wait_of(&own), 0);
	assert_true(wait_of(&other) > 0);
	fail_times(&own, GUESS_ACCOUNT_FREE + 1); /* known or not, its own failures count */
	assert_int_equal(wait_of(&own), 1);
}

static void test_guess__is_forgotten_after_an_hour_without_failures(void **state)
{
	struct guess g = of("ada", "10.0.0.1");

	fail_times(&g, GUESS_ACCOUNT_FREE + 20);
	pass(GUESS_FORGET_S - 1);
	fail_times(&g, 1);
	assert_int_equal(wait_of(&g), GUESS_ACCOUNT_DELAY_MAX_S);
	pass(GUESS_FORGET_S);
	fail_times(&g, GUESS_ACCOUNT_FREE);
	assert_int_equal(wait_of(&g), 0);
	guess_worked(guesses, &g);
	fail_times(&g, GUESS_ACCOUNT_FREE + 20);
	pass(GUESS_FORGET_S);
	fail_times(&g, GUESS_ACCOUNT_FREE);
	assert_int_equal(wait_of(&g), 0);
}

static void test_guess__kinds_are_apart(void **state)
{
	struct guess g = of("ada", "10.0.0.1");

	fail_times(&g, 1000);
	g.kind = GUESS_KEY;
	assert_int_equal(wait_of(&g), 0);
}

static void test_guess__without_an_address_the_account_alone_counts(void **state)
{
	struct guess g = of("ada", "");
	struct guess other = of("grace", "");

	fail_times(&g, 1000);
	assert_int_equal(wait_of(&g), GUESS_ACCOUNT_DELAY_MAX_S);
	assert_int_equal(wait_of(&other), 0);
	guess_worked(guesses, &g);
	assert_int_equal(wait_of(&g), 0);
}

static void test_guess__an_ipv6_client_has_a_whole_net(void **state)
{
	struct guess g = of("ada", "2001:db8:1:2::1");
	struct guess same = of("ada", "2001:db8:1:2:ffff::9");
	struct guess other = of("ada", "2001:db8:1:3::1");

	fail_times(&g, GUESS_ACCOUNT_FREE + 1);
	assert_int_equal(wait_of(&same), 1);
	assert_int_equal(wait_of(&other), 0);
}

static void test_guess__odd_addresses_are_addresses_too(void **state)
{
	static const char *const odd[] = {"", "not an address", "1.2.3.4:99",
					  "0123456789012345678901234567890123456789012345678901234567890123456789"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct guess g = of("ada", odd[i]);

		assert_int_equal(wait_of(&g), 0);
		fail_times(&g, GUESS_ACCOUNT_FREE + 1);
		assert_int_equal(wait_of(&g), 1);
	}
}

/* Far more accounts than there are entries: memory stays, and the newest are remembered. */
static void test_guess__a_flood_does_not_grow_and_forgets_the_oldest(void **state)
{
	struct guess first = of("first", "10.0.0.1");
	char ip[32];

	fail_times(&first, GUESS_ACCOUNT_FREE + 10);
	for (unsigned i = 0; i < 20 * GUESS_SETS * GUESS_WAYS; i++) {
		struct guess g;

		now_us++;
		clock_set_for_test(now_us);
		snprintf(ip, sizeof(ip), "10.%u.%u.%u", 1 + (i >> 16), i >> 8 & 255, i & 255);
		g = of("x", ip);
		fail_times(&g, GUESS_ACCOUNT_FREE + 2);
		assert_int_equal(wait_of(&g), 2);
	}
	assert_int_equal(wait_of(&first), 0);
}

/* The slow twin: counts in plain arrays, one of accounts at addresses and one of addresses. */
struct naive_entry {
	uint32_t failures;
	int64_t last_us;
	bool has_worked;
};

#define NAIVE_ACCOUNTS  4u
#define NAIVE_ADDRESSES 3u

struct naive {
	struct naive_entry account[NAIVE_ACCOUNTS][NAIVE_ADDRESSES];
	struct naive_entry address[NAIVE_ADDRESSES];
};

static void naive_fail(struct naive_entry *e)
{
	if (now_us - e->last_us >= GUESS_FORGET_S * US_PER_S)
		e->failures = 0;
	e->failures++;
	e->last_us = now_us;
}

/* Seconds, rounded up, until another guess. */
static uint32_t naive_wait(const struct naive_entry *e, uint32_t free_failures, int64_t most_s)
{
	int64_t delay_s = 0;
	int64_t wait_us;

	if (now_us - e->last_us >= GUESS_FORGET_S * US_PER_S)
		return 0;
	for (uint32_t i = free_failures; i < e->failures; i++)
		delay_s = delay_s == 0 ? 1 : delay_s * 2 < most_s ? delay_s * 2 : most_s;
	wait_us = e->last_us + delay_s * US_PER_S - now_us;
	return wait_us <= 0 ? 0 : (uint32_t)((wait_us + US_PER_S - 1) / US_PER_S);
}

static uint32_t naive_check(const struct naive *n, unsigned account, unsigned address)
{
	const struct naive_entry *a = &n->account[account][address];
	uint32_t own = naive_wait(a, GUESS_ACCOUNT_FREE, GUESS_ACCOUNT_DELAY_MAX_S);
	uint32_t all = naive_wait(&n->address[address], GUESS_ADDRESS_FREE, GUESS_ADDRESS_DELAY_MAX_S);

	return a->has_worked || own > all ? own : all;
}

static void test_guess__does_as_a_twin_with_plain_arrays_does(void **state)
{
	static const char *const accounts[NAIVE_ACCOUNTS] = {"ada", "grace", "", "a longer name than the others"};
	static const char *const addresses[NAIVE_ADDRESSES] = {"10.0.0.1", "10.0.0.2", "2001:db8::1"};
	struct rng rng = seeded_rng("guess");
	struct naive naive = {0};

	for (int step = 0; step < 20000; step++) {
		unsigned account = (unsigned)rng_below(&rng, NAIVE_ACCOUNTS);
		unsigned address = (unsigned)rng_below(&rng, NAIVE_ADDRESSES);
		struct guess g = of(accounts[account], addresses[address]);

		assert_int_equal(wait_of(&g), naive_check(&naive, account, address));
		if (rng_below(&rng, 50) == 0) {
			guess_worked(guesses, &g);
			naive.account[account][address] = (struct naive_entry){.has_worked = true};
		} else {
			fail_times(&g, 1);
			naive_fail(&naive.account[account][address]);
			naive_fail(&naive.address[address]);
		}
		if (rng_below(&rng, 100) == 0)
			pass((int64_t)rng_below(&rng, 2 * GUESS_FORGET_S));
		now_us += (int64_t)rng_below(&rng, 3 * US_PER_S);
		pass(0);
	}
}

static void test_guess__a_clock_that_is_set_back_makes_no_wait_longer(void **state)
{
	struct guess g = of("ada", "10.0.0.1");

	fail_times(&g, 1000);
	pass(-INT64_C(10) * 365 * 86400);
	assert_int_equal(wait_of(&g), GUESS_ACCOUNT_DELAY_MAX_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_guess__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_failures_cost_nothing_then_waits_double),
		TEST(the_message_says_how_long),
		TEST(two_hundred_failures_lock_nobody_else_out),
		TEST(an_address_that_tries_many_accounts_waits),
		TEST(one_address_never_waits_longer_than_its_most),
		TEST(success_clears_the_account_and_not_the_address),
		TEST(is_forgotten_after_an_hour_without_failures),
		TEST(kinds_are_apart),
		TEST(without_an_address_the_account_alone_counts),
		TEST(an_ipv6_client_has_a_whole_net),
		TEST(odd_addresses_are_addresses_too),
		TEST(a_flood_does_not_grow_and_forgets_the_oldest),
		TEST(does_as_a_twin_with_plain_arrays_does),
		TEST(a_clock_that_is_set_back_makes_no_wait_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
