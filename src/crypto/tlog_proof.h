/*
 * A proof that an entry is in a log, as text that is checked offline (C2SP tlog-proof; files end in .tlog-proof):
 *
 *	c2sp.org/tlog-proof@v1
 *	extra <base64>             not there when there is none; nothing vouches for it
 *	index <decimal>
 *	<base64 hash>              from the leaf's sibling up
 *	<empty line>
 *	<checkpoint, a signed note as it was published>
 *
 * A proof is good when its checkpoint is one that the verifier's key has signed and merkle_verify_inclusion holds of
 * index, path, and the checkpoint's size and root. Pure: no I/O, clock, threads or globals.
 */
#ifndef STELE_CRYPTO_TLOG_PROOF_H
#define STELE_CRYPTO_TLOG_PROOF_H

#include "base/buf.h"
#include "crypto/checkpoint.h"
#include "crypto/limits.h"
#include "crypto/merkle_proof.h"

struct tlog_proof {
	struct span extra; /* the base64, not decoded; empty: none */
	uint64_t index;
	struct merkle_proof path; /* at most MERKLE_INCLUSION_MAX */
	struct span checkpoint;   /* not looked into; not empty */
};

void tlog_proof_put(struct buf *to, const struct tlog_proof *proof);

/* The spans are borrowed from `text`, which comes from anywhere. E_SYNTAX with the line, E_TOO_LARGE. What is taken is
 * exactly what tlog_proof_put writes. */
int tlog_proof_get(struct span text, struct tlog_proof *ret, struct err *err) __attribute__((warn_unused_result));

/* Whether the entry with this leaf hash is in the log of one of the keys, as the proof says. *ret borrows from the
 * proof. As checkpoint_open; E_CORRUPT when the checkpoint is good and the entry is not in its tree. */
int tlog_proof_verify(struct digest *d, const struct sha256 *leaf, const struct tlog_proof *proof,
		      const struct note_vkey *keys, size_t key_count, struct checkpoint *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
