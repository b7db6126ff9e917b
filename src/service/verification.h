/*
 * Verification in the background: one pass after the other reads everything that the store has on the disk - segments,
 * what stays of removed records, journal - and the heads and trees in memory, as slowly as it was told, and behind
 * everybody else. A fault becomes an event of the org's self ledger (`verification.failed`, once), a metric and a
 * reason on /readyz; reading and writing go on. A whole pass becomes an event of the first org's
 * (`verification.completed`).
 */
#ifndef STELE_SERVICE_VERIFICATION_H
#define STELE_SERVICE_VERIFICATION_H

#include "control/verification.h"
#include "service/service.h"

struct verification_figures {
	struct control_verification state;
	uint64_t faults;      /* known and not repaired */
	uint64_t bytes_total; /* read since start */
	uint32_t rate_mib;
};
void service_verification_figures(struct service *s, struct verification_figures *ret);

/* The faults in what is the principal's to see: the files of its org's ledgers; all of the node with node:operate. The
 * caller frees the array. */
int service_verification_faults(struct service *s, const struct principal *who, struct control_fault **ret,
				size_t *ret_count, struct err *err) __attribute__((warn_unused_result));

/* 0, or E_CORRUPT and how many faults there are. */
int service_sound(struct service *s, struct err *err);

int service__verification_start(struct service *s, const struct service_config *config, struct err *err)
	__attribute__((warn_unused_result));
void service__verification_stop(struct service *s);

#endif
