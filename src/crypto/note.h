/*
 * Signed notes (C2SP signed-note): a text, an empty line, and lines that sign the text.
 *
 *	example.com/log          ┐
 *	15                       │ the text: what is signed, with its last line feed
 *	rKbDip…=                 ┘
 *
 *	— example.com/log M9e0lu…=      name, and base64 of 4 bytes of key id and the signature
 *
 * A verifier trusts the keys it is given and looks at no other: lines of unknown keys are passed over, one that a known
 * key does not bear out rejects the note, and so does the absence of any known key. A key is known by name and id.
 *
 * Keys are Ed25519 (type 0x01). A struct note_vkey is a plain value; a note_signer keeps its OpenSSL contexts and is
 * used by one thread at a time. The bytes of notes and vkeys may come from anywhere.
 */
#ifndef STELE_CRYPTO_NOTE_H
#define STELE_CRYPTO_NOTE_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/limits.h"

#define NOTE_SEED_LEN       32
#define NOTE_PUBLIC_LEN     32
#define NOTE_ED25519        0x01 /* type of a key */
#define NOTE_ID_LEN         4
#define NOTE_SIGNATURE_LEN  64 /* of Ed25519 */
#define NOTE_VKEY_BYTES_MAX (NOTE_NAME_MAX + 64)

/* ---- verifier keys: "name+hex of id+base64 of type and public key" ---- */

struct note_vkey {
	char name[NOTE_NAME_MAX + 1];
	uint32_t id;
	uint8_t public_key[NOTE_PUBLIC_LEN];
};

/* Whether a key may have this name: UTF-8, not empty, no space and no '+'. */
bool note_name_is_valid(struct span name);

/* The vkey of a public key. E_INVALID: no name. */
int note_vkey_make(struct span name, const uint8_t public_key[NOTE_PUBLIC_LEN], struct note_vkey *ret, struct err *err)
	__attribute__((warn_unused_result));
/* E_SYNTAX; E_UNSUPPORTED when it is of another type than Ed25519. */
int note_vkey_parse(struct span text, struct note_vkey *ret, struct err *err) __attribute__((warn_unused_result));
void note_vkey_put(struct buf *to, const struct note_vkey *vkey);

/* ---- notes ---- */

struct note_signature {
	struct span name;
	uint32_t id;
	struct span line;   /* with its line feed */
	struct span base64; /* of id and signature */
};

/* A note taken apart; everything is borrowed from its bytes. */
struct note {
	struct span text; /* with its last line feed */
	size_t signature_count;
	struct note_signature signature[NOTE_SIGNATURES_MAX];
};

/* Checks the form alone, no signature. E_SYNTAX, with the offset; E_TOO_LARGE. */
int note_parse(struct span bytes, struct note *ret, struct err *err) __attribute__((warn_unused_result));

/* Checks the form, and the signatures of those keys that are among `keys`; a bit of *ret_signers (may be NULL) is set
 * for each that has signed. E_SYNTAX, E_TOO_LARGE as note_parse; E_CRYPTO: a known key's signature is not good, or no
 * known key has signed. At most 64 keys. */
int note_open(struct span bytes, const struct note_vkey *keys, size_t key_count, struct note *ret,
	      uint64_t *ret_signers, struct err *err) __attribute__((warn_unused_result));

/* Begins a note: the text, which must be what note_parse takes, and the empty line. Signature lines follow. E_INVALID.
 */
int note_begin(struct buf *to, struct span text, struct err *err) __attribute__((warn_unused_result));

/* ---- signing ---- */

struct note_signer;

/* E_INVALID: no name. */
int note_signer_new(struct span name, const uint8_t seed[NOTE_SEED_LEN], struct note_signer **ret, struct err *err)
	__attribute__((warn_unused_result));
struct note_signer *note_signer_free(struct note_signer *s); /* wipes */
const struct note_vkey *note_signer_vkey(const struct note_signer *s);

/* Appends the signature line of a text, with its line feed. */
void note_sign(struct note_signer *s, struct span text, struct buf *to);

#endif
