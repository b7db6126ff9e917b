/*
 * Event ids: AES-128 of the record's index under a key of the ledger, as 32 lower-case hex digits. The block is the
 * index as u64 big-endian behind eight zero bytes; an id whose block does not decrypt to that form was never given out.
 * One id_cipher serves one thread at a time.
 */
#ifndef STELE_CRYPTO_ID_CIPHER_H
#define STELE_CRYPTO_ID_CIPHER_H

#include "base/span.h"

#define ID_KEY_LEN  16
#define ID_TEXT_LEN 32

struct id_cipher;
struct id_cipher *id_cipher_new(const uint8_t key[ID_KEY_LEN]);
struct id_cipher *id_cipher_free(struct id_cipher *c); /* wipes the key */

/* Writes `count` ids of first, first+1, … into `to`, 32 bytes each, back to back. One AES pass for all. */
void id_cipher_encode(struct id_cipher *c, uint64_t first, size_t count, uint8_t *to);

/* False when the text is no id of this ledger. */
bool id_cipher_decode(struct id_cipher *c, struct span text, uint64_t *ret_index);

#endif
