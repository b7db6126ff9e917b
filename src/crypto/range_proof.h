/*
 * The text of a compact range proof (merkle_range.h); docs/format/bundle.md:
 *
 *	stele/range-proof@v1
 *	range <first> <next>
 *	<base64 hash>              left side, widest first, then right side, left to right
 *
 * The tree's size is in the checkpoint that goes with it. Pure: no I/O, clock, threads or globals.
 */
#ifndef STELE_CRYPTO_RANGE_PROOF_H
#define STELE_CRYPTO_RANGE_PROOF_H

#include "base/buf.h"
#include "crypto/limits.h"
#include "crypto/merkle_range.h"

struct range_proof {
	uint64_t first, next;
	struct merkle_range_proof path;
};

void range_proof_put(struct buf *to, const struct range_proof *proof);

/* `text` comes from anywhere. E_SYNTAX with the line, E_TOO_LARGE. What is taken is exactly what range_proof_put
 * writes. */
int range_proof_get(struct span text, struct range_proof *ret, struct err *err) __attribute__((warn_unused_result));

#endif
