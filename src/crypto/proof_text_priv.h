/* What the text forms of proofs share: lines that end in LF, decimal numbers, hashes in base64. */
#ifndef STELE_CRYPTO_PROOF_TEXT_PRIV_H
#define STELE_CRYPTO_PROOF_TEXT_PRIV_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"

/* Lines of a text that comes from anywhere; counted for messages. */
struct proof_text {
	struct span rest;
	unsigned line; /* the number of the one taken last, from 1 */
};

/* Takes the next line, without its LF. E_SYNTAX when there is none that ends. */
int proof_text__line(struct proof_text *t, struct span *ret, struct err *err) __attribute__((warn_unused_result));

/* Decimal without sign and leading zeros, up to 2^64 - 1. */
bool proof_text__number(struct span text, uint64_t *ret);

/* Takes lines of hashes until an empty line, or until the end when `to_end`. E_SYNTAX, also when there are more than
 * `max`. */
int proof_text__hashes(struct proof_text *t, bool to_end, size_t max, struct sha256 *ret_hash, size_t *ret_count,
		       struct err *err) __attribute__((warn_unused_result));

void proof_text__put_hashes(struct buf *to, const struct sha256 *hash, size_t count);

/* Fails with E_SYNTAX in the line taken last. */
int proof_text__fail(const struct proof_text *t, const char *what, struct err *err);

#endif
