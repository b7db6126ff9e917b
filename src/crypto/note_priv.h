/* What the files of notes share. */
#ifndef STELE_CRYPTO_NOTE_PRIV_H
#define STELE_CRYPTO_NOTE_PRIV_H

#include "crypto/note.h"

/* Big-endian, as it stands before a signature. */
static inline uint32_t note__id_get(const uint8_t p[NOTE_ID_LEN])
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void note__id_put(uint32_t id, uint8_t to[NOTE_ID_LEN])
{
	for (unsigned i = 0; i < NOTE_ID_LEN; i++)
		to[i] = (uint8_t)(id >> (24 - 8 * i));
}

/* Id and signature of a line; false when it is no base64 of more than an id. */
bool note__signature_get(struct span base64, uint8_t to[NOTE_SIGNATURE_BYTES_MAX], size_t *ret_len);

/* Whether it is the key's signature of the text. */
bool note__verify(const struct note_vkey *key, struct span text, struct span base64);

#endif
