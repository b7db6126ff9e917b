/* Bodies of vendors' rows instead of events (row_format.h). */
#ifndef STELE_CODEC_RECORD_ROWS_H
#define STELE_CODEC_RECORD_ROWS_H

#include "codec/record.h"
#include "codec/row_format.h"

struct record_rows {
	enum row_format format;
	const struct row_given *given;
	struct record_parser *events; /* parses what the rows become; another one than parses the body */
};

/* As record_parse_body, of an array of rows or rows one after another. The offset of an error is that of its row, but
 * for one of syntax. */
int record_parse_rows(struct record_parser *p, const struct record_rows *rows, struct span body, int64_t now_us,
		      uint64_t events_max, record_refused_fn *refused, void *user, struct record_batch *batch,
		      struct err *err) __attribute__((warn_unused_result));

#endif
