/*
 * The encrypted form of a segment: everything between header and footer in boxes, so that a chunk or an index page is
 * read and opened alone. Header and footer stay readable, for they say what the file is and which key it needs; the
 * boxes' key is derived from them, so they cannot be changed either.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/segment_priv.h"

#define LABEL     "stele segment v1"
#define FRONT     (SEGMENT_HEADER_BYTES + SEGMENT_SEAL_BYTES)
#define BOUND_LEN (FRONT + SEGMENT_FOOTER_BYTES)

#define SEAL_AT_BOX (SEGMENT_HEADER_BYTES + 4 + SEGMENT_SALT_BYTES)
#define SEAL_AT_CRC (FRONT - 4)

/* The key of the boxes: `front` is the header and what is behind it, salt included. */
static struct boxes *make_boxes(const struct key *epoch, const uint8_t front[FRONT],
				const uint8_t footer[SEGMENT_FOOTER_BYTES])
{
	uint8_t bound[BOUND_LEN];
	struct boxes *boxes;
	struct key key;

	memcpy(bound, front, FRONT);
	memcpy(bound + FRONT, footer, SEGMENT_FOOTER_BYTES);
	key_derive(epoch, LABEL, span_of(bound, sizeof(bound)), key.b, sizeof(key.b));
	boxes = boxes_new(&key);
	mem_wipe(&key, sizeof(key));
	return boxes;
}

static void put_front(uint32_t epoch, uint8_t to[FRONT])
{
	memset(to, 0, FRONT);
	memcpy(to, SEGMENT_MAGIC, SEGMENT_MAGIC_LEN);
	put_u16le(to + 8, SEGMENT_VERSION);
	put_u16le(to + 10, SEGMENT_F_ENCRYPTED);
	put_u32le(to + SEGMENT_HEADER_BYTES, epoch);
	rand_bytes(to + SEGMENT_HEADER_BYTES + 4, SEGMENT_SALT_BYTES);
	put_u32le(to + SEAL_AT_BOX, BOX_BYTES);
	put_u32le(to + SEAL_AT_CRC, crc32c(0, to, SEAL_AT_CRC));
}

int segment_seal(struct span plain, const struct key *key, uint32_t epoch, struct buf *to, struct err *err)
{
	struct span inner =
		span_of(plain.p + SEGMENT_HEADER_BYTES, plain.len - SEGMENT_HEADER_BYTES - SEGMENT_FOOTER_BYTES);
	uint64_t inner_len = boxes_sealed_len(inner.len);
	uint8_t front[FRONT], footer[SEGMENT_FOOTER_BYTES];
	struct boxes *boxes;
	uint8_t *room;
	int rc;

	must(plain.len > SEGMENT_HEADER_BYTES + SEGMENT_FOOTER_BYTES);
	put_front(epoch, front);
	memcpy(footer, plain.p + plain.len - SEGMENT_FOOTER_BYTES, SEGMENT_FOOTER_BYTES);
	put_u16le(footer + 2, SEGMENT_F_ENCRYPTED);
	put_u32le(footer + 68, crc32c(0, footer, 68));
	room = buf_room(to, FRONT + (size_t)inner_len + SEGMENT_FOOTER_BYTES);
	if (!room)
		return err_set(err, E_NO_MEMORY, "not enough memory to encrypt a segment");
	boxes = make_boxes(key, front, footer);
	rc = boxes_seal(boxes, 0, inner, true, room + FRONT);
	boxes_free(boxes);
	if (rc < 0)
		return err_set(err, rc, "encrypting a segment failed");
	memcpy(room, front, FRONT);
	memcpy(room + FRONT + inner_len, footer, SEGMENT_FOOTER_BYTES);
	buf_commit(to, FRONT + (size_t)inner_len + SEGMENT_FOOTER_BYTES);
	return 0;
}

/* ---- reading ---- */

static int read_front(struct segment *s, const uint8_t header[SEGMENT_HEADER_BYTES], uint8_t to[FRONT], struct err *err)
{
	int rc = object_read(s->object, 0, FRONT, to, err);

	if (rc < 0)
		return rc;
	if (memcmp(to, header, SEGMENT_HEADER_BYTES) != 0 || get_u32le(to + SEAL_AT_CRC) != crc32c(0, to, SEAL_AT_CRC))
		return err_corrupt(err, SEGMENT_HEADER_BYTES,
				   "the checksum of what the segment is sealed with does "
				   "not fit");
	if (get_u32le(to + SEAL_AT_BOX) != BOX_BYTES || get_u32le(to + SEAL_AT_BOX + 4) != 0)
		return err_set(err, E_UNSUPPORTED, "the segment is in boxes of %u bytes; this program reads %u",
			       get_u32le(to + SEAL_AT_BOX), BOX_BYTES);
	return 0;
}

int segment__unseal(struct segment *s, struct segment_keys keys, const uint8_t header[SEGMENT_HEADER_BYTES],
		    const uint8_t footer[SEGMENT_FOOTER_BYTES], struct err *err)
{
	uint64_t file = object_size(s->object), inner_len;
	uint8_t front[FRONT];
	struct key key;
	int rc;

	if (!keys.get)
		return err_set(err, E_CRYPTO, "the segment is encrypted, and there is no key");
	if (file < FRONT + SEGMENT_FOOTER_BYTES || !boxes_plain_len(file - FRONT - SEGMENT_FOOTER_BYTES, &inner_len))
		return err_corrupt(err, 0, "%llu bytes are none of an encrypted segment", (unsigned long long)file);
	if ((rc = read_front(s, header, front, err)) < 0)
		return rc;
	if ((rc = keys.get(keys.user, s->ledger, get_u32le(front + SEGMENT_HEADER_BYTES), &key, err)) < 0)
		return rc;
	s->boxes = make_boxes(&key, front, footer);
	s->size = SEGMENT_HEADER_BYTES + inner_len + SEGMENT_FOOTER_BYTES;
	mem_wipe(&key, sizeof(key));
	return 0;
}

static int read_object(void *user, uint64_t off, size_t len, uint8_t *to, struct err *err)
{
	const struct segment *s = user;

	return object_read(s->object, off, len, to, err);
}

int segment__read(struct segment *s, uint64_t off, size_t len, uint8_t *to, struct err *err)
{
	struct boxes_source from = {read_object, s, FRONT, s->size - SEGMENT_HEADER_BYTES - SEGMENT_FOOTER_BYTES};

	if (!s->boxes)
		return object_read(s->object, off, len, to, err);
	if (off < SEGMENT_HEADER_BYTES || off - SEGMENT_HEADER_BYTES > from.plain_len ||
	    len > from.plain_len - (off - SEGMENT_HEADER_BYTES))
		return segment__damaged(
			s, err_corrupt(err, (int64_t)off, "a part of the segment lies in its header or footer"), err);
	return segment__damaged(s, boxes_read(s->boxes, &from, off - SEGMENT_HEADER_BYTES, len, to, err), err);
}
