/* Numbers and addresses as text, against slow twins and against inet_pton. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "../base/seed.h"
#include "naive.h"
#include "query/address_priv.h"
#include "query/number_priv.h"

static void put_digits(struct rng *rng, struct buf *to, uint64_t most)
{
	static const char *const often[] = {"0", "00", "9", "99", "1", "5"};

	for (uint64_t k = 1 + rng_below(rng, most); k > 0; k--)
		buf_put_str(to, often[rng_below(rng, 6)]);
}

/* Near what a number is, and near each other. */
static void put_number(struct rng *rng, struct buf *to)
{
	buf_put_str(to, rng_below(rng, 3) ? "" : "-");
	if (rng_below(rng, 2))
		buf_printf(to, "%u", (unsigned)rng_below(rng, 12));
	else
		put_digits(rng, to, 12);
	if (rng_below(rng, 2)) {
		buf_put_u8(to, '.');
		put_digits(rng, to, 3);
	}
	if (rng_below(rng, 3) == 0)
		buf_printf(to, "%s%s%u", rng_below(rng, 2) ? "e" : "E",
			   rng_below(rng, 2)   ? "-"
			   : rng_below(rng, 2) ? "+"
					       : "",
			   (unsigned)rng_below(rng, 30));
	if (rng_below(rng, 20) == 0 && to->len)
		to->p[rng_below(rng, to->len)] = (uint8_t) "0.-+ 1x"[rng_below(rng, 7)];
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void test_number__compares_as_its_twin(void **state)
{
	struct rng rng = seeded_rng(__func__);
	unsigned compared = 0, equal = 0;

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		struct buf a = BUF_INIT, b = BUF_INIT;
		struct number x, y;
		int expected;
		bool both;

		put_number(&rng, &a);
		put_number(&rng, &b);
		both = number__parse(buf_span(&a), &x) && number__parse(buf_span(&b), &y);
		if (both != naive_compare_numbers(buf_span(&a), buf_span(&b), &expected))
			fail_msg("%.*s, %.*s", (int)a.len, (char *)a.p, (int)b.len, (char *)b.p);
		if (both && sign(number__compare(&x, &y)) != sign(expected))
			fail_msg("%.*s, %.*s", (int)a.len, (char *)a.p, (int)b.len, (char *)b.p);
		compared += both;
		equal += both && expected == 0;
		buf_release(&a);
		buf_release(&b);
	}
	assert_true(compared > 1000 && equal > 20);
}

static void test_number__takes_what_json_takes(void **state)
{
	static const char *const good[] = {
		"0", "-0", "0.0", "1e5", "1E+05", "-12.50e-3", "123456789012345678901234567890", "1e999999"};
	static const char *const bad[] = {"",    "-",         "+1",  "01",    ".5", "1.",   "1e",
					  "1e+", "1e1000000", "0x1", "1 ",    " 1", "1.e1", "--1",
					  "1,0", "Infinity",  "NaN", "1e1.5", "1-"};
	struct number n;

	(void)state;
	for (size_t k = 0; k < sizeof(good) / sizeof(good[0]); k++)
		assert_true(number__parse(span_str(good[k]), &n));
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_false(number__parse(span_str(bad[k]), &n));
}

static void test_number__is_exact(void **state)
{
	static const char *const ascending[] = {"-1e400",
						"-9007199254740993",
						"-9007199254740992",
						"-0.5",
						"-1e-400",
						"0",
						"1e-400",
						"0.1",
						"0.10000000000000000001",
						"1",
						"99999999999999999",
						"999999999999999999",
						"1000000000000000000",
						"9223372036854775807",
						"9223372036854775808",
						"1e400"};
	struct number a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(ascending) / sizeof(ascending[0]); i++)
		for (size_t j = 0; j < sizeof(ascending) / sizeof(ascending[0]); j++) {
			assert_true(number__parse(span_str(ascending[i]), &a) &&
				    number__parse(span_str(ascending[j]), &b));
			assert_int_equal(sign(number__compare(&a, &b)), sign((int)i - (int)j));
		}
}

/* ---- addresses ---- */

static void put_address(struct rng *rng, struct buf *to)
{
	uint8_t bytes[16] = {0};
	char text[INET6_ADDRSTRLEN];

	for (unsigned k = 0; k < 16; k++)
		bytes[k] = rng_below(rng, 3) ? 0 : (uint8_t)rng_next(rng);
	inet_ntop(rng_below(rng, 2) ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	buf_put_str(to, text);
	for (uint64_t k = rng_below(rng, 4); k > 0 && to->len > 1; k--) {
		size_t at = rng_below(rng, to->len);

		if (rng_below(rng, 2)) {
			to->p[at] = (uint8_t) "0123afF:.g"[rng_below(rng, 10)];
		} else {
			memmove(to->p + at, to->p + at + 1, to->len - at - 1);
			to->len--;
		}
	}
}

static void test_address__reads_what_inet_pton_reads(void **state)
{
	struct rng rng = seeded_rng(__func__);
	unsigned good = 0;

	(void)state;
	for (unsigned k = 0; k < 40000; k++) {
		uint8_t expected[16] = {[10] = 0xff, [11] = 0xff}, got[16];
		struct buf text = BUF_INIT;
		bool yes;

		put_address(&rng, &text);
		buf_put_u8(&text, 0);
		yes = inet_pton(AF_INET, (char *)text.p, expected + 12) == 1 ||
		      inet_pton(AF_INET6, (char *)text.p, expected) == 1;
		if (address__parse(span_str((char *)text.p), got) != yes || (yes && memcmp(got, expected, 16) != 0))
			fail_msg("%s", (char *)text.p);
		good += yes;
		buf_release(&text);
	}
	assert_true(good > 10000 && good < 39000);
}

static void test_address__knows_networks(void **state)
{
	uint8_t first[16], last[16];
	char text[ADDRESS_TEXT_LEN];

	(void)state;
	assert_true(address__parse_network(SPAN_LIT("10.20.30.40/12"), first, last));
	address__format(first, text);
	assert_string_equal(text, "10.16.0.0");
	address__format(last, text);
	assert_string_equal(text, "10.31.255.255");
	assert_true(address__parse_network(SPAN_LIT("0.0.0.0/0"), first, last));
	assert_true(address__is_v4(first) && address__is_v4(last));
	assert_true(address__parse_network(SPAN_LIT("2001:db8::/33"), first, last));
	address__format(last, text);
	assert_string_equal(text, "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff");
	assert_true(address__parse_network(SPAN_LIT("::1/128"), first, last));
	assert_memory_equal(first, last, 16);
	assert_false(address__parse_network(SPAN_LIT("10.0.0.0"), first, last));
	assert_false(address__parse_network(SPAN_LIT("10.0.0.0/"), first, last));
	assert_false(address__parse_network(SPAN_LIT("10.0.0.0/33"), first, last));
	assert_false(address__parse_network(SPAN_LIT("10.0.0.0/08"), first, last));
	assert_false(address__parse_network(SPAN_LIT("10.0.0/8"), first, last));
	assert_false(address__parse_network(SPAN_LIT("::/129"), first, last));
	assert_false(address__parse_network(SPAN_LIT("/8"), first, last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number__compares_as_its_twin),
		cmocka_unit_test(test_number__takes_what_json_takes),
		cmocka_unit_test(test_number__is_exact),
		cmocka_unit_test(test_address__reads_what_inet_pton_reads),
		cmocka_unit_test(test_address__knows_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
