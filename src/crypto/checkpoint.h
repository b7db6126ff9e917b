/*
 * Checkpoints (C2SP tlog-checkpoint): the text of a signed note that says how large a log is and what its root is;
 * docs/format/checkpoint.md. The bytes may come from anywhere.
 *
 *	origin LF, size in decimal LF, base64 of the root LF, then any lines of extensions
 */
#ifndef STELE_CRYPTO_CHECKPOINT_H
#define STELE_CRYPTO_CHECKPOINT_H

#include "crypto/note.h"

struct checkpoint {
	struct span origin; /* borrowed from the text */
	uint64_t size;
	struct sha256 root;
	struct span extensions; /* lines that may follow, each with its line feed; borrowed */
};

/* The text of a checkpoint without extensions. */
void checkpoint_put(struct buf *to, const struct checkpoint *c);

/* Reads the text of a note. E_SYNTAX. */
int checkpoint_parse(struct span text, struct checkpoint *ret, struct err *err) __attribute__((warn_unused_result));

/* Opens a signed checkpoint: note_open, the text, and that its origin is the name of one of the keys that have signed
 * it. As note_open; E_CRYPTO when the origin is another. */
int checkpoint_open(struct span bytes, const struct note_vkey *keys, size_t key_count, struct note *ret_note,
		    struct checkpoint *ret, struct err *err) __attribute__((warn_unused_result));

#endif
