/* JSON on one line, to every reader. Pure. */
#ifndef STELE_CODEC_JSON_LINE_H
#define STELE_CODEC_JSON_LINE_H

#include "base/buf.h"

/* Escapes, in the JSON that `to` holds from `begin` on, what some readers take for the end of a line though it stands
 * in strings: NEL (U+0085), U+2028 and U+2029. Python's splitlines does. */
void json_line_escape(struct buf *to, size_t begin);

#endif
