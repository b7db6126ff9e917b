/*
 * Inside of the journal: the layout of files and frames (journal_frame.c), reading them (journal_scan.c), the files on
 * the disk (journal_file.c), what a file holds of which ledger (journal_marks.c), opening a folder
 * (journal_recover.c), the writer (journal.c), what may go (journal_keep.c).
 */
#ifndef STELE_STORE_JOURNAL_PRIV_H
#define STELE_STORE_JOURNAL_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "crypto/aead.h"
#include "store/journal.h"
#include "store/limits.h"

/* ---- layout; docs/format/journal.md ---- */

#define JOURNAL_VERSION         1
#define JOURNAL_HEADER_LEN      64
#define JOURNAL_FRAME_LEN       56 /* of a frame's header */
#define JOURNAL_FRAME_KEYED_LEN 80 /* with idempotency key and fingerprint */
#define JOURNAL_ALIGN           8  /* frames start on multiples */
#define JOURNAL_FLAG_KEYED      1u
#define JOURNAL_FLAG_ENCRYPTED  2u
#define JOURNAL_FILE_ENCRYPTED  1u /* flag of a file: all its frames are */
#define JOURNAL_SALT_LEN        12
#define JOURNAL_EXTRA_MAX       JOURNAL_FRAME_KEYED_LEN

struct journal_header {
	uint8_t node_id[JOURNAL_NODE_ID_LEN];
	uint64_t number;   /* of the file */
	uint64_t sequence; /* of its first frame: the frames from here on in earlier files are void */
	bool is_encrypted;
	uint8_t salt[JOURNAL_SALT_LEN]; /* random; 0s when it is not encrypted */
};

void journal__header_put(const struct journal_header *h, uint8_t to[JOURNAL_HEADER_LEN]);
/* E_CORRUPT when it is none (a file that was never begun), E_UNSUPPORTED when its version is not known. */
int journal__header_get(const uint8_t from[JOURNAL_HEADER_LEN], struct journal_header *ret);

/* The key of an encrypted file, derived from the node's and the whole header; NULL when the file is plain. */
struct aead *journal__aead(const struct journal_header *h, const struct key *key);

/* What the CRCs of a file's frames start from, so that no other bytes pass for its frames. */
uint32_t journal__seed(const struct journal_header *h);

/* A frame's place: its header has header_len bytes, the payload follows, and then 0s up to JOURNAL_ALIGN. */
struct journal_place {
	struct journal_frame frame;
	uint64_t commit; /* sequence number of the first frame of its commit */
	uint8_t flags;   /* as read; writing takes JOURNAL_FLAG_ENCRYPTED from here and the rest from the frame */
	uint32_t header_len;
	uint32_t payload_len;
	uint32_t payload_crc;
};

