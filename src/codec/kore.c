/*
 * Kore.ai's rows, out and in. What is changed is told as delta: from is what was before, to what is after. A row is
 * kept in part (row.h) where its value is of a kind that the record's member cannot have, or would be shown otherwise.
 * htmlText is shown with a few plain elements alone, whatever was kept (html_text.h).
 */
#include "codec/kore.h"

#include <string.h>

#include "codec/html_text.h"
#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/row_format.h"
#include "codec/timestamp.h"

#define KEPT           "kore"
#define ACTION_UNKNOWN "audit" /* an event must have one */

#define FROM_MEMBER(m)       .from = {{m, NULL}}, .from_count = 1
#define FROM_OBJECT(m, name) .from = {{m, name}}, .from_count = 1

/* ---- out ---- */

static void make_parents(const struct record_view *v, struct span kept, struct buf *to)
{
	struct span parents = kept;

	if (!parents.p && v->member[RECORD_ENTITY].p)
		(void)record_view_find(v->member[RECORD_ENTITY], "parents", &parents);
	buf_put_span(to, parents.p ? parents : SPAN_LIT("[]"));
}

static void make_id(const struct record_view *v, struct span kept, struct buf *to)
{
	if (kept.p) {
		buf_put_span(to, kept);
		return;
	}
	buf_put(to, v->member[RECORD_ID].p, 1 + KORE_ID_LEN); /* with its first quote */
	buf_put_u8(to, '"');
}

static void make_delta(const struct record_view *v, struct span kept, struct buf *to)
{
	const struct span *before = &v->member[RECORD_BEFORE], *after = &v->member[RECORD_AFTER];

	if (kept.p) {
		buf_put_span(to, kept);
		return;
	}
	buf_put_str(to, "{\"from\":");
	buf_put_span(to, before->p ? *before : SPAN_LIT("{}"));
	buf_put_str(to, ",\"to\":");
	buf_put_span(to, after->p ? *after : SPAN_LIT("{}"));
	buf_put_u8(to, '}');
}

/* The inside of a JSON string, without its escapes. */
static void put_plain(struct buf *to, struct span json)
{
	if (json.len >= 2 && json.p[0] == '"')
		json_text_unescape(to, span_of(json.p + 1, json.len - 2));
}

static bool is_container(struct span json)
{
	return json.p && (json.p[0] == '[' || json.p[0] == '{');
}

/* A description is text; what a row was taken in with is HTML. A list of texts is none, though a page that shows it
 * would make it one: it is passed over. */
static void make_html(const struct record_view *v, struct span kept, struct buf *to)
{
	struct span description =
		v->member[RECORD_DESCRIPTION].p ? v->member[RECORD_DESCRIPTION] : v->member[RECORD_ACTION];
	struct buf plain = BUF_INIT, html = BUF_INIT;

	if (is_container(kept))
		kept = span_of(NULL, 0);
	if (kept.p && kept.p[0] != '"') {
		buf_put_span(to, kept); /* no text at all */
		return;
	}
	put_plain(&plain, kept.p ? kept : description);
	(kept.p ? html_clean : html_escape)(&html, buf_span(&plain));
	json_text_string(to, buf_span(&html));
	to->failed = to->failed || !buf_ok(&plain) || !buf_ok(&html);
	buf_release(&plain);
	buf_release(&html);
}

static void make_keywords(const struct record_view *v, struct span kept, struct buf *to)
{
	(void)v;
	buf_put_span(to, kept.p ? kept : SPAN_LIT("\"\""));
}

static void make_version(const struct record_view *v, struct span kept, struct buf *to)
{
	(void)v;
	buf_put_span(to, kept.p ? kept : SPAN_LIT("0"));
}

