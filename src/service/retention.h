/*
 * How long the records of an org's main ledger are kept: for ever, or days by account type or of its own; a legal hold
 * stops expiry whatever the days say. The self ledger, which tells what was done to the log, is kept for ever.
 *
 * A background pass removes, for each org, the segments whose records were all received before its limit:
 *
 *	plan in control.db ──> certificate in the self ledger ──> ledger_prune ──> plan done
 *
 * each durable before the next. So nothing goes without a certificate; and what a crash or a full disk broke off is
 * carried on at the next start or pass, before anybody can change the policy or set a hold. A certificate may be there
 * twice when the crash came right behind it and the start more than a day later.
 *
 * Permissions are the caller's to check. Changes are events of the self ledger; they and passes wait for each other.
 */
#ifndef STELE_SERVICE_RETENTION_H
#define STELE_SERVICE_RETENTION_H

#include "control/retention.h"
#include "service/service.h"
#include "store/prune.h"

enum retention_source { RETENTION_DEFAULT, RETENTION_OF_PLAN, RETENTION_OWN };
extern const char *const retention_source_names[];

/* What holds for an org. */
struct retention_view {
	struct control_retention set;
	int64_t days; /* in effect; RETENTION_FOREVER */
	enum retention_source source;
	struct control_plan plans[RETENTION_PLANS_MAX];
	size_t plan_count;
	struct control_hold *holds; /* owned */
	size_t hold_count;
	bool is_held;
	bool is_pending;          /* a removal is under way and could not be ended */
	uint64_t size;            /* of the main ledger */
	struct ledger_expiry due; /* what a pass would remove now */
};

int service_retention_get(struct service *s, const struct principal *who, struct retention_view *ret, struct err *err)
	__attribute__((warn_unused_result));
void retention_view_release(struct retention_view *v);

struct retention_change {
	struct span account_type;
	int64_t days; /* RETENTION_BY_PLAN, RETENTION_FOREVER, or so many */
	bool has_plans;
	struct span plans; /* "free=30,team=365": replaces all; "" removes all */
};

/* E_INVALID; err->field names the member. */
int service_retention_put(struct service *s, const struct principal *who, const struct retention_change *change,
			  struct err *err) __attribute__((warn_unused_result));

/* E_INVALID, E_TOO_LARGE. */
int service_hold_create(struct service *s, const struct principal *who, struct span reason, struct control_hold *ret,
			struct err *err) __attribute__((warn_unused_result));
/* E_NOT_FOUND: there is none, or it was released before. */
int service_hold_release(struct service *s, const struct principal *who, struct span id, struct control_hold *ret,
			 struct err *err) __attribute__((warn_unused_result));

/* A pass over all orgs. */
struct retention_result {
	int64_t began_us;
	uint64_t orgs;     /* looked at */
	uint64_t segments; /* that went, or would go */
	uint64_t records;
	uint64_t bytes;
	uint64_t failed; /* orgs; the log says why */
};

int service_retention_run(struct service *s, bool is_dry_run, struct retention_result *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The last pass that was no dry run; began_us 0: there was none since the start. */
void service_retention_last(struct service *s, struct retention_result *ret);

/* Carries on what was broken off, tells the ledgers how far merges may go, and starts the thread. */
int service__retention_start(struct service *s, struct err *err) __attribute__((warn_unused_result));
void service__retention_stop(struct service *s);

#endif
