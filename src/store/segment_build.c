/* A segment of one block from records. */
#include "base/mem.h"
#include "store/draft.h"

int segment_build(uint32_t ledger, const uint8_t id_key[ID_KEY_LEN], uint64_t first, const struct span *records,
		  size_t count, const struct segment_merkle *merkle, struct buf *to, struct err *err)
{
	struct draft d;
	int rc;

	draft_start(&d, ledger, id_key, first, to);
	rc = draft_add_records(&d, records, count, err);
	if (rc == 0)
		rc = draft_finish(&d, merkle, err);
	if (rc < 0)
		to->len = d.start;
	draft_release(&d);
	return rc;
}
