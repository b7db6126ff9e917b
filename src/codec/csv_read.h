/*
 * Reading CSV as RFC 4180 has it: commas, cells in quotes where they hold commas, quotes or line ends, rows that end in
 * CRLF or LF, the last perhaps in nothing. Empty lines are passed over. What csv.h wrote is read back as it was: the
 * apostrophe that keeps a cell from being run is taken off. Pure.
 */
#ifndef STELE_CODEC_CSV_READ_H
#define STELE_CODEC_CSV_READ_H

#include "base/buf.h"
#include "base/err.h"

struct csv_reader {
	struct span text;
	size_t at;
	bool is_in_row; /* the next cell is not the first of its row */
	struct buf scratch;
};

enum csv_read_kind {
	CSV_CELL, /* a cell, and more of its row follow */
	CSV_LAST, /* the last cell of its row */
	CSV_END,  /* nothing more */
};

/* Begins; a byte order mark is passed over. Released by csv_reader_release. */
void csv_reader_init(struct csv_reader *r, struct span text);
void csv_reader_release(struct csv_reader *r);

/* Reads the next cell into `to`, instead of what it held. E_SYNTAX with the offset: a quote that is not closed, or
 * stands where none may; E_NO_MEMORY. */
int csv_read_cell(struct csv_reader *r, struct buf *to, enum csv_read_kind *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
