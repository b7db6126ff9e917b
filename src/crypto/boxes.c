/*
 * Runs of boxes. A key schedule costs as much as sealing some kilobytes and serves one thread at a time, so a few are
 * kept for whoever comes next.
 */
#include "crypto/boxes.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/reader.h"

#define IDLE_COUNT 4u  /* threads that read one file at once, usually */
#define READ_BOXES 16u /* read at a time: 64 KiB of memory */

struct boxes {
	struct key key;
	_Atomic(struct aead *) idle[IDLE_COUNT];
};

struct boxes *boxes_new(const struct key *key)
{
	struct boxes *b = xalloc(sizeof(*b));

	b->key = *key;
	return b;
}

struct boxes *boxes_free(struct boxes *b)
{
	if (!b)
		return NULL;
	for (size_t i = 0; i < IDLE_COUNT; i++)
		aead_free(atomic_load(&b->idle[i]));
	mem_wipe(b, sizeof(*b));
	free(b);
	return NULL;
}

static struct aead *take(struct boxes *b)
{
	for (size_t i = 0; i < IDLE_COUNT; i++) {
		struct aead *a = atomic_load(&b->idle[i]) ? atomic_exchange(&b->idle[i], NULL) : NULL;

		if (a)
			return a;
	}
	return aead_new(&b->key);
}

static void give(struct boxes *b, struct aead *a)
{
	for (size_t i = 0; i < IDLE_COUNT && a; i++) {
		if (!atomic_load(&b->idle[i]))
			a = atomic_exchange(&b->idle[i], a); /* somebody's, when two come at once */
	}
	aead_free(a);
}

static uint64_t count_boxes(uint64_t plain_len)
{
	return plain_len ? (plain_len - 1) / BOX_PLAIN + 1 : 1;
}

uint64_t boxes_sealed_len(uint64_t plain_len)
{
	return plain_len + count_boxes(plain_len) * AEAD_TAG_LEN;
}

bool boxes_plain_len(uint64_t sealed_len, uint64_t *ret_plain_len)
{
	uint64_t count = sealed_len ? (sealed_len - 1) / BOX_BYTES + 1 : 0;
	uint64_t plain_len = sealed_len - count * AEAD_TAG_LEN;

	if (sealed_len < AEAD_TAG_LEN || plain_len > sealed_len || boxes_sealed_len(plain_len) != sealed_len)
		return false;
	*ret_plain_len = plain_len;
	return true;
}

static void make_nonce(uint64_t number, bool is_last, uint8_t to[AEAD_NONCE_LEN])
{
	put_u64le(to, number);
	put_u32le(to + 8, is_last);
}

int boxes_seal(struct boxes *b, uint64_t number, struct span plain, bool is_end, uint8_t *to)
{
	uint64_t count = count_boxes(plain.len);
	struct aead *a = take(b);
	int rc = 0;

	must(is_end || (plain.len > 0 && plain.len % BOX_PLAIN == 0));
	for (uint64_t i = 0; i < count && rc == 0; i++) {
		struct span left = span_from(plain, (size_t)i * BOX_PLAIN);
		uint8_t nonce[AEAD_NONCE_LEN];

		if (left.len > BOX_PLAIN)
			left.len = BOX_PLAIN;
		make_nonce(number + i, is_end && i + 1 == count, nonce);
		rc = aead_seal(a, nonce, span_of(NULL, 0), left, to + i * BOX_BYTES);
	}
	give(b, a);
	return rc;
}

/* ---- reading ---- */

struct reading {
	struct aead *aead;
	const struct boxes_source *from;
	uint64_t last; /* number of the run's last box */
	uint64_t off;  /* what is wanted next */
	size_t len;
	uint8_t *to;
};

/* Opens one box; what is wanted of it goes to r->to. */
static int open_box(struct reading *r, uint64_t number, struct span box, struct err *err)
{
	size_t skip = (size_t)(r->off % BOX_PLAIN);
	size_t have = box.len - AEAD_TAG_LEN;
	size_t n = have - skip < r->len ? have - skip : r->len;
	uint8_t nonce[AEAD_NONCE_LEN], plain[BOX_PLAIN];
	bool is_whole = n == have;
	int rc;

	make_nonce(number, number == r->last, nonce);
	rc = aead_open(r->aead, nonce, span_of(NULL, 0), box, is_whole ? r->to : plain);
	if (rc < 0)
		return err_corrupt(err, (int64_t)(r->from->off + number * BOX_BYTES),
				   "the box at %llu does not open: it is damaged, or sealed with another key",
				   (unsigned long long)(r->from->off + number * BOX_BYTES));
	if (!is_whole)
		memcpy(r->to, plain + skip, n);
	r->to += n;
	r->off += n;
	r->len -= n;
	return 0;
}

/* Reads some boxes at once, and opens them. */
static int open_some(struct reading *r, uint8_t *sealed, size_t room, struct err *err)
{
	uint64_t first = r->off / BOX_PLAIN;
	uint64_t last = (r->off + r->len - 1) / BOX_PLAIN;
	uint64_t end = boxes_sealed_len(r->from->plain_len);
	uint64_t len;
	int rc;

	if (last - first >= room / BOX_BYTES)
		last = first + room / BOX_BYTES - 1;
	len = (last + 1) * BOX_BYTES < end ? (last + 1 - first) * BOX_BYTES : end - first * BOX_BYTES;
	rc = r->from->read(r->from->user, r->from->off + first * BOX_BYTES, (size_t)len, sealed, err);
	for (uint64_t n = first; n <= last && rc == 0; n++) {
		struct span box = span_from(span_of(sealed, (size_t)len), (size_t)(n - first) * BOX_BYTES);

		if (box.len > BOX_BYTES)
			box.len = BOX_BYTES;
		rc = open_box(r, n, box, err);
	}
	return rc;
}

int boxes_read(struct boxes *b, const struct boxes_source *from, uint64_t off, size_t len, uint8_t *to, struct err *err)
{
	uint8_t sealed[READ_BOXES * BOX_BYTES];
	struct reading r = {.from = from, .last = count_boxes(from->plain_len) - 1, .off = off, .len = len, .to = to};
	int rc = 0;

	must(off <= from->plain_len && len <= from->plain_len - off);
	if (len == 0)
		return 0;
	r.aead = take(b);
	while (r.len > 0 && rc == 0)
		rc = open_some(&r, sealed, sizeof(sealed), err);
	give(b, r.aead);
	return rc;
}
