/*
 * Sends batches over several connections, one thread each. Every batch carries an Idempotency-Key made of its content
 * and its place, so that it may be sent again after a failure, and by another run, and is stored once.
 */
#ifndef STELE_MAIN_SENDER_H
#define STELE_MAIN_SENDER_H

#include "base/thread.h"
#include "main/batch.h"
#include "main/target.h"

struct sender_totals {
	uint64_t accepted; /* events in the ledger now, of an earlier run included */
	uint64_t replayed; /* of these, how many were there from an earlier run */
	uint64_t batches;
};

struct sender;

/* `format`: whose rows the lines hold (codec/row_format.h); NULL: they hold events. `retry_ms`: how long a batch is
 * tried again while the server cannot be reached or is busy. */
struct sender *sender_start(const struct target *target, const char *format, unsigned connections, uint32_t retry_ms);

/* Hands a batch over, waiting while all connections have one; the sender frees it. False: a batch has failed and no
 * more are taken; sender_finish says why. */
bool sender_submit(struct sender *s, struct batch *b);

struct sender_totals sender_totals(struct sender *s);

/* Waits for what is under way and frees the sender. The first failure, or 0; of a refused batch err->message names the
 * line of the input. */
int sender_finish(struct sender *s, struct sender_totals *ret, struct err *err) __attribute__((warn_unused_result));

#endif
