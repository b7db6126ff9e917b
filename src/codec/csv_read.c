/* One cell at a time. */
#include "codec/csv_read.h"

#include "codec/csv.h"

void csv_reader_init(struct csv_reader *r, struct span text)
{
	static const struct span mark = {(const uint8_t *)"\xef\xbb\xbf", 3};

	*r = (struct csv_reader){.text = text, .at = span_starts_with(text, mark) ? mark.len : 0};
}

void csv_reader_release(struct csv_reader *r)
{
	buf_release(&r->scratch);
}

static bool is_at(const struct csv_reader *r, uint8_t c)
{
	return r->at < r->text.len && r->text.p[r->at] == c;
}

/* Passes a line end; false when there is none. */
static bool skip_line_end(struct csv_reader *r)
{
	size_t n = is_at(r, '\r') && r->at + 1 < r->text.len && r->text.p[r->at + 1] == '\n' ? 2 : 1;

	if (!is_at(r, '\r') && !is_at(r, '\n'))
		return false;
	r->at += n;
	return true;
}

static int fail(const struct csv_reader *r, size_t at, const char *what, struct err *err)
{
	(void)r;
	if (err)
		err->offset = (int64_t)at;
	return err_set(err, E_SYNTAX, "%s", what);
}

static int read_quoted(struct csv_reader *r, struct buf *to, struct err *err)
{
	size_t begin = r->at++;

	for (;;) {
		const uint8_t *from = r->text.p + r->at, *quote = memchr(from, '"', r->text.len - r->at);

		if (!quote)
			return fail(r, begin, "the quote that begins a cell here is not closed", err);
		buf_put(to, from, (size_t)(quote - from));
		r->at += (size_t)(quote - from) + 1;
		if (!is_at(r, '"'))
			return 0;
		buf_put_u8(to, '"');
		r->at++;
	}
}

static int read_plain(struct csv_reader *r, struct buf *to, struct err *err)
{
	size_t begin = r->at;

	while (r->at < r->text.len && !is_at(r, ',') && !is_at(r, '\r') && !is_at(r, '\n')) {
		if (is_at(r, '"'))
			return fail(r, r->at, "a quote within a cell: put the whole cell in quotes and write it twice",
				    err);
		r->at++;
	}
	buf_put(to, r->text.p + begin, r->at - begin);
	return 0;
}

/* Takes the apostrophe off a cell that csv.h put it on: writing the rest puts it there again. */
static void take_apostrophe_off(struct csv_reader *r, struct buf *to)
{
	struct buf again = BUF_INIT;
	size_t at;

	if (to->len < 2 || to->p[0] != '\'' || to->p[1] == '\'')
		return;
	csv_put_text(&again, span_of(to->p + 1, to->len - 1), &r->scratch);
	at = again.len > 0 && again.p[0] == '"';
	if (buf_ok(&again) && again.len > at && again.p[at] == '\'') {
		memmove(to->p, to->p + 1, to->len - 1);
		to->len--;
	}
	buf_release(&again);
}

int csv_read_cell(struct csv_reader *r, struct buf *to, enum csv_read_kind *ret, struct err *err)
{
	int rc;

	buf_reset(to);
	while (!r->is_in_row && skip_line_end(r))
		;
	*ret = CSV_END;
	if (!r->is_in_row && r->at >= r->text.len)
		return 0;
	rc = is_at(r, '"') ? read_quoted(r, to, err) : read_plain(r, to, err);
	if (rc < 0)
		return rc;
	r->is_in_row = is_at(r, ',');
	*ret = r->is_in_row ? CSV_CELL : CSV_LAST;
	if (r->is_in_row) {
		r->at++;
	} else if (r->at < r->text.len && !skip_line_end(r)) {
		return fail(r, r->at, "a cell in quotes ends here, but a comma or a line end does not follow", err);
	}
	take_apostrophe_off(r, to);
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a cell");
}
