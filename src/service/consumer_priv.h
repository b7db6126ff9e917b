/* What the files of consumers share. */
#ifndef STELE_SERVICE_CONSUMER_PRIV_H
#define STELE_SERVICE_CONSUMER_PRIV_H

#include "service/consumer.h"
#include "service/service_priv.h"

/* Held while one consumer is read or changed; before the lock of acts. */
struct mutex *consumer__lock(struct service *s, const struct principal *who, const char *client_id, const char *name);

enum control_ledger_name consumer__ledger(const struct control_consumer *x);

/* Records of its ledger that are there from `position` on. */
uint64_t consumer__lag(const struct principal *who, const struct control_consumer *x, uint64_t position);

/* The org's consumer of this name as it is now, with its lock held; E_NOT_FOUND also when `who` may not see it. */
int consumer__find_locked(struct service *s, const struct principal *who, struct span name, struct mutex **ret_lock,
			  struct control_consumer *ret, struct err *err) __attribute__((warn_unused_result));

/* ---- consumer_place.c ---- */

/* E_INVALID; err->field names the parameter. `fallback` when no place is given. */
int consumer__resolve(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		      const struct consumer_place *place, uint64_t fallback, uint64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The first record that is not older than `from_us`; the ledger's size when there is none. */
int consumer__first_from(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			 int64_t from_us, uint64_t *ret, struct err *err) __attribute__((warn_unused_result));

#endif
