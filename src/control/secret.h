/*
 * Secrets: small ones of the node, sealed by the master key, by name; and the rewrapping of all that the master key
 * has sealed, which is what its rotation is.
 *
 * Every column of control.db that holds something sealed by the key ring stands in the table of secret.c. Whoever adds
 * one adds a line there, or the next rotation loses it.
 */
#ifndef STELE_CONTROL_SECRET_H
#define STELE_CONTROL_SECRET_H

#include "base/buf.h"
#include "control/control.h"

/* Appends the sealed form. E_NOT_FOUND. */
int control_secret_get(struct control *c, const char *name, struct buf *ret_sealed, struct err *err)
	__attribute__((warn_unused_result));
/* E_EXISTS. */
int control_secret_create(struct control *c, const char *name, struct span sealed, struct err *err)
	__attribute__((warn_unused_result));

/* Seals again what `old` is the sealed form of, with the same label and context; `to` has old.len bytes of room. */
typedef int control_reseal_fn(void *user, const char *label, struct span context, struct span old, uint8_t *to,
			      struct err *err);

/* Has everything resealed, in one transaction: all or nothing. *ret_count says how many. */
int control_reseal(struct control *c, control_reseal_fn *reseal, void *user, uint64_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

#endif
