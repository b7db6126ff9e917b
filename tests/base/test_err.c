#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void test_err__fills_code_message_and_source(void **state)
{
	struct err err = ERR_INIT;

	assert_int_equal(err_set(&err, E_INVALID, "member %d of %s", 3, "tags"), E_INVALID);
	assert_int_equal(err.code, E_INVALID);
	assert_string_equal(err.message, "member 3 of tags");
	assert_non_null(strstr(err.source_file, "test_err.c"));
	assert_true(err.source_line > 0);
	assert_int_equal(err.position, -1);
	assert_int_equal(err.offset, -1);
}

static void test_err__does_without_an_err(void **state)
{
	assert_int_equal(err_set(NULL, E_QUOTA, "x"), E_QUOTA);
	assert_int_equal(err_errno(NULL, ENOSPC, "x"), E_NO_SPACE);
	assert_int_equal(err_corrupt(NULL, 7, "x"), E_CORRUPT);
	err_set_field(NULL, "x", 1);
}

static void test_err__maps_errno_of_either_sign(void **state)
{
	struct err err = ERR_INIT;

	assert_int_equal(err_errno(&err, ENOSPC, "writing"), E_NO_SPACE);
	assert_int_equal(err_errno(&err, EDQUOT, "writing"), E_NO_SPACE);
	assert_int_equal(err_errno(&err, EACCES, "writing"), E_IO);
	assert_int_equal(err_errno(&err, -ENOENT, "opening %s", "/a"), E_NOT_FOUND);
	assert_string_equal(err.message, "opening /a: No such file or directory");
}

static void test_err__wraps_its_own_message(void **state)
{
	struct err err = ERR_INIT;

	err_set(&err, E_IO, "inner");
	err_set(&err, E_IO, "outer: %s", err.message);
	assert_string_equal(err.message, "outer: inner");
}

static void test_err__keeps_what_the_caller_named(void **state)
{
	struct err err = ERR_INIT;

	err_set_field(&err, "first.file", 5);
	err_set_field(&err, "second", 6);
	err.position = 4;
	assert_int_equal(err_corrupt(&err, 512, "bad magic"), E_CORRUPT);
	assert_string_equal(err.field, "first");
	assert_int_equal(err.position, 4);
	assert_int_equal(err.offset, 512);
}

/* Every length of a prefix before two-, three- and four-byte sequences: no cut splits one. */
static void test_err__cuts_at_a_character(void **state)
{
	static const char *const sequences[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x92"};

	for (size_t s = 0; s < 3; s++) {
		size_t width = strlen(sequences[s]);

		for (size_t prefix = 0; prefix < width; prefix++) {
			char text[ERR_MESSAGE_MAX * 2];
			struct err err = ERR_INIT;
			size_t len = prefix;

			memset(text, 'a', prefix);
			for (; len + width < sizeof(text); len += width)
				memcpy(text + len, sequences[s], width);
			text[len] = '\0';
			err_set(&err, E_INVALID, "%s", text);
			len = strlen(err.message);
			assert_int_equal((len - prefix) % width, 0);
			assert_true(len + width >= ERR_MESSAGE_MAX && len < ERR_MESSAGE_MAX);
			assert_memory_equal(err.message, text, len);
		}
	}
}

static void test_err__cuts_the_field(void **state)
{
	char name[ERR_FIELD_MAX * 2];
	struct err err = ERR_INIT;

	memset(name, 'f', sizeof(name));
	err_set_field(&err, name, sizeof(name));
	assert_int_equal(strlen(err.field), ERR_FIELD_MAX - 1);
}

static void test_err__names_every_code(void **state)
{
#define ERR(name, value, wire, status, meaning)                                                                        \
	assert_int_equal(name, value);                                                                                 \
	assert_string_equal(err_name(name), #name);                                                                    \
	assert_string_equal(err_wire(name), wire);                                                                     \
	assert_int_equal(err_http_status(name), status);                                                               \
	assert_string_equal(err_meaning(name), meaning);
#include "base/err.tbl"
#undef ERR
	assert_string_equal(err_name(0), "E_OK");
	assert_int_equal(err_http_status(0), 200);
	assert_string_equal(err_name(-9999), "E_INTERNAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err__fills_code_message_and_source),
		cmocka_unit_test(test_err__does_without_an_err),
		cmocka_unit_test(test_err__maps_errno_of_either_sign),
		cmocka_unit_test(test_err__wraps_its_own_message),
		cmocka_unit_test(test_err__keeps_what_the_caller_named),
		cmocka_unit_test(test_err__cuts_at_a_character),
		cmocka_unit_test(test_err__cuts_the_field),
		cmocka_unit_test(test_err__names_every_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
