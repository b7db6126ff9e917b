/*
 * How long an org's records are kept, what holds them, and removals under way. The plans (days by account type) are the
 * node's; the rest is of one org each.
 */
#ifndef STELE_CONTROL_RETENTION_H
#define STELE_CONTROL_RETENTION_H

#include "base/span.h"
#include "control/control.h"

#define RETENTION_BY_PLAN (-1) /* days: as the plan of the account type says */
#define RETENTION_FOREVER 0
#define HOLD_ID_LEN       16 /* hex digits, random */

struct control_retention {
	int64_t org;
	char account_type[ACCOUNT_TYPE_MAX + 1]; /* "": none */
	int64_t days;                            /* RETENTION_BY_PLAN, RETENTION_FOREVER, or so many */
	int64_t updated_us;                      /* 0: never set */
	char updated_by[CLIENT_ID_MAX + 1];
};

/* Of an org that has none yet: no account type, by plan. */
int control_retention_get(struct control *c, int64_t org, struct control_retention *ret, struct err *err)
	__attribute__((warn_unused_result));
int control_retention_set(struct control *c, const struct control_retention *r, struct err *err)
	__attribute__((warn_unused_result));

struct control_plan {
	char account_type[ACCOUNT_TYPE_MAX + 1];
	int64_t days; /* RETENTION_FOREVER, or so many */
};

/* By account type; at most RETENTION_PLANS_MAX into ret. */
int control_plans(struct control *c, struct control_plan *ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));
/* Replaces all. */
int control_plans_set(struct control *c, const struct control_plan *plans, size_t count, struct err *err)
	__attribute__((warn_unused_result));

/* ---- legal holds ----
 * A hold is never deleted: it is released. */

struct control_hold {
	int64_t org;
	char id[HOLD_ID_LEN + 1];
	char reason[HOLD_REASON_MAX + 1];
	int64_t created_us;
	char created_by[CLIENT_ID_MAX + 1];
	int64_t released_us; /* 0: it holds */
	char released_by[CLIENT_ID_MAX + 1];
};

/* E_TOO_LARGE (HOLDS_MAX hold already). */
int control_hold_create(struct control *c, const struct control_hold *h, struct err *err)
	__attribute__((warn_unused_result));
/* E_NOT_FOUND. */
int control_hold_get(struct control *c, int64_t org, const char *id, struct control_hold *ret, struct err *err)
	__attribute__((warn_unused_result));
/* Those that hold, then the released, the newest first; at most HOLDS_LISTED_MAX. The caller frees the array. */
int control_hold_list(struct control *c, int64_t org, struct control_hold **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));
int control_hold_release(struct control *c, const struct control_hold *h, struct err *err)
	__attribute__((warn_unused_result));
int control_hold_count(struct control *c, int64_t org, int64_t *ret, struct err *err) /* that hold */
	__attribute__((warn_unused_result));

/* ---- removals under way ----
 * A row is there from before the certificate is written until the records are gone; one a ledger at a time. */

struct control_expiry {
	int64_t org;
	uint32_t ledger;
	int64_t next;                 /* one past the last record that goes */
	char key[EXPIRY_KEY_MAX + 1]; /* the certificate's idempotency key */
	char event[EXPIRY_EVENT_MAX + 1];
	bool is_certified;
};

/* E_EXISTS. */
int control_expiry_plan(struct control *c, const struct control_expiry *x, struct err *err)
	__attribute__((warn_unused_result));
/* 1: *ret is the one of the ledger; 0: there is none. */
int control_expiry_get(struct control *c, uint32_t ledger, struct control_expiry *ret, struct err *err)
	__attribute__((warn_unused_result));
int control_expiry_certify(struct control *c, uint32_t ledger, struct err *err) __attribute__((warn_unused_result));
int control_expiry_done(struct control *c, uint32_t ledger, struct err *err) __attribute__((warn_unused_result));

#endif
