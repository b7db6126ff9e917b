/* HKDF-SHA-256 with everything RFC 5869 has, for its vectors; key_derive is what the program uses. */
#ifndef STELE_CRYPTO_KEY_RING_PRIV_H
#define STELE_CRYPTO_KEY_RING_PRIV_H

#include "crypto/key_ring.h"

/* Aborts when the library fails or len is not in 1 to KEY_DERIVED_MAX. */
void key_ring__hkdf(struct span secret, struct span salt, struct span info, uint8_t *to, size_t len);

#endif
