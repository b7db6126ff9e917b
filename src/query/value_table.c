/* Counting values: an open hash table over entries in the order they came. */
#include "query/value_table_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "query/limits.h"

void value_table_init(struct value_table *t, uint64_t seed, uint32_t values_max, size_t bytes_max)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->values_max = values_max;
	t->bytes_max = bytes_max;
}

void value_table_release(struct value_table *t)
{
	free(t->entry);
	free(t->slot);
	buf_release(&t->text);
	memset(t, 0, sizeof(*t));
}

void value_table_reset(struct value_table *t)
{
	t->count = 0;
	t->sum = 0;
	buf_reset(&t->text);
	if (t->slot)
		memset(t->slot, 0, t->slot_count * sizeof(*t->slot));
}

/* ---- slots ---- */

static void fill_slots(struct value_table *t)
{
	uint32_t mask = t->slot_count - 1;

	memset(t->slot, 0, t->slot_count * sizeof(*t->slot));
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t at = t->entry[i].hash & mask;

		while (t->slot[at])
			at = (at + 1) & mask;
		t->slot[at] = i + 1;
	}
}

static bool make_room(struct value_table *t)
{
	struct value_entry *entry;
	uint32_t cap = t->cap ? t->cap * 2 : 64;
	uint32_t *slot;

	if (t->count < t->cap)
		return true;
	entry = try_realloc(t->entry, cap * sizeof(*entry));
	if (entry)
		t->entry = entry;
	slot = entry ? try_realloc(t->slot, (size_t)cap * 2 * sizeof(*slot)) : NULL;
	if (!slot)
		return false;
	t->slot = slot;
	t->slot_count = cap * 2;
	t->cap = cap;
	fill_slots(t);
	return true;
}

/* ---- dropping ---- */

/* The k-th smallest of n counts (from 0); reorders them. */
static uint64_t select_count(uint64_t *v, size_t n, size_t k)
{
	size_t low = 0, high = n - 1;

	while (low < high) {
		uint64_t pivot = v[low + (high - low) / 2];
		size_t i = low, j = high;

		for (;;) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			uint64_t x = v[i];

			v[i++] = v[j];
			v[j--] = x;
		}
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
	return v[k];
}

static uint64_t middle_count(const struct value_table *t)
{
	uint64_t *v = try_array(t->count, sizeof(*v)), middle;

	if (!v)
		return 0;
	for (uint32_t i = 0; i < t->count; i++)
		v[i] = t->entry[i].count;
	middle = select_count(v, t->count, t->count / 2);
	free(v);
	return middle;
}

/* Keeps the half with the higher counts; of those equal to the middle one, who came first. */
static void drop_rarest(struct value_table *t)
{
	uint64_t middle = middle_count(t);
	uint32_t kept = 0, higher = 0, room;
	struct buf text = BUF_INIT;

	if (value_table_distinct(t) > t->most)
		t->most = value_table_distinct(t);
	for (uint32_t i = 0; i < t->count; i++)
		higher += t->entry[i].count > middle;
	room = t->count / 2 - higher;
	for (uint32_t i = 0; i < t->count; i++) {
		struct value_entry e = t->entry[i];

		if (e.count < middle || (e.count == middle && room == 0))
			continue;
		room -= e.count == middle;
		e.off = text.len;
		buf_put_span(&text, value_table_text(t, &t->entry[i]));
		t->entry[kept++] = e;
	}
	if (middle == 0 || !buf_ok(&text))
		t->failed = true;
	buf_release(&t->text);
	t->text = text;
	t->error += middle;
	t->count = kept;
	fill_slots(t);
}

/* ---- adding ---- */

