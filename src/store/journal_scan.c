/*
 * Reading one journal file. A frame is valid when its lengths fit into the file, both CRCs are right and its sequence
 * number is the expected one. Where that ends, zeros are an end, and anything else is a torn tail or damage; which of
 * them is told by what lies behind: a valid frame that belongs to a later commit than the missing frame proves that
 * the missing frame's commit was synced, because the writer starts a commit only after the sync of the one before. A
 * later frame of the same commit proves nothing: unsynced pages reach the disk in any order.
 */
#include "store/journal_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/reader.h"

#define WINDOW_BYTES (1u << 20) /* read at a time */

int journal__scan_open(struct io *io, const char *folder, uint64_t number, int flags, struct journal_scan *ret,
		       struct err *err)
{
	struct journal_scan s = {.io = io, .fd = -1, .off = JOURNAL_HEADER_LEN};
	char *path = journal__path(folder, number);
	struct io_stat st;
	int rc = io->stat(io, path, &st);

	if (rc == 0)
		rc = s.fd = io->open(io, path, flags, 0);
	if (rc < 0) {
		err_set_field(err, path, strlen(path));
		rc = err_errno(err, -rc, "opening %s", path);
		free(path);
		return rc;
	}
	s.path = path;
	s.size = st.size_bytes;
	*ret = s;
	return 0;
}

void journal__scan_close(struct journal_scan *s)
{
	(void)s->io->close(s->io, s->fd); /* what was written is synced */
	free(s->path);
	buf_release(&s->window);
	buf_release(&s->plain);
	aead_free(s->aead);
}

int journal__scan_begin(struct journal_scan *s, const struct journal_header *h, const struct key *key, struct err *err)
{
	s->seed = journal__seed(h);
	s->next = h->sequence;
	if (h->is_encrypted && !key)
		return err_set(err, E_CRYPTO, "%s is encrypted, and there is no key", s->path);
	s->aead = journal__aead(h, key);
	return 0;
}

static int fail_read(const struct journal_scan *s, ssize_t n, struct err *err)
{
	err_set_field(err, s->path, strlen(s->path));
	return err_errno(err, (int)-n, "reading %s", s->path);
}

/* The bytes at `off`: at least `len` of them unless the file ends before. Borrowed until the next call. */
static int get_bytes(struct journal_scan *s, uint64_t off, size_t len, struct span *ret, struct err *err)
{
	uint64_t have_to = s->window_off + s->window.len;
	size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;
	ssize_t n;

	if (off < s->window_off || off > have_to || (have_to - off < len && have_to < s->size)) {
		buf_reset(&s->window);
		if (off < s->size && want > s->size - off)
			want = (size_t)(s->size - off);
		if (!buf_room(&s->window, want))
			return err_set(err, E_NO_MEMORY, "reading %s needs %zu bytes of memory", s->path, want);
		n = off < s->size ? io_read_full(s->io, s->fd, s->window.p, want, off) : 0;
		if (n < 0)
			return fail_read(s, n, err);
		buf_commit(&s->window, (size_t)n);
		s->window_off = off;
	}
	*ret = span_from(buf_span(&s->window), (size_t)(off - s->window_off));
	return 0;
}

/* The checksums are right: it was written like this. */
static int fail_seal(const struct journal_scan *s, struct err *err)
{
	err_set_field(err, s->path, strlen(s->path));
	return err_corrupt(err, (int64_t)s->off,
			   "%s: frame %" PRIu64 " at offset %" PRIu64
			   " is whole but does not open: it was sealed with another key, or changed on purpose",
			   s->path, s->next, s->off);
}

/* Opens the payload of a frame whose header is at `header`. */
static int open_payload(struct journal_scan *s, const struct journal_place *p, const uint8_t *header,
			struct span *payload, struct err *err)
{
	uint8_t nonce[AEAD_NONCE_LEN], extra[JOURNAL_EXTRA_MAX];
	uint8_t *room;
	int rc;

	if (!s->aead)
		return 0;
	if (payload->len < AEAD_TAG_LEN)
		return fail_seal(s, err);
	buf_reset(&s->plain);
	room = buf_room(&s->plain, payload->len);
	if (!room)
		return err_set(err, E_NO_MEMORY, "reading %s needs %zu bytes of memory", s->path, payload->len);
	journal__frame_nonce(p->frame.sequence, nonce);
	rc = aead_open(s->aead, nonce, journal__frame_extra(header, p->header_len, extra), *payload, room);
	if (rc < 0)
		return fail_seal(s, err);
	*payload = span_of(room, payload->len - AEAD_TAG_LEN);
	return 0;
}

