/*
 * Cells of CSV (RFC 4180): fields apart by ',', rows ended by CR LF, UTF-8.
 *
 * A spreadsheet takes a cell for a formula when it begins with one of = + - @ (also as full-width letters), a tab, CR
 * or LF, behind leading blanks too, and would run what somebody wrote into an event. Such a cell gets an apostrophe in
 * front and is then text. Plain numbers (-12.5, +3, 1e9) stay as they are: they only show a value. Pure.
 */
#ifndef STELE_CODEC_CSV_H
#define STELE_CODEC_CSV_H

#include "base/buf.h"

/* Appends a cell that means `text`; `scratch` is the caller's, reused. */
void csv_put_text(struct buf *to, struct span text, struct buf *scratch);

/* Appends a cell for a canonical JSON value: a string's text, null as an empty cell, all else as it stands. */
void csv_put_json(struct buf *to, struct span json, struct buf *scratch);

#endif
