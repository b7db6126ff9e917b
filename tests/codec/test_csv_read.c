#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "codec/csv.h"
#include "codec/csv_read.h"

/* The cells of a text, each with '|' behind it, '/' behind each row. */
static int read_all(struct span text, struct buf *to, struct err *err)
{
	struct csv_reader r;
	struct buf cell = BUF_INIT;
	enum csv_read_kind kind;
	int rc;

	csv_reader_init(&r, text);
	while ((rc = csv_read_cell(&r, &cell, &kind, err)) == 0 && kind != CSV_END) {
		buf_put_span(to, buf_span(&cell));
		buf_put_str(to, kind == CSV_LAST ? "|/" : "|");
	}
	buf_release(&cell);
	csv_reader_release(&r);
	return rc;
}

static void check(const char *text, const char *want)
{
	struct buf found = BUF_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(read_all(span_str(text), &found, &err), 0);
	buf_put_u8(&found, 0);
	assert_string_equal((const char *)found.p, want);
	buf_release(&found);
}

static void test_csv_read__reads_cells_and_rows(void **state)
{
	check("", "");
	check("\r\n\n\n", "");
	check("a", "a|/");
	check("a,b\r\nc,d\r\n", "a|b|/c|d|/");
	check("a,b\nc,d", "a|b|/c|d|/");
	check("a,\n,b", "a||/|b|/");
	check(",,", "|||/");
	check("\"a,b\",\"c\"\"d\",\"\"", "a,b|c\"d||/");
	check("\"two\r\nlines\",x\r\n\r\ny", "two\r\nlines|x|/y|/");
	check("\xef\xbb\xbf"
	      "a,b",
	      "a|b|/");
	check("\"a\"\r\n\"b\"", "a|/b|/");
	check(" a , b ", " a | b |/");
}

/* The apostrophe goes where csv.h puts one, and stays where somebody wrote it. */
static void test_csv_read__takes_apostrophes_off(void **state)
{
	check("'=1+1,\"'=a,b\",'@x,'+49 1", "=1+1|=a,b|@x|+49 1|/");
	check("'a,',''=1,'-12.5,' =1", "'a|'|''=1|'-12.5| =1|/"); /* blanks do not keep a formula from being one */
}

static void check_fault(const char *text, int64_t offset, const char *part)
{
	struct buf found = BUF_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(read_all(span_str(text), &found, &err), E_SYNTAX);
	assert_int_equal(err.offset, offset);
	assert_non_null(strstr(err.message, part));
	buf_release(&found);
}

static void test_csv_read__says_where_a_quote_is_wrong(void **state)
{
	check_fault("a,\"b", 2, "not closed");
	check_fault("a,\"b\"\"", 2, "not closed");
	check_fault("a,b\"c", 3, "a quote within a cell");
	check_fault("a\n\"b\"c", 5, "a comma or a line end");
	check_fault("\"b\" ,c", 3, "a comma or a line end");
}

static void put_random_text(struct rng *rng, struct buf *to)
{
	static const char *const pieces[] = {"a", ",", "\"", "\r", "\n",       "'", "=",
					     "-", "1", " ",  "\t", "\xc3\xa4", "@", "."};

	for (uint64_t n = rng_below(rng, 7); n > 0; n--)
		buf_put_str(to, pieces[rng_below(rng, sizeof(pieces) / sizeof(pieces[0]))]);
}

/* An apostrophe before a formula is CSV's own: of a text that has one there, nobody can tell. */
static bool is_ambiguous(struct span text)
{
	struct buf written = BUF_INIT, scratch = BUF_INIT;
	bool is;

	if (text.len < 2 || text.p[0] != '\'' || text.p[1] == '\'')
		return false;
	csv_put_text(&written, span_from(text, 1), &scratch);
	is = written.len > 0 &&
	     (written.p[0] == '\'' || (written.len > 1 && written.p[0] == '"' && written.p[1] == '\''));
	buf_release(&written);
	buf_release(&scratch);
	return is;
}

static void test_csv_read__reads_what_was_written(void **state)
{
	struct rng rng = seeded_rng("csv_read");
	struct buf text = BUF_INIT, table = BUF_INIT, scratch = BUF_INIT, cell = BUF_INIT;
	enum csv_read_kind kind;
	struct csv_reader r;

	for (int i = 0; i < 20000; i++) {
		buf_reset(&text);
		buf_reset(&table);
		put_random_text(&rng, &text);
		if (is_ambiguous(buf_span(&text)))
			continue;
		buf_put_str(&table, "x,");
		csv_put_text(&table, buf_span(&text), &scratch);
		buf_put_str(&table, rng_below(&rng, 2) ? ",y\r\n" : ",y");
		csv_reader_init(&r, buf_span(&table));
		assert_int_equal(csv_read_cell(&r, &cell, &kind, NULL), 0);
		assert_int_equal(csv_read_cell(&r, &cell, &kind, NULL), 0);
		assert_int_equal(kind, CSV_CELL);
		assert_true(span_eq(buf_span(&cell), buf_span(&text)));
		assert_int_equal(csv_read_cell(&r, &cell, &kind, NULL), 0);
		assert_int_equal(kind, CSV_LAST);
		assert_int_equal(csv_read_cell(&r, &cell, &kind, NULL), 0);
		assert_int_equal(kind, CSV_END);
		csv_reader_release(&r);
	}
	buf_release(&text);
	buf_release(&table);
	buf_release(&scratch);
	buf_release(&cell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv_read__reads_cells_and_rows),
		cmocka_unit_test(test_csv_read__takes_apostrophes_off),
		cmocka_unit_test(test_csv_read__says_where_a_quote_is_wrong),
		cmocka_unit_test(test_csv_read__reads_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
