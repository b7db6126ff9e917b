#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "codec/csv.h"
#include "codec/json_text.h"
#include "event_sample.h"

static void check(const char *json, const char *want)
{
	struct buf cell = BUF_INIT, scratch = BUF_INIT;

	csv_put_json(&cell, span_str(json), &scratch);
	assert_true(buf_ok(&cell));
	assert_true(span_eq(buf_span(&cell), span_str(want)));
	buf_release(&cell);
	buf_release(&scratch);
}

static void test_csv__writes_values(void **state)
{
	check("\"plain\"", "plain");
	check("\"\"", "");
	check("null", "");
	check("true", "true");
	check("12.5", "12.5");
	check("\"a,b\"", "\"a,b\"");
	check("\"say \\\"hi\\\"\"", "\"say \"\"hi\"\"\"");
	check("\"two\\nlines\"", "\"two\nlines\"");
	check("\"c\\\\d\"", "c\\d");
	check("\"end \"", "\"end \"");
	check("\" begin\"", "\" begin\"");
	check("[1,\"a\"]", "\"[1,\"\"a\"\"]\"");
	check("{\"a\":1}", "\"{\"\"a\"\":1}\"");
	check("[]", "[]");
	check("\"\xc3\x84rzte\"", "\xc3\x84rzte");
}

static void test_csv__lets_no_cell_be_run(void **state)
{
	static const char *const run[] = {
		"=1+1",
		"+1+1",
		"-1+1",
		"@SUM(A1)",
		"=cmd|' /C calc'!A0",
		"-",
		"+",
		"-a",
		"--1",
		"-12.5x",
		"-1.",
		"-.5",
		"+1e",
		"+49 151 1234",
		"-1e+",
		"-1 ",
		"\xef\xbc\x9d"
		"1",
		"\xef\xbc\x8b"
		"1",
		"\xef\xbc\x8d"
		"1",
		"\xef\xbc\xa0"
		"A",
	};
	static const char *const left[] = {"-12.5", "+3",  "-0", "1e9", "-1e+9",       "-1.5E-3",
					   "a=1",   "'=1", "",   "1-1", "\xef\xbc\x81"};
	struct buf json = BUF_INIT, want = BUF_INIT;

	for (size_t i = 0; i < sizeof(run) / sizeof(run[0]); i++) {
		bool has_blank = run[i][strlen(run[i]) - 1] == ' ';

		buf_reset(&json);
		buf_reset(&want);
		buf_printf(&json, "\"%s\"%c", run[i], 0);
		buf_printf(&want, "%s'%s%s%c", has_blank ? "\"" : "", run[i], has_blank ? "\"" : "", 0);
		must(json.p && want.p);
		check((const char *)json.p, (const char *)want.p);
	}
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		buf_reset(&json);
		buf_printf(&json, "\"%s\"%c", left[i], 0);
		must(json.p);
		check((const char *)json.p, left[i]);
	}
	check("\"\\t=1\"", "'\t=1");
	check("\"\\r=1\"", "\"'\r=1\"");
	check("\"\\nx\"", "\"'\nx\"");
	check("\"  =1\"", "'  =1");
	check("\" -12.5\"", "' -12.5");
	check("-12.5", "-12.5");
	buf_release(&json);
	buf_release(&want);
}

/* ---- round trip ---- */

/* RFC 4180, read the slow way: one row of cells, each ended by a NUL in `to`. Returns what is behind the row. */
static size_t naive_row(struct span csv, size_t at, struct buf *to, size_t *ret_cells)
{
	for (*ret_cells = 0;;) {
		if (at < csv.len && csv.p[at] == '"') {
			for (at++; csv.p[at] != '"' || (at + 1 < csv.len && csv.p[at + 1] == '"'); at++) {
				at += csv.p[at] == '"';
				buf_put_u8(to, csv.p[at]);
			}
			at++;
		} else {
			while (csv.p[at] != ',' && csv.p[at] != '\r') {
				assert_int_not_equal(csv.p[at], '"');
				assert_int_not_equal(csv.p[at], '\n');
				buf_put_u8(to, csv.p[at++]);
			}
		}
		buf_put_u8(to, 0);
		++*ret_cells;
		if (csv.p[at] == '\r') {
			assert_int_equal(csv.p[at + 1], '\n');
			return at + 2;
		}
		assert_int_equal(csv.p[at++], ',');
	}
}

static void put_random_text(struct rng *r, struct buf *to)
{
	static const char corners[] = ",\"\r\n =+-@\t'a1.e";

	for (uint64_t n = pick(r, 12); n > 0; n--)
		buf_put_u8(to, (uint8_t)corners[pick(r, sizeof(corners) - 1)]);
}

/* What is read is what was written, but for the apostrophe of a cell that would be run. */
static void test_csv__is_read_back(void **state)
{
	struct rng r = seeded_rng();
	struct buf csv = BUF_INIT, texts = BUF_INIT, cells = BUF_INIT, scratch = BUF_INIT;

	for (int round = 0; round < 5000; round++) {
		size_t want = 1 + pick(&r, 5), got;
		const char *text, *cell;

		buf_reset(&csv);
		buf_reset(&texts);
		buf_reset(&cells);
		for (size_t i = 0; i < want; i++) {
			size_t start = texts.len;

			put_random_text(&r, &texts);
			if (i > 0)
				buf_put_u8(&csv, ',');
			csv_put_text(&csv, span_of(texts.len ? texts.p + start : NULL, texts.len - start), &scratch);
			buf_put_u8(&texts, 0);
		}
		buf_put_str(&csv, "\r\n");
		assert_int_equal(naive_row(buf_span(&csv), 0, &cells, &got), csv.len);
		assert_int_equal(got, want);
		must(texts.p && cells.p);
		text = (const char *)texts.p;
		cell = (const char *)cells.p;
		for (size_t i = 0; i < want; i++) {
			bool has_mark = cell[0] == '\'' && strcmp(cell, text) != 0;

			assert_string_equal(cell + has_mark, text);
			assert_true(has_mark || !strchr("=@\t\r\n", text[0]) || text[0] == '\0');
			text += strlen(text) + 1;
			cell += strlen(cell) + 1;
		}
	}
	buf_release(&csv);
	buf_release(&texts);
	buf_release(&cells);
	buf_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv__writes_values),
		cmocka_unit_test(test_csv__lets_no_cell_be_run),
		cmocka_unit_test(test_csv__is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
