/*
 * The epochs of a ledger's keys. Segment files are encrypted with the key of an epoch, which covers the records from
 * its `first` on up to the next epoch's. Once retention has removed all of these records, the key is destroyed, and no
 * copy of a file that it was used for can be read any more, wherever it is.
 */
#ifndef STELE_CONTROL_LEDGER_EPOCH_H
#define STELE_CONTROL_LEDGER_EPOCH_H

#include "control/control.h"

struct control_epoch {
	uint32_t ledger;
	uint32_t epoch; /* 1, 2, …; not used twice */
	uint64_t first; /* number of its first record */
	int64_t created_us;
};

/* The epoch of a record: the one that begins last at or before it. E_NOT_FOUND. */
int control_epoch_find(struct control *c, uint32_t ledger, uint64_t record, struct control_epoch *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Its wrapped key. E_NOT_FOUND: it was destroyed, or control.db is older than the file that names it. */
int control_epoch_key(struct control *c, uint32_t ledger, uint32_t epoch, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		      struct err *err) __attribute__((warn_unused_result));

/* Makes the wrapped key of a new epoch; any error undoes what it is asked for. */
typedef int control_epoch_wrap_fn(void *user, uint32_t ledger, uint32_t epoch, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
				  struct err *err);

/* Adds an epoch; its number is given. */
int control_epoch_create(struct control *c, struct control_epoch *e, control_epoch_wrap_fn *wrap, void *user,
			 struct err *err) __attribute__((warn_unused_result));

/* Destroys the keys of the epochs whose records are all numbered below `below`; never that of the newest. They are
 * overwritten on the disk, in the log as well unless it is called within a transaction. *ret_count says how many. */
int control_epoch_destroy(struct control *c, uint32_t ledger, uint64_t below, uint32_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* How long new records of a ledger go into one epoch, LEDGER_EPOCH_MIN_S at least; LEDGER_EPOCH_S unless it was set.
 * E_NOT_FOUND. */
int control_ledger_epoch_seconds(struct control *c, uint32_t ledger, int64_t *ret, struct err *err)
	__attribute__((warn_unused_result));
int control_ledger_set_epoch_seconds(struct control *c, uint32_t ledger, int64_t seconds, struct err *err)
	__attribute__((warn_unused_result));

#endif
