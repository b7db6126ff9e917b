/*
 * An org's ledgers as transparency logs (C2SP tlog-tiles): checkpoints, tiles, entries, keys. What is given out never
 * goes beyond the checkpoint that is published.
 */
#ifndef STELE_SERVICE_LOG_H
#define STELE_SERVICE_LOG_H

#include "crypto/tile_path.h"
#include "service/log_signer.h"
#include "service/service.h"

/* The ledger that a path names: its org must be the principal's own. E_NOT_FOUND. */
int service_log_find(const struct principal *who, struct span org_key, struct span ledger,
		     enum control_ledger_name *ret, struct err *err) __attribute__((warn_unused_result));

/* Appends the signed checkpoint. E_UNAVAILABLE when the ledger is refused. */
int service_log_checkpoint(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			   struct buf *to, struct err *err) __attribute__((warn_unused_result));

/* Appends a tile's hashes, or a bundle's entries. E_NOT_FOUND beyond the published checkpoint; E_FORBIDDEN for
 * entries that the principal does not see, or not all of. */
int service_log_tile(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     const struct tile_path *tile, struct buf *to, struct err *err) __attribute__((warn_unused_result));

/* As log_signer_keys. */
int service_log_keys(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     struct log_key **ret, size_t *ret_count, struct err *err) __attribute__((warn_unused_result));

/* A new key for a log, as log_signer_rotate. It is an event of the org's self ledger (log.key_rotated, with both
 * verifier keys) before it is made; when it cannot be recorded nothing changes. */
int service_log_rotate(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct err *err)
	__attribute__((warn_unused_result));

void service_log_figures(struct service *s, struct log_figures *ret);

#endif
