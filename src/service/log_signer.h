/*
 * Signing the ledgers' tree heads. A thread looks twice a second which ledgers have grown, signs their trees, makes all
 * of that durable at once, and only then publishes it; docs/format/checkpoint.md.
 *
 * A tree is signed only when it is proved, from the records as they are stored, to be an extension of the one signed
 * last, by this process or an earlier one, and of the one in the state folder. A ledger for which that does not hold is
 * refused: nothing of it is signed and no record taken into it, since they would be of another history than the one
 * that was published. Damage that keeps a tree from being proved delays its signing, and is no refusal.
 *
 * Each ledger has a key of its own, made when it first signs, and stored wrapped under the ledger's key.
 *
 * Functions may be called by any thread; those that sign wait for the disk.
 */
#ifndef STELE_SERVICE_LOG_SIGNER_H
#define STELE_SERVICE_LOG_SIGNER_H

#include "control/control.h"
#include "crypto/checkpoint.h"
#include "store/store.h"

struct log_signer;

struct log_signer_config {
	struct io *io;
	struct store *store;
	struct control *control;
	store_key_fn *key; /* of a ledger */
	void *user;
	const char *host;  /* the origin is <host>/log/<org_key>/<ledger> */
	const char *state; /* a folder outside of the data folder; NULL: none */
	bool no_thread;    /* for tests: signs when asked to */
};

/* E_INVALID: no host; E_CONFLICT: the state folder is of another data folder. */
int log_signer_start(const struct log_signer_config *config, struct log_signer **ret, struct err *err)
	__attribute__((warn_unused_result));
struct log_signer *log_signer_stop(struct log_signer *s); /* returns NULL */

/* Signs what has grown. The first failure; others' logs are signed all the same. */
int log_signer_pass(struct log_signer *s, struct err *err) __attribute__((warn_unused_result));

/* Appends the checkpoint published last; when there is none yet, signs first. */
int log_signer_checkpoint(struct log_signer *s, uint32_t ledger, struct buf *to, uint64_t *ret_size, struct err *err)
	__attribute__((warn_unused_result));

/* Waits until a checkpoint of at least `size` records is published. E_TIMEOUT, or why the ledger is refused. */
int log_signer_wait(struct log_signer *s, uint32_t ledger, uint64_t size, int64_t timeout_ms, struct err *err)
	__attribute__((warn_unused_result));

/* 0, or why the ledger is refused. */
int log_signer_refusal(struct log_signer *s, uint32_t ledger, struct err *err);
/* 0, or why one of all is. */
int log_signer_ready(struct log_signer *s, struct err *err);

/* ---- keys ---- */

struct log_key {
	struct note_vkey vkey;
	int64_t created_us;
	int64_t retired_us; /* 0: in use */
	char *handover;     /* the checkpoint that the key before signed too; ""; owned */
};

/* All keys, oldest first, the last one in use; made when there is none. The caller frees with log_keys_free. */
int log_signer_keys(struct log_signer *s, uint32_t ledger, struct log_key **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));
struct log_key *log_keys_free(struct log_key *keys, size_t count); /* returns NULL */

/* Told of a change of keys before it is made and after all that could be tried has gone well; an error ends it. May
 * append and read, and may not call the signer. */
typedef int log_rotate_fn(void *user, const struct note_vkey *before, const struct note_vkey *after, struct err *err);

/* A new key takes the place of the one in use. Both sign the checkpoint of the change, which is published. Fails after
 * `tell` (NULL: nobody is told) only when the new key cannot be stored, or its checkpoint not be kept: *ret_is_changed
 * says whether the new key is in use all the same. */
int log_signer_rotate(struct log_signer *s, uint32_t ledger, log_rotate_fn *tell, void *user, bool *ret_is_changed,
		      struct err *err) __attribute__((warn_unused_result));

struct log_figures {
	uint64_t logs;           /* that have signed */
	uint64_t checkpoints;    /* signed since start */
	uint64_t unsigned_logs;  /* that have records which no checkpoint covers */
	double unsigned_seconds; /* since when one of these has had some */
	uint64_t refused;
};
void log_signer_figures(struct log_signer *s, struct log_figures *ret);

#endif
