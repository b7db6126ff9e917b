/* What is done to a data folder that no server has open. Each opens it, which needs its lock: E_LOCKED. */
#ifndef STELE_SERVICE_OFFLINE_H
#define STELE_SERVICE_OFFLINE_H

#include "base/err.h"
#include "base/io.h"
#include "service/retention.h"
#include "store/store.h"

/* Writes every head to segments and frees the journal. E_NOT_FOUND when it is no data folder. */
int offline_seal(struct io *io, const char *folder, struct store_figures *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Checks everything. `found` is called for each fault, also when the folder does not open because of it; returns the
 * first, or 0. E_NOT_FOUND when it is no data folder. */
int offline_verify(struct io *io, const char *folder, store_fault_fn *found, void *user, uint64_t *ret_records,
		   struct err *err) __attribute__((warn_unused_result));

/* Removes what has expired, or with `is_dry_run` only counts it. E_NOT_FOUND when it is no data folder. */
int offline_retention(struct io *io, const char *folder, bool is_dry_run, struct retention_result *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The key that the ids of a ledger's records are made with; works while a server has the folder open. */
int offline_id_key(struct io *io, const char *folder, uint32_t ledger, uint8_t ret_id_key[ID_KEY_LEN], struct err *err)
	__attribute__((warn_unused_result));

#endif