static const struct row_cell cells[] = {
	{.name = "parentIds", .form = ROW_MADE, .make = make_parents},
	{.name = "_id", .form = ROW_MADE, .make = make_id},
	{.name = "entity", .form = ROW_TEXT, FROM_OBJECT(RECORD_ENTITY, "type")},
	{.name = "action", .form = ROW_TEXT, FROM_MEMBER(RECORD_ACTION)},
	{.name = "userId", .form = ROW_TEXT, FROM_OBJECT(RECORD_ACTOR, "id")},
	{.name = "accountId", .form = ROW_GIVEN, .given = KORE_ACCOUNT_ID},
	{.name = "entityId", .form = ROW_TEXT, FROM_OBJECT(RECORD_ENTITY, "id")},
	{.name = "delta", .form = ROW_MADE, .make = make_delta},
	{.name = "htmlText", .form = ROW_MADE, .make = make_html},
	{.name = "userName", .form = ROW_TEXT, FROM_OBJECT(RECORD_ACTOR, "name")},
	{.name = "emailId", .form = ROW_TEXT, FROM_OBJECT(RECORD_ACTOR, "email")},
	{.name = "keywords", .form = ROW_MADE, .make = make_keywords},
	{.name = "cOn", .form = ROW_TIME_MS, FROM_MEMBER(RECORD_TIME)},
	{.name = "__v", .form = ROW_MADE, .make = make_version},
	{.name = "timestampValue", .form = ROW_NOWHERE},
	{.name = "Date/Time", .form = ROW_NOWHERE},
	{.name = "AuditLogId", .form = ROW_NOWHERE},
	{.name = "Description", .form = ROW_NOWHERE},
	{.name = "Category", .form = ROW_NOWHERE},
};

static const struct row_cell xo_cells[] = {
	{.name = "timestampValue", .form = ROW_EPOCH_MS, FROM_MEMBER(RECORD_TIME)},
	{.name = "Date/Time", .form = ROW_TIME_MS, FROM_MEMBER(RECORD_TIME)},
	{.name = "Description", .form = ROW_TEXT, FROM_MEMBER(RECORD_DESCRIPTION)},
	{.name = "Name", .form = ROW_TEXT, .kept = "action", FROM_MEMBER(RECORD_ACTION)},
	{.name = "Category", .form = ROW_TEXT, FROM_MEMBER(RECORD_CATEGORY)},
	{.name = "AuditLogId", .form = ROW_TEXT, FROM_MEMBER(RECORD_ID)},
};

#define COUNT_OF(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

const struct row_table kore_row = {cells, COUNT_OF(cells), KEPT, true};
const struct row_table kore_xo_row = {xo_cells, COUNT_OF(xo_cells), KEPT, false};

/* ---- in ---- */

/* The row taken apart, and the event as it grows. */
struct taking {
	yyjson_val *row;
	struct buf kept; /* members of attributes.kore */
	struct buf *to;
	struct err *err;
};

/* The member when it is a string. What is null is as what is left out; anything else is kept. */
static yyjson_val *take_string(struct taking *t, const char *name)
{
	yyjson_val *v = yyjson_obj_get(t->row, name);

	if (yyjson_is_str(v))
		return v;
	if (v && !yyjson_is_null(v))
		row_keep(&t->kept, span_str(name), v);
	return NULL;
}

/* Begins with a comma unless the object is empty yet. */
static void put_string(struct taking *t, size_t object, const char *name, yyjson_val *v)
{
	if (!v)
		return;
	buf_printf(t->to, "%s\"%s\":", t->to->len > object ? "," : "", name);
	json_text_string(t->to, row_string(v));
}

/* Also of a row of XO, where it has another name. */
static void take_action(struct taking *t, const char *name)
{
	yyjson_val *v = yyjson_obj_get(t->row, name);
	struct span action = row_string(v);

	buf_put_str(t->to, "{\"action\":");
	json_text_string(t->to, action.len > 0 ? action : SPAN_LIT(ACTION_UNKNOWN));
	if (action.len == 0 && v)
		row_keep(&t->kept, SPAN_LIT("action"), v);
}

/* An object that stayed empty is taken back. */
static void end_object(struct taking *t, size_t start, size_t object)
{
	if (t->to->len == object)
		t->to->len = start;
	else
		buf_put_u8(t->to, '}');
}

