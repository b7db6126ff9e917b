/*
 * The store of a node: one journal, many ledgers, their segments, and the threads that seal and merge.
 *
 * A data folder: journal/<n>.jnl, segments/<ledger>/<first>-<next>.seg (decimal, no leading zeros), lock. One process
 * has it open at a time.
 *
 * Way in: ledger_append numbers a batch under the ledger's lock and queues its frame; ids, hashes and compression
 * happen outside the lock on the caller's thread. The journal's writer makes it durable - from there it happened -,
 * then the batch enters the head and the Merkle frontier in index order, then `done` is called.
 *
 * Way out: ledger_snapshot gives an immutable view: segments (files and encoded blocks in memory, one interface) and
 * the raw tail. Records never move or change under a snapshot.
 */
#ifndef STELE_STORE_STORE_H
#define STELE_STORE_STORE_H

#include "base/err.h"
#include "base/io.h"
#include "codec/record.h"
#include "crypto/key_ring.h"
#include "store/journal.h"
#include "store/segment.h"

struct store;
struct ledger;

/* Gives the key of a ledger, or the node's own when it is STORE_NODE; called when the store and when a ledger is first
 * opened. Any error ends the opening. */
#define STORE_NODE 0u /* no ledger has that number */
typedef int store_key_fn(void *user, uint32_t ledger, struct key *ret_key, struct err *err);

/* Says which epoch of a ledger's keys a segment file with records [first, next) is to be encrypted with. `is_new`: its
 * records are in no file yet, and a new epoch may begin with them. Never 0: that is the ledger's own key. */
typedef int store_epoch_fn(void *user, uint32_t ledger, uint64_t first, uint64_t next, bool is_new, uint32_t *ret_epoch,
			   struct err *err);
/* Told when the records of a ledger before `first` are gone, their files deleted: after each pruning, and at opening
 * for each ledger that begins behind 0. On the pruning thread, without a lock. */
typedef void store_pruned_fn(void *user, uint32_t ledger, uint64_t first);

struct store_config {
	struct io *io;
	const char *folder;
	store_key_fn *key;
	store_epoch_fn *epoch;     /* NULL: segments are encrypted with the ledger's own key */
	segment_key_fn *epoch_key; /* of the epochs that epoch gave */
	store_pruned_fn *pruned;   /* NULL: nobody asks */
	void *user;
	int64_t merge_span_us; /* of each ledger until ledger_set_merge_span_us says another */
	bool no_threads;       /* for tests and offline tools: nothing seals or merges by itself */
	/* For tests, 0 for the usual: */
	uint32_t block_rows;         /* BLOCK_ROWS_MAX; a multiple of MERKLE_GROUP */
	uint64_t journal_file_bytes; /* JOURNAL_FILE_BYTES */
	uint64_t journal_bytes_max;  /* JOURNAL_BYTES_MAX */
	uint64_t head_raw_bytes_max; /* HEAD_RAW_BYTES_MAX */
};

/* Opens a data folder (made when missing), recovers. E_LOCKED, E_CORRUPT, E_IO. */
int store_open(const struct store_config *config, struct store **ret, struct err *err)
	__attribute__((warn_unused_result));
/* Waits for submitted appends, then closes. Seals nothing: the journal has it. */
struct store *store_close(struct store *s);

/* 0, or why writes are refused (disk full, failed sync). Tries to go on when the cause may be gone, once a second at
 * most; may block for a few milliseconds, and so is not to be called from `done`. */
int store_writable(struct store *s, struct err *err);

/* 0, or the last failure of sealing, merging or trimming that nothing has gone well after; these are tried again by
 * themselves. */
int store_background(struct store *s, struct err *err);

struct store_figures {
	uint64_t journal_bytes;
	uint64_t segment_bytes;
	uint64_t segment_count;
	uint64_t head_records; /* accepted and not yet in a segment file */
	uint64_t head_bytes;   /* memory of raw records and images */
	uint64_t records;      /* appended since start */
	uint64_t commits;      /* group commits since start */
	uint64_t seals;
	uint64_t merges;
	uint64_t damaged;      /* segments found damaged and left out */
	uint64_t pruned;       /* records removed by retention since start */
	uint64_t block_hits;   /* blocks that were opened already when they were asked for, since start */
	uint64_t block_misses; /* and that were not */
	uint64_t block_bytes;  /* memory of opened blocks that wait for the next who asks */
};
void store_figures(struct store *s, struct store_figures *ret);

/* The id of the data folder: random, the same as long as it lives. */
#define STORE_NODE_ID_LEN JOURNAL_NODE_ID_LEN
void store_node_id(const struct store *s, uint8_t to[STORE_NODE_ID_LEN]);

