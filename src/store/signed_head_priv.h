/* Inside of the store: heads in the journal. */
#ifndef STELE_STORE_SIGNED_HEAD_PRIV_H
#define STELE_STORE_SIGNED_HEAD_PRIV_H

#include "store/signed_head.h"

/* A ledger's head as it is kept. */
struct kept_head {
	struct signed_head head; /* its note is owned */
	uint64_t sequence;       /* of the frame that has it */
};

struct kept_head *kept_head__free(struct kept_head *k); /* returns NULL */

/* Takes in what a frame says. E_CORRUPT, E_NO_MEMORY. */
int signed_head__load(struct store *s, struct span payload, uint32_t count, uint64_t sequence, struct err *err)
	__attribute__((warn_unused_result));

/* Writes the heads that are in frames before `before` again. */
int signed_head__carry(struct store *s, uint64_t before, struct err *err) __attribute__((warn_unused_result));

#endif
