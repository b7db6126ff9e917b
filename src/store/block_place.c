/*
 * Which value of a column belongs to a row. A column has values in the rows whose shape has it, in order; so the place
 * of a row's value is how many rows before have such a shape. Rows are counted by shape once a block, with a mark every
 * ROW_MARK rows, and from the nearest mark on demand: finding one record in a block costs little, and so does reading
 * on from there.
 */
#include "base/mem.h"
#include "store/segment_priv.h"

#define ROW_MARK 256u

static void make_marks(struct block *b)
{
	uint32_t marks = (b->info.rows + ROW_MARK - 1) / ROW_MARK;
	size_t bytes = b->shape_count * sizeof(*b->shape_before);

	b->shape_marks = xarray((size_t)marks * b->shape_count, sizeof(*b->shape_marks));
	b->shape_before = xarray(b->shape_count, sizeof(*b->shape_before));
	for (uint32_t r = 0; r < b->info.rows; r++) {
		if (r % ROW_MARK == 0)
			memcpy(b->shape_marks + (size_t)(r / ROW_MARK) * b->shape_count, b->shape_before, bytes);
		b->shape_before[b->row_shape[r]]++;
	}
	b->at_row = b->info.rows;
}

static void go_to_row(struct block *b, uint32_t row)
{
	if (!b->shape_marks)
		make_marks(b);
	if (row < b->at_row || row - b->at_row > ROW_MARK) {
		memcpy(b->shape_before, b->shape_marks + (size_t)(row / ROW_MARK) * b->shape_count,
		       b->shape_count * sizeof(*b->shape_before));
		b->at_row = row / ROW_MARK * ROW_MARK;
	}
	for (; b->at_row < row; b->at_row++)
		b->shape_before[b->row_shape[b->at_row]]++;
}

int block__place(struct block *b, struct block_slot *s, uint32_t row, uint32_t *ret, struct err *err)
{
	const uint32_t *shape = b->slot_shapes + s->shapes_at;
	uint32_t place = 0;
	bool has = false;

	must(row < b->info.rows);
	if (s->count == b->info.rows) {
		*ret = row;
		return 0;
	}
	if (row == b->next_row) {
		place = s->seen - (s->seen_row == row + 1);
		has = place < s->count;
	} else {
		go_to_row(b, row);
		for (uint32_t k = 0; k < s->shapes_count; k++) {
			place += b->shape_before[shape[k]];
			has |= shape[k] == b->row_shape[row];
		}
	}
	if (!has || place >= s->count)
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