static int check_known(const struct journal_scan *s, const struct journal_place *p, struct err *err)
{
	bool is_known = p->frame.kind >= JOURNAL_RECORDS && p->frame.kind <= JOURNAL_CHECKPOINTS;

	if (is_known && (p->flags & ~(JOURNAL_FLAG_KEYED | JOURNAL_FLAG_ENCRYPTED)) == 0)
		return !(p->flags & JOURNAL_FLAG_ENCRYPTED) == !s->aead ? 0 : fail_seal(s, err);
	err_set_field(err, s->path, strlen(s->path));
	return err_set(err, E_UNSUPPORTED,
		       "%s has a frame of kind %d, flags %u at %" PRIu64
		       "; this version knows kinds 1 to 3, flags 1 and 2",
		       s->path, (int)p->frame.kind, p->flags, s->off);
}

/* The frame at s->off and its payload; 0 when there is none, 1 when there is. */
static int get_frame(struct journal_scan *s, struct journal_place *ret_place, struct span *ret_payload, struct err *err)
{
	struct span at;
	int rc = get_bytes(s, s->off, JOURNAL_FRAME_KEYED_LEN, &at, err);

	if (rc < 0)
		return rc;
	if (!journal__frame_get(s->seed, at, ret_place) || ret_place->frame.sequence != s->next ||
	    ret_place->commit > s->next || journal__place_bytes(ret_place) > s->size - s->off)
		return 0;
	rc = get_bytes(s, s->off, ret_place->header_len + ret_place->payload_len, &at, err);
	if (rc < 0)
		return rc;
	if (at.len < ret_place->header_len + ret_place->payload_len)
		return 0;
	*ret_payload = span_of(at.p + ret_place->header_len, ret_place->payload_len);
	if (crc32c(s->seed, ret_payload->p, ret_payload->len) != ret_place->payload_crc)
		return 0;
	rc = check_known(s, ret_place, err);
	if (rc == 0)
		rc = open_payload(s, ret_place, at.p, ret_payload, err);
	return rc < 0 ? rc : 1;
}

int journal__scan(struct journal_scan *s, uint64_t end, struct journal_marks *marks, journal_replay_fn *fn, void *user,
		  struct err *err)
{
	struct journal_place place;
	struct span payload;
	int rc = 0;

	while (s->next < end && (rc = get_frame(s, &place, &payload, err)) == 1) {
		if (s->commit_at == 0 || place.commit != s->commit) {
			s->commit_at = s->off;
			s->commit = place.commit;
		}
		if (marks)
			journal__marks_note(marks, &place.frame);
		rc = fn(user, &place.frame, payload, err);
		if (rc != 0)
			break;
		s->off += journal__place_bytes(&place);
		s->next++;
	}
	return rc;
}

static int fail_damaged(const struct journal_scan *s, uint64_t later, struct err *err)
{
	err_set_field(err, s->path, strlen(s->path));
	return err_corrupt(err, (int64_t)s->off,
			   "%s: frame %" PRIu64 " at offset %" PRIu64
			   " is damaged, and a later commit follows at %" PRIu64,
			   s->path, s->next, s->off, later);
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* A frame's header at `at` that only a synced frame s->next allows. */
static bool proves_loss(const struct journal_scan *s, struct span at)
{
	struct journal_place place;

	if (at.len < JOURNAL_FRAME_LEN || get_u32le(at.p) == 0 || get_u64le(at.p + 16) <= s->next)
		return false;
	return journal__frame_get(s->seed, at, &place) && place.frame.sequence >= place.commit;
}

/* Looks at the first `len` bytes of `at`; the place of a frame that proves loss, or `len`. */
static size_t find_loss(const struct journal_scan *s, struct span at, size_t len)
{
	size_t i = is_zero(at.p, at.len) ? len : 0;

	while (i < len && !proves_loss(s, span_from(at, i)))
		i += JOURNAL_ALIGN;
	return i < len ? i : len;
}

int journal__scan_tail(struct journal_scan *s, struct err *err)
{
	uint64_t off = s->off;

	while (off < s->size) {
		struct span at;
		size_t len;
		size_t i;
		int rc = get_bytes(s, off, WINDOW_BYTES / 2, &at, err);

		if (rc < 0)
			return rc;
		if (at.len == 0)
			break; /* shorter than it was */
		len = at.len;
		if (off + at.len < s->size) /* the next look starts with the headers this one sees only in part */
			len = (at.len - JOURNAL_FRAME_KEYED_LEN) / JOURNAL_ALIGN * JOURNAL_ALIGN;
		i = find_loss(s, at, len);
		if (i < len)
			return fail_damaged(s, off + i, err);
		off += len;
	}
	return 0;
}