/* The numbers of the ledgers that have data, ascending; *ret is freed by the caller. */
int store_ledgers(struct store *s, uint32_t **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* A ledger by number, made on first use; lives as long as the store. */
int store_ledger(struct store *s, uint32_t number, struct ledger **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Writes every head to segments and frees the journal. */
int store_seal(struct store *s, struct err *err) __attribute__((warn_unused_result));
/* Merges until nothing more is due. */
int store_merge(struct store *s, struct err *err) __attribute__((warn_unused_result));

/* Checks everything in the folder: journal, segments, trees. The team (NULL: none) shares the work. `found` is called
 * for each fault, in the same order whoever found it; returns the first, or 0. */
typedef void store_fault_fn(void *user, const struct err *err);
int store_verify(struct store *s, struct team *team, store_fault_fn *found, void *user, uint64_t *ret_records,
		 struct err *err) __attribute__((warn_unused_result));

/* ---- a ledger ---- */

uint64_t ledger_size(struct ledger *l);  /* records that are durable and visible, and those that are gone */
uint64_t ledger_first(struct ledger *l); /* records before it are gone: retention removed them */

/* The root and size of the tree over the visible records. */
int ledger_root(struct ledger *l, uint64_t *ret_size, struct sha256 *ret_root, struct err *err)
	__attribute__((warn_unused_result));

/* The tree over the visible records itself. */
int ledger_frontier(struct ledger *l, struct merkle_frontier *ret, struct err *err) __attribute__((warn_unused_result));

/* The index behind an event id; false when it is none of this ledger's or not there (yet). The record may be gone. */
bool ledger_index_of_id(struct ledger *l, struct span id, uint64_t *ret_index);

/*
 * An append. The caller fills the first part and owns it until `done`, which is called exactly once, on another thread
 * or on this one, before or after ledger_append returns. The batch's bytes are patched (ids, received) and given back
 * as stored; after a failure they are of no use. All or nothing: a failed append has added nothing that the ledger
 * shows; after E_IO it may still be found accepted when the store is opened next.
 *
 * When more raw records wait for encoding than HEAD_RAW_BYTES_MAX, an append is not numbered until there is room again,
 * and is then carried out by the thread that made room; ledger_append returns at once all the same.
 */
struct ledger_append {
	struct record_batch *batch;  /* count >= 1, record_parse's output */
	struct span idempotency_key; /* empty: none; borrowed until done */
	uint64_t fingerprint;        /* of the request, when there is a key */
	void (*done)(struct ledger_append *a);
	void *user;

	/* the answer */
	int rc; /* 0; E_CONFLICT: the key was used with another request; E_UNAVAILABLE, E_NO_SPACE, E_IO, … */
	struct err err;
	bool replayed; /* the key was seen before: first and count are the earlier append's, nothing was added */
	uint64_t first;
	uint64_t count;
	int64_t received_us;

	/* the store's */
	struct journal_write write;
	struct ledger *ledger;
	struct ledger_append *next;
	struct sha256 *leaves;
	uint64_t bytes;   /* of the batch */
	bool is_answered; /* by the journal */
	bool is_prepared; /* patched and hashed */
};
void ledger_append(struct ledger *l, struct ledger_append *a);

/* The ids of count records from `first`, 32 hex digits each, into to. */
void ledger_ids(struct ledger *l, uint64_t first, size_t count, uint8_t *to);

/* Blocks until everything appended before the call is encoded and in a segment file. */
int ledger_seal(struct ledger *l, struct err *err) __attribute__((warn_unused_result));

/* ---- reading ---- */

/* A run of raw records at the end of the head. Record i is number first + i. */
struct snapshot_tail {
	uint64_t first;
	uint32_t count;
	/* the store's */
	const void *chunk;
};

/* A run of records that cannot be read. */
struct snapshot_gap {
	uint64_t first;
	uint64_t next; /* one past the last */
};

struct snapshot {
	struct ledger *ledger;
	uint64_t first; /* records first … size - 1: retention removed those before */
	uint64_t size;
	struct segment **segments; /* in order, not overlapping; files and images alike */
	size_t segment_count;
	struct snapshot_tail *tails; /* in order, after the segments */
	size_t tail_count;
	int64_t received_max;
	struct snapshot_gap
		*damaged; /* in order; records that are not in segments because their file cannot be opened */
	size_t damaged_count;
};

/* Opens the segments that nothing has needed yet; a damaged one is left out and listed. E_IO, E_NO_MEMORY. */
int ledger_snapshot(struct ledger *l, struct snapshot **ret, struct err *err) __attribute__((warn_unused_result));
struct snapshot *snapshot_free(struct snapshot *s);

/* Record i of a tail (i < count), borrowed until the snapshot is freed. */
struct span snapshot_tail_record(const struct snapshot_tail *t, uint32_t i);

/* Appends record `index` to `to`; E_NOT_FOUND, E_CORRUPT. */
int snapshot_record(struct snapshot *s, uint64_t index, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));
/* The same for records [first, first + count), back to back; ret_len[count] gets their lengths. */
int snapshot_records(struct snapshot *s, uint64_t first, size_t count, struct buf *to, uint32_t *ret_len,
		     struct err *err) __attribute__((warn_unused_result));

#endif
