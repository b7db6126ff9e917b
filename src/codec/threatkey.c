/*
 * ThreatKey's rows, out and in. A user is their e-mail address, name or id, whichever comes first; one that comes in
 * and holds an '@' is an address, any other a name. What a row says otherwise than the record would is kept (row.h).
 */
#include "codec/threatkey.h"

#include <string.h>

#include "codec/json_text.h"
#include "codec/row_format.h"
#include "codec/timestamp.h"

#define KEPT "threatkey"

enum column { COLUMN_TIMESTAMP, COLUMN_USER, COLUMN_ACTION, COLUMN_ADDRESS, COLUMN_OBJECT };

static const struct row_cell cells[THREATKEY_COLUMNS] = {
	[COLUMN_TIMESTAMP] = {.name = "Timestamp", .form = ROW_TIME, .from = {{RECORD_TIME, NULL}}, .from_count = 1},
	[COLUMN_USER] = {.name = "User",
			 .form = ROW_TEXT,
			 .from = {{RECORD_ACTOR, "email"}, {RECORD_ACTOR, "name"}, {RECORD_ACTOR, "id"}},
			 .from_count = 3},
	[COLUMN_ACTION] = {.name = "Action", .form = ROW_TEXT, .from = {{RECORD_ACTION, NULL}}, .from_count = 1},
	[COLUMN_ADDRESS] = {.name = "IP address", .form = ROW_TEXT, .from = {{RECORD_CONTEXT, "ip"}}, .from_count = 1},
	[COLUMN_OBJECT] = {.name = "Affected object",
			   .form = ROW_TEXT,
			   .from = {{RECORD_ENTITY, "name"}, {RECORD_ENTITY, "id"}, {RECORD_ENTITY, "type"}},
			   .from_count = 3},
};

const struct row_table threatkey_row = {cells, THREATKEY_COLUMNS, KEPT, true};

/* ---- in ---- */

/* The row taken apart, and the event as it grows. */
struct taking {
	yyjson_val *cell[THREATKEY_COLUMNS]; /* NULL: the row has it not */
	struct buf kept;                     /* members of attributes.threatkey */
	struct buf *to;
	struct err *err;
};

static int find_column(struct span name)
{
	for (unsigned i = 0; i < THREATKEY_COLUMNS; i++) {
		if (span_eq_str(name, cells[i].name))
			return (int)i;
	}
	return -1;
}

static int take_apart(struct taking *t, yyjson_val *row)
{
	yyjson_obj_iter members;
	yyjson_val *key;

	if (!yyjson_is_obj(row))
		return err_set(t->err, E_INVALID, "a row is an object, not %s", yyjson_get_type_desc(row));
	yyjson_obj_iter_init(row, &members);
	while ((key = yyjson_obj_iter_next(&members))) {
		int c = find_column(row_string(key));

		if (c < 0)
			row_keep(&t->kept, row_string(key), yyjson_obj_iter_get_val(key));
		else if (t->cell[c])
			return row_refuse(t->err, span_str(cells[c].name), "this column is there twice");
		else
			t->cell[c] = yyjson_obj_iter_get_val(key);
	}
	return 0;
}

static int take_action(struct taking *t)
{
	yyjson_val *v = t->cell[COLUMN_ACTION];

	if (!yyjson_is_str(v) || yyjson_get_len(v) == 0)
		return row_refuse(t->err, SPAN_LIT("Action"), "a row needs an 'Action', a text that is not empty");
	buf_put_str(t->to, "{\"action\":");
	json_text_string(t->to, row_string(v));
	return 0;
}

/* A time, kept as well when it was written otherwise. */
static int take_timestamp(struct taking *t)
{
	yyjson_val *v = t->cell[COLUMN_TIMESTAMP];
	uint8_t text[TIMESTAMP_LEN];
	int64_t us;

	if (!v)
		return 0;
	if (!yyjson_is_str(v) || !timestamp_parse(row_string(v), &us))
		return row_refuse(t->err, SPAN_LIT("Timestamp"),
				  "it must be an RFC 3339 time such as 2026-11-21T10:00:00Z, in years 0001 to 9999");
	timestamp_format(us, text);
	buf_printf(t->to, ",\"time\":\"%.*s\"", TIMESTAMP_LEN, (const char *)text);
	if (!span_eq(row_string(v), span_of(text, TIMESTAMP_LEN)))
		row_keep(&t->kept, SPAN_LIT("Timestamp"), v);
	return 0;
}

/* Whether a column holds a text. What is null is as what is left out; anything else is kept. */
static bool has_text(struct taking *t, enum column c)
{
	yyjson_val *v = t->cell[c];

	if (yyjson_is_str(v))
		return true;
	if (v && !yyjson_is_null(v))
		row_keep(&t->kept, span_str(cells[c].name), v);
	return false;
}

/* ,"object":{"member":text} of a column that holds one. */
static void take_text(struct taking *t, enum column c, const char *object, const char *member)
{
	if (!has_text(t, c))
		return;
	buf_printf(t->to, ",\"%s\":{\"%s\":", object, member);
	json_text_string(t->to, row_string(t->cell[c]));
	buf_put_u8(t->to, '}');
}

static void take_user(struct taking *t)
{
	struct span user = row_string(t->cell[COLUMN_USER]);

	take_text(t, COLUMN_USER, "actor", user.len > 0 && memchr(user.p, '@', user.len) ? "email" : "name");
}

int threatkey_event(yyjson_val *row, const struct row_given *given, struct buf *to, struct err *err)
{
	struct taking t = {.kept = BUF_INIT, .to = to, .err = err};
	int rc;

	(void)given;
	if ((rc = take_apart(&t, row)) == 0 && (rc = take_action(&t)) == 0 && (rc = take_timestamp(&t)) == 0) {
		take_user(&t);
		take_text(&t, COLUMN_ADDRESS, "context", "ip");
		take_text(&t, COLUMN_OBJECT, "entity", "name");
		row_keep_end(to, &t.kept, KEPT);
	}
	buf_release(&t.kept);
	return rc;
}
