/* A table: it comes to an end, and written again it reads the same. */
#include <stdlib.h>

#include "codec/csv.h"
#include "codec/csv_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a table and writes it anew; how many cells there were, or negative. */
static int64_t rewrite(struct span text, struct buf *to)
{
	struct csv_reader r;
	struct buf cell = BUF_INIT, scratch = BUF_INIT;
	struct err err = ERR_INIT;
	enum csv_read_kind kind;
	int64_t n = 0;
	int rc;

	buf_put_str(to, "\xef\xbb\xbf"); /* so that one in the first cell is not taken for it */
	csv_reader_init(&r, text);
	while ((rc = csv_read_cell(&r, &cell, &kind, &err)) == 0 && kind != CSV_END) {
		must((uint64_t)++n <= text.len + 1);
		if (cell.len > 0)
			csv_put_text(to, buf_span(&cell), &scratch);
		else
			buf_put_str(to, "\"\""); /* a line with nothing on it is passed over */
		buf_put_str(to, kind == CSV_LAST ? "\r\n" : ",");
	}
	must(rc == 0 || (rc == E_SYNTAX && err.offset >= 0 && err.offset <= (int64_t)text.len));
	csv_reader_release(&r);
	buf_release(&cell);
	buf_release(&scratch);
	return rc < 0 ? rc : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	int64_t n = rewrite(span_of(data, size), &once);

	if (n >= 0) {
		(void)rewrite(buf_span(&once), &twice);
		must(span_eq(buf_span(&once), buf_span(&twice)));
	}
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
