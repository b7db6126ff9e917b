/*
 * JSON text in the one form this project writes: RFC 8785 (JCS), except that an integer outside ±2^53 keeps its digits.
 */
#ifndef STELE_CODEC_JSON_TEXT_H
#define STELE_CODEC_JSON_TEXT_H

#include "base/buf.h"

/* Appends `text` (valid UTF-8) with minimal escapes and without quotes: \" \\ \b \f \n \r \t, \u00xx for other
 * controls. */
void json_text_escape(struct buf *to, struct span text);

/* The same with quotes. */
void json_text_string(struct buf *to, struct span text);

/* Turns the inside of a canonical JSON string back into text. `escaped` must be canonical (record bytes are). */
void json_text_unescape(struct buf *to, struct span escaped);

/* Appends a finite double as ECMAScript's Number::toString does; -0 becomes 0. At most 25 bytes. */
void json_text_double(struct buf *to, double value);

#endif
