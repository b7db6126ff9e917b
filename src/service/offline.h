/* What is done to a data folder that no server has open. Each opens it, which needs its lock: E_LOCKED. */
#ifndef STELE_SERVICE_OFFLINE_H
#define STELE_SERVICE_OFFLINE_H

#include "base/err.h"
#include "base/io.h"
#include "service/retention.h"
#include "store/store.h"

struct offline {
	struct io *io;
	const char *folder;
	const char *master_key; /* its source, as key_ring_open has it; NULL: <folder>/master.key */
};

/* Writes every head to segments and frees the journal. E_NOT_FOUND when it is no data folder. */
int offline_seal(const struct offline *o, struct store_figures *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Checks everything. `found` is called for each fault, also when the folder does not open because of it; returns the
 * first, or 0. E_NOT_FOUND when it is no data folder. */
int offline_verify(const struct offline *o, store_fault_fn *found, void *user, uint64_t *ret_records, struct err *err)
	__attribute__((warn_unused_result));

/* Removes what has expired, or with `is_dry_run` only counts it. E_NOT_FOUND when it is no data folder. */
int offline_retention(const struct offline *o, bool is_dry_run, struct retention_result *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Wraps everything that the master key wraps with another one: that of the source `new_key`, made when it is a file
 * that is not there; NULL: a new one in the place of the file it is in now. All or nothing, also when the program dies.
 * It is an event of every org's self ledger (key.rotated) before it is done. E_INVALID when it is the same key.
 * *ret_count says how many secrets there are. */
int offline_rotate(const struct offline *o, const char *new_key, uint64_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* ---- while a server has the folder open ---- */

/* The key that journals are encrypted with, by way of their headers. */
int offline_node_key(const struct offline *o, struct key *ret_key, struct err *err) __attribute__((warn_unused_result));

/* Opens a segment of a ledger, wherever its file is; takes the object over. */
int offline_segment(const struct offline *o, uint32_t ledger, struct object *object, struct segment **ret,
		    struct err *err) __attribute__((warn_unused_result));

#endif
