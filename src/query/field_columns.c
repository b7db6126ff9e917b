/* The columns of a segment that hold a field's values. */
#include "base/mem.h"
#include "codec/shape.h"
#include "query/field_priv.h"

static bool find_column(const struct shape_column *column, const struct field *field, struct field_column *ret)
{
	struct span path = column->path;

	*ret = (struct field_column){.is_string = column->is_string};
	if (path.len == 0) {
		ret->is_record = true;
		return !column->is_string;
	}
	if (span_eq(path, field->path)) {
		ret->depth = field->name_count;
		return true;
	}
	if (column->is_string || field->path.len <= path.len || field->path.p[path.len] != SHAPE_PATH_SEP ||
	    !span_starts_with(field->path, path))
		return false;
	while (ret->depth < field->name_count && field->name[ret->depth].p <= field->path.p + path.len)
		ret->depth++;
	return true;
}

/* A dictionary counts only where each record has its values in columns. */
bool field__has_no_whole_records(const struct segment *segment)
{
	for (uint32_t c = 0; c < segment_column_count(segment); c++)
		if (segment_column_dict_info(segment, c).is_counted)
			return true;
	return false;
}

void field_columns_find(struct field_columns *c, const struct field *field, const struct segment *segment)
{
	bool has_no_records = field__has_no_whole_records(segment);
	struct field_column found;

	*c = (struct field_columns){.field = field};
	for (uint32_t k = 0; k < segment_column_count(segment); k++) {
		if (!find_column(segment_column(segment, k), field, &found) || (found.is_record && has_no_records))
			continue;
		if (c->count == c->cap) {
			c->cap = c->cap ? c->cap * 2 : 4;
			c->at = xrealloc(c->at, c->cap * sizeof(*c->at));
		}
		found.column = k;
		c->at[c->count++] = found;
	}
}

void field_columns_release(struct field_columns *c)
{
	free(c->at);
	*c = (struct field_columns){0};
}

/* ---- texts ---- */

/* One text alone costs about as much as so many of all. */
#define ALONE_COST 8u

int field_texts_open(struct field_texts *t, struct block *b, uint32_t column, const struct block_values *values,
		     const struct row_set *rows, struct err *err)
{
	*t = (struct field_texts){.block = b, .column = column};
	if ((uint64_t)row_set_count(rows) * ALONE_COST < values->count)
		return 0;
	return block_texts(b, column, &t->all, err);
}

int field_texts_get(const struct field_texts *t, uint32_t i, struct buf *scratch, struct span *ret, struct err *err)
{
	int rc;

	if (t->all.text) {
		*ret = span_of(t->all.text + t->all.offset[i], t->all.offset[i + 1] - t->all.offset[i]);
		return 0;
	}
	buf_reset(scratch);
	rc = block_value_text(t->block, t->column, i, scratch, err);
	*ret = buf_span(scratch);
	return rc;
}
