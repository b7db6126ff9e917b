#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "crypto/scrypt.h"

/* "pleaseletmein" with N = 2 and a salt of sixteen 's': cheap to check. */
#define CHEAP "$scrypt$ln=1,r=8,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$"

static void to_hex(const uint8_t *p, size_t len, char *to)
{
	for (size_t i = 0; i < len; i++)
		snprintf(to + 2 * i, 3, "%02x", p[i]);
}

/* RFC 7914 section 12. */
static void test_scrypt__gives_the_vectors_of_rfc_7914(void **state)
{
	static const struct {
		const char *password, *salt;
		unsigned log_n, r, p;
		const char *hash;
	} rows[] = {
		{"", "", 4, 1, 1,
		 "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
		 "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
		{"password", "NaCl", 10, 8, 16,
		 "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
		 "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
		{"pleaseletmein", "SodiumChloride", 14, 8, 1,
		 "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
		 "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
	};
	uint8_t got[64];
	char text[129];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(scrypt_derive(span_str(rows[i].password), span_str(rows[i].salt), rows[i].log_n, rows[i].r,
					  rows[i].p, got, sizeof(got)));
		to_hex(got, sizeof(got), text);
		assert_string_equal(text, rows[i].hash);
	}
}

static void assert_verifies(const char *password, const char *text, bool expected)
{
	bool is_it = !expected;

	assert_int_equal(scrypt_verify(span_str(password), text, &is_it, NULL), 0);
	assert_int_equal(is_it, expected);
}

static void test_scrypt__knows_the_password_and_no_other(void **state)
{
	char one[SCRYPT_TEXT_MAX], two[SCRYPT_TEXT_MAX];

	assert_int_equal(scrypt_hash(SPAN_LIT("correct horse"), one, NULL), 0);
	assert_int_equal(scrypt_hash(SPAN_LIT("correct horse"), two, NULL), 0);
	assert_int_equal(strncmp(one, "$scrypt$ln=16,r=8,p=1$", 22), 0);
	assert_int_equal(strlen(one), 22 + 22 + 1 + 43);
	assert_string_not_equal(one, two); /* salted */
	assert_verifies("correct horse", one, true);
	assert_verifies("correct horse", two, true);
	assert_verifies("correct horsf", one, false);
	assert_verifies("", one, false);
	assert_verifies("correct horse ", one, false);
}

static void test_scrypt__reads_other_parameters_within_bounds(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"$scrypt$",
		"$scrypt$ln=19,r=8,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$scrypt$ln=0,r=8,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$scrypt$ln=1,r=9,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$scrypt$ln=1,r=8,p=5$c3Nzc3Nzc3Nzc3Nzc3Nzcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$scrypt$ln=1,r=8,p=-1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$scrypt$ln=1,r=8,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzc$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		CHEAP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		CHEAP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		CHEAP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*",
		CHEAP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
	};
	bool is_it;

	assert_verifies("x", CHEAP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scrypt_verify(SPAN_LIT("x"), bad[i], &is_it, NULL), E_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scrypt__gives_the_vectors_of_rfc_7914),
		cmocka_unit_test(test_scrypt__knows_the_password_and_no_other),
		cmocka_unit_test(test_scrypt__reads_other_parameters_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
