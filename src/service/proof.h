/*
 * Proofs of records under the newest checkpoint of their ledger's log. One is signed every second while the ledger
 * grows, so what was appended just now is not covered yet: E_UNAVAILABLE.
 */
#ifndef STELE_SERVICE_PROOF_H
#define STELE_SERVICE_PROOF_H

#include "crypto/merkle_proof.h"
#include "service/service.h"

/* Whether a checkpoint covers `size` records, or none is going to: then a proof fails, and says why. Never waits. */
bool service_is_settled(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t size);

/* How many records the newest checkpoint is about. E_UNAVAILABLE, E_IO. */
int service_signed_size(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t *ret,
			struct err *err) __attribute__((warn_unused_result));

/* Appends the .tlog-proof of the record `index`. E_NOT_FOUND: there is no such record; E_UNAVAILABLE, E_CORRUPT, E_IO.
 */
int service_prove(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t index,
		  struct buf *to, struct err *err) __attribute__((warn_unused_result));

/* The same for `count` records from `first`, all under one checkpoint, as JSON strings with commas between. */
int service_prove_run(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t first,
		      uint64_t count, struct buf *to, struct err *err) __attribute__((warn_unused_result));

/* The index behind an event id. E_NOT_FOUND. */
int service_index(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		  uint64_t *ret, struct err *err) __attribute__((warn_unused_result));

/* That the ledger of `size` records begins with that of `old_size`. E_INVALID unless old_size <= size <= the ledger's
 * size; E_CORRUPT, E_IO. */
int service_prove_growth(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			 uint64_t old_size, uint64_t size, struct merkle_proof *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
