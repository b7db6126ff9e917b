/* What the files of retention share. */
#ifndef STELE_SERVICE_RETENTION_PRIV_H
#define STELE_SERVICE_RETENTION_PRIV_H

#include "base/thread.h"
#include "service/retention.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct retention {
	struct mutex mutex;       /* one change or pass at a time; before all other locks */
	struct mutex state_mutex; /* guards what follows; a leaf */
	struct cond changed;
	struct retention_result last;
	bool is_closing;
	struct thread thread;
	bool has_thread;
};

/* How long the org's records are kept, and why so long. */
int retention__days(struct service *s, const struct control_retention *set, int64_t *ret_days,
		    enum retention_source *ret_source, struct err *err) __attribute__((warn_unused_result));

/* An account type as a client writes it; empty: none. E_INVALID; err->field is "account_type". */
int retention__take_account_type(struct span text, char to[ACCOUNT_TYPE_MAX + 1], struct err *err)
	__attribute__((warn_unused_result));

/* Tells all ledgers how far apart records in one file may be. */
void retention__respan(struct service *s);

/* Ends the removal of the org that is under way, if there is one. */
int retention__finish(struct service *s, struct org *org, struct err *err) __attribute__((warn_unused_result));

/* What may go now; empty when a hold or the policy keeps all. */
int retention__due(struct service *s, struct org *org, struct ledger_expiry *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
