/*
 * Rows of vendors: what a dialect answers instead of a record. A dialect has one table that says for each member of its
 * row where in a record it comes from and how it is written; this file does the rest, as JSON and as CSV.
 *
 * What a vendor's row says that has no place in a record is kept under attributes.<kept>, under the names the table
 * gives, and stands in the row again instead of what the record alone would yield. So a row that was taken in comes out
 * the same. Pure.
 */
#ifndef STELE_CODEC_ROW_H
#define STELE_CODEC_ROW_H

#include "base/buf.h"
#include "codec/record_view.h"

#define ROW_CELLS_MAX 32u /* of a table */
#define ROW_PATHS_MAX 3u  /* a cell comes from the first of so many that is there */

/* A value of a record: a member, or one of an object's. */
struct row_path {
	enum record_member member;
	const char *name; /* NULL: the member itself */
};

enum row_form {
	ROW_TEXT,      /* a string, of other values their JSON as text; null when there is none */
	ROW_JSON,      /* as it stands in the record; null when there is none */
	ROW_JSON_TEXT, /* a string that holds it as JSON; "" when there is none */
	ROW_TIME,      /* 2026-01-31T12:00:00.000000Z */
	ROW_TIME_MS,   /* 2026-01-31T12:00:00.000Z */
	ROW_EPOCH_MS,  /* milliseconds since 1970, a number */
	ROW_IS,        /* true when the value is the string `word`, else false */
	ROW_GIVEN,     /* a text the caller gives: `given` says which */
	ROW_GIVEN_RAW, /* the same of JSON, such as a number */
	ROW_MADE,      /* `make` makes it */
	ROW_NOWHERE,   /* not in this row: what is kept so is for another one of the vendor; never the first */
};

/* Appends a cell's value as JSON; `kept` is what is kept for it, p NULL: nothing. */
typedef void row_make_fn(const struct record_view *v, struct span kept, struct buf *to);

struct row_cell {
	const char *name;
	enum row_form form;
	struct row_path from[ROW_PATHS_MAX];
	unsigned from_count;
	const char *word;
	unsigned given;
	const char *kept;  /* its name under attributes.<kept>; NULL: `name` */
	row_make_fn *make; /* of ROW_MADE; `from` then says what it looks at */
};

struct row_table {
	const struct row_cell *cell;
	unsigned cell_count; /* <= ROW_CELLS_MAX */
	const char *kept;    /* NULL: nothing is kept for this dialect */
	bool has_extras;     /* members that are kept and not in the table stand behind those that are */
};

/* Texts that rows of one answer share. */
#define ROW_GIVEN_MAX 4u
struct row_given {
	struct span text[ROW_GIVEN_MAX];
};

/* Appends the row of a record as a JSON object. */
void row_put_json(const struct row_table *t, const struct row_given *given, struct span record, struct buf *to);

/* A path as filters name it: "actor.email". */
#define ROW_PATH_TEXT_MAX 64u
void row_path_text(const struct row_path *path, char to[ROW_PATH_TEXT_MAX]);

/* Appends the names, and the row of a record, as a line of CSV (csv.h); `scratch` is the caller's, reused. */
void row_put_csv_head(const struct row_table *t, struct buf *to, struct buf *scratch);
void row_put_csv(const struct row_table *t, const struct row_given *given, struct span record, struct buf *to,
		 struct buf *scratch);

#endif
