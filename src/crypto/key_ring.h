/*
 * Keys. A master key (32 bytes: file, environment or a command that prints it; made on first start as
 * <folder>/master.key, mode 0600) wraps one random 32-byte key per ledger; what is needed for ids, segments and
 * journals is derived from the ledger's key by HKDF-SHA-256 (RFC 5869) with a label. Rotation of the master key rewraps
 * and rewrites nothing else.
 *
 * A wrapped key is a random nonce, then the key sealed by AES-256-GCM with "stele ledger key v1" ‖ u32 little-endian
 * ledger as additional data. An open ring does not change: any number of threads may use it. Whoever is given a struct
 * key wipes it with mem_wipe.
 */
#ifndef STELE_CRYPTO_KEY_RING_H
#define STELE_CRYPTO_KEY_RING_H

#include "base/err.h"
#include "base/io.h"
#include "base/span.h"

#define KEY_LEN         32
#define KEY_WRAPPED_LEN (12 + KEY_LEN + 16) /* nonce, AES-256-GCM ciphertext, tag */
#define KEY_DERIVED_MAX (255 * 32)          /* RFC 5869 section 2.3 */

struct key {
	uint8_t b[KEY_LEN];
};

struct key_ring;

/* Opens <folder>/master.key (64 hex digits and LF), making it when there is none and `may_create`. A file that others
 * may read is refused. E_CRYPTO when the file is not a key, E_FORBIDDEN when group or others have any right to it,
 * E_NOT_FOUND when there is none. */
int key_ring_open(struct io *io, const char *folder, bool may_create, struct key_ring **ret, struct err *err)
	__attribute__((warn_unused_result));
struct key_ring *key_ring_close(struct key_ring *r); /* wipes */

/* A fresh ledger key and its wrapped form, bound to `ledger` (as additional data). */
int key_ring_make(struct key_ring *r, uint32_t ledger, struct key *ret_key, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		  struct err *err) __attribute__((warn_unused_result));
/* E_CRYPTO when it was wrapped by another master key, for another ledger, or is damaged. */
int key_ring_unwrap(struct key_ring *r, uint32_t ledger, const uint8_t wrapped[KEY_WRAPPED_LEN], struct key *ret_key,
		    struct err *err) __attribute__((warn_unused_result));

/* HKDF-SHA-256 with an empty salt and label ‖ 0x00 ‖ context as info; `label` names the use ("stele id v1").
 * 0 < len <= KEY_DERIVED_MAX. */
void key_derive(const struct key *from, const char *label, struct span context, uint8_t *to, size_t len);

#endif
