/*
 * Rows as a workbook of Excel. It is made in memory: the library works on files, which here lie in the memory file
 * system and in a file without a name, since nothing of a log may lie on a disk in the clear. So it is bounded;
 * CSV is not. Cells are texts whatever they hold, so none is a formula.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdio.h>
#include <string.h>
#include <xlsxwriter.h>
#include <yyjson.h>

#include "api/dialect_keepnet.h"
#include "api/limits.h"
#include "api/utf8.h"

#define MEMORY_FOLDER "/dev/shm"
#define COLUMN_WIDTH  24
#define CUT_MARK      "…"

struct sheet {
	lxw_workbook *book;
	lxw_worksheet *sheet;
	lxw_row_t rows;
	uint64_t bytes;
	struct buf row, cell;
};

static int refuse_large(struct err *err)
{
	return err_set(
		err, E_TOO_LARGE,
		"a workbook takes %u rows with %u MiB of text, and there are more; export them as CSV, or narrow "
		"the filter",
		EXCEL_ROWS_MAX, EXCEL_BYTES_MAX >> 20);
}

/* What a cell can hold, with its NUL; one that is too long ends with a mark. */
static const char *cell_text(struct sheet *x, struct span text)
{
	bool is_cut = text.len > EXCEL_CELL_MAX;
	size_t len = is_cut ? utf8_valid_prefix(span_of(text.p, EXCEL_CELL_MAX - sizeof(CUT_MARK))) : text.len;

	buf_reset(&x->cell);
	for (size_t i = 0; i < len; i++)
		buf_put_u8(&x->cell, text.p[i] ? text.p[i] : ' ');
	if (is_cut)
		buf_put_str(&x->cell, CUT_MARK);
	buf_put_u8(&x->cell, 0);
	return buf_ok(&x->cell) ? (const char *)x->cell.p : "";
}

static int put_cells(struct sheet *x, yyjson_val *row, struct err *err)
{
	yyjson_obj_iter cells = yyjson_obj_iter_with(row);
	lxw_col_t column = 0;
	yyjson_val *name;

	for (; (name = yyjson_obj_iter_next(&cells)); column++) {
		yyjson_val *v = yyjson_obj_iter_get_val(name);

		if (yyjson_get_len(v) == 0)
			continue;
		if (worksheet_write_string(x->sheet, x->rows, column,
					   cell_text(x, span_of(yyjson_get_str(v), yyjson_get_len(v))),
					   NULL) != LXW_NO_ERROR)
			return err_set(err, E_NO_MEMORY, "not enough memory for a workbook");
	}
	return 0;
}

static int put_row(struct sheet *x, struct span record, struct err *err)
{
	yyjson_doc *doc;
	int rc;

	buf_reset(&x->row);
	row_put_json(&keepnet_file_row, NULL, record, &x->row);
	x->bytes += x->row.len;
	if (++x->rows > EXCEL_ROWS_MAX || x->bytes > EXCEL_BYTES_MAX)
		return refuse_large(err);
	doc = buf_ok(&x->row) ? yyjson_read((const char *)x->row.p, x->row.len, 0) : NULL;
	if (!doc)
		return err_set(err, E_NO_MEMORY, "not enough memory for a workbook");
	rc = put_cells(x, yyjson_doc_get_root(doc), err);
	yyjson_doc_free(doc);
	return rc;
}

static void put_titles(struct sheet *x)
{
	lxw_format *bold = workbook_add_format(x->book);

	format_set_bold(bold);
	worksheet_set_column(x->sheet, 0, (lxw_col_t)(keepnet_file_row.cell_count - 1), COLUMN_WIDTH, NULL);
	worksheet_freeze_panes(x->sheet, 1, 0);
	for (unsigned i = 0; i < keepnet_file_row.cell_count; i++)
		worksheet_write_string(x->sheet, 0, (lxw_col_t)i, keepnet_file_row.cell[i].name, bold);
}

static int put_rows(struct sheet *x, struct keepnet_walk *w, struct err *err)
{
	struct span record;
	int rc;

	put_titles(x);
	while ((rc = keepnet__walk_next(w, &record, err)) == 0) {
		if ((rc = put_row(x, record, err)) < 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

static int read_file(int fd, struct buf *to, struct err *err)
{
	struct stat stat;
	uint8_t *p;

	if (fstat(fd, &stat) < 0)
		return err_errno(err, errno, "reading a workbook");
	p = buf_room(to, (size_t)stat.st_size);
	if (!p)
		return err_set(err, E_NO_MEMORY, "not enough memory for a workbook");
	if (pread(fd, p, (size_t)stat.st_size, 0) != stat.st_size)
		return err_errno(err, errno, "reading a workbook");
	buf_commit(to, (size_t)stat.st_size);
	return 0;
}

/* Writes the workbook into the file behind `fd`. */
static int make(int fd, struct keepnet_walk *w, struct err *err)
{
	char memory[] = MEMORY_FOLDER, name[32];
	lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = memory};
	struct sheet x = {.row = BUF_INIT, .cell = BUF_INIT};
	lxw_error failed;
	int rc;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	x.book = workbook_new_opt(name, &options);
	x.sheet = x.book ? workbook_add_worksheet(x.book, "Audit Log") : NULL;
	if (!x.sheet)
		return err_set(err, E_NO_MEMORY, "not enough memory for a workbook");
	rc = put_rows(&x, w, err);
	failed = workbook_close(x.book); /* and frees it */
	buf_release(&x.row);
	buf_release(&x.cell);
	if (rc == 0 && failed != LXW_NO_ERROR)
		return err_set(err, E_UNAVAILABLE, "the workbook cannot be made: %s; export the rows as CSV",
			       lxw_strerror(failed));
	return rc;
}

int keepnet__excel_put(struct keepnet_walk *w, struct buf *to, struct err *err)
{
	int fd = memfd_create("workbook", MFD_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_errno(err, errno, "making a workbook");
	rc = make(fd, w, err);
	if (rc == 0)
		rc = read_file(fd, to, err);
	close(fd);
	return rc;
}
