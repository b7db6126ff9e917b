/* Inside of the store: what the ledgers share. See ledger_priv.h for the lock order. */
#ifndef STELE_STORE_STORE_PRIV_H
#define STELE_STORE_STORE_PRIV_H

#include <stdatomic.h>

#include "store/block_cache.h"
#include "store/ledger_priv.h"

#define SEALER_THREADS 2 /* encoding is what bulk ingest costs most; a machine has at least two cores */

/* A SHA-256 context for whoever needs one for a moment. */
struct tool {
	struct digest *digest;
	struct tool *next;
};

/* Raw records in memory: those that are let in, be they in a request or in a head. */
struct memory {
	struct mutex mutex;
	uint64_t admitted;           /* bytes */
	struct ledger_append *first; /* waiting for room, by ->next */
	struct ledger_append *last;
	bool is_letting_in;
	_Atomic uint64_t head; /* bytes in chunks */
};

struct sealer {
	struct mutex mutex;
	struct cond work;
	struct ledger *first[SEAL_QUEUES];
	struct ledger *last[SEAL_QUEUES];
	bool is_stopping;
	bool wants_memory;  /* many small heads together are too large */
	bool wants_journal; /* the journal is too large */
	size_t running;     /* started threads */
	struct thread threads[SEALER_THREADS];
};

struct background {
	struct mutex mutex;
	int rc;
	struct err err;
};

struct store {
	struct store_config config;
	struct io *io;
	uint32_t block_rows;
	int lock_fd;
	struct object_store *objects;
	struct journal *journal;
	struct idempotency *idempotency;
	struct block_cache *block_cache;

	struct mutex table_mutex; /* guards table */
	struct ledger **table;    /* by number, open addressing */
	size_t table_cap;
	size_t table_count;

	struct mutex tools_mutex; /* guards tools */
	struct tool *tools;

	struct memory memory;
	struct sealer sealer;
	struct background background;
	struct mutex resume_mutex; /* guards resume_next_ns; one resume at a time */
	int64_t resume_next_ns;

	struct mutex flight_mutex; /* guards in_flight */
	struct cond landed;
	size_t in_flight; /* appends whose `done` has not returned */

	_Atomic uint64_t records;
	_Atomic uint64_t seals;
	_Atomic uint64_t merges;
	_Atomic uint64_t damaged;
	_Atomic uint64_t pruned; /* records, since start */
	_Atomic uint64_t image_bytes;
	_Atomic uint64_t open_files; /* segments that ledgers hold open */
};

/* ---- store.c ---- */

/* A ledger by number, made when missing; its key is not asked for. */
struct ledger *store__ledger(struct store *s, uint32_t number);
/* Closes what ledgers hold open when it is more than SEGMENTS_OPEN_MAX; snapshots keep theirs. No lock is held. */
void store__limit_open(struct store *s);
/* All ledgers, by number; freed by the caller. */
struct ledger **store__all(struct store *s, size_t *ret_count);
struct tool *store__take_tool(struct store *s);
void store__give_tool(struct store *s, struct tool *t);
/* Keeps what a background thread failed with; rc 0: it went well. */
void store__note_background(struct store *s, int rc, const struct err *err);
/* Writes a frame to the journal; its payload stays the caller's. */
int store__submit_and_wait(struct store *s, struct journal_write *w, struct err *err)
	__attribute__((warn_unused_result));
/* Frees the journal files that are not needed. */
int store__trim(struct store *s, struct err *err) __attribute__((warn_unused_result));
uint64_t store__sealed(void *user, uint32_t ledger);

/* ---- store_verify.c ---- */

/* Checks the records of a journal frame. */
int store__check_frame(struct store *s, const struct journal_frame *f, struct span payload, struct err *err)
	__attribute__((warn_unused_result));

/* ---- snapshot.c ---- */

/* The segment that holds a record, or NULL; borrowed from the snapshot. */
struct segment *snapshot__segment(const struct snapshot *s, uint64_t index);
/* The root of a full group of 256 whose last record is in a tail. E_CORRUPT when that record cannot be read. */
int snapshot__tail_group(const struct snapshot *s, uint64_t number, struct sha256 *ret, struct err *err)
	__attribute__((warn_unused_result));

/* ---- store_memory.c ---- */

void memory__init(struct memory *m);
void memory__release(struct memory *m);
/* True when the append may go on; else it waits until there is room. */
bool memory__admit(struct store *s, struct ledger_append *a);
/* Without asking: records read again. */
void memory__add(struct store *s, uint64_t bytes);
/* Gives room back; carries on what waited for it, on this thread. */
void memory__give(struct store *s, uint64_t bytes);
bool memory__is_over(struct store *s);

/* ---- sealer.c ---- */

void sealer__init(struct store *s);
void sealer__start(struct store *s);
void sealer__stop(struct store *s);
void sealer__release(struct store *s);
void sealer__queue(struct store *s, struct ledger *l, enum seal_queue queue);
/* Looks at the memory and the journal's size, and sees to them when they are too large. */
void sealer__check(struct store *s);

/* ---- replay.c ---- */

int store__replay(struct store *s, const struct journal_config *config, struct err *err)
	__attribute__((warn_unused_result));

#endif
