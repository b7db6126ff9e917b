/*
 * The journal over any bytes. The first byte says as what they are taken: the payload of a batch; or a journal file,
 * whose header, and the CRCs of whatever lies where a frame is expected, are put right, so that what lies behind them
 * is reached; half of these files are encrypted, with frames that are sealed as they should be. What was opened is
 * opened once more and must give the same frames.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/reader.h"
#include "store/journal_priv.h"

#define FILE_MAX  65536u
#define COUNT_MAX 4096u

static const struct key node_key = {{1}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_batch(const struct record_batch *b)
{
	size_t off = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct record_ref *ref = &b->refs[i];

		must(ref->off == off && ref->id_off + RECORD_ID_LEN <= ref->received_off);
		must(ref->received_off + TIMESTAMP_LEN <= ref->len);
		off += ref->len;
	}
	must(off == b->bytes.len);
}

static void decode_payload(struct span payload)
{
	size_t count = payload.len > 1 ? get_u16le(payload.p) % COUNT_MAX : 0;
	struct record_batch b = RECORD_BATCH_INIT;

	if (payload.len > 2 && journal_decode(span_from(payload, 2), count, &b) == 0) {
		must(b.count == count);
		check_batch(&b);
	} else {
		must(b.count == 0 && b.bytes.len == 0);
	}
	buf_release(&b.bytes);
	free(b.refs);
}

/* Seals what lies at `p`, the tag over its last bytes. */
static void seal(struct aead *a, const struct journal_place *place, uint8_t *header)
{
	uint8_t nonce[AEAD_NONCE_LEN], extra[JOURNAL_EXTRA_MAX];
	uint8_t *p = header + place->header_len;
	size_t len = place->payload_len - AEAD_TAG_LEN;

	journal__frame_nonce(place->frame.sequence, nonce);
	must(aead_seal_apart(a, nonce, journal__frame_extra(header, place->header_len, extra), span_of(p, len), p,
			     p + len) == 0);
}

/* Sets sequence number, lengths and CRCs of what lies at `p` to those of a frame; returns its bytes, 0 at the end. */
static size_t mend_frame(uint32_t seed, struct aead *a, uint64_t sequence, uint8_t *p, size_t left)
{
	struct journal_place place = {.header_len = JOURNAL_FRAME_LEN};
	size_t payload;

	if (left < JOURNAL_FRAME_KEYED_LEN)
		return 0;
	place.frame.kind = p[24] % 3;
	place.frame.has_idempotency = p[25] & JOURNAL_FLAG_KEYED;
	if (place.frame.has_idempotency)
		place.header_len = JOURNAL_FRAME_KEYED_LEN;
	payload = get_u16le(p) % 512;
	if (place.header_len + payload > left)
		payload = left - place.header_len;
	place.payload_len = (uint32_t)payload;
	place.frame.sequence = sequence;
	place.commit = p[8] % 4 == 0 ? get_u64le(p + 16) : sequence;
	place.frame.ledger = p[28];
	place.frame.first = get_u64le(p + 32);
	place.frame.count = get_u32le(p + 40);
	if (a && payload >= AEAD_TAG_LEN) {
		place.flags = JOURNAL_FLAG_ENCRYPTED;
		(void)journal__frame_put(seed, &place, p);
		seal(a, &place, p);
	}
	place.payload_crc = crc32c(seed, p + place.header_len, payload);
	(void)journal__frame_put(seed, &place, p);
	return (size_t)journal__place_bytes(&place);
}

/* ---- a disk with one file, to be read ---- */

struct one_file {
	struct io io; /* first */
	struct span bytes;
};

static int open_one(struct io *io, const char *path, int flags, int mode)
{
	return 3;
}

static int close_one(struct io *io, int fd)
{
	return 0;
}

static int stat_one(struct io *io, const char *path, struct io_stat *ret_stat)
{
	*ret_stat = (struct io_stat){.size_bytes = ((struct one_file *)io)->bytes.len};
	return 0;
}

static ssize_t pread_one(struct io *io, int fd, void *p, size_t len, uint64_t off)
{
	struct span bytes = ((struct one_file *)io)->bytes;

	if (off >= bytes.len)
		return 0;
	if (len > bytes.len - off)
		len = bytes.len - (size_t)off;
	memcpy(p, bytes.p + off, len);
	return (ssize_t)len;
}

struct seen {
	uint64_t frames;
	uint64_t hash;
};

static int see_frame(void *user, const struct journal_frame *f, struct span payload, struct err *err)
{
	struct seen *seen = user;

	must(f->sequence == ++seen->frames);
	seen->hash = hash64(payload.p, payload.len, seen->hash ^ f->first);
	return 0;
}

/* Reads the file up to `end`; returns how far the valid frames go. */
static uint64_t scan(struct one_file *file, const struct journal_header *header, uint64_t end, struct seen *seen,
		     int *ret_rc)
{
	struct journal_marks marks = {0};
	struct journal_scan s;
	int rc = journal__scan_open(&file->io, "journal", 1, 0, &s, NULL);
	uint64_t next;

	must(rc == 0);
	must(journal__scan_begin(&s, header, &node_key, NULL) == 0);
	rc = journal__scan(&s, end, &marks, see_frame, seen, NULL);
	if (rc == 0)
		rc = journal__scan_tail(&s, NULL);
	next = s.next;
	journal__scan_close(&s);
	journal__marks_release(&marks);
	*ret_rc = rc;
	return next;
}

static void read_file(struct span bytes, unsigned mended, bool is_encrypted)
{
	struct journal_header header = {.number = 1, .sequence = 1, .is_encrypted = is_encrypted};
	struct aead *a = journal__aead(&header, &node_key);
	uint32_t seed = journal__seed(&header);
	uint8_t *p = xalloc(JOURNAL_HEADER_LEN + bytes.len);
	struct one_file file = {.bytes = span_of(p, JOURNAL_HEADER_LEN + bytes.len)};
	struct seen whole = {0};
	struct seen part = {0};
	size_t off = 0;
	size_t n = 1;
	uint64_t next;
	int rc;

	file.io = (struct io){.open = open_one, .close = close_one, .stat = stat_one, .pread = pread_one};
	journal__header_put(&header, p);
	memcpy(p + JOURNAL_HEADER_LEN, bytes.p, bytes.len);
	for (unsigned i = 0; i < mended && n > 0 && off < bytes.len; i++, off += n)
		n = mend_frame(seed, a, i + 1, p + JOURNAL_HEADER_LEN + off, bytes.len - off);
	next = scan(&file, &header, UINT64_MAX, &whole, &rc);
	must(whole.frames == next - 1 || rc < 0);
	must(scan(&file, &header, next, &part, &rc) == next && part.hash == whole.hash);
	free(p);
	aead_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > FILE_MAX)
		return 0;
	if (data[0] % 4 == 0)
		decode_payload(span_of(data + 1, size - 1));
	else
		read_file(span_of(data + 1, size - 1), data[0] / 8, data[0] & 4);
	return 0;
}
