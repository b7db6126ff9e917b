/* Immutable views of a ledger: references to its segments and chunks, taken under its mutex. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"

static void add_gap(struct snapshot *s, const struct part *p)
{
	struct snapshot_gap *last = s->damaged_count ? &s->damaged[s->damaged_count - 1] : NULL;

	must(s->damaged);
	if (last && last->next == p->first)
		last->next = p->next;
	else
		s->damaged[s->damaged_count++] = (struct snapshot_gap){p->first, p->next};
}

static void take_parts_locked(struct ledger *l, struct snapshot *s)
{
	for (size_t i = 0; i < l->part_count; i++) {
		const struct part *p = &l->parts[i];

		if (p->segment)
			s->segments[s->segment_count++] = segment_ref(p->segment);
		else
			add_gap(s, p);
	}
}

/* A batch that is just being applied is in the chunks already, behind `size`. */
static void take_chunks_locked(struct ledger *l, struct snapshot *s)
{
	for (size_t i = 0; i < l->chunk_count && l->chunks[i]->first < l->size; i++) {
		struct chunk *c = l->chunks[i];
		uint64_t next = i + 1 < l->chunk_count ? l->chunks[i + 1]->first : l->size;

		if (next > l->size)
			next = l->size;
		s->tails[s->tail_count++] = (struct snapshot_tail){
			.first = c->first, .count = (uint32_t)(next - c->first), .chunk = chunk_ref(c)};
	}
}

static struct snapshot *take_locked(struct ledger *l)
{
	struct snapshot *s = xalloc(sizeof(*s));

	s->ledger = l;
	s->first = l->pruned;
	s->size = l->size;
	s->received_max = l->received_size;
	s->segments = xarray(l->part_count + 1, sizeof(struct segment *));
	s->damaged = xarray(l->part_count + 1, sizeof(*s->damaged));
	s->tails = xarray(l->chunk_count + 1, sizeof(*s->tails));
	take_parts_locked(l, s);
	take_chunks_locked(l, s);
	return s;
}

int ledger_snapshot(struct ledger *l, struct snapshot **ret, struct err *err)
{
	int rc;

	store__limit_open(l->store);
	mutex_lock(&l->mutex);
	rc = ledger__warm_locked(l, NULL); /* for received_size; a damaged tree does not matter here */
	rc = rc == E_CORRUPT ? 0 : rc;
	if (rc == 0)
		rc = ledger__open_parts_locked(l, err);
	if (rc == 0)
		*ret = take_locked(l);
	mutex_unlock(&l->mutex);
	return rc;
}

struct snapshot *snapshot_free(struct snapshot *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->segment_count; i++)
		segment_unref(s->segments[i]);
	for (size_t i = 0; i < s->tail_count; i++)
		chunk_unref((struct chunk *)s->tails[i].chunk);
	free(s->segments);
	free(s->damaged);
	free(s->tails);
	free(s);
	return NULL;
}

struct span snapshot_tail_record(const struct snapshot_tail *t, uint32_t i)
{
	must(i < t->count);
	return chunk_record(t->chunk, i);
}

/* ---- records ---- */

struct segment *snapshot__segment(const struct snapshot *s, uint64_t index)
{
	size_t low = 0;
	size_t high = s->segment_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (segment_next(s->segments[mid]) <= index)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->segment_count && segment_first(s->segments[low]) <= index ? s->segments[low] : NULL;
}

/* The block of a record that is in the segment. */
static uint32_t find_block(const struct segment *s, uint64_t index)
{
	uint32_t low = 0;
	uint32_t high = segment_block_count(s);

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (segment_block_info(s, mid)->first <= index)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Appends records [first, first + count) of a segment, each one's length to `len`. */
static int segment_records(struct segment *s, uint64_t first, size_t count, struct buf *to, uint32_t *len,
			   struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0;) {
		uint32_t number = find_block(s, first + i);
		const struct segment_block_info *info = segment_block_info(s, number);
		uint32_t row = (uint32_t)(first + i - info->first);
		struct block *b;

		rc = block_open(s, number, &b, err);
		if (rc < 0)
			return rc;
		for (; i < count && row < info->rows && rc == 0; i++, row++) {
			size_t before = to->len;

			rc = block_record(b, row, to, err);
			len[i] = (uint32_t)(to->len - before);
		}
		block_close(b);
	}
	return rc;
}

/* The tail that holds a record, or NULL. */
static const struct snapshot_tail *find_tail(const struct snapshot *s, uint64_t index)
{
	for (size_t i = 0; i < s->tail_count; i++) {
		if (index >= s->tails[i].first && index - s->tails[i].first < s->tails[i].count)
			return &s->tails[i];
	}
	return NULL;
}

static int fail_absent(const struct snapshot *s, uint64_t index, struct err *err)
{
	for (size_t i = 0; i < s->damaged_count; i++) {
		if (s->damaged[i].first <= index && index < s->damaged[i].next)
			return err_corrupt(err, -1, "record %llu is in a damaged segment", (unsigned long long)index);
	}
	if (index < s->first)
		return err_set(err, E_NOT_FOUND, "record %llu has expired: retention removed the records before %llu",
			       (unsigned long long)index, (unsigned long long)s->first);
	return err_set(err, E_NOT_FOUND, "there is no record %llu; the ledger has %llu", (unsigned long long)index,
		       (unsigned long long)s->size);
}

static void tail_records(const struct snapshot_tail *t, uint64_t first, size_t count, struct buf *to, uint32_t *len)
{
	for (size_t i = 0; i < count; i++) {
		struct span record = snapshot_tail_record(t, (uint32_t)(first - t->first + i));

		buf_put_span(to, record);
		len[i] = (uint32_t)record.len;
	}
}

int snapshot_records(struct snapshot *s, uint64_t first, size_t count, struct buf *to, uint32_t *ret_len,
		     struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0;) {
		struct segment *segment = snapshot__segment(s, first + i);
		const struct snapshot_tail *tail = segment ? NULL : find_tail(s, first + i);
		uint64_t next = segment ? segment_next(segment) : tail ? tail->first + tail->count : 0;
		size_t n = next - (first + i) < count - i ? (size_t)(next - (first + i)) : count - i;

		if (segment)
			rc = segment_records(segment, first + i, n, to, ret_len + i, err);
		else if (tail)
			tail_records(tail, first + i, n, to, ret_len + i);
		else
			return fail_absent(s, first + i, err);
		i += n;
	}
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "there is no memory for %zu records", count);
	return rc;
}

int snapshot_record(struct snapshot *s, uint64_t index, struct buf *to, struct err *err)
{
	uint32_t len;

	return snapshot_records(s, index, 1, to, &len, err);
}

int snapshot__tail_group(const struct snapshot *s, uint64_t number, struct sha256 *ret, struct err *err)
{
	uint64_t last = number * MERKLE_GROUP + MERKLE_GROUP - 1;
	const struct snapshot_tail *t = find_tail(s, last);

	if (!t)
		return fail_absent(s, last, err);
	*ret = chunk_group(t->chunk, number);
	return 0;
}
