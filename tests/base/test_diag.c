#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"

static char text[8192];

/* What one call of diag wrote to standard error. */
static const char *captured(enum diag_level level, const char *message)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(file);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	diag(level, "store", "%s", message);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void test_diag__writes_one_line(void **state)
{
	clock_set_for_test(1769860800000042);
	assert_string_equal(captured(DIAG_WARNING, "slow sync ms=1200"),
			    "2026-01-31T12:00:00.000042Z warning store: slow sync ms=1200\n");
	clock_set_for_test(0);
}

static void test_diag__keeps_to_the_level(void **state)
{
	assert_string_equal(captured(DIAG_DEBUG, "x"), "");
	diag_set_level(DIAG_ERROR);
	assert_string_equal(captured(DIAG_WARNING, "x"), "");
	diag_set_level(DIAG_DEBUG);
	assert_non_null(strstr(captured(DIAG_DEBUG, "x"), "debug store: x\n"));
	diag_set_level(DIAG_INFO);
}

static void test_diag__cannot_be_made_to_forge_lines(void **state)
{
	const char *line = captured(DIAG_INFO, "name=\"a\n2026 error store: \x1b[2Jgone\"");

	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_null(strchr(line, '\x1b'));
	assert_non_null(strstr(line, "a?2026"));
}

static void test_diag__cuts_long_lines(void **state)
{
	char message[5000];
	const char *line;

	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	line = captured(DIAG_INFO, message);
	assert_in_range(strlen(line), 1000, 2048);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diag__writes_one_line),
		cmocka_unit_test(test_diag__keeps_to_the_level),
		cmocka_unit_test(test_diag__cannot_be_made_to_forge_lines),
		cmocka_unit_test(test_diag__cuts_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
