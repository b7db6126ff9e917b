/*
 * The keys that sign ledgers' checkpoints, with their history: a key that another one took the place of stays listed,
 * so that what it has signed can be checked for good. Seeds are stored wrapped; by what, the caller knows.
 */
#ifndef STELE_CONTROL_LOG_KEY_H
#define STELE_CONTROL_LOG_KEY_H

#include "control/control.h"
#include "crypto/note.h"

struct control_log_key {
	uint32_t ledger;
	char origin[NOTE_NAME_MAX + 1]; /* of the log it signs for, and its name */
	uint8_t public_key[NOTE_PUBLIC_LEN];
	uint8_t wrapped_seed[KEY_WRAPPED_LEN];
	int64_t created_us;
	int64_t retired_us; /* 0: in use */
	char *handover;     /* the checkpoint that the key before signed together with this one; "": none. Owned */
};

void control_log_key_release(struct control_log_key *k); /* wipes */

/* Adds a key and retires those of the ledger that are in use, at its created_us. E_EXISTS. */
int control_log_key_add(struct control *c, const struct control_log_key *k, struct err *err)
	__attribute__((warn_unused_result));

/* All of a ledger, oldest first; the caller releases each and frees the array. */
int control_log_keys(struct control *c, uint32_t ledger, struct control_log_key **ret, size_t *ret_count,
		     struct err *err) __attribute__((warn_unused_result));

#endif