static void take_actor(struct taking *t)
{
	size_t start = t->to->len, object;

	buf_put_str(t->to, ",\"actor\":{");
	object = t->to->len;
	put_string(t, object, "id", take_string(t, "userId"));
	put_string(t, object, "name", take_string(t, "userName"));
	put_string(t, object, "email", take_string(t, "emailId"));
	end_object(t, start, object);
}

static bool is_strings(yyjson_val *list)
{
	size_t i, max;
	yyjson_val *v;

	if (!yyjson_is_arr(list))
		return false;
	yyjson_arr_foreach(list, i, max, v)
	{
		if (!yyjson_is_str(v))
			return false;
	}
	return true;
}

static void take_entity(struct taking *t)
{
	yyjson_val *parents = yyjson_obj_get(t->row, "parentIds");
	size_t start = t->to->len, object;

	buf_put_str(t->to, ",\"entity\":{");
	object = t->to->len;
	put_string(t, object, "type", take_string(t, "entity"));
	put_string(t, object, "id", take_string(t, "entityId"));
	if (is_strings(parents) && yyjson_arr_size(parents) > 0) {
		buf_printf(t->to, "%s\"parents\":", t->to->len > object ? "," : "");
		row_put_yyjson(t->to, parents);
	} else if (parents && !is_strings(parents)) {
		row_keep(&t->kept, SPAN_LIT("parentIds"), parents);
	}
	end_object(t, start, object);
}

/* What is not two objects is kept whole. */
static void take_delta(struct taking *t)
{
	yyjson_val *delta = yyjson_obj_get(t->row, "delta");
	yyjson_val *from = yyjson_obj_get(delta, "from"), *to = yyjson_obj_get(delta, "to");

	if (!delta)
		return;
	if (yyjson_obj_size(delta) != 2 || !yyjson_is_obj(from) || !yyjson_is_obj(to)) {
		row_keep(&t->kept, SPAN_LIT("delta"), delta);
		return;
	}
	if (yyjson_obj_size(from) > 0) {
		buf_put_str(t->to, ",\"before\":");
		row_put_yyjson(t->to, from);
	}
	if (yyjson_obj_size(to) > 0) {
		buf_put_str(t->to, ",\"after\":");
		row_put_yyjson(t->to, to);
	}
}

/* The text of it is the description; the HTML is kept where it says more. */
static int take_html(struct taking *t)
{
	yyjson_val *v = yyjson_obj_get(t->row, "htmlText");
	struct buf text = BUF_INIT, html = BUF_INIT;

	if (yyjson_is_ctn(v))
		return row_refuse(t->err, SPAN_LIT("htmlText"), "it must be a string");
	if (!yyjson_is_str(v)) {
		if (v)
			row_keep(&t->kept, SPAN_LIT("htmlText"), v);
		return 0;
	}
	html_to_text(&text, row_string(v));
	html_escape(&html, buf_span(&text));
	buf_put_str(t->to, ",\"description\":");
	json_text_string(t->to, buf_span(&text));
	if (!span_eq(buf_span(&html), row_string(v)))
		row_keep(&t->kept, SPAN_LIT("htmlText"), v);
	t->to->failed = t->to->failed || !buf_ok(&text) || !buf_ok(&html);
	buf_release(&text);
	buf_release(&html);
	return 0;
}

static void put_time(struct taking *t, int64_t us, uint8_t text[TIMESTAMP_LEN])
{
	timestamp_format(us, text);
	buf_printf(t->to, ",\"time\":\"%.*s\"", TIMESTAMP_LEN, (const char *)text);
}

/* A text time, kept as well when the row would show it otherwise. */
static int take_time(struct taking *t, const char *name)
{
	yyjson_val *v = yyjson_obj_get(t->row, name);
	struct span given = row_string(v);
	uint8_t text[TIMESTAMP_LEN];
	int64_t us;

	if (!v)
		return 0;
	if (!yyjson_is_str(v) || !timestamp_parse(given, &us))
		return row_refuse(t->err, span_str(name),
				  "it must be an RFC 3339 time such as 2026-11-21T10:00:00.000Z");
	put_time(t, us, text);
	if (given.len != sizeof("2026-01-31T12:00:00.000Z") - 1 || memcmp(given.p, text, given.len - 1) != 0)
		row_keep(&t->kept, span_str(name), v);
	return 0;
}

