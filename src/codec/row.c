/* Rows of vendors. The values of a canonical record are copied as they stand: what is a string there is one here. */
#include "codec/row.h"

#include <stdio.h>

#include "base/err.h"
#include "codec/csv.h"
#include "codec/json_text.h"
#include "codec/record_path.h"
#include "codec/record_priv.h"
#include "codec/timestamp.h"

#define CANONICAL_TIME_LEN ((size_t)TIMESTAMP_LEN + 2) /* with its quotes */
#define MS_LEN             (sizeof("2026-01-31T12:00:00.000") - 1)

/* What is kept for a row: of each cell, and of others. */
struct kept {
	struct span of_cell[ROW_CELLS_MAX]; /* p NULL: nothing */
	struct span object;                 /* p NULL: nothing at all */
};

static const char *kept_name(const struct row_cell *c)
{
	return c->kept ? c->kept : c->name;
}

/* The cell whose value is kept under this name, or -1. */
static int find_cell(const struct row_table *t, struct span name)
{
	for (unsigned i = 0; i < t->cell_count; i++) {
		if (span_eq_str(name, kept_name(&t->cell[i])))
			return (int)i;
	}
	return -1;
}

static void find_kept(const struct row_table *t, const struct record_view *v, struct kept *ret)
{
	struct record_items it;
	struct span name, json;
	int at;

	must(t->cell_count <= ROW_CELLS_MAX);
	ret->object = span_of(NULL, 0);
	if (!t->kept || !v->member[RECORD_ATTRIBUTES].p ||
	    !record_view_find(v->member[RECORD_ATTRIBUTES], t->kept, &ret->object))
		return;
	memset(ret->of_cell, 0, t->cell_count * sizeof(ret->of_cell[0]));
	it = record_items_of(ret->object);
	while (record_items_next(&it, &name, &json)) {
		at = find_cell(t, name);
		if (at >= 0)
			ret->of_cell[at] = json;
	}
}

/* The value of the first path that leads to one. */
static struct span find_value(const struct row_cell *c, const struct record_view *v)
{
	struct span json;

	for (unsigned i = 0; i < c->from_count; i++) {
		json = v->member[c->from[i].member];
		if (json.p && (!c->from[i].name || record_view_find(json, c->from[i].name, &json)))
			return json;
	}
	return span_of(NULL, 0);
}

static void put_text(struct buf *to, struct span json)
{
	if (!json.p)
		buf_put_str(to, "null");
	else if (json.p[0] == '"')
		buf_put_span(to, json);
	else
		json_text_string(to, json);
}

static void put_time(struct buf *to, enum row_form form, struct span json)
{
	int64_t us;

	if (json.len != CANONICAL_TIME_LEN || !timestamp_parse_canonical(json.p + 1, &us)) {
		buf_put_str(to, "null"); /* a record's own times always are */
	} else if (form == ROW_TIME) {
		buf_put_span(to, json);
	} else if (form == ROW_TIME_MS) {
		buf_put(to, json.p, 1 + MS_LEN);
		buf_put_str(to, "Z\"");
	} else {
		buf_printf(to, "%lld", (long long)(us >= 0 ? us / 1000 : -((999 - us) / 1000)));
	}
}

static bool is_word(struct span json, const char *word)
{
	return json.len >= 2 && json.p[0] == '"' && span_eq_str(span_of(json.p + 1, json.len - 2), word);
}

static void put_value(const struct row_cell *c, const struct record_view *v, const struct row_given *given,
		      struct buf *to)
{
	struct span json = find_value(c, v);

	switch (c->form) {
	case ROW_TEXT:
		put_text(to, json);
		return;
	case ROW_JSON:
		buf_put_span(to, json.p ? json : SPAN_LIT("null"));
		return;
	case ROW_JSON_TEXT:
		json_text_string(to, json);
		return;
	case ROW_TIME:
	case ROW_TIME_MS:
	case ROW_EPOCH_MS:
		put_time(to, c->form, json);
		return;
	case ROW_IS:
		buf_put_str(to, is_word(json, c->word) ? "true" : "false");
		return;
	case ROW_GIVEN:
		json_text_string(to, given->text[c->given]);
		return;
	case ROW_GIVEN_RAW:
		buf_put_span(to, given->text[c->given]);
		return;
	case ROW_MADE: /* put_cell has done it */
	case ROW_NOWHERE:
		return;
	}
}

static void put_cell(const struct row_table *t, unsigned at, const struct record_view *v, const struct kept *kept,
		     const struct row_given *given, struct buf *to)
{
	struct span own = kept->object.p ? kept->of_cell[at] : span_of(NULL, 0);

	if (t->cell[at].form == ROW_MADE)
		t->cell[at].make(v, own, to);
	else if (own.p)
		buf_put_span(to, own);
	else
		put_value(&t->cell[at], v, given, to);
}

static void put_extras(const struct row_table *t, const struct kept *kept, struct buf *to)
{
	struct record_items it = record_items_of(kept->object);
	struct span name, json;

	while (record_items_next(&it, &name, &json)) {
		if (find_cell(t, name) >= 0)
			continue;
		buf_put_str(to, ",\"");
		buf_put_span(to, name);
		buf_put_str(to, "\":");
		buf_put_span(to, json);
	}
}

void row_put_json(const struct row_table *t, const struct row_given *given, struct span record, struct buf *to)
{
	struct record_view v;
	struct kept kept;

	record_view_of(record, &v);
	find_kept(t, &v, &kept);
	for (unsigned i = 0; i < t->cell_count; i++) {
		if (t->cell[i].form == ROW_NOWHERE)
			continue;
		buf_put_str(to, i > 0 ? ",\"" : "{\"");
		buf_put_str(to, t->cell[i].name);
		buf_put_str(to, "\":");
		put_cell(t, i, &v, &kept, given, to);
	}
	if (t->has_extras && kept.object.p)
		put_extras(t, &kept, to);
	buf_put_u8(to, '}');
}

void row_path_text(const struct row_path *path, char to[ROW_PATH_TEXT_MAX])
{
	struct span member = record__member_name(path->member);

	snprintf(to, ROW_PATH_TEXT_MAX, "%.*s%s%s", (int)member.len, (const char *)member.p, path->name ? "." : "",
		 path->name ? path->name : "");
}

void row_put_csv_head(const struct row_table *t, struct buf *to, struct buf *scratch)
{
	for (unsigned i = 0; i < t->cell_count; i++) {
		if (t->cell[i].form == ROW_NOWHERE)
			continue;
		if (i > 0)
			buf_put_u8(to, ',');
		csv_put_text(to, span_str(t->cell[i].name), scratch);
	}
	buf_put_str(to, "\r\n");
}

void row_put_csv(const struct row_table *t, const struct row_given *given, struct span record, struct buf *to,
		 struct buf *scratch)
{
	struct buf cell = BUF_INIT;
	struct record_view v;
	struct kept kept;

	record_view_of(record, &v);
	find_kept(t, &v, &kept);
	for (unsigned i = 0; i < t->cell_count; i++) {
		if (t->cell[i].form == ROW_NOWHERE)
			continue;
		buf_reset(&cell);
		put_cell(t, i, &v, &kept, given, &cell);
		if (i > 0)
			buf_put_u8(to, ',');
		csv_put_json(to, buf_span(&cell), scratch);
		if (!buf_ok(&cell))
			to->failed = true;
	}
	buf_put_str(to, "\r\n");
	buf_release(&cell);
}
