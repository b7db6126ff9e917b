/* HMAC-SHA-256 (RFC 2104), and comparing what must not be found out byte by byte. */
#ifndef STELE_CRYPTO_HMAC_H
#define STELE_CRYPTO_HMAC_H

#include "crypto/digest.h"

void hmac_sha256(struct span key, struct span data, struct sha256 *ret);

/* Takes the same time wherever they differ. */
bool sha256_eq_secret(const struct sha256 *a, const struct sha256 *b);

#endif
