/* Cursors: fixed fields, a MAC, and base64url (RFC 4648 section 5) without padding. */
#include "service/cursor.h"

#include <string.h>

#include "base/reader.h"
#include "codec/timestamp.h"

#define CURSOR_VERSION 2
#define FIELDS_LEN     42 /* version, flags, size, after, from, to, now */
#define MAC_LEN        16
#define BYTES_LEN      (FIELDS_LEN + MAC_LEN)
#define TEXT_LEN       ((BYTES_LEN * 8 + 5) / 6)
#define F_OLDEST_FIRST 1u
#define F_SELF         2u
#define FLAGS_KNOWN    (F_OLDEST_FIRST | F_SELF)

_Static_assert(TEXT_LEN < CURSOR_TEXT_MAX, "a cursor fits its text");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const uint8_t bytes[BYTES_LEN], char text[TEXT_LEN + 1])
{
	uint32_t bits = 0;
	unsigned bit_count = 0;
	size_t at = 0;

	for (size_t i = 0; i < BYTES_LEN; i++) {
		bits = bits << 8 | bytes[i];
		for (bit_count += 8; bit_count >= 6; bit_count -= 6)
			text[at++] = digits[bits >> (bit_count - 6) & 63];
	}
	if (bit_count > 0)
		text[at++] = digits[bits << (6 - bit_count) & 63];
	text[at] = '\0';
}

/* False when it is no base64url of BYTES_LEN bytes; bits left over must be 0, so that a cursor has one text. */
static bool decode(struct span text, uint8_t bytes[BYTES_LEN])
{
	uint32_t bits = 0;
	unsigned bit_count = 0;
	size_t at = 0;

	if (text.len != TEXT_LEN)
		return false;
	for (size_t i = 0; i < TEXT_LEN; i++) {
		const char *digit = text.p[i] ? strchr(digits, text.p[i]) : NULL;

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			bytes[at++] = (uint8_t)(bits >> bit_count);
		}
	}
	return (bits & ((1u << bit_count) - 1)) == 0;
}

static bool make_mac(const uint8_t fields[FIELDS_LEN], const struct key *key, struct span binding, uint8_t mac[MAC_LEN])
{
	struct buf context = BUF_INIT;
	bool ok;

	buf_put(&context, fields, FIELDS_LEN);
	buf_put_span(&context, binding);
	ok = buf_ok(&context);
	if (ok)
		key_derive(key, "stele cursor mac v2", buf_span(&context), mac, MAC_LEN);
	buf_release(&context);
	return ok;
}

void cursor_put(const struct cursor *c, const struct key *key, struct span binding, char ret_text[CURSOR_TEXT_MAX])
{
	uint8_t bytes[BYTES_LEN];

	bytes[0] = CURSOR_VERSION;
	bytes[1] = (uint8_t)((c->oldest_first ? F_OLDEST_FIRST : 0) | (c->is_self ? F_SELF : 0));
	put_u64le(bytes + 2, c->size);
	put_u64le(bytes + 10, c->after);
	put_u64le(bytes + 18, (uint64_t)c->from_us);
	put_u64le(bytes + 26, (uint64_t)c->to_us);
	put_u64le(bytes + 34, (uint64_t)c->now_us);
	if (make_mac(bytes, key, binding, bytes + FIELDS_LEN))
		encode(bytes, ret_text);
	else
		ret_text[0] = '\0';
}

/* Takes the same time wherever the MACs differ. */
static bool is_mac(const uint8_t a[MAC_LEN], const uint8_t b[MAC_LEN])
{
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < MAC_LEN; i++)
		difference = (uint8_t)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

bool cursor_now(struct span text, int64_t *ret_us)
{
	uint8_t bytes[BYTES_LEN];
	int64_t us;

	if (!decode(text, bytes))
		return false;
	us = (int64_t)get_u64le(bytes + 34);
	if (us < TIMESTAMP_MIN_US || us > TIMESTAMP_MAX_US)
		return false;
	*ret_us = us;
	return true;
}

int cursor_get(struct span text, const struct key *key, struct span binding, struct cursor *ret, struct err *err)
{
	uint8_t bytes[BYTES_LEN];
	uint8_t mac[MAC_LEN];

	if (!decode(text, bytes) || bytes[0] != CURSOR_VERSION || (bytes[1] & ~FLAGS_KNOWN) != 0)
		return err_set(err, E_INVALID, "this is not a cursor; give next_cursor of the page before as it was");
	if (!make_mac(bytes, key, binding, mac))
		return err_set(err, E_NO_MEMORY, "not enough memory to check the cursor");
	if (!is_mac(mac, bytes + FIELDS_LEN))
		return err_set(
			err, E_INVALID,
			"the cursor belongs to another search; repeat query, from, to, order, sort and ledger as "
			"they were, with the same API key");
	ret->oldest_first = (bytes[1] & F_OLDEST_FIRST) != 0;
	ret->is_self = (bytes[1] & F_SELF) != 0;
	ret->size = get_u64le(bytes + 2);
	ret->after = get_u64le(bytes + 10);
	ret->from_us = (int64_t)get_u64le(bytes + 18);
	ret->to_us = (int64_t)get_u64le(bytes + 26);
	ret->now_us = (int64_t)get_u64le(bytes + 34);
	return 0;
}
