/*
 * The journal: the write-ahead log of the node, shared by all ledgers; docs/format/journal.md. A record is accepted
 * when its frame is fsynced.
 *
 * Files journal/<n>.jnl, reserved in steps, each with a header (magic, version, node id, file number, the sequence
 * number it continues from) and frames: length, CRC32C, sequence number, commit, kind, flags, ledger, first index,
 * count, received time, idempotency key and fingerprint (optional), payload. Frames are numbered without gaps over all
 * files. A frame's payload is the batch's records with `id` and `received` as '0's, lengths first, under zstd when that
 * pays, and sealed with a key of the file.
 *
 * One writer thread takes all frames that wait, writes them with as few writes as there are runs of small frames and
 * calls sync once (group commit), then calls each frame's `done` in submission order, on the writer thread. A failed
 * write or sync ends the writing: the frames of that commit and all behind it fail, nothing is retried on the same
 * pages. journal_resume tries a new file, and is called by the owner when there is room again; what the old file holds
 * of the failed commit is void from then on, because the new file says which sequence number it continues from.
 *
 * Recovery keeps the valid prefix of the last file. A bad frame with a frame of a later commit behind it is corruption,
 * not a torn tail: opening fails with E_CORRUPT naming file and offset (`stele salvage` is a separate, explicit act).
 *
 * All functions but journal_open and journal_close may be called by any thread.
 */
#ifndef STELE_STORE_JOURNAL_H
#define STELE_STORE_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "codec/record.h"
#include "crypto/key_ring.h"

#define JOURNAL_IDEMPOTENCY_LEN 16 /* first bytes of SHA-256 of ledger and key */

enum journal_kind {
	JOURNAL_RECORDS = 1,     /* a batch of a ledger */
	JOURNAL_IDEMPOTENCY = 2, /* keys carried over from a file that goes */
	JOURNAL_CHECKPOINTS = 3, /* signed tree heads of ledgers; signed_head.c */
};

/* What a frame says besides its payload. */
struct journal_frame {
	enum journal_kind kind;
	uint64_t sequence; /* given by the journal when it writes the frame */
	uint32_t ledger;   /* 0 but in a frame of records */
	uint64_t first;    /* index of the first record; 0 in other frames */
	uint32_t count;    /* records, keys or heads */
	int64_t received_us;
	bool has_idempotency;
	uint8_t idempotency[JOURNAL_IDEMPOTENCY_LEN];
	uint64_t fingerprint; /* of the request body the key came with */
};

/* A frame to write: the caller owns it until `done` was called. `payload` is what journal_encode made; it is sealed
 * where it lies, and so is of no use afterwards. */
struct journal_write {
	struct journal_frame frame;
	struct buf payload;
	void (*done)(struct journal_write *w, int rc); /* on the writer thread; rc 0 or E_* */
	struct journal_write *next;                    /* the journal's */
};

struct journal;

/* Called for each frame in order; `payload` as journal_decode wants it, borrowed for the call. A non-zero return ends
 * the reading with it. */
typedef int journal_replay_fn(void *user, const struct journal_frame *frame, struct span payload, struct err *err);

struct journal_config {
	struct io *io;
	const char *folder;    /* made when missing */
	uint64_t file_bytes;   /* 0: JOURNAL_FILE_BYTES */
	const struct key *key; /* the node's, copied; NULL: new files are plain, and encrypted ones cannot be read */
};

/* Opens the folder, replays all frames, starts the writer. E_CORRUPT, E_UNSUPPORTED (a newer format), E_IO. */
int journal_open(const struct journal_config *config, journal_replay_fn *replay, void *user, struct journal **ret,
		 struct err *err) __attribute__((warn_unused_result));
struct journal *journal_close(struct journal *j); /* after all submitted frames are done */

/* The largest payload a frame takes. */
#define JOURNAL_PAYLOAD_MAX (JOURNAL_FRAME_MAX - 4096u)

/* Queues a frame of at most JOURNAL_PAYLOAD_MAX. Order of submission is order of sequence numbers and of `done`. Never
 * fails: errors come through done. */
void journal_submit(struct journal *j, struct journal_write *w);

/* 0, or why nothing is written any more. */
int journal_state(struct journal *j, struct err *err);

/* Starts a new file when nothing is written any more; does nothing otherwise. Every frame submitted before has its
 * `done` called before a frame is accepted again. Blocks: not to be called from `done`. */
int journal_resume(struct journal *j, struct err *err) __attribute__((warn_unused_result));

/* Payload of a batch: records back to back in `records`, refs[i] of each (off is not used: it follows). Compresses on
 * the caller's thread. Appends to ret_payload; E_NO_MEMORY. */
int journal_encode(struct span records, const struct record_ref *refs, size_t count, struct buf *ret_payload)
	__attribute__((warn_unused_result));
/* The reverse, appending to `ret`; time_us of the refs is 0. E_CORRUPT when the payload is not what encode makes. */
int journal_decode(struct span payload, size_t count, struct record_batch *ret) __attribute__((warn_unused_result));

/* The id of the data folder: JOURNAL_NODE_ID_LEN random bytes, made with its first file. */
#define JOURNAL_NODE_ID_LEN 16
const uint8_t *journal_node_id(const struct journal *j);

uint64_t journal_bytes(struct journal *j);   /* of all files, reserved space included */
uint64_t journal_commits(struct journal *j); /* syncs of frames since opening */

/* ---- what may go ----
 * A file is deleted once every record in it lies below its ledger's sealed index. */

/* A ledger's sealed index: records below it are in segment files. */
typedef uint64_t journal_sealed_fn(void *user, uint32_t ledger);

/* Brings what must be kept of the frames numbered below `before`, besides records, into new frames, and waits until
 * these are durable. */
typedef int journal_carry_fn(void *user, uint64_t before, struct err *err);

/* Deletes the closed files whose records are all sealed, oldest first, stopping at the first that is needed. `carry` is
 * called before a file with idempotency keys or signed heads is deleted. */
int journal_trim(struct journal *j, journal_sealed_fn *sealed, journal_carry_fn *carry, void *user, struct err *err)
	__attribute__((warn_unused_result));

/* The ledgers with unsealed records in the oldest closed file: at most `max` of them into ret; returns how many. */
size_t journal_oldest(struct journal *j, journal_sealed_fn *sealed, void *user, uint32_t *ret_ledgers, size_t max);

/* Closes the current file, when anything is in it, and starts a new one, so that trim can free it once all is sealed.
 * A failure ends the writing as one in a commit does. Blocks: not to be called from `done`. */
int journal_rotate(struct journal *j, struct err *err) __attribute__((warn_unused_result));

/* Reads all frames written so far from the disk once more. E_CORRUPT as in opening. */
int journal_walk(struct journal *j, journal_replay_fn *fn, void *user, struct err *err)
	__attribute__((warn_unused_result));

/* The same for the first file numbered behind *number alone, which becomes its number; *ret_is_end when there is none.
 * Files may be deleted meanwhile, and `fn` may take its time. */
int journal_walk_next(struct journal *j, uint64_t *number, bool *ret_is_end, journal_replay_fn *fn, void *user,
		      struct err *err) __attribute__((warn_unused_result));

#endif
