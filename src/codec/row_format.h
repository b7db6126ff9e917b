/*
 * Rows of vendors on their way in: a body of them is a body of events, each made from a row. What has no place in an
 * event is kept under its attributes (row.h).
 */
#ifndef STELE_CODEC_ROW_FORMAT_H
#define STELE_CODEC_ROW_FORMAT_H

#include <yyjson.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/row.h"

enum row_format {
#define ROW_FORMAT(name, text, event) ROW_FORMAT_##name,
#include "codec/row_format.tbl"
#undef ROW_FORMAT
	ROW_FORMAT_COUNT
};

extern const char *const row_format_names[ROW_FORMAT_COUNT + 1]; /* "carbon-black", …; NULL at the end */

/* Appends the event of a row, a JSON object that need not be canonical. E_INVALID, with the row's member in
 * err->field. */
typedef int row_event_fn(yyjson_val *row, const struct row_given *given, struct buf *to, struct err *err);

row_event_fn *row_format_event(enum row_format f);

/* ---- what those that make events of rows share ---- */

/* The text of a string; empty for all else: a number or an array, too, has a length. */
struct span row_string(yyjson_val *v);

/* E_INVALID about a row's member. */
int row_refuse(struct err *err, struct span member, const char *why);

/* What is kept of a row: a buffer that holds members of attributes.<vendor>, apart by commas. Begins one: its value is
 * to follow. */
void row_keep_begin(struct buf *kept, struct span name);
/* Adds one. */
void row_keep(struct buf *kept, struct span name, yyjson_val *value);
/* Ends the event with what is kept, if there is anything. */
void row_keep_end(struct buf *to, const struct buf *kept, const char *vendor);

/* Appends any value as JSON, with its numbers as they were written when they were read so. */
void row_put_yyjson(struct buf *to, yyjson_val *value);

#define ROW_FORMAT(name, text, event) row_event_fn event;
#include "codec/row_format.tbl"
#undef ROW_FORMAT

#endif
