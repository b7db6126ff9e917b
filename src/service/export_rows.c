/* Rows of a vendor instead of records: as CSV, or as the items of one array. */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/carbon_black.h"
#include "service/export_priv.h"

struct rows {
	const struct row_table *table;
	struct row_given given;
	struct buf scratch;
};

static int make_rows(struct export *x, struct err *err)
{
	struct rows *rows = xalloc(sizeof(*rows));

	(void)err;
	rows->table = &carbon_black_row;
	rows->given = service__row_given(x->org);
	x->state = rows;
	return 0;
}

static void free_rows(struct export *x)
{
	struct rows *rows = x->state;

	if (!rows)
		return;
	buf_release(&rows->scratch);
	free(rows);
}

static int begin_csv(struct export *x, struct buf *to, struct err *err)
{
	struct rows *rows = x->state;

	(void)err;
	row_put_csv_head(rows->table, to, &rows->scratch);
	return 0;
}

static int put_csv(struct export *x, struct span record, struct buf *to, struct err *err)
{
	struct rows *rows = x->state;

	(void)err;
	row_put_csv(rows->table, &rows->given, record, to, &rows->scratch);
	return 0;
}

static int begin_array(struct export *x, struct buf *to, struct err *err)
{
	(void)x;
	(void)err;
	buf_put_u8(to, '[');
	return 0;
}

static int put_item(struct export *x, struct span record, struct buf *to, struct err *err)
{
	const struct rows *rows = x->state;

	(void)err;
	buf_put_str(to, x->records ? ",\n" : "\n");
	row_put_json(rows->table, &rows->given, record, to);
	return 0;
}

static int end_array(struct export *x, struct buf *to, struct err *err)
{
	(void)x;
	(void)err;
	buf_put_str(to, "\n]\n");
	return 1;
}

const struct export_ops export__rows_csv = {.make = make_rows, .begin = begin_csv, .put = put_csv, .free = free_rows};
const struct export_ops export__rows_json = {
	.make = make_rows, .begin = begin_array, .put = put_item, .end = end_array, .free = free_rows};
