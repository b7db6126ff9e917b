/* What the files of the key ring share, and HKDF-SHA-256 with everything RFC 5869 has, for its vectors. */
#ifndef STELE_CRYPTO_KEY_RING_PRIV_H
#define STELE_CRYPTO_KEY_RING_PRIV_H

#include "crypto/key_ring.h"

/* Aborts when the library fails or len is not in 1 to KEY_DERIVED_MAX. */
void key_ring__hkdf(struct span secret, struct span salt, struct span info, uint8_t *to, size_t len);

/* The master key of a source; master_key.c. As key_ring_open. */
int key_ring__master(struct io *io, const char *folder, const char *source, bool may_create, struct key *ret,
		     struct err *err) __attribute__((warn_unused_result));

#endif
