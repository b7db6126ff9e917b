/*
 * POST /threatkey/v1/audit-logs: rows in the five columns come in. CSV is turned into the same rows as JSON first; its
 * first line names the columns.
 */
#include <strings.h>

#include "api/append.h"
#include "api/dialect_threatkey.h"
#include "api/handler.h"
#include "api/utf8.h"
#include "codec/csv_read.h"
#include "codec/json_text.h"
#include "codec/threatkey.h"

#define CSV_TYPE "text/csv"

/* A table while it is read. */
struct table {
	struct csv_reader reader;
	struct buf name[THREATKEY_CSV_COLUMNS_MAX];
	unsigned column_count;
	struct buf cell;
	struct buf *to;
	uint64_t row; /* from 0, below the names */
	struct err *err;
};

static bool is_csv(struct request *r)
{
	const char *type = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t len = sizeof(CSV_TYPE) - 1;

	return type && strncasecmp(type, CSV_TYPE, len) == 0 && strchr("; \t", type[len]);
}

static int check_text(struct table *t)
{
	if (utf8_valid_prefix(buf_span(&t->cell)) == t->cell.len)
		return 0;
	return err_set(t->err, E_SYNTAX, "a cell is not UTF-8");
}

/* The first line. */
static int read_names(struct table *t)
{
	enum csv_read_kind kind;
	int rc;

	do {
		if ((rc = csv_read_cell(&t->reader, &t->cell, &kind, t->err)) < 0 || (rc = check_text(t)) < 0)
			return rc;
		if (kind == CSV_END)
			return err_set(t->err, E_INVALID,
				       "the table is empty; its first line names the columns: "
				       "Timestamp,User,Action,IP address,Affected object");
		if (t->column_count == THREATKEY_CSV_COLUMNS_MAX)
			return err_set(t->err, E_TOO_LARGE, "a table has at most %u columns",
				       THREATKEY_CSV_COLUMNS_MAX);
		buf_put_span(&t->name[t->column_count++], buf_span(&t->cell));
	} while (kind == CSV_CELL);
	return 0;
}

static int fail_width(struct table *t, unsigned n)
{
	t->err->position = (int64_t)t->row;
	return err_set(t->err, E_INVALID, "a row has %s cells than the first line has names (%u)",
		       n < t->column_count ? "fewer" : "more", t->column_count);
}

/* A row as an object; *ret_more says whether there was one. */
static int read_row(struct table *t, bool *ret_more)
{
	enum csv_read_kind kind;
	unsigned n = 0;
	int rc;

	do {
		if ((rc = csv_read_cell(&t->reader, &t->cell, &kind, t->err)) < 0 || (rc = check_text(t)) < 0)
			return rc;
		*ret_more = kind != CSV_END;
		if (!*ret_more)
			return 0;
		if (n == t->column_count)
			return fail_width(t, n + 1);
		buf_put_str(t->to, n > 0 ? "," : t->row > 0 ? ",\n{" : "{");
		json_text_string(t->to, buf_span(&t->name[n++]));
		buf_put_u8(t->to, ':');
		json_text_string(t->to, buf_span(&t->cell));
	} while (kind == CSV_CELL);
	buf_put_u8(t->to, '}');
	return n == t->column_count ? 0 : fail_width(t, n);
}

static int check_size(struct table *t)
{
	if (t->row > EVENTS_MAX)
		return err_set(t->err, E_TOO_LARGE, "a table has at most %u rows; send several", EVENTS_MAX);
	if (t->to->len > THREATKEY_CSV_ROWS_BYTES)
		return err_set(
			t->err, E_TOO_LARGE,
			"the rows of a table have at most %u MiB, each with the names of its columns; send several",
			THREATKEY_CSV_ROWS_BYTES >> 20);
	return 0;
}

static int read_table(struct table *t)
{
	bool is_more = true;
	int rc = read_names(t);

	buf_put_u8(t->to, '[');
	while (rc == 0 && is_more) {
		rc = read_row(t, &is_more);
		t->row += is_more;
		if (rc == 0)
			rc = check_size(t);
	}
	buf_put_u8(t->to, ']');
	if (rc == 0 && !buf_ok(t->to))
		rc = err_set(t->err, E_NO_MEMORY, "not enough memory for the rows; send fewer");
	return rc;
}

/* Puts the rows as JSON in the place of the table. */
static int turn_table(struct request *r, struct err *err)
{
	struct buf json = BUF_INIT;
	struct table t = {.to = &json, .err = err};
	int rc;

	if (r->body.bytes.len > THREATKEY_CSV_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "a table has at most %u MiB; send several",
			       THREATKEY_CSV_BYTES_MAX >> 20);
	csv_reader_init(&t.reader, buf_span(&r->body.bytes));
	rc = read_table(&t);
	if (rc == 0) {
		buf_reset(&r->body.bytes);
		buf_put_span(&r->body.bytes, buf_span(&json));
		if (!buf_ok(&r->body.bytes))
			rc = err_set(err, E_NO_MEMORY, "not enough memory for the rows; send fewer");
	}
	for (unsigned i = 0; i < t.column_count; i++)
		buf_release(&t.name[i]);
	buf_release(&t.cell);
	buf_release(&json);
	csv_reader_release(&t.reader);
	return rc;
}

enum handled handle_threatkey_append(struct request *r)
{
	const struct append_rows rows = {.format = ROW_FORMAT_THREATKEY};
	struct err err = ERR_INIT;

	if (is_csv(r) && turn_table(r, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	return append_run(r, &rows, append_answer);
}
