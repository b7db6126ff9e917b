/*
 * Base64 of RFC 4648 section 4, with padding, as C2SP formats want it, and of section 5. Strict: no white space,
 * padding where it belongs, bits left over 0, so that bytes have one text.
 */
#ifndef STELE_CRYPTO_BASE64_H
#define STELE_CRYPTO_BASE64_H

#include "base/buf.h"

/* The length of the text of `len` bytes. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

void base64_put(struct buf *to, struct span bytes);

/* Decodes into `to`, which has room for `max` bytes. False when the text is none, or of more bytes. */
bool base64_get(struct span text, uint8_t *to, size_t max, size_t *ret_len) __attribute__((warn_unused_result));

/* The same of section 5: '-' and '_', and no padding. Tokens are written so. */
void base64url_put(struct buf *to, struct span bytes);
bool base64url_get(struct span text, uint8_t *to, size_t max, size_t *ret_len) __attribute__((warn_unused_result));

#endif
