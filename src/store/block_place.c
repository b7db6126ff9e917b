/*
 * Which value of a column belongs to a row. A column has values in the rows whose shape has it, in order; so the place
 * of a row's value is how many rows before have such a shape. For few rows these are counted by shape, from the row
 * asked for before on demand: finding one record in a block costs little. For many the rows of the column are listed
 * once, and a row is looked for from the one before.
 */
#include <emmintrin.h>

#include "base/mem.h"
#include "store/segment_priv.h"

#define PLACES_BY_COUNT 8u  /* so many places of a column are counted out before its rows are listed */
#define SHAPES_FEW      16u /* are counted one after the other, eight rows at a time */
#define PLACE_NONE      UINT32_MAX

static uint16_t count_shape(const uint16_t *row_shape, uint32_t n, uint16_t shape)
{
	const __m128i wanted = _mm_set1_epi16((short)shape);
	__m128i sum = _mm_setzero_si128();
	uint16_t lanes[8], count = 0;
	uint32_t r = 0;

	for (; r + 8 <= n; r += 8) /* at most 1,024 in each of eight sums */
		sum = _mm_sub_epi16(
			sum, _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)(row_shape + r)), wanted));
	_mm_storeu_si128((__m128i *)(void *)lanes, sum);
	for (unsigned k = 0; k < 8; k++)
		count = (uint16_t)(count + lanes[k]);
	for (; r < n; r++)
		count = (uint16_t)(count + (row_shape[r] == shape));
	return count;
}

void block__count_shapes(const struct block *b, uint32_t from, uint32_t to, uint16_t *counts)
{
	if (b->shape_count <= SHAPES_FEW) {
		for (uint32_t k = 0; k < b->shape_count; k++)
			counts[k] = (uint16_t)(counts[k] + count_shape(b->row_shape + from, to - from, (uint16_t)k));
		return;
	}
	for (uint32_t r = from; r < to; r++)
		counts[b->row_shape[r]]++;
}

static void go_to_row(struct block *b, uint32_t row)
{
	if (!b->shape_before)
		b->shape_before = xarray(b->shape_count, sizeof(*b->shape_before));
	if (row < b->at_row) {
		memset(b->shape_before, 0, b->shape_count * sizeof(*b->shape_before));
		b->at_row = 0;
	}
	block__count_shapes(b, b->at_row, row, b->shape_before);
	b->at_row = row;
}

static uint32_t count_place(struct block *b, const struct block_slot *s, uint32_t row)
{
	const uint32_t *shape = b->slot_shapes + s->shapes_at;
	uint32_t place = 0;
	bool has = false;

	go_to_row(b, row);
	for (uint32_t k = 0; k < s->shapes_count; k++) {
		place += b->shape_before[shape[k]];
		has |= shape[k] == b->row_shape[row];
	}
	return has ? place : PLACE_NONE;
}

/* The place of a row in the list, which ascends: most often the next one or near it. */
static uint32_t find_place(struct block_slot *s, uint32_t row)
{
	uint32_t low = s->at_place, count = s->count - low;

	if (s->row_of[low] > row) {
		count = low;
		low = 0;
	} else if (count > 1 && s->row_of[low + 1] >= row) {
		low += s->row_of[low + 1] == row;
		count = 1;
	}
	while (count > 1) {
		uint32_t half = count / 2;

		low = s->row_of[low + half] <= row ? low + half : low;
		count -= half;
	}
	s->at_place = low;
	return s->row_of[low] == row ? low : PLACE_NONE;
}

int block__find_place(struct block *b, struct block_slot *s, uint32_t row, uint32_t *ret, struct err *err)
{
	uint32_t place;

	if (!s->row_of && ++s->places_asked > PLACES_BY_COUNT)
		block__make_rows(b, s);
	place = s->row_of ? find_place(s, row) : count_place(b, s, row);
	if (place == PLACE_NONE)
		return block__damaged(b, -1, err, "a row refers to a column it does not have");
	*ret = place;
	return 0;
}

void block__make_rows(struct block *b, struct block_slot *s)
{
	uint8_t *has;
	uint32_t n = 0;

	if (s->row_of || s->count == b->info.rows)
		return;
	has = xarray(b->shape_count, 1);
	for (uint32_t k = 0; k < s->shapes_count; k++)
		has[b->slot_shapes[s->shapes_at + k]] = 1;
	s->row_of = xarray(s->count + 1, sizeof(*s->row_of));
	for (uint32_t r = 0; r < b->info.rows; r++) {
		s->row_of[n] = (uint16_t)r;
		n += has[b->row_shape[r]];
	}
	free(has);
}

uint32_t block__row(struct block *b, struct block_slot *s, uint32_t i)
{
	block__make_rows(b, s);
	return s->row_of ? s->row_of[i] : i;
}
