/* Reading one journal file for people: what it holds, frame by frame, without changing anything. */
#ifndef STELE_STORE_JOURNAL_INSPECT_H
#define STELE_STORE_JOURNAL_INSPECT_H

#include "store/journal.h"

struct journal_inspection {
	uint64_t number;      /* of the file */
	uint64_t sequence;    /* of its first frame */
	uint64_t size_bytes;  /* of the file, reserved space included */
	uint64_t frame_count; /* valid ones */
	uint64_t end;         /* offset one past the last valid frame */
};

/* Called for each valid frame in order with its offset; `payload` as journal_decode wants it, borrowed for the call. A
 * non-zero return ends the reading with it. */
typedef int journal_inspect_fn(void *user, uint64_t off, const struct journal_frame *frame, struct span payload,
			       struct err *err);

/* `path` ends in "<number>.jnl"; `key` is the node's, NULL when there is none: E_CRYPTO if the file is encrypted. Safe
 * while a server writes to it: reads up to the last whole frame. E_CORRUPT when it has no journal header, or when a
 * damaged frame has a later commit behind it (after `fn` saw the frames before). */
int journal_inspect(struct io *io, const char *path, const struct key *key, journal_inspect_fn *fn, void *user,
		    struct journal_inspection *ret, struct err *err) __attribute__((warn_unused_result));

#endif
