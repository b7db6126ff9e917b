/*
 * A table: a row of column names, then one a record. A cell is the value at the column's path; what lies in the items
 * of an array is written as a JSON array of those values.
 */
#include "base/mem.h"
#include "codec/csv.h"
#include "codec/record_path.h"
#include "query/path_list.h"
#include "service/export_priv.h"

#define DEFAULT_COLUMNS                                                                                                \
	"time,id,action,actor.type,actor.id,actor.name,actor.email,entity.type,entity.id,entity.name,outcome.type,"    \
	"outcome.reason,severity,category,type,description,context.ip,context.user_agent,received"

struct csv {
	struct path_list columns;
	struct buf scratch;
	struct buf list; /* values out of arrays */
};

static int make_csv(struct export *x, struct err *err)
{
	struct csv *c = xalloc(sizeof(*c));

	x->state = c;
	return path_list_parse(x->spec.columns.len > 0 ? x->spec.columns : SPAN_LIT(DEFAULT_COLUMNS), &c->columns, err);
}

static void free_csv(struct export *x)
{
	struct csv *c = x->state;

	if (!c)
		return;
	path_list_release(&c->columns);
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

static void put_cell(struct csv *c, struct span record, struct span path, struct buf *to)
{
	struct span json;

	if (record_path_get(record, path, &json)) {
		csv_put_json(to, json, &c->scratch);
		return;
	}
	buf_reset(&c->list);
	(void)record_path_each(record, path, add_value, &c->list); /* visits all */
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
	for (uint32_t i = 0; i < c->columns.count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_cell(c, record, c->columns.item[i].path, to);
	}
	buf_put_str(to, "\r\n");
	return 0;
}

const struct export_ops export__csv = {.make = make_csv, .begin = begin_csv, .put = put_row, .free = free_csv};
