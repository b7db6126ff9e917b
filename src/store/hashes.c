/*
 * The hashes that stay:
 *
 *	offset	size
 *	0	8	"STELEHSH"
 *	8	2	version: 1
 *	10	2	flags: 0
 *	12	4	ledger
 *	16	8	first
 *	24	8	next
 *	32	8	received_max
 *	40	8 + 32n	the frontier: its size, which is `next`, and n hashes
 *		4	CRC of everything before
 *		…	pages: 256 group roots (the last page has fewer), then the CRC of the page
 */
#include "store/hashes.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define MAGIC        "STELEHSH"
#define MAGIC_LEN    8
#define VERSION      1
#define FIXED_LEN    48u /* with the frontier's size */
#define HEAD_MAX     (FIXED_LEN + MERKLE_LEVELS_MAX * SHA256_LEN + 4)
#define PAGE_LEN_MAX (HASHES_PAGE_GROUPS * SHA256_LEN + 4)

struct hashes {
	struct object *object;
	struct hashes_head head;
	uint64_t pages_off;
	uint64_t group_count;
};

static void put_crc(struct buf *to, size_t from)
{
	buf_put_u32(to, buf_ok(to) ? crc32c(0, to->p + from, to->len - from) : 0);
}

void hashes_put(struct buf *to, const struct hashes_head *head, const struct sha256 *groups)
{
	uint64_t left = hashes_group_count(head->first, head->next);
	size_t from = to->len;

	must(head->first < head->next && head->frontier.size == head->next);
	buf_put(to, MAGIC, MAGIC_LEN);
	buf_put_u16(to, VERSION);
	buf_put_u16(to, 0);
	buf_put_u32(to, head->ledger);
	buf_put_u64(to, head->first);
	buf_put_u64(to, head->next);
	buf_put_u64(to, (uint64_t)head->received_max);
	merkle_frontier_put(to, &head->frontier);
	put_crc(to, from);
	while (left > 0) {
		size_t n = left < HASHES_PAGE_GROUPS ? (size_t)left : HASHES_PAGE_GROUPS;

		from = to->len;
		buf_put(to, groups, n * SHA256_LEN);
		put_crc(to, from);
		groups += n;
		left -= n;
	}
}

/* ---- opening ---- */

static size_t count_ones(uint64_t n)
{
	return (size_t)__builtin_popcountll(n);
}

static int read_head(struct hashes *h, struct err *err)
{
	uint8_t bytes[HEAD_MAX];
	struct reader from;
	size_t len;
	int rc = object_read(h->object, 0, FIXED_LEN, bytes, err);

	if (rc < 0)
		return rc;
	if (memcmp(bytes, MAGIC, MAGIC_LEN) != 0)
		return err_corrupt(err, 0, "these are no hashes of removed records: the magic is missing");
	if (get_u16le(bytes + 8) != VERSION || get_u16le(bytes + 10) != 0)
		return err_set(err, E_UNSUPPORTED, "hashes of version %u, flags %#x: this program reads version %u",
			       get_u16le(bytes + 8), get_u16le(bytes + 10), VERSION);
	len = FIXED_LEN + count_ones(get_u64le(bytes + 40)) * SHA256_LEN;
	if ((rc = object_read(h->object, FIXED_LEN, len - FIXED_LEN + 4, bytes + FIXED_LEN, err)) < 0)
		return rc;
	if (crc32c(0, bytes, len) != get_u32le(bytes + len))
		return err_corrupt(err, 0, "the checksum of the head does not fit");
	h->head.ledger = get_u32le(bytes + 12);
	h->head.first = get_u64le(bytes + 16);
	h->head.next = get_u64le(bytes + 24);
	h->head.received_max = (int64_t)get_u64le(bytes + 32);
	from = reader_of(span_of(bytes + 40, len - 40));
	h->pages_off = len + 4;
	return merkle_frontier_get(&from, &h->head.frontier, err);
}

static int check_head(struct hashes *h, struct err *err)
{
	uint64_t pages;

	if (h->head.first >= h->head.next || h->head.frontier.size != h->head.next)
		return err_corrupt(err, 16, "the head's numbers make no sense");
	h->group_count = hashes_group_count(h->head.first, h->head.next);
	pages = (h->group_count + HASHES_PAGE_GROUPS - 1) / HASHES_PAGE_GROUPS;
	if (object_size(h->object) != h->pages_off + h->group_count * SHA256_LEN + pages * 4)
		return err_corrupt(err, (int64_t)h->pages_off, "the file has not the size that %llu groups take",
				   (unsigned long long)h->group_count);
	return 0;
}

static int name_object(const struct hashes *h, int rc, struct err *err)
{
	if (rc < 0 && err)
		err_set_field(err, object_name(h->object), strlen(object_name(h->object)));
	return rc;
}

int hashes_open(struct object *object, struct hashes **ret, struct err *err)
{
	struct hashes *h = xalloc(sizeof(*h));
	int rc;

	h->object = object;
	rc = read_head(h, err);
	if (rc == 0)
		rc = check_head(h, err);
	if (rc < 0) {
		name_object(h, rc, err);
		hashes_close(h);
		return rc;
	}
	*ret = h;
	return 0;
}

struct hashes *hashes_close(struct hashes *h)
{
	if (h) {
		object_close(h->object);
		free(h);
	}
	return NULL;
}

const struct hashes_head *hashes_head(const struct hashes *h)
{
	return &h->head;
}

/* ---- groups ---- */

static int read_page(struct hashes *h, uint64_t page, uint8_t to[PAGE_LEN_MAX], struct err *err)
{
	uint64_t off = h->pages_off + page * PAGE_LEN_MAX;
	uint64_t left = h->group_count - page * HASHES_PAGE_GROUPS;
	size_t len = (left < HASHES_PAGE_GROUPS ? (size_t)left : HASHES_PAGE_GROUPS) * SHA256_LEN;
	int rc = object_read(h->object, off, len + 4, to, err);

	if (rc == 0 && crc32c(0, to, len) != get_u32le(to + len))
		rc = err_corrupt(err, (int64_t)off, "the checksum of a page of hashes does not fit");
	return name_object(h, rc, err);
}

int hashes_groups(struct hashes *h, uint64_t group, size_t count, struct sha256 *ret, struct err *err)
{
	uint64_t at = group - h->head.first / MERKLE_GROUP;
	uint8_t page[PAGE_LEN_MAX];
	int rc;

	must(group >= h->head.first / MERKLE_GROUP && at + count <= h->group_count);
	while (count > 0) {
		size_t skip = (size_t)(at % HASHES_PAGE_GROUPS);
		size_t n = HASHES_PAGE_GROUPS - skip;

		if (n > count)
			n = count;
		if ((rc = read_page(h, at / HASHES_PAGE_GROUPS, page, err)) < 0)
			return rc;
		memcpy(ret, page + skip * SHA256_LEN, n * SHA256_LEN);
		ret += n;
		at += n;
		count -= n;
	}
	return 0;
}
