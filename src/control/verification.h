/* What the verification in the background has found, and how far it is: kept, so that a restart neither begins again
 * nor reports a fault twice. */
#ifndef STELE_CONTROL_VERIFICATION_H
#define STELE_CONTROL_VERIFICATION_H

#include "control/control.h"

struct control_verification {
	int64_t begun_us; /* the pass under way; 0: none is */
	uint32_t ledger;  /* where it is: everything before was checked */
	int64_t position;
	int64_t records; /* checked in it so far */
	int64_t bytes;
	int64_t finished_us; /* the last whole pass; 0: there was none */
	int64_t finished_began_us;
	int64_t finished_records;
	int64_t finished_bytes;
	int64_t passes; /* whole ones */
};

int control_verification_get(struct control *c, struct control_verification *ret, struct err *err)
	__attribute__((warn_unused_result));
int control_verification_set(struct control *c, const struct control_verification *v, struct err *err)
	__attribute__((warn_unused_result));

struct control_fault {
	char file[FAULT_FILE_MAX + 1];
	int64_t offset; /* -1: not known */
	char message[FAULT_MESSAGE_MAX + 1];
	int64_t found_us;
	int64_t seen_us; /* when the last pass that saw it began */
};

/* Notes that a fault is still there: 1: it was known; 0: it is new. */
int control_fault_touch(struct control *c, const struct control_fault *f, struct err *err)
	__attribute__((warn_unused_result));
/* E_TOO_LARGE: FAULTS_MAX are known. */
int control_fault_add(struct control *c, const struct control_fault *f, struct err *err)
	__attribute__((warn_unused_result));
/* Removes those that no pass has seen since `began_us`: they were repaired. */
int control_fault_clear(struct control *c, int64_t began_us, struct err *err) __attribute__((warn_unused_result));
/* The oldest first; the caller frees the array. */
int control_fault_list(struct control *c, struct control_fault **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

#endif
