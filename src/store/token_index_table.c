/* The page table of the token index: small enough to be in memory as long as the segment is open. */
#include "store/token_index.h"

#include "base/mem.h"
#include "store/token_index_priv.h"

static int read_rows(struct token_index *x, struct reader *table, struct err *err)
{
	uint64_t key = 0, off = 0;

	for (uint32_t i = 0; i < x->page_count; i++) {
		uint64_t step = reader_varint(table);
		uint64_t len = reader_varint(table);

		if (table->failed || (i > 0 && step == 0) || step > x->key_max - key)
			return err_corrupt(err, -1, "token index: page %u has no valid first key", i);
		if (len < TOKEN_INDEX_PAGE_MIN || len > TOKEN_INDEX_PAGE_MAX || len > UINT32_MAX - off)
			return err_corrupt(err, -1, "token index: page %u cannot have %llu bytes", i,
					   (unsigned long long)len);
		x->first[i] = key += step;
		off += len;
		x->off[i + 1] = (uint32_t)off;
	}
	return 0;
}

static int read_table(struct token_index *x, struct reader *table, struct err *err)
{
	uint64_t key_bits = reader_varint(table);
	uint64_t block_count = reader_varint(table);
	uint64_t entries = reader_varint(table);
	uint64_t page_count = reader_varint(table);

	if (table->failed || key_bits < 1 || key_bits > 64)
		return err_corrupt(err, -1, "token index: keys cannot have %llu bits", (unsigned long long)key_bits);
	if (block_count < 1 || block_count > SEGMENT_BLOCKS_MAX)
		return err_corrupt(err, -1, "token index: there cannot be %llu blocks",
				   (unsigned long long)block_count);
	if (page_count > reader_left(table) / 2 || entries < page_count || entries > page_count * UINT16_MAX)
		return err_corrupt(err, -1, "token index: there cannot be %llu pages and %llu entries",
				   (unsigned long long)page_count, (unsigned long long)entries);
	x->key_bits = (uint32_t)key_bits;
	x->key_max = UINT64_MAX >> (64 - key_bits);
	x->block_count = (uint32_t)block_count;
	x->symbols = token_index__symbols(x->block_count);
	x->entries = entries;
	x->page_count = (uint32_t)page_count;
	x->first = try_array(page_count + 1, sizeof(*x->first));
	x->off = try_array(page_count + 1, sizeof(*x->off));
	if (!x->first || !x->off)
		return err_set(err, E_NO_MEMORY, "no memory for a token index of %u pages", x->page_count);
	return read_rows(x, table, err);
}

int token_index_open(struct reader *table, struct token_index **ret, struct err *err)
{
	struct token_index *x = xalloc(sizeof(*x));
	int rc = read_table(x, table, err);

	if (rc < 0)
		token_index_close(x);
	else
		*ret = x;
	return rc;
}

struct token_index *token_index_close(struct token_index *x)
{
	if (!x)
		return NULL;
	free(x->first);
	free(x->off);
	free(x);
	return NULL;
}

uint32_t token_index_bits(const struct token_index *x)
{
	return x->key_bits;
}

uint64_t token_index_entries(const struct token_index *x)
{
	return x->entries;
}

uint32_t token_index_page_count(const struct token_index *x)
{
	return x->page_count;
}

bool token_index__find_page(const struct token_index *x, uint64_t prefix, uint32_t *ret_page)
{
	uint32_t low = 0, high = x->page_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (x->first[middle] <= prefix)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_page = low - 1;
	return true;
}

bool token_index_page(const struct token_index *x, uint64_t key, uint64_t *ret_off, uint32_t *ret_len)
{
	uint32_t page;

	if (!token_index__find_page(x, key >> (64 - x->key_bits), &page))
		return false;
	token_index_page_at(x, page, ret_off, ret_len);
	return true;
}

void token_index_page_at(const struct token_index *x, uint32_t page, uint64_t *ret_off, uint32_t *ret_len)
{
	must(page < x->page_count);
	*ret_off = x->off[page];
	*ret_len = x->off[page + 1] - x->off[page];
}