static inline uint64_t journal__place_bytes(const struct journal_place *p)
{
	return ((uint64_t)p->header_len + p->payload_len + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN * JOURNAL_ALIGN;
}

/* Writes the header of a frame: header_len bytes, which it returns. */
size_t journal__frame_put(uint32_t seed, const struct journal_place *p, uint8_t to[JOURNAL_FRAME_KEYED_LEN]);
/* What is bound to a frame's sealed payload: its header but lengths and CRCs. */
struct span journal__frame_extra(const uint8_t *header, size_t header_len, uint8_t to[JOURNAL_EXTRA_MAX]);
/* The nonce of a frame: a file has each sequence number once. */
void journal__frame_nonce(uint64_t sequence, uint8_t to[AEAD_NONCE_LEN]);
/* False when `from` does not start with a frame's header that is whole and has the right CRC. */
bool journal__frame_get(uint32_t seed, struct span from, struct journal_place *ret);

/* ---- what a file holds: for each ledger one past its last record in it ---- */

struct journal_marks {
	struct journal_mark *v; /* a hash table, open addressing */
	size_t cap;             /* a power of two, or 0 */
	size_t count;
	bool has_keys;  /* frames with idempotency keys */
	bool has_heads; /* frames with signed heads */
};

struct journal_mark {
	uint32_t ledger;
	uint64_t next; /* 0: the place is free */
};

void journal__marks_note(struct journal_marks *m, const struct journal_frame *f);
void journal__marks_release(struct journal_marks *m);
bool journal__marks_are_sealed(const struct journal_marks *m, journal_sealed_fn *sealed, void *user);
size_t journal__marks_unsealed(const struct journal_marks *m, journal_sealed_fn *sealed, void *user,
			       uint32_t *ret_ledgers, size_t max);

/* ---- files ---- */

struct journal_file {
	struct journal_header header;
	int fd;            /* of the current file, else -1 */
	struct aead *aead; /* of the current file, when it is encrypted */
	uint32_t seed;     /* journal__seed of the header */
	uint64_t size;     /* on the disk */
	uint64_t end;      /* one past the last frame */
	uint64_t next;     /* one past the last frame's sequence number */
	bool is_going;     /* deleting has begun: the name may be there or not */
	struct journal_marks marks;
	struct journal_file *newer;
};

/* The path of a file; freed by the caller. */
char *journal__path(const char *folder, uint64_t number);

/* Makes a file, its header durable. On failure *ret is a closed file without frames when its header may be on the disk:
 * it continues from where it says, and must not be forgotten; else *ret is untouched. */
int journal__file_make(struct io *io, const char *folder, const struct journal_header *header, uint64_t size,
		       struct journal_file **ret, struct err *err) __attribute__((warn_unused_result));
/* Reserves space up to `size`; the caller notes it in f->size. */
int journal__file_grow(struct io *io, const char *folder, const struct journal_file *f, uint64_t size, struct err *err)
	__attribute__((warn_unused_result));
/* Closes the handle and gives back the unused space; what goes wrong there is no loss. */
void journal__file_finish(struct io *io, struct journal_file *f);
int journal__file_delete(struct io *io, const char *folder, struct journal_file *f, struct err *err)
	__attribute__((warn_unused_result));
struct journal_file *journal__file_free(struct journal_file *f);

/* ---- reading ---- */

struct journal_scan {
	struct io *io;
	char *path;
	int fd;
	uint64_t size; /* of the file */
	uint32_t seed;
	uint64_t off;       /* where the next frame is, or where no valid one was */
	uint64_t next;      /* its sequence number */
	uint64_t commit_at; /* offset of the last commit's first frame; 0 when there was none */
	uint64_t commit;    /* its sequence number */
	struct buf window;
	uint64_t window_off;
	struct aead *aead; /* NULL: the file is plain */
	struct buf plain;  /* a payload that was opened */
};

int journal__scan_open(struct io *io, const char *folder, uint64_t number, int flags, struct journal_scan *ret,
		       struct err *err) __attribute__((warn_unused_result));
void journal__scan_close(struct journal_scan *s);
/* Makes the scan ready for the frames of a file with this header. E_CRYPTO when it is encrypted and `key` is NULL. */
int journal__scan_begin(struct journal_scan *s, const struct journal_header *h, const struct key *key, struct err *err)
	__attribute__((warn_unused_result));

/* Gives each valid frame numbered below `end` to `fn`, and `marks` (may be NULL) its mark; stops at the first place
 * that holds none. */
int journal__scan(struct journal_scan *s, uint64_t end, struct journal_marks *marks, journal_replay_fn *fn, void *user,
		  struct err *err) __attribute__((warn_unused_result));

/* After a scan to the end: E_CORRUPT when what lies behind s->off shows that the commit of the frame missing there was
 * synced. */
int journal__scan_tail(struct journal_scan *s, struct err *err) __attribute__((warn_unused_result));

/* What a folder holds: the files with a header, oldest first, and where to go on. */
struct journal_recovery {
	struct journal_file *oldest;
	struct journal_file *newest;
	uint64_t *numbers; /* of all files, those without frames included; ascending */
	size_t number_count;
	uint64_t number_max;
	uint64_t next; /* sequence number to continue from */
	bool has_node_id;
	uint8_t node_id[JOURNAL_NODE_ID_LEN];
};

void journal__recovery_release(struct journal_recovery *r);

/* Deletes the files without frames, for good; only after a new file says where the journal goes on. */
int journal__recovery_sweep(const struct journal_recovery *r, struct io *io, const char *folder, struct err *err)
	__attribute__((warn_unused_result));

/* Reads the folder; `fn` gets every frame. Afterwards all frames given are durable. On failure *ret is untouched. */
int journal__recover(struct io *io, const char *folder, const struct key *key, journal_replay_fn *fn, void *user,
		     struct journal_recovery *ret, struct err *err) __attribute__((warn_unused_result));

/* ---- the journal itself ---- */

/* A question to the writer thread: asked with the next ticket, answered when `answered` has come as far. */
struct request {
	uint64_t asked;
	uint64_t answered;
	int rc;
	struct err err;
};

struct journal {
	struct io *io;
	char *folder;
	uint64_t file_bytes;
	uint8_t node_id[JOURNAL_NODE_ID_LEN];
	bool is_encrypted; /* new files are */
	struct key key;
	struct thread writer;
	_Atomic uint64_t bytes;
	_Atomic uint64_t commits;

	/* the writer's */
	uint8_t *gather;
	size_t gathered;
	uint64_t write_off;  /* where the gathered bytes go */
	uint64_t number_max; /* of all files so far */

	struct mutex trim_mutex;

	struct mutex mutex; /* guards what follows */
	struct cond work;
	struct cond answered;
	bool is_waiting; /* the writer, for work */
	bool is_closing;
	struct journal_write *head;
	struct journal_write *tail;
	struct request resume;
	struct request rotate;
	int rc; /* why nothing is written, or 0 */
	struct err err;
	struct journal_file *oldest;
	struct journal_file *newest; /* the current one */
};

#endif
