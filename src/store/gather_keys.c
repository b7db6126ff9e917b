/*
 * The index keys of a block: every word of every value, and every whole value but those of `description`, which is free
 * text and as good as never the same twice. Sorted by radix: there are some fifty thousand, most of them unique.
 */
#include "base/mem.h"
#include "codec/json_text.h"
#include "store/gather.h"

bool gather_indexes_whole(const struct gather *g, const struct gather_column *c)
{
	return !span_eq_str(shape_set_column(g->d->shapes, c->column)->path, "description");
}

void gather_value_keys(const struct gather *g, const struct gather_column *c, struct span value, struct buf *scratch,
		       struct buf *keys)
{
	const struct shape_column *def = shape_set_column(g->d->shapes, c->column);

	token_value_keys(value, def->is_string, gather_indexes_whole(g, c), scratch, keys);
}

void gather_plain_keys(struct span text, struct buf *keys)
{
	struct token_iter it = {text, 0};
	struct span word;

	while (token_next(&it, &word)) {
		uint64_t key = token_hash(word);

		buf_put(keys, &key, sizeof(key));
	}
}

void gather_whole_key(struct span stored, struct buf *scratch, struct buf *keys)
{
	struct span text = stored;
	uint64_t key;

	if (stored.len && memchr(stored.p, '\\', stored.len)) {
		buf_reset(scratch);
		json_text_unescape(scratch, stored);
		text = buf_span(scratch);
	}
	if (text.len == 0 || text.len > TOKEN_VALUE_MAX)
		return;
	key = token_hash(text);
	buf_put(keys, &key, sizeof(key));
}

/* One pass of a least-significant-digit radix sort over 11 bits. */
static void radix_pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
	size_t count[2048] = {0}, at = 0;

	for (size_t i = 0; i < n; i++)
		count[(from[i] >> shift) & 2047]++;
	for (size_t k = 0; k < 2048; k++) {
		size_t c = count[k];

		count[k] = at;
		at += c;
	}
	for (size_t i = 0; i < n; i++)
		to[count[(from[i] >> shift) & 2047]++] = from[i];
}

static void insertion_sort(uint64_t *key, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t k = key[i];
		size_t at = i;

		for (; at > 0 && key[at - 1] > k; at--)
			key[at] = key[at - 1];
		key[at] = k;
	}
}

/* Sorts by the top 33 bits by radix, then mends the few neighbours that differ below. */
static void sort_keys(uint64_t *key, size_t n)
{
	uint64_t *other;

	if (n < 64) {
		insertion_sort(key, n);
		return;
	}
	other = xarray(n, sizeof(*other));
	radix_pass(key, other, n, 31);
	radix_pass(other, key, n, 42);
	radix_pass(key, other, n, 53);
	memcpy(key, other, n * sizeof(*key));
	free(other);
	insertion_sort(key, n);
}

int gather_make_keys(struct gather *g, uint16_t block, struct err *err)
{
	size_t total = 0, n = 0, unique = 0;
	uint64_t *key;

	for (uint32_t k = 0; k < g->present_count; k++)
		total += g->column[g->present[k]]->keys.len / sizeof(*key);
	key = try_alloc((total + 1) * sizeof(*key));
	if (!key)
		return err_set(err, E_NO_MEMORY, "not enough memory for the index keys of a block");
	for (uint32_t k = 0; k < g->present_count; k++) {
		const struct buf *keys = &g->column[g->present[k]]->keys;

		if (keys->len)
			memcpy(key + n, keys->p, keys->len);
		n += keys->len / sizeof(*key);
	}
	sort_keys(key, n);
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || key[unique - 1] != key[i])
			key[unique++] = key[i];
	draft_keys_add(g->d, block, key, unique);
	return 0;
}
