/* Cutting a block's records into columns; see gather.h. */
#include "store/gather.h"

#include "base/mem.h"
#include "codec/record.h"
#include "codec/timestamp.h"

static struct gather_column *column_of(struct gather *g, uint32_t column)
{
	struct gather_column *c;

	if (column >= g->column_cap) {
		uint32_t cap = g->column_cap ? g->column_cap : 64;

		while (cap <= column)
			cap *= 2;
		g->column = xrealloc(g->column, cap * sizeof(struct gather_column *));
		memset(g->column + g->column_cap, 0, (cap - g->column_cap) * sizeof(struct gather_column *));
		g->column_cap = cap;
	}
	c = g->column[column];
	if (c)
		return c;
	c = g->column[column] = xalloc(sizeof(*c));
	c->column = column;
	if (g->present_count == g->present_cap) {
		g->present_cap = g->present_cap ? g->present_cap * 2 : 64;
		g->present = xrealloc(g->present, g->present_cap * sizeof(*g->present));
	}
	g->present[g->present_count++] = column;
	return c;
}

static void add_value(struct gather *g, uint32_t column, size_t row, struct span value)
{
	struct gather_column *c = column < g->column_cap ? g->column[column] : NULL;

	if (!c)
		c = column_of(g, column);
	if (c->count == c->cap) {
		/* most columns have a value in every row or in few */
		c->cap = c->cap ? (uint32_t)g->rows : (uint32_t)(row < 16 ? g->rows : 16);
		if (c->cap <= c->count)
			c->cap = (uint32_t)g->rows;
		c->value = xrealloc(c->value, c->cap * sizeof(*c->value));
		c->row = xrealloc(c->row, c->cap * sizeof(*c->row));
	}
	c->value[c->count] = value;
	c->row[c->count++] = (uint16_t)row;
	c->bytes += value.len;
}

/* What the fixed columns of a record must say for it to be stored in columns. */
struct fixed {
	bool id, time, received;
};

static bool take_fixed(struct gather *g, size_t row, uint32_t column, struct span value, const uint8_t *id,
		       struct fixed *seen)
{
	switch (column) {
	case COLUMN_ID:
		seen->id = value.len == ID_TEXT_LEN && memcmp(value.p, id, ID_TEXT_LEN) == 0;
		return seen->id;
	case COLUMN_TIME_OF:
		seen->time = value.len == TIMESTAMP_LEN && timestamp_parse_canonical(value.p, &g->time[row]);
		return seen->time;
	case COLUMN_RECEIVED:
		seen->received = value.len == TIMESTAMP_LEN && timestamp_parse_canonical(value.p, &g->received[row]);
		return seen->received;
	default:
		return false;
	}
}

static int gather_raw(struct gather *g, size_t row)
{
	struct record_ref ref;
	struct span record = g->records[row];

	g->shape[row] = g->d->raw_shape;
	g->d->has_raw = true;
	g->time[row] = g->received[row] = 0;
	if (record_check(record, &ref, NULL) == 0) {
		g->time[row] = ref.time_us;
		if (!timestamp_parse_canonical(record.p + ref.received_off, &g->received[row]))
			g->received[row] = 0;
	}
	add_value(g, COLUMN_RAW, row, record);
	return 0;
}

static int gather_record(struct gather *g, size_t row, const uint8_t *id, struct span *holes)
{
	struct fixed seen = {false, false, false};
	const struct shape *shape;
	int rc = shape_cut(g->d->shapes, g->records[row], &g->shape[row], holes);

	if (rc == E_QUOTA)
		return gather_raw(g, row);
	if (rc < 0)
		return rc;
	shape = shape_set_get(g->d->shapes, g->shape[row]);
	for (uint32_t k = 0; k < shape->hole_count; k++)
		if (shape->column[k] < COLUMN_FIXED_COUNT && !take_fixed(g, row, shape->column[k], holes[k], id, &seen))
			return gather_raw(g, row);
	if (!seen.id || !seen.time || !seen.received)
		return gather_raw(g, row);
	for (uint32_t k = 0; k < shape->hole_count; k++)
		if (shape->column[k] >= COLUMN_FIXED_COUNT)
			add_value(g, shape->column[k], row, holes[k]);
	return 0;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void count_shapes(struct gather *g)
{
	uint8_t *seen = xarray(shape_set_count(g->d->shapes), 1);

	for (size_t r = 0; r < g->rows; r++) {
		g->shapes_used += !seen[g->shape[r]];
		seen[g->shape[r]] = 1;
	}
	free(seen);
}

int gather_records(struct gather *g, struct draft *d, const struct span *records, size_t count, bool raw,
		   struct err *err)
{
	struct span holes[RECORD_VALUES_MAX];
	uint8_t *ids = xarray(count, ID_TEXT_LEN);
	int rc = 0;

	memset(g, 0, sizeof(*g));
	g->d = d;
	g->rows = count;
	g->first = d->next;
	g->records = records;
	g->shape = xarray(count, sizeof(*g->shape));
	g->time = xarray(count, sizeof(*g->time));
	g->received = xarray(count, sizeof(*g->received));
	id_cipher_encode(d->ids, g->first, count, ids);
	for (size_t r = 0; r < count && rc == 0; r++)
		rc = raw ? gather_raw(g, r) : gather_record(g, r, ids + r * ID_TEXT_LEN, holes);
	free(ids);
	if (rc < 0)
		return err_set(err, rc, "a record given to a segment is no canonical JSON");
	if (g->present_count)
		qsort(g->present, g->present_count, sizeof(*g->present), compare_u32);
	count_shapes(g);
	draft_fit_columns(d);
	return 0;
}

void gather_release(struct gather *g)
{
	for (uint32_t k = 0; k < g->present_count; k++) {
		struct gather_column *c = g->column[g->present[k]];

		free(c->value);
		free(c->row);
		free(c->at_row);
		free(c->code);
		free(c->refs);
		buf_release(&c->chunk);
		buf_release(&c->keys);
		free(c);
	}
	free(g->column);
	free(g->present);
	free(g->shape);
	free(g->time);
	free(g->received);
	memset(g, 0, sizeof(*g));
}

const uint16_t *gather_at_row(const struct gather *g, struct gather_column *c)
{
	if (c->at_row)
		return c->at_row;
	c->at_row = xarray(g->rows, sizeof(*c->at_row));
	memset(c->at_row, 0xff, g->rows * sizeof(*c->at_row));
	for (uint32_t i = 0; i < c->count; i++)
		c->at_row[c->row[i]] = (uint16_t)i;
	return c->at_row;
}
