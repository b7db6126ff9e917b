/*
 * Idempotency keys: which append a key was first used with. A key is its digest (JOURNAL_IDEMPOTENCY_LEN bytes over the
 * ledger and the client's text). Keys are kept for IDEMPOTENCY_HOURS from the append's received time, at most
 * IDEMPOTENCY_KEYS_MAX of them, and live through restarts in the journal's frames.
 *
 * An append with a new key is pending until it is settled; another one with the same key meanwhile is chained to it and
 * comes back from settling. Used by any thread; its lock is a leaf: nothing is called with it held.
 */
#ifndef STELE_STORE_IDEMPOTENCY_H
#define STELE_STORE_IDEMPOTENCY_H

#include "store/store.h"

/* What is known of a key that was used. */
struct idempotency_use {
	uint8_t key[JOURNAL_IDEMPOTENCY_LEN];
	uint64_t fingerprint;
	uint64_t first;
	uint32_t count;
	int64_t received_us;
	uint64_t sequence; /* of the journal frame that says so */
};

struct idempotency;
struct idempotency *idempotency_new(size_t keys_max);
struct idempotency *idempotency_free(struct idempotency *t);

enum idempotency_answer {
	IDEMPOTENCY_NEW,  /* the append is pending and must be settled */
	IDEMPOTENCY_WAIT, /* the append is chained to a pending one */
	IDEMPOTENCY_SEEN, /* *ret_use is the earlier append */
};

/* Looks up a->write.frame.idempotency at `now_us`. */
enum idempotency_answer idempotency_begin(struct idempotency *t, struct ledger_append *a, int64_t now_us,
					  struct idempotency_use *ret_use);

/* Ends a pending append: with a->rc 0 its frame's key is remembered, else forgotten. Returns the appends chained to it
 * (by ->next). */
struct ledger_append *idempotency_settle(struct idempotency *t, const struct ledger_append *a);

/* What a frame that is read again says. */
void idempotency_load(struct idempotency *t, const struct idempotency_use *use);

/* ---- keys that outlive their journal file: the payload of JOURNAL_IDEMPOTENCY frames ---- */

#define IDEMPOTENCY_USE_LEN 44

/* Appends the keys from frames before `before` that are still good at `now_us`; returns how many. */
uint32_t idempotency_collect(struct idempotency *t, uint64_t before, int64_t now_us, struct buf *to);
/* Those are now in frame `sequence` too. */
void idempotency_carried(struct idempotency *t, uint64_t before, uint64_t sequence);
/* Loads what collect wrote. E_CORRUPT. */
int idempotency_load_carried(struct idempotency *t, struct span payload, uint32_t count, uint64_t sequence,
			     struct err *err) __attribute__((warn_unused_result));

#endif
