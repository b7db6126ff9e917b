/*
 * A page's cursor: where the next page goes on, as text for clients. It carries the range and the ledger's size of the
 * first page, and what "now" meant in it, so that pages are stable while time passes and records arrive, and a MAC
 * (HKDF-SHA-256 under a key of the org, 16 bytes) over itself and what it is bound to: principal, query in its normal
 * form, range as written, sort, order and ledger. So it cannot be made up, nor used for another search or by another
 * key.
 *
 * Text: base64url without padding of  u8 version (2), u8 flags (bit 0: oldest first; bit 1: ledger self), u64 size,
 * u64 after, i64 from, i64 to, i64 now (little-endian), 16 bytes MAC.
 */
#ifndef STELE_SERVICE_CURSOR_H
#define STELE_SERVICE_CURSOR_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key_ring.h"
#include "service/limits.h"

struct cursor {
	bool oldest_first;
	bool is_self;
	uint64_t size;  /* search_request.size */
	uint64_t after; /* search_request.after */
	int64_t from_us;
	int64_t to_us;
	int64_t now_us; /* when the first page was asked for */
};

/* `binding` is any bytes that name what the cursor is bound to besides its own fields. */
void cursor_put(const struct cursor *c, const struct key *key, struct span binding, char ret_text[CURSOR_TEXT_MAX]);

/* What "now" meant for the first page: needed to make the binding that the cursor is then checked with, so nobody has
 * said yet that it is true. False when the text is no cursor. */
bool cursor_now(struct span text, int64_t *ret_us);

/* E_INVALID when the text is no cursor, was forged, or belongs to another search or principal; order and ledger are the
 * caller's to compare. */
int cursor_get(struct span text, const struct key *key, struct span binding, struct cursor *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