static void add_entry(struct value_table *t, struct span value, uint32_t hash, uint64_t count, uint64_t stamp)
{
	uint32_t at;

	while (t->values_max && !t->failed && t->count > 1 &&
	       (t->count >= t->values_max || t->text.len + value.len > t->bytes_max))
		drop_rarest(t);
	if (t->failed || !make_room(t)) {
		t->failed = true;
		return;
	}
	t->entry[t->count++] = (struct value_entry){count, stamp, hash, (uint32_t)value.len, t->text.len};
	buf_put_span(&t->text, value);
	if (!buf_ok(&t->text))
		t->failed = true;
	for (at = hash & (t->slot_count - 1); t->slot[at]; at = (at + 1) & (t->slot_count - 1))
		;
	t->slot[at] = t->count;
}

static void add(struct value_table *t, struct span value, uint32_t hash, uint64_t count, uint64_t stamp)
{
	uint32_t mask = t->slot_count - 1;

	for (uint32_t at = hash & mask; t->slot_count && t->slot[at]; at = (at + 1) & mask) {
		struct value_entry *e = &t->entry[t->slot[at] - 1];

		if (e->hash != hash || !span_eq(value_table_text(t, e), value))
			continue;
		if (e->stamp != stamp || stamp == 0) {
			e->count += count;
			t->sum += count;
		}
		e->stamp = stamp;
		return;
	}
	t->sum += count;
	add_entry(t, value, hash, count, stamp);
}

void value_table_add(struct value_table *t, struct span value, uint64_t count, uint64_t stamp)
{
	if (!t->failed)
		add(t, value, (uint32_t)hash64(value.p, value.len, t->seed), count, stamp);
}

void value_table_merge(struct value_table *to, const struct value_table *from)
{
	to->failed |= from->failed;
	for (uint32_t i = 0; i < from->count && !to->failed; i++) {
		const struct value_entry *e = &from->entry[i];

		add(to, value_table_text(from, e), e->hash, e->count, 0);
	}
}

/* ---- the highest counts ---- */

/* Whether entry a is listed before entry b. */
static bool is_before(const struct value_table *t, uint32_t a, uint32_t b)
{
	const struct value_entry *x = &t->entry[a], *y = &t->entry[b];

	if (x->count != y->count)
		return x->count > y->count;
	return span_cmp(value_table_text(t, x), value_table_text(t, y)) < 0;
}

/* A heap whose root is listed last. */
static void sift_down(const struct value_table *t, uint32_t *heap, uint32_t n, uint32_t at)
{
	for (uint32_t child; (child = at * 2 + 1) < n; at = child) {
		uint32_t x = heap[at];

		if (child + 1 < n && is_before(t, heap[child], heap[child + 1]))
			child++;
		if (!is_before(t, x, heap[child]))
			return;
		heap[at] = heap[child];
		heap[child] = x;
	}
}

uint32_t *value_table_top(const struct value_table *t, uint32_t limit, uint32_t *ret_count)
{
	uint32_t n = t->count < limit ? t->count : limit;
	uint32_t *heap = try_array((size_t)n + 1, sizeof(*heap));

	*ret_count = n;
	if (!heap || n == 0)
		return heap;
	for (uint32_t i = 0; i < n; i++)
		heap[i] = i;
	for (uint32_t i = n / 2; i-- > 0;)
		sift_down(t, heap, n, i);
	for (uint32_t i = n; i < t->count; i++) {
		if (!is_before(t, i, heap[0]))
			continue;
		heap[0] = i;
		sift_down(t, heap, n, 0);
	}
	for (uint32_t end = n; end-- > 1;) {
		uint32_t last = heap[0];

		heap[0] = heap[end];
		heap[end] = last;
		sift_down(t, heap, end, 0);
	}
	return heap;
}

struct span value_plain(struct span text, bool is_string, struct buf *scratch)
{
	if (is_string && text.len > 0 && memchr(text.p, '\\', text.len)) {
		buf_reset(scratch);
		json_text_unescape(scratch, text);
		text = buf_span(scratch);
	}
	if (text.len > FACET_VALUE_MAX) {
		text.len = FACET_VALUE_MAX;
		while (text.len > 0 && (text.p[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	return text;
}
