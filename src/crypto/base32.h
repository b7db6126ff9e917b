/* Base32 of RFC 4648 section 6, without padding: how secrets of authenticator apps are written. */
#ifndef STELE_CRYPTO_BASE32_H
#define STELE_CRYPTO_BASE32_H

#include "base/span.h"

/* The length of the text of `len` bytes. */
#define BASE32_LEN(len) (((len)*8 + 4) / 5)

/* Writes BASE32_LEN(bytes.len) characters; no NUL. */
void base32_format(struct span bytes, char *to);

#endif
