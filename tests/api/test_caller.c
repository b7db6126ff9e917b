#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../base/seed.h"
#include "api/caller.h"

static struct network_list proxies;

static int set_up(void **state)
{
	char normal[NETWORKS_TEXT_MAX + 1];

	return network_list_parse(SPAN_LIT("10.0.0.0/8,2001:db8:1::/48"), &proxies, normal, NULL);
}

/* What several headers say together; "" when they say nothing. */
static const char *client_of(const char *const *headers)
{
	static char found[CALLER_IP_MAX];
	bool is_client = false;

	found[0] = '\0';
	for (; *headers; headers++)
		caller_forwarded(&proxies, span_str(*headers), found, &is_client);
	return found;
}

#define CLIENT(...) client_of((const char *const[]){__VA_ARGS__, NULL})

static void test_caller__takes_the_last_address_that_is_no_proxy(void **state)
{
	assert_string_equal(CLIENT("203.0.113.7"), "203.0.113.7");
	assert_string_equal(CLIENT("203.0.113.7, 10.1.2.3"), "203.0.113.7");
	assert_string_equal(CLIENT("1.1.1.1, 203.0.113.7,10.1.2.3 , 10.0.0.1"), "203.0.113.7");
	assert_string_equal(CLIENT("10.9.9.9, 203.0.113.7, 10.1.2.3"), "203.0.113.7");
	assert_string_equal(CLIENT("1.1.1.1", "203.0.113.7", "10.1.2.3"), "203.0.113.7");
	assert_string_equal(CLIENT("203.0.113.7, 2001:db8:1::5"), "203.0.113.7");
	assert_string_equal(CLIENT("2001:DB8:2::7"), "2001:db8:2::7");
}

static void test_caller__takes_the_first_when_all_are_proxies(void **state)
{
	assert_string_equal(CLIENT("10.0.0.1"), "10.0.0.1");
	assert_string_equal(CLIENT("10.0.0.1, 10.0.0.2"), "10.0.0.1");
	assert_string_equal(CLIENT("10.0.0.1", "10.0.0.2"), "10.0.0.1");
}

static void test_caller__believes_nothing_before_what_is_no_address(void **state)
{
	assert_string_equal(CLIENT(""), "");
	assert_string_equal(CLIENT("unknown"), "");
	assert_string_equal(CLIENT("203.0.113.7, unknown"), "");
	assert_string_equal(CLIENT("203.0.113.7, unknown, 10.0.0.2, 10.0.0.3"), "10.0.0.2");
	assert_string_equal(CLIENT("203.0.113.7,,10.0.0.2"), "10.0.0.2");
	assert_string_equal(CLIENT("203.0.113.7", "<script>"), "");
	assert_string_equal(CLIENT("203.0.113.7777"), "");
	assert_string_equal(CLIENT("[::1"), "");
	assert_string_equal(CLIENT("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20"), "");
}

static void test_caller__takes_ports_and_brackets_off(void **state)
{
	assert_string_equal(CLIENT("203.0.113.7:4711"), "203.0.113.7");
	assert_string_equal(CLIENT("[2001:db8:2::7]:443"), "2001:db8:2::7");
	assert_string_equal(CLIENT("[2001:db8:2::7]"), "2001:db8:2::7");
	assert_string_equal(CLIENT("::ffff:203.0.113.7"), "203.0.113.7");
}

/* The rule as it is usually told: from the right, past the proxies. */
static void naive(const char *const *items, int n, char to[CALLER_IP_MAX])
{
	to[0] = '\0';
	for (int i = n - 1; i >= 0; i--) {
		if (strcmp(items[i], "x") == 0)
			return;
		strncpy(to, items[i], CALLER_IP_MAX - 1);
		if (strncmp(items[i], "10.", 3) != 0)
			return;
	}
}

static void test_caller__agrees_with_a_walk_from_the_right(void **state)
{
	static const char *const choices[] = {"10.0.0.1", "10.0.0.2", "203.0.113.7", "198.51.100.2", "x"};
	struct rng rng = seeded_rng("caller");

	for (int round = 0; round < 20000; round++) {
		int n = (int)rng_below(&rng, 8);
		char want[CALLER_IP_MAX] = "", header[256] = "", found[CALLER_IP_MAX] = "";
		const char *items[8];
		bool is_client = false;

		for (int i = 0; i < n; i++) {
			items[i] = choices[rng_below(&rng, 5)];
			snprintf(header + strlen(header), sizeof(header) - strlen(header), "%s%s",
				 header[0] ? ", " : "", items[i]);
			if (rng_below(&rng, 4) == 0) { /* the next one stands in another header */
				caller_forwarded(&proxies, span_str(header), found, &is_client);
				header[0] = '\0';
			}
		}
		caller_forwarded(&proxies, span_str(header), found, &is_client);
		naive(items, n, want);
		assert_string_equal(found, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller__takes_the_last_address_that_is_no_proxy),
		cmocka_unit_test(test_caller__takes_the_first_when_all_are_proxies),
		cmocka_unit_test(test_caller__believes_nothing_before_what_is_no_address),
		cmocka_unit_test(test_caller__takes_ports_and_brackets_off),
		cmocka_unit_test(test_caller__agrees_with_a_walk_from_the_right),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
