/*
 * What the files of the signer share: log_signer.c (who signs when), log_check.c (what may be signed), log_key.c (what
 * with).
 *
 * Two locks. `pass` is held through everything that signs, disk included, so that one tree head at a time is signed;
 * `mu` guards what others read, for moments. A log's first part is the pass's, the second is guarded by `mu`.
 */
#ifndef STELE_SERVICE_LOG_SIGNER_PRIV_H
#define STELE_SERVICE_LOG_SIGNER_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "service/head_state.h"
#include "service/log_signer.h"
#include "store/signed_head.h"

/* A ledger as it is signed. Never goes away. */
struct log {
	uint32_t number;
	char origin[NOTE_NAME_MAX + 1];
	char label[ORG_KEY_MAX + LEDGER_NAME_MAX + 2]; /* "org_key/name", for messages */
	struct ledger *ledger;

	/* of the pass */
	bool is_loaded;
	bool is_proved;                   /* what was signed before this process began is part of the tree */
	struct note_signer *signer;       /* NULL until the log first signs */
	struct merkle_frontier *frontier; /* behind the last head; NULL: not signed by this process */

	/* guarded by mu */
	bool has_head;
	bool is_published; /* the head's note is signed by the key in use */
	struct signed_head head;
	struct buf note;
	int64_t unsigned_since_ns; /* 0: all is signed */
	int rc;                    /* why it is refused, or its last failure */
	bool is_refused;
	struct err err;
};

struct log_signer {
	struct log_signer_config config;
	char *host;
	struct digest *digest; /* of the pass */
	struct head_state *state;
	struct thread thread;
	bool has_thread;
	struct mutex pass;

	struct mutex mu;
	struct cond changed; /* published, or refused */
	struct cond wake;
	bool is_closing;
	struct log **logs; /* by number, ascending */
	size_t log_count;
	uint64_t checkpoints;
	_Atomic bool has_refused;
};

/* A head about to be signed, and then to be stored and published. */
struct log_pending {
	struct log *log;
	struct merkle_frontier tree;
	struct signed_head head;
	struct buf note;
};

/* ---- log_check.c; with `pass` held ---- */

/* E_CONFLICT unless the tree extends every head that was signed of this ledger. E_CORRUPT, E_IO: it cannot be told. */
int log__check(struct log_signer *s, struct log *log, const struct merkle_frontier *tree, struct err *err)
	__attribute__((warn_unused_result));
/* E_CONFLICT when the ledger has less records than were signed. Reads nothing. */
int log__check_size(struct log_signer *s, const struct log *log, struct err *err) __attribute__((warn_unused_result));

/* ---- log_key.c; with `pass` held ---- */

/* Makes sure that there is a key: log->signer. */
int log__need_key(struct log_signer *s, struct log *log, struct err *err) __attribute__((warn_unused_result));
/* A new key that is stored nowhere yet, and its seed. */
int log__new_key(const struct log *log, struct note_signer **ret, struct key *ret_seed, struct err *err)
	__attribute__((warn_unused_result));
/* Stores it as the key in use; `handover` may be empty. */
int log__store_key(struct log_signer *s, const struct log *log, const struct note_signer *signer,
		   const struct key *seed, struct span handover, struct err *err) __attribute__((warn_unused_result));
/* All keys of a ledger, as log_signer_keys. */
int log__list_keys(struct log_signer *s, uint32_t ledger, struct log_key **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

#endif
