/*
 * What is read of a log by those who verify it: checkpoints, tiles, entries, proofs, keys.
 *
 * A verifier asks thousands of times in a row, and a checkpoint every second for good; an event for each would be more
 * log than what is verified. So a principal's requests to one log are told of together: the first one writes an event
 * (`log.verified`, phase "begun") and is answered once that is durable, and so are those that come meanwhile; the ones
 * of the next LOG_READ_S are answered at once and counted; then a second event has the counts (phase "ended"), unless
 * there was but one request. So nothing is read that was not told of before, and a crash loses counts only.
 */
#ifndef STELE_SERVICE_LOG_READING_PRIV_H
#define STELE_SERVICE_LOG_READING_PRIV_H

#include "service/service.h"

enum log_read {
	LOG_READ_CHECKPOINT,
	LOG_READ_TILE,
	LOG_READ_ENTRIES,
	LOG_READ_PROOF,
	LOG_READ_CONSISTENCY,
	LOG_READ_KEYS,
	LOG_READ_COUNT
};

struct log_readings;
struct log_readings *log_readings_new(void);
struct log_readings *log_readings_free(struct log_readings *all); /* returns NULL */

/* Tells of one request; of entries, those of records [first, next) are given out. As service__tell. */
int log_reading_tell(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     enum log_read what, uint64_t first, uint64_t next, struct err *err)
	__attribute__((warn_unused_result));

/* Tells of those whose time is over; of all, when the service ends. */
void log_readings_tell_due(struct service *s);
void log_readings_end(struct service *s);

#endif
