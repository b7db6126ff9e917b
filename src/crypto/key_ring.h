/*
 * Keys. A master key (32 bytes) wraps one random 32-byte key per ledger and whatever else is a secret; what is needed
 * for ids, segments and journals is derived from these by HKDF-SHA-256 (RFC 5869) with a label. Rotation of the master
 * key wraps them anew and rewrites nothing else.
 *
 * The master key comes from a file (made on first start, mode 0600), from the environment, or from a command that
 * prints it: 64 hex digits, with or without a line feed.
 *
 * A secret that is wrapped is a random nonce, then the secret sealed by AES-256-GCM with a label and a context as
 * additional data, so that it is good for that use alone. An open ring does not change: any number of threads may use
 * it. Whoever is given a struct key wipes it with mem_wipe.
 */
#ifndef STELE_CRYPTO_KEY_RING_H
#define STELE_CRYPTO_KEY_RING_H

#include "base/err.h"
#include "base/io.h"
#include "base/span.h"

#define KEY_LEN            32
#define KEY_SEAL_LEN       (12 + 16)                /* nonce and tag: what sealing adds */
#define KEY_WRAPPED_LEN    (KEY_LEN + KEY_SEAL_LEN) /* nonce, AES-256-GCM ciphertext, tag */
#define KEY_DERIVED_MAX    (255 * 32)               /* RFC 5869 section 2.3 */
#define KEY_COMMAND_MAX_MS 30000                    /* for a command to print the master key: a person may confirm */
#define MASTER_KEY_FILE    "master.key"             /* in the data folder, unless another place is named */
#define MASTER_KEY_NEXT    ".next"                  /* behind a file's name: the key that is about to replace it */

/* What is sealed with which label; `context` says for whom. */
#define KEY_LABEL_LEDGER "stele ledger key v1" /* u32 ledger */
#define KEY_LABEL_EPOCH  "stele epoch key v1"  /* u32 ledger, u32 epoch: its segment files */
#define KEY_LABEL_SECRET "stele secret v1"     /* the secret's name */
#define KEY_LABEL_TOTP   "stele totp v1"       /* the user's id */

struct key {
	uint8_t b[KEY_LEN];
};

struct key_ring;

/* Opens the master key of `source`: "file:PATH", "env:NAME", "command:COMMAND", or NULL for <folder>/master.key. A file
 * is made when there is none and `may_create`; one that others may read is refused. E_INVALID when it is no source,
 * E_CRYPTO when what is there is no key, E_FORBIDDEN when group or others have any right to the file, E_NOT_FOUND when
 * there is none, E_TIMEOUT and E_IO as shell_read. */
int key_ring_open(struct io *io, const char *folder, const char *source, bool may_create, struct key_ring **ret,
		  struct err *err) __attribute__((warn_unused_result));
struct key_ring *key_ring_close(struct key_ring *r); /* wipes */

/* The path of the file a source names, freed by the caller; NULL when it names none. */
char *key_ring_path(const char *folder, const char *source);

/* A fresh ledger key and its wrapped form, bound to `ledger` (as additional data). */
int key_ring_make(struct key_ring *r, uint32_t ledger, struct key *ret_key, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		  struct err *err) __attribute__((warn_unused_result));
/* E_CRYPTO when it was wrapped by another master key, for another ledger, or is damaged. */
int key_ring_unwrap(struct key_ring *r, uint32_t ledger, const uint8_t wrapped[KEY_WRAPPED_LEN], struct key *ret_key,
		    struct err *err) __attribute__((warn_unused_result));

/* Any small secret. `label` names its use ("stele … v1"), `context` has a fixed length for each label. `to` has room
 * for secret.len + KEY_SEAL_LEN. */
int key_ring_seal(struct key_ring *r, const char *label, struct span context, struct span secret, uint8_t *to,
		  struct err *err) __attribute__((warn_unused_result));
/* The reverse: sealed.len - KEY_SEAL_LEN bytes into `to`. E_CRYPTO when it was sealed by another master key, for
 * another use, or is damaged. */
int key_ring_unseal(struct key_ring *r, const char *label, struct span context, struct span sealed, uint8_t *to,
		    struct err *err) __attribute__((warn_unused_result));

/* HKDF-SHA-256 with an empty salt and label ‖ 0x00 ‖ context as info; `label` names the use ("stele id v1").
 * 0 < len <= KEY_DERIVED_MAX. */
void key_derive(const struct key *from, const char *label, struct span context, uint8_t *to, size_t len);

#endif
