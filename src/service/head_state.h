/*
 * The last signed tree head of each ledger, kept outside of the data folder (`stele serve --state DIR`), so that an old
 * copy of the data folder is found out: what it would sign is no extension of what was signed.
 * docs/format/checkpoint.md has the file. It belongs to one data folder, by its node id, and to one process at a time.
 *
 * Used by one thread at a time.
 */
#ifndef STELE_SERVICE_HEAD_STATE_H
#define STELE_SERVICE_HEAD_STATE_H

#include "base/io.h"
#include "crypto/digest.h"
#include "store/store.h"

struct head_state_entry {
	uint32_t ledger;
	uint64_t size;
	struct sha256 root;
};

struct head_state;

/* Opens the folder (made when missing). E_LOCKED; E_CONFLICT when it is another data folder's; E_CORRUPT, E_IO. */
int head_state_open(struct io *io, const char *folder, const uint8_t node_id[STORE_NODE_ID_LEN],
		    struct head_state **ret, struct err *err) __attribute__((warn_unused_result));
struct head_state *head_state_close(struct head_state *s); /* returns NULL */

/* By ledger, ascending; borrowed until the next set. */
const struct head_state_entry *head_state_entries(const struct head_state *s, size_t *ret_count);
/* NULL when the ledger has none. */
const struct head_state_entry *head_state_get(const struct head_state *s, uint32_t ledger);

void head_state_set(struct head_state *s, const struct head_state_entry *entry);
/* Makes what was set durable, as one file. */
int head_state_write(struct head_state *s, struct err *err) __attribute__((warn_unused_result));

#endif
