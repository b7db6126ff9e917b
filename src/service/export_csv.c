/*
 * A table: a row of column names, then one a record. A cell is the value at the column's path; what lies in the items
 * of an array is written as a JSON array of those values.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/csv.h"
#include "codec/record_path.h"
#include "codec/shape.h"
#include "query/path_list.h"
#include "service/export_priv.h"

#define DEFAULT_COLUMNS                                                                                                \
	"time,id,action,actor.type,actor.id,actor.name,actor.email,entity.type,entity.id,entity.name,outcome.type,"    \
	"outcome.reason,severity,category,type,description,context.ip,context.user_agent,received"

/* A column's path cut at its first name, and the record's member of that name. */
struct column {
	struct span first;
	struct span rest;
	bool has_rest;
	struct span member; /* p NULL: there is none */
};

struct csv {
	struct path_list columns;
	struct column *column; /* [columns.count] */
	struct buf scratch;
	struct buf list; /* values out of arrays */
};

static void cut_path(struct span path, struct column *to)
{
	const uint8_t *sep = memchr(path.p, SHAPE_PATH_SEP, path.len);

	to->has_rest = sep != NULL;
	to->first = span_of(path.p, sep ? (size_t)(sep - path.p) : path.len);
	to->rest = sep ? span_from(path, to->first.len + 1) : span_of(NULL, 0);
}

static int make_csv(struct export *x, struct err *err)
{
	struct csv *c = xalloc(sizeof(*c));
	int rc;

	x->state = c;
	rc = path_list_parse(x->spec.columns.len > 0 ? x->spec.columns : SPAN_LIT(DEFAULT_COLUMNS), &c->columns, err);
	if (rc < 0)
		return rc;
	c->column = xarray(c->columns.count, sizeof(*c->column));
	for (uint32_t i = 0; i < c->columns.count; i++)
		cut_path(c->columns.item[i].path, &c->column[i]);
	return 0;
}

static void free_csv(struct export *x)
{
	struct csv *c = x->state;

	if (!c)
		return;
	path_list_release(&c->columns);
	free(c->column);
	buf_release(&c->scratch);
	buf_release(&c->list);
	free(c);
}

static int begin_csv(struct export *x, struct buf *to, struct err *err)
{
	struct csv *c = x->state;

	(void)err;
	for (uint32_t i = 0; i < c->columns.count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		csv_put_text(to, c->columns.item[i].text, &c->scratch);
	}
	buf_put_str(to, "\r\n");
	return 0;
}

static bool add_value(void *user, struct span json)
{
	struct buf *list = user;

	buf_put_u8(list, list->len ? ',' : '[');
	buf_put_span(list, json);
	return true;
}

static void find_members(struct csv *c, struct span record)
{
	struct record_items it = record_items_of(record);
	struct span name, json;

	for (uint32_t i = 0; i < c->columns.count; i++)
		c->column[i].member = span_of(NULL, 0);
	while (record_items_next(&it, &name, &json)) {
		for (uint32_t i = 0; i < c->columns.count; i++) {
			if (span_eq(c->column[i].first, name))
				c->column[i].member = json;
		}
	}
}

static void put_cell(struct csv *c, const struct column *column, struct buf *to)
{
	struct span json = column->member;

	if (!json.p)
		return;
	if (!column->has_rest || record_path_get(column->member, column->rest, &json)) {
		csv_put_json(to, json, &c->scratch);
		return;
	}
	buf_reset(&c->list);
	(void)record_path_each(column->member, column->rest, add_value, &c->list); /* visits all */
	if (c->list.len == 0)
		return;
	buf_put_u8(&c->list, ']');
	if (!buf_ok(&c->list))
		to->failed = true;
	csv_put_json(to, buf_span(&c->list), &c->scratch);
}

static int put_row(struct export *x, struct span record, struct buf *to, struct err *err)
{
	struct csv *c = x->state;

	(void)err;
	find_members(c, record);
	for (uint32_t i = 0; i < c->columns.count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_cell(c, &c->column[i], to);
	}
	buf_put_str(to, "\r\n");
	return 0;
}

const struct export_ops export__csv = {.make = make_csv, .begin = begin_csv, .put = put_row, .free = free_csv};