static int take_xo_time(struct taking *t)
{
	yyjson_val *v = yyjson_obj_get(t->row, "timestampValue");
	uint8_t text[TIMESTAMP_LEN];
	int64_t ms = yyjson_get_sint(v);
	bool is_number = yyjson_is_int(v) && (ms < 0) == yyjson_is_sint(v); /* else it is beyond an int64_t */

	if (!is_number || ms < TIMESTAMP_MIN_US / 1000 || ms > TIMESTAMP_MAX_US / 1000)
		return row_refuse(t->err, SPAN_LIT("timestampValue"), "it must be a number of milliseconds since 1970");
	put_time(t, ms * 1000, text);
	v = yyjson_obj_get(t->row, "Date/Time");
	if (v && (!yyjson_is_str(v) || !span_eq(row_string(v), span_of(text, TIMESTAMP_LEN))))
		row_keep(&t->kept, SPAN_LIT("Date/Time"), v);
	return 0;
}

/* A string that has a member of an event to itself. */
static void take_text(struct taking *t, const char *name, const char *member)
{
	put_string(t, 0, member, take_string(t, name));
}

/* Whether the member says what the row would say without it. */
static bool is_usual(const char *name, yyjson_val *v, const struct row_given *given)
{
	if (strcmp(name, "keywords") == 0)
		return yyjson_is_str(v) && yyjson_get_len(v) == 0;
	if (strcmp(name, "__v") == 0)
		return yyjson_is_uint(v) && yyjson_get_uint(v) == 0;
	if (strcmp(name, "accountId") == 0)
		return yyjson_is_str(v) && span_eq(row_string(v), given->text[KORE_ACCOUNT_ID]);
	return false;
}

static bool is_taken(const char *name)
{
	static const char *const names[] = {"parentIds", "entity",   "action",      "userId",         "entityId",
					    "delta",     "htmlText", "userName",    "emailId",        "cOn",
					    "Name",      "Category", "Description", "timestampValue", "Date/Time"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Keeps the members that an event has no place for. */
static int take_rest(struct taking *t, const struct row_given *given)
{
	yyjson_obj_iter members;
	yyjson_val *key;

	yyjson_obj_iter_init(t->row, &members);
	while ((key = yyjson_obj_iter_next(&members))) {
		yyjson_val *v = yyjson_obj_iter_get_val(key);
		const char *name = yyjson_get_str(key);

		if (yyjson_obj_get(t->row, name) != v)
			return row_refuse(t->err, span_str(name), "this member is there twice");
		if (!is_taken(name) && !is_usual(name, v, given))
			row_keep(&t->kept, span_str(name), v);
	}
	return 0;
}

static int check_row(struct taking *t)
{
	if (!yyjson_is_obj(t->row))
		return err_set(t->err, E_INVALID, "a row is an object, not %s", yyjson_get_type_desc(t->row));
	if (yyjson_obj_size(t->row) > RECORD_VALUES_MAX)
		return err_set(t->err, E_TOO_LARGE, "a row has at most %u members", RECORD_VALUES_MAX);
	return 0;
}

static int take_members(struct taking *t)
{
	bool is_xo = yyjson_obj_get(t->row, "timestampValue") != NULL;
	int rc;

	take_action(t, is_xo ? "Name" : "action");
	if (is_xo) {
		take_text(t, "Description", "description");
		take_text(t, "Category", "category");
		return take_xo_time(t);
	}
	take_actor(t);
	take_entity(t);
	take_delta(t);
	rc = take_html(t);
	return rc < 0 ? rc : take_time(t, "cOn");
}

int kore_event(yyjson_val *row, const struct row_given *given, struct buf *to, struct err *err)
{
	struct taking t = {.row = row, .kept = BUF_INIT, .to = to, .err = err};
	int rc = check_row(&t);

	if (rc == 0)
		rc = take_members(&t);
	if (rc == 0)
		rc = take_rest(&t, given);
	if (rc == 0)
		row_keep_end(to, &t.kept, KEPT);
	buf_release(&t.kept);
	return rc;
}
