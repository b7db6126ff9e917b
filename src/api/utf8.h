/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef STELE_API_UTF8_H
#define STELE_API_UTF8_H

#include "base/buf.h"

/* The length of the valid prefix; text.len when all of it is valid. */
size_t utf8_valid_prefix(struct span text);

/* Appends `text` as a JSON string with quotes; what is not UTF-8 becomes U+FFFD. */
void utf8_put_json(struct buf *to, struct span text);

#endif
