#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/totp.h"

#define US_PER_S INT64_C(1000000)
#define SECRET   SPAN_LIT("12345678901234567890")
#define NONE     INT64_C(-1)

/* RFC 4226 appendix D. */
static void test_totp__makes_the_codes_of_rfc_4226(void **state)
{
	static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314",
					    "254676", "287922", "162583", "399871", "520489"};
	char got[TOTP_DIGITS + 1];

	for (int i = 0; i < 10; i++) {
		totp_code(SECRET, i, got);
		assert_string_equal(got, codes[i]);
	}
}

/* RFC 6238 appendix B, the rows of SHA-1; it has eight digits, of which these are the last six. */
static void test_totp__takes_the_codes_of_rfc_6238(void **state)
{
	static const struct {
		int64_t seconds;
		const char *code;
	} rows[] = {
		{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
		{1234567890, "005924"}, {2000000000, "279037"}, {INT64_C(20000000000), "353130"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t step = 0;

		assert_true(totp_check(SECRET, span_str(rows[i].code), rows[i].seconds * US_PER_S, NONE, &step));
		assert_int_equal(step, rows[i].seconds / TOTP_STEP_S);
	}
}

static void test_totp__clocks_may_be_off_by_one_step(void **state)
{
	const int64_t at = 1000000;
	char code[TOTP_DIGITS + 1];
	int64_t step;

	totp_code(SECRET, at, code);
	for (int64_t now = at - 3; now <= at + 3; now++) {
		bool is_near = now >= at - TOTP_SLACK && now <= at + TOTP_SLACK;

		assert_int_equal(totp_check(SECRET, span_str(code), now * TOTP_STEP_S * US_PER_S, NONE, &step),
				 is_near);
	}
	/* To the microsecond. */
	assert_true(totp_check(SECRET, span_str(code), (at - 1) * TOTP_STEP_S * US_PER_S, NONE, &step));
	assert_false(totp_check(SECRET, span_str(code), (at - 1) * TOTP_STEP_S * US_PER_S - 1, NONE, &step));
	assert_true(totp_check(SECRET, span_str(code), (at + 2) * TOTP_STEP_S * US_PER_S - 1, NONE, &step));
	assert_false(totp_check(SECRET, span_str(code), (at + 2) * TOTP_STEP_S * US_PER_S, NONE, &step));
}

static void test_totp__a_code_is_taken_once(void **state)
{
	const int64_t now = 1000000;
	char code[TOTP_DIGITS + 1];
	int64_t step = 0;

	totp_code(SECRET, now, code);
	assert_true(totp_check(SECRET, span_str(code), now * TOTP_STEP_S * US_PER_S, now - 1, &step));
	assert_false(totp_check(SECRET, span_str(code), now * TOTP_STEP_S * US_PER_S, step, &step));
	totp_code(SECRET, now - 1, code); /* nor one from before it */
	assert_false(totp_check(SECRET, span_str(code), now * TOTP_STEP_S * US_PER_S, now, &step));
	totp_code(SECRET, now + 1, code);
	assert_true(totp_check(SECRET, span_str(code), now * TOTP_STEP_S * US_PER_S, now, &step));
}

static void test_totp__refuses_what_is_no_code(void **state)
{
	static const char *const texts[] = {"", "0", "75522", "7552244", "755225", "75522a", " 75522", "000000"};
	int64_t step = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(totp_check(SECRET, span_str(texts[i]), 0, NONE - 1, &step));
	assert_true(totp_check(SECRET, SPAN_LIT("755224"), 0, NONE, &step));
	assert_false(totp_check(SPAN_LIT("12345678901234567891"), SPAN_LIT("755224"), 0, NONE, &step));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_totp__makes_the_codes_of_rfc_4226),
		cmocka_unit_test(test_totp__takes_the_codes_of_rfc_6238),
		cmocka_unit_test(test_totp__clocks_may_be_off_by_one_step),
		cmocka_unit_test(test_totp__a_code_is_taken_once),
		cmocka_unit_test(test_totp__refuses_what_is_no_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
