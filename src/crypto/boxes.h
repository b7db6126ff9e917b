/*
 * A run of bytes as AES-256-GCM boxes of one size, so that any part of it is opened alone, and nothing of it can be
 * changed, moved, left out or cut off unseen.
 *
 *	box 0 | box 1 | … | last box
 *
 * Each box but the last has BOX_BYTES: BOX_PLAIN bytes of ciphertext, then the tag. The last one has 1 to BOX_PLAIN
 * bytes before its tag; that of an empty run none. The nonce of box n is n as u64 and then, as u32, 1 for the last box
 * of the run and 0 for all others. So a key is good for one run: whoever makes one derives it with a random salt, and
 * binds to it what else the boxes belong to.
 *
 * A struct boxes is a key made ready; any number of threads may use it at once.
 */
#ifndef STELE_CRYPTO_BOXES_H
#define STELE_CRYPTO_BOXES_H

#include "crypto/aead.h"

#define BOX_BYTES 4096u /* a page of memory: reading less from a disk costs the same */
#define BOX_PLAIN (BOX_BYTES - AEAD_TAG_LEN)

struct boxes;
struct boxes *boxes_new(const struct key *key);
struct boxes *boxes_free(struct boxes *b); /* wipes */

/* The bytes that a run of `plain_len` has in boxes. */
uint64_t boxes_sealed_len(uint64_t plain_len);
/* The reverse; false when no run has so many. */
bool boxes_plain_len(uint64_t sealed_len, uint64_t *ret_plain_len);

/* Seals the boxes from `number` on: `plain` fills them, but the last one when it `is_end` of the run. `to` has room for
 * boxes_sealed_len(plain.len). E_CRYPTO when the library fails. */
int boxes_seal(struct boxes *b, uint64_t number, struct span plain, bool is_end, uint8_t *to)
	__attribute__((warn_unused_result));

/* Where boxes are: reads exactly `len` bytes at `off`, or fails. */
typedef int boxes_read_fn(void *user, uint64_t off, size_t len, uint8_t *to, struct err *err);

struct boxes_source {
	boxes_read_fn *read;
	void *user;
	uint64_t off;       /* of box 0 */
	uint64_t plain_len; /* of the whole run */
};

/* Reads plain bytes [off, off + len), which are in the run, opening the boxes that hold them. E_CORRUPT with the offset
 * of the box that does not open, which is damaged or of another key; what was read before it is wiped or sound. */
int boxes_read(struct boxes *b, const struct boxes_source *from, uint64_t off, size_t len, uint8_t *to, struct err *err)
	__attribute__((warn_unused_result));

#endif
