/*
 * Inside of a ledger and of the store.
 *
 * Where a ledger's records are, in this order: file parts (segments in files), image parts (segments in memory), then
 * chunks (raw records, head.h), of which the last may be growing. A record moves one step towards the files at a time
 * and is in exactly one of them for whoever holds the ledger's mutex.
 *
 *	              chunk_build                 segment_merge, object_put
 *	chunks ─────────────────────> images ───────────────────────────────> files ──merge──> fewer files
 *	  ^ apply                        (each step: claimed under mutex, done without it, swapped in under it)
 *
 * Numbers: size <= durable <= next. `next` is the index the next append gets; `durable` is one past the last record
 * whose frame is on the disk; `size` is one past the last record that is in the head and the tree, and shown.
 *
 * Appends are in the ledger's queue in index order, from numbering until they are answered and prepared; whoever makes
 * the first one both, takes it into the head ("applying", which one thread at a time does for a ledger). Numbering and
 * journal_submit happen under the mutex, so the journal's order is the index order. When the journal fails, every
 * append that was submitted and not answered fails too, and once the last of these is answered, `next` goes back to
 * `durable`: the numbers were never used. The journal accepts frames again only after that (journal.c says how).
 *
 * Lock order, each one taken only while holding none or some to its left:
 *
 *	journal trim_mutex > store table > ledger mutex > journal mutex, idempotency, memory, sealer, tools,
 *	background, block cache
 *
 * No callback is called, no file is read or written with a ledger's mutex held; but the first use of a ledger reads its
 * last segment's frontier under it, or that of the records that are gone.
 *
 * Whoever changes the order of the file parts (a merge, pruning) sets is_merging first, so there is one at a time;
 * filing only adds behind them.
 */
#ifndef STELE_STORE_LEDGER_PRIV_H
#define STELE_STORE_LEDGER_PRIV_H

#include "base/thread.h"
#include "store/hashes.h"
#include "store/head.h"
#include "store/idempotency.h"
#include "store/store.h"
#include "store/tree_cache.h"

/* A segment of a ledger. */
struct part {
	uint64_t first;
	uint64_t next;
	uint64_t bytes;
	struct segment *segment; /* owned; NULL: not opened yet */
	const uint8_t *image;    /* an image's bytes, borrowed from the segment */
	bool is_damaged;         /* could not be opened, or read for a merge */
	bool has_times;          /* the next two are known */
	int64_t received_min;
	int64_t received_max;
};

/* Hashes of records that are gone, one object. */
struct hash_part {
	uint64_t first;
	uint64_t next;
};

struct cipher_slot {
	struct id_cipher *cipher;
	struct cipher_slot *next;
};

/* Queues of ledgers that have something for the sealer's threads. */
enum seal_queue { SEAL_HEAD, SEAL_MERGE, SEAL_RETRY, SEAL_QUEUES };

struct ledger {
	struct store *store;
	uint32_t number;
	_Atomic uint64_t sealed;                /* one past the last record in a file */
	struct ledger *queue_next[SEAL_QUEUES]; /* guarded by the sealer's mutex */
	bool is_queued[SEAL_QUEUES];
	struct tree_cache *tree_cache;

	struct mutex mutex; /* guards what follows */
	struct cond changed;
	bool has_key;
	uint8_t id_key[ID_KEY_LEN];
	struct key file_key;         /* of segment files of epoch 0 */
	struct cipher_slot *ciphers; /* not in use */
	int broken;                  /* E_CORRUPT when the tree cannot be gone on with, else 0 */
	struct err broken_err;

	uint64_t next;
	uint64_t durable;
	uint64_t size;
	int64_t received_last; /* given to an append */
	int64_t received_size; /* of the records shown */
	uint32_t submitted;    /* frames the journal has not answered */
	struct ledger_append *head;
	struct ledger_append *tail;
	bool is_applying;
	unsigned waiting; /* threads that want to be the one that writes */

	struct part *parts; /* files, then images */
	size_t part_count;
	size_t part_cap;
	size_t file_count;
	struct chunk **chunks;
	size_t chunk_count;
	size_t chunk_cap;
	bool is_filing;
	bool is_merging;
	int64_t merge_span_us; /* received times in one file reach no further; 0: however far */
	uint64_t pruned;       /* records before it are gone; hashes[] has what stayed of them */
	struct hash_part *hashes;
	size_t hash_count;
	uint64_t pruning; /* a mark that was tried and may be there or not: no merge until one is; 0: none */
	bool needs_sweep; /* files of what is gone may be there; of whoever has set is_merging */
	unsigned opening; /* threads that open the parts */
	struct kept_head *signed_head; /* NULL: none */
	struct merkle_frontier *shown; /* the tree of `size` records; NULL until the ledger is first used */

	/* the applying thread's */
	struct merkle_frontier *frontier;
	struct chunk *current; /* also the last of chunks, once that is shown; NULL: the next record starts one */
};

/* ---- ledger.c ---- */

struct ledger *ledger__new(struct store *s, uint32_t number);
struct ledger *ledger__free(struct ledger *l);
/* Asks for the key, once. */
int ledger__need_key(struct ledger *l, struct err *err) __attribute__((warn_unused_result));
/* Makes the tree ready to go on with. */
int ledger__warm_locked(struct ledger *l, struct err *err) __attribute__((warn_unused_result));
/* Gives back what an idle ledger does not need. */
void ledger__cool_locked(struct ledger *l);
struct id_cipher *ledger__take_cipher(struct ledger *l);
void ledger__give_cipher(struct ledger *l, struct id_cipher *c);

