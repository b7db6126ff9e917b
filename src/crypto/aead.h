/*
 * AES-256-GCM for data at rest. A sealed box is ciphertext ‖ 16-byte tag; the 12-byte nonce is the caller's and must
 * never repeat under one key. One aead serves one thread at a time and keeps its key schedule between calls.
 */
#ifndef STELE_CRYPTO_AEAD_H
#define STELE_CRYPTO_AEAD_H

#include "crypto/key_ring.h"

#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN   16

struct aead;
struct aead *aead_new(const struct key *key);
struct aead *aead_free(struct aead *a); /* wipes */

/* `to` has room for plain.len + AEAD_TAG_LEN and may be plain.p itself. E_CRYPTO when the library fails. */
int aead_seal(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct span extra, struct span plain, uint8_t *to)
	__attribute__((warn_unused_result));
/* The same with the tag in a place of its own, so that a text is sealed where it lies. */
int aead_seal_apart(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct span extra, struct span plain,
		    uint8_t *to, uint8_t tag[AEAD_TAG_LEN]) __attribute__((warn_unused_result));
/* `to` has room for box.len - AEAD_TAG_LEN and may be box.p itself; E_CORRUPT when the tag does not fit or the box is
 * shorter than a tag. What was decrypted by then is wiped: nothing unauthenticated ever stays in `to`. */
int aead_open(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct span extra, struct span box, uint8_t *to)
	__attribute__((warn_unused_result));

#endif
