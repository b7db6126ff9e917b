/* The newest signed head of a log, as proofs and bundles take it. */
#ifndef STELE_SERVICE_PROOF_PRIV_H
#define STELE_SERVICE_PROOF_PRIV_H

#include "crypto/checkpoint.h"
#include "service/service_priv.h"

/* Appends the newest checkpoint, if it covers `size` records, waiting for it `wait_ms` at the most. *ret, which borrows
 * from it, is what it says. E_UNAVAILABLE: there is none that does. */
int service__log_head(struct service *s, struct org *org, enum control_ledger_name ledger, uint64_t size, int wait_ms,
		      struct buf *ret_note, struct checkpoint *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Appends the verifier key that the checkpoint is signed for (the newest one, when several are), and LF. The key in use
 * may be another one by now. E_NOT_FOUND: none of the log's keys has signed it. */
int service__log_vkey(struct service *s, struct org *org, enum control_ledger_name ledger, struct span note,
		      struct buf *to, struct err *err) __attribute__((warn_unused_result));

#endif
