/* Some rows of a piece of a ledger (a block, or as many records of the tail), as a bitmap. */
#ifndef STELE_QUERY_ROW_SET_H
#define STELE_QUERY_ROW_SET_H

#include <string.h>

#include "store/limits.h"

#define ROW_WORDS (BLOCK_ROWS_MAX / 64)

/* Words [from, to) count; the others are 0. */
struct row_set {
	uint64_t bit[ROW_WORDS];
	uint32_t from, to;
};

/* The rows [from, to), from < to. */
static inline void row_set_fill(struct row_set *rows, uint32_t from, uint32_t to)
{
	memset(rows->bit, 0, sizeof(rows->bit));
	rows->from = from / 64;
	rows->to = (to + 63) / 64;
	for (uint32_t w = rows->from; w < rows->to; w++)
		rows->bit[w] = UINT64_MAX;
	rows->bit[rows->from] &= UINT64_MAX << from % 64;
	if (to % 64)
		rows->bit[rows->to - 1] &= (UINT64_C(1) << to % 64) - 1;
}

static inline bool row_set_has(const struct row_set *rows, uint32_t row)
{
	return rows->bit[row / 64] >> row % 64 & 1;
}

static inline void row_set_add(struct row_set *rows, uint32_t row)
{
	rows->bit[row / 64] |= UINT64_C(1) << row % 64;
}

static inline void row_set_remove(struct row_set *rows, uint32_t row)
{
	rows->bit[row / 64] &= ~(UINT64_C(1) << row % 64);
}

static inline bool row_set_is_empty(const struct row_set *rows)
{
	uint64_t any = 0;

	for (uint32_t w = rows->from; w < rows->to; w++)
		any |= rows->bit[w];
	return any == 0;
}

static inline uint32_t row_set_count(const struct row_set *rows)
{
	uint32_t n = 0;

	for (uint32_t w = rows->from; w < rows->to; w++)
		n += (uint32_t)__builtin_popcountll(rows->bit[w]);
	return n;
}

/* The lowest and the highest row; the set is not empty. */
static inline uint32_t row_set_first(const struct row_set *rows)
{
	uint32_t w = rows->from;

	while (!rows->bit[w])
		w++;
	return w * 64 + (uint32_t)__builtin_ctzll(rows->bit[w]);
}

static inline uint32_t row_set_last(const struct row_set *rows)
{
	uint32_t w = rows->to - 1;

	while (!rows->bit[w])
		w--;
	return w * 64 + 63 - (uint32_t)__builtin_clzll(rows->bit[w]);
}

#endif
