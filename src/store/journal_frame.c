/*
 * The layout of journal files; docs/format/journal.md says the same in tables.
 *
 *	file header, 64 bytes:  magic 8 | version 4 | flags 4 | node id 16 | number 8 | sequence 8 | salt 12 | crc 4
 *	frame header, 56 bytes: length 4 | crc 4 | sequence 8 | commit 8 | kind 1 | flags 1 | zero 2 | ledger 4 |
 *	                        first 8 | count 4 | payload crc 4 | received 8
 *	and with a key, 80:     … | key 16 | fingerprint 8
 *
 * Two CRCs: the header's can be checked without the payload, which is what looking for frames behind a damaged place
 * needs. Both start from a hash of the node id and the file's number: bytes copied from another file, or made up by
 * someone who sends records, do not pass for frames.
 */
#include "store/journal_priv.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/reader.h"

#define KEY_LABEL "stele journal v1"

static const uint8_t magic[8] = {'S', 'T', 'E', 'L', 'E', 'J', 'N', 'L'};

void journal__header_put(const struct journal_header *h, uint8_t to[JOURNAL_HEADER_LEN])
{
	memset(to, 0, JOURNAL_HEADER_LEN);
	memcpy(to, magic, sizeof(magic));
	put_u32le(to + 8, JOURNAL_VERSION);
	put_u32le(to + 12, h->is_encrypted ? JOURNAL_FILE_ENCRYPTED : 0);
	memcpy(to + 16, h->node_id, JOURNAL_NODE_ID_LEN);
	put_u64le(to + 32, h->number);
	put_u64le(to + 40, h->sequence);
	memcpy(to + 48, h->salt, JOURNAL_SALT_LEN);
	put_u32le(to + 60, crc32c(0, to, 60));
}

int journal__header_get(const uint8_t from[JOURNAL_HEADER_LEN], struct journal_header *ret)
{
	if (memcmp(from, magic, sizeof(magic)) != 0 || get_u32le(from + 60) != crc32c(0, from, 60))
		return E_CORRUPT;
	if (get_u32le(from + 8) != JOURNAL_VERSION || (get_u32le(from + 12) & ~JOURNAL_FILE_ENCRYPTED))
		return E_UNSUPPORTED;
	memcpy(ret->node_id, from + 16, JOURNAL_NODE_ID_LEN);
	ret->number = get_u64le(from + 32);
	ret->sequence = get_u64le(from + 40);
	ret->is_encrypted = get_u32le(from + 12) & JOURNAL_FILE_ENCRYPTED;
	memcpy(ret->salt, from + 48, JOURNAL_SALT_LEN);
	return 0;
}

struct aead *journal__aead(const struct journal_header *h, const struct key *key)
{
	uint8_t bound[JOURNAL_HEADER_LEN];
	struct aead *a;
	struct key derived;

	if (!h->is_encrypted)
		return NULL;
	journal__header_put(h, bound);
	key_derive(key, KEY_LABEL, span_of(bound, sizeof(bound)), derived.b, sizeof(derived.b));
	a = aead_new(&derived);
	mem_wipe(&derived, sizeof(derived));
	return a;
}

uint32_t journal__seed(const struct journal_header *h)
{
	uint8_t number[8];

	put_u64le(number, h->number);
	return crc32c(crc32c(0, h->node_id, JOURNAL_NODE_ID_LEN), number, sizeof(number));
}

static uint32_t header_crc(uint32_t seed, const uint8_t *p, size_t len)
{
	return crc32c(crc32c(seed, p, 4), p + 8, len - 8);
}

size_t journal__frame_put(uint32_t seed, const struct journal_place *p, uint8_t to[JOURNAL_FRAME_KEYED_LEN])
{
	const struct journal_frame *f = &p->frame;

	put_u32le(to, p->header_len + p->payload_len);
	put_u64le(to + 8, f->sequence);
	put_u64le(to + 16, p->commit);
	to[24] = (uint8_t)f->kind;
	to[25] = (uint8_t)((f->has_idempotency ? JOURNAL_FLAG_KEYED : 0) | (p->flags & JOURNAL_FLAG_ENCRYPTED));
	put_u16le(to + 26, 0);
	put_u32le(to + 28, f->ledger);
	put_u64le(to + 32, f->first);
	put_u32le(to + 40, f->count);
	put_u32le(to + 44, p->payload_crc);
	put_u64le(to + 48, (uint64_t)f->received_us);
	if (f->has_idempotency) {
		memcpy(to + 56, f->idempotency, JOURNAL_IDEMPOTENCY_LEN);
		put_u64le(to + 72, f->fingerprint);
	}
	put_u32le(to + 4, header_crc(seed, to, p->header_len));
	return p->header_len;
}

struct span journal__frame_extra(const uint8_t *header, size_t header_len, uint8_t to[JOURNAL_EXTRA_MAX])
{
	memcpy(to, header + 8, 36);
	memcpy(to + 36, header + 48, header_len - 48);
	return span_of(to, header_len - 12);
}

void journal__frame_nonce(uint64_t sequence, uint8_t to[AEAD_NONCE_LEN])
{
	memset(to, 0, AEAD_NONCE_LEN);
	put_u64le(to, sequence);
}

/* The lengths; false when they cannot be those of a frame. */
static bool get_lengths(struct span from, struct journal_place *ret)
{
	uint32_t len;

	if (from.len < JOURNAL_FRAME_LEN)
		return false;
	len = get_u32le(from.p);
	ret->header_len = from.p[25] & JOURNAL_FLAG_KEYED ? JOURNAL_FRAME_KEYED_LEN : JOURNAL_FRAME_LEN;
	if (len < ret->header_len || len > JOURNAL_FRAME_MAX || from.len < ret->header_len)
		return false;
	ret->payload_len = len - ret->header_len;
	return true;
}

bool journal__frame_get(uint32_t seed, struct span from, struct journal_place *ret)
{
	struct journal_place place = {0};
	struct journal_frame *f = &place.frame;
	const uint8_t *p = from.p;

	if (!get_lengths(from, &place) || get_u32le(p + 4) != header_crc(seed, p, place.header_len))
		return false;
	f->sequence = get_u64le(p + 8);
	place.commit = get_u64le(p + 16);
	f->kind = (enum journal_kind)p[24];
	place.flags = p[25];
	f->ledger = get_u32le(p + 28);
	f->first = get_u64le(p + 32);
	f->count = get_u32le(p + 40);
	place.payload_crc = get_u32le(p + 44);
	f->received_us = (int64_t)get_u64le(p + 48);
	f->has_idempotency = p[25] & JOURNAL_FLAG_KEYED;
	if (f->has_idempotency) {
		memcpy(f->idempotency, p + 56, JOURNAL_IDEMPOTENCY_LEN);
		f->fingerprint = get_u64le(p + 72);
	}
	*ret = place;
	return true;
}