/* ---- ledger_append.c ---- */

/* Patches and hashes records [from, count) of a batch whose record 0 has index `first`. Each aligned run of 256 hashes
 * is folded: its first place has the group's root. */
void ledger__prepare(struct ledger *l, struct record_batch *b, size_t from, uint64_t first, int64_t received_us,
		     struct sha256 *leaves);
/* Takes records [from, count) into the head and the tree. By the thread that is applying; not shown yet. True when a
 * chunk was filled. */
bool ledger__apply(struct ledger *l, const struct record_batch *b, size_t from, uint64_t first,
		   const struct sha256 *leaves);
/* Shows what was applied; from here on its full chunks may be encoded. */
void ledger__show_locked(struct ledger *l, uint64_t size, int64_t received_us);
/* Carries on an append that was let in. */
void ledger__append_admitted(struct ledger_append *a);
/* Becomes the applying thread, and stops being it. */
void ledger__claim_locked(struct ledger *l);
void ledger__unclaim_locked(struct ledger *l);

/* ---- ledger_seal.c ---- */

/* Closes the growing chunk: what is shown can then be encoded. Returns how many records that are. */
uint64_t ledger__cut(struct ledger *l);
/* Encodes one waiting chunk: 1 when there was one, 0 when not. */
int ledger__build_one(struct ledger *l, struct err *err) __attribute__((warn_unused_result));
/* A chunk that waits to be encoded, or NULL. */
struct chunk *ledger__waiting_chunk_locked(const struct ledger *l);
/* How many images should become a file now, from the oldest on. */
size_t ledger__images_due_locked(const struct ledger *l);
/* Makes the images that are due one file, or `all`: 1; 0 when there are none or somebody does. */
int ledger__file_images(struct ledger *l, bool all, struct err *err) __attribute__((warn_unused_result));

/* ---- part.c ---- */

/* The name of a part's object. */
#define PART_NAME_MAX 64
void part__name(uint32_t ledger, uint64_t first, uint64_t next, char to[PART_NAME_MAX]);
bool part__parse_name(const char *name, uint64_t *ret_first, uint64_t *ret_next);
/* The same of hashes. */
void part__hashes_name(uint32_t ledger, uint64_t first, uint64_t next, char to[PART_NAME_MAX]);
void ledger__add_part_locked(struct ledger *l, size_t at, const struct part *p);
void ledger__remove_parts_locked(struct ledger *l, size_t at, size_t count);
/* Gives an unopened file part its segment, which is taken over. */
void ledger__set_segment_locked(struct ledger *l, struct part *p, struct segment *s);
/* Closes the segments of all file parts. */
void ledger__close_files_locked(struct ledger *l);
/* Opens a file part; the caller owns it. */
int ledger__open_file(struct ledger *l, uint64_t first, uint64_t next, struct segment **ret, struct err *err)
	__attribute__((warn_unused_result));
/* Opens all parts that are not; damaged ones are marked. With the mutex held, which is given up meanwhile. */
int ledger__open_parts_locked(struct ledger *l, struct err *err) __attribute__((warn_unused_result));
/* Writes an object; one of the same name is of an earlier try whose last step failed, and goes first. */
int ledger__put_object(struct ledger *l, const char *name, struct span bytes, struct err *err)
	__attribute__((warn_unused_result));
/* Encrypts a segment's bytes, writes and opens the file; p->first and next are given. `is_new` as in store_epoch_fn. */
int ledger__put_file(struct ledger *l, struct span bytes, bool is_new, struct part *p, struct err *err)
	__attribute__((warn_unused_result));
/* Reads the names in the store's folder; a part that a wider one covers is deleted, and what retention had removed. */
int ledger__load_parts(struct ledger *l, struct err *err) __attribute__((warn_unused_result));

/* ---- merger.c ---- */

/* A file that may be merged. */
struct merge_file {
	uint64_t rows; /* 0: it cannot be merged */
	int64_t received_min;
	int64_t received_max;
};

/* Which neighbours to merge: false when none are due. Received times of what becomes one file reach no further than
 * `span_us`; 0: however far. */
bool merger__pick(const struct merge_file *files, size_t count, int64_t span_us, size_t *ret_at, size_t *ret_count);
/* Merges one run of a ledger's files: 1 when there was one, 0 when not. */
int ledger__merge_one(struct ledger *l, struct err *err) __attribute__((warn_unused_result));
/* Opens file part i, and learns when its records were received. With is_merging set by the caller and the mutex held,
 * which is given up meanwhile. A damaged one is marked. */
int ledger__know_times_locked(struct ledger *l, size_t i, struct err *err) __attribute__((warn_unused_result));

/* ---- ledger_prune.c ---- */

/* Opens hashes; the caller closes them. */
int ledger__open_hashes(struct ledger *l, const struct hash_part *part, struct hashes **ret, struct err *err)
	__attribute__((warn_unused_result));
/* Keeps merges and pruning off the files until they are unclaimed; waits for those that are under way. */
void ledger__claim_files_locked(struct ledger *l);
void ledger__unclaim_files(struct ledger *l);
/* Deletes the segments that have records before the mark. */
int ledger__sweep(struct ledger *l, uint64_t mark, struct err *err) __attribute__((warn_unused_result));
/* Checks the hashes of what is gone before the mark; *ret_tree is the tree behind them. */
int ledger__check_hashes(struct ledger *l, uint64_t mark, struct merkle_frontier *ret_tree, struct err *err)
	__attribute__((warn_unused_result));

#endif
