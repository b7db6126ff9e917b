/*
 * Keepnet's rows, out. A user is a name, else an e-mail address, else an id; an entity is named by its type. What was
 * changed is a list of properties in a string of JSON, made of what was before and after; what is after is an object,
 * in a string too. Secrets in both are asterisks, whoever wrote them.
 */
#include "codec/keepnet.h"

#include "base/err.h"
#include "codec/json_text.h"
#include "codec/keepnet_priv.h"
#include "codec/record_path.h"

#define COUNT_OF(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

const char *const keepnet_operations[KEEPNET_OPERATION_COUNT] = {"Create",     "Update",     "Delete",
								 "CreateMany", "UpdateMany", "DeleteMany"};
const char *const keepnet_actions[KEEPNET_OPERATION_COUNT] = {"create",      "update",      "delete",
							      "create_many", "update_many", "delete_many"};

/* ---- secrets ---- */

#define SECRET(name)                                                                                                   \
	{                                                                                                              \
		name, sizeof(name) - 1                                                                                 \
	}

/* Names in lower case; the first three are those the vendor masks. */
static const struct {
	const char *name;
	size_t len;
} secrets[] = {SECRET("passwordhash"), SECRET("securitystamp"), SECRET("concurrencystamp"), SECRET("password"),
	       SECRET("clientsecret"), SECRET("secretkey"),     SECRET("apikey"),           SECRET("accesstoken"),
	       SECRET("refreshtoken"), SECRET("privatekey")};

static bool eq_any_case(struct span name, const char *lower, size_t len)
{
	if (name.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = name.p[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)lower[i])
			return false;
	}
	return true;
}

bool keepnet__is_secret(struct span name)
{
	for (unsigned i = 0; i < COUNT_OF(secrets); i++) {
		if (eq_any_case(name, secrets[i].name, secrets[i].len))
			return true;
	}
	return false;
}

bool keepnet__is_masked(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] != '*')
			return false;
	}
	return true;
}

/* The inside of a string; of other values all of it. */
static struct span inside(struct span json)
{
	return json.p[0] == '"' ? span_of(json.p + 1, json.len - 2) : json;
}

static bool is_null(struct span json)
{
	return !json.p || json.p[0] == 'n';
}

static bool must_mask(struct span name, struct span json)
{
	return !is_null(json) && keepnet__is_secret(name) && !keepnet__is_masked(inside(json));
}

/* Recursion is as deep as a record may be. */
void keepnet__put_masked(struct span json, struct buf *to)
{
	struct record_items it = record_items_of(json);
	struct span name, item;
	uint8_t close = json.p[0] == '{' ? '}' : ']', separator = json.p[0];

	if (json.p[0] != '{' && json.p[0] != '[') {
		buf_put_span(to, json);
		return;
	}
	while (record_items_next(&it, &name, &item)) {
		buf_put_u8(to, separator);
		separator = ',';
		if (close == '}') {
			buf_put_u8(to, '"');
			buf_put_span(to, name);
			buf_put_str(to, "\":");
		}
		if (close == '}' && must_mask(name, item))
			buf_put_str(to, "\"" KEEPNET_MASK "\"");
		else
			keepnet__put_masked(item, to);
	}
	if (separator != ',')
		buf_put_u8(to, separator);
	buf_put_u8(to, close);
}

/* ---- changes ---- */

/* Escaping asks for so much room beyond what it writes. */
#define ESCAPE_ROOM 8192u

/* Makes what was appended from `start` on a string. It is canonical JSON, in which quotes and backslashes alone are to
 * be escaped: with room for twice as many it stays where it is. */
static void quote_from(size_t start, struct buf *to)
{
	size_t len = to->len - start;
	const uint8_t *before;

	if (!buf_room(to, 2 * len + ESCAPE_ROOM))
		return;
	before = to->p;
	json_text_string(to, span_of(to->p + start, len));
	must(to->p == before && buf_ok(to));
	to->len -= len;
	memmove(to->p + start, to->p + start + len, to->len - start);
}

/* A value as text: strings as they are, others their JSON. */
static void put_text(struct span name, struct span json, struct buf *to)
{
	size_t start = to->len;

	if (is_null(json)) {
		buf_put_str(to, "null");
	} else if (must_mask(name, json)) {
		buf_put_str(to, "\"" KEEPNET_MASK "\"");
	} else if (json.p[0] == '"') {
		buf_put_span(to, json);
	} else {
		keepnet__put_masked(json, to);
		quote_from(start, to);
	}
}

static void put_change(struct span name, struct span before, struct span after, struct buf *to)
{
	buf_put_str(to, to->len > 0 && to->p[to->len - 1] == '}' ? ",{\"PropertyName\":\"" : "{\"PropertyName\":\"");
	buf_put_span(to, name);
	buf_put_str(to, "\",\"OldValue\":");
	put_text(name, before, to);
	buf_put_str(to, ",\"NewValue\":");
	put_text(name, after, to);
	buf_put_u8(to, '}');
}

/* Steps to the next member; the name of an object without any more is p NULL. */
static void step(struct record_items *it, struct span *ret_name, struct span *ret_json)
{
	if (!record_items_next(it, ret_name, ret_json))
		*ret_name = *ret_json = span_of(NULL, 0);
}

/* Which of two members comes first; one that is not there comes last. Members are sorted by UTF-16 units: where the two
 * orders differ a property may be listed as one that went and one that came, which is what it is for most readers. */
static int order(struct span a, struct span b)
{
	if (!a.p || !b.p)
		return a.p ? -1 : 1;
	return span_cmp(a, b);
}

void keepnet__put_changes(struct span before, struct span after, struct buf *to)
{
	struct record_items a = record_items_of(before), b = record_items_of(after);
	struct span name_a, json_a, name_b, json_b;
	const struct span none = {NULL, 0};

	buf_put_u8(to, '[');
	step(&a, &name_a, &json_a);
	step(&b, &name_b, &json_b);
	while (name_a.p || name_b.p) {
		int which = order(name_a, name_b);

		if (which < 0)
			put_change(name_a, json_a, none, to);
		else if (which > 0)
			put_change(name_b, none, json_b, to);
		else if (!span_eq(json_a, json_b))
			put_change(name_a, json_a, json_b, to);
		if (which <= 0)
			step(&a, &name_a, &json_a);
		if (which >= 0)
			step(&b, &name_b, &json_b);
	}
	buf_put_u8(to, ']');
}

/* ---- cells ---- */

/* Only what was changed has an old value: nothing was before what was created. */
static void make_old_value(const struct record_view *v, struct span kept, struct buf *to)
{
	size_t start = to->len;

	if (kept.p || !v->member[RECORD_BEFORE].p) {
		buf_put_span(to, kept.p ? kept : SPAN_LIT("null"));
		return;
	}
	keepnet__put_changes(v->member[RECORD_BEFORE], v->member[RECORD_AFTER], to);
	quote_from(start, to);
}

static void make_new_value(const struct record_view *v, struct span kept, struct buf *to)
{
	size_t start = to->len;

	if (kept.p || !v->member[RECORD_AFTER].p) {
		buf_put_span(to, kept.p ? kept : SPAN_LIT("null"));
		return;
	}
	keepnet__put_masked(v->member[RECORD_AFTER], to);
	quote_from(start, to);
}

static void make_operation(const struct record_view *v, struct span kept, struct buf *to)
{
	struct span action = v->member[RECORD_ACTION];

	for (unsigned i = 0; i < KEEPNET_OPERATION_COUNT && !kept.p; i++) {
		if (eq_any_case(inside(action), keepnet_actions[i], strlen(keepnet_actions[i]))) {
			buf_printf(to, "\"%s\"", keepnet_operations[i]);
			return;
		}
	}
	buf_put_span(to, kept.p ? kept : action);
}

/* A number, which only some producers have. */
static void make_user_id(const struct record_view *v, struct span kept, struct buf *to)
{
	struct span id = {NULL, 0};
	bool is_number;

	(void)kept;
	if (v->member[RECORD_ACTOR].p && record_view_find(v->member[RECORD_ACTOR], "id", &id))
		id = inside(id);
	is_number = id.len > 0 && id.len <= 9 && (id.p[0] != '0' || id.len == 1);
	for (size_t i = 0; i < id.len && is_number; i++)
		is_number = id.p[i] >= '0' && id.p[i] <= '9';
	buf_put_span(to, is_number ? id : SPAN_LIT("0"));
}

/* ---- tables ---- */

#define FROM(member, name) .from = {{member, name}}, .from_count = 1

#define CELL(title, is_kept_as) .name = title, .kept = is_kept_as
#define TEXT(member, from)      .form = ROW_TEXT, FROM(member, from)
#define CHANGES                                                                                                        \
	.form = ROW_MADE, .make = make_old_value, .from = {{RECORD_BEFORE, NULL}, {RECORD_AFTER, NULL}}, .from_count = 2
#define AFTER     .form = ROW_MADE, .make = make_new_value, FROM(RECORD_AFTER, NULL)
#define OPERATION .form = ROW_MADE, .make = make_operation, FROM(RECORD_ACTION, NULL)
#define LOG_DATE  .form = ROW_TIME, FROM(RECORD_TIME, NULL)
#define USER                                                                                                           \
	.form = ROW_TEXT, .from = {{RECORD_ACTOR, "name"}, {RECORD_ACTOR, "email"}, {RECORD_ACTOR, "id"}},             \
	.from_count = 3

static const struct row_cell cells[KEEPNET_CELL_COUNT] = {
	[KEEPNET_RESOURCE_ID] = {CELL("resourceId", NULL), TEXT(RECORD_ID, NULL)},
	[KEEPNET_USER_NAME] = {CELL("userName", NULL), USER},
	[KEEPNET_ENTITY_RESOURCE_ID] = {CELL("entityResourceId", NULL), TEXT(RECORD_ENTITY, "id")},
	[KEEPNET_ENTITY_NAME] = {CELL("entityName", NULL), TEXT(RECORD_ENTITY, "type")},
	[KEEPNET_OLD_VALUE] = {CELL("oldValue", NULL), CHANGES},
	[KEEPNET_NEW_VALUE] = {CELL("newValue", NULL), AFTER},
	[KEEPNET_OPERATION] = {CELL("operation", NULL), OPERATION},
	[KEEPNET_IP] = {CELL("ip", NULL), TEXT(RECORD_CONTEXT, "ip")},
	[KEEPNET_USER_AGENT] = {CELL("userAgent", NULL), TEXT(RECORD_CONTEXT, "user_agent")},
	[KEEPNET_AUDIT_DESCRIPTION] = {CELL("auditDescription", NULL), TEXT(RECORD_DESCRIPTION, NULL)},
	[KEEPNET_LOG_DATE] = {CELL("logDate", NULL), LOG_DATE},
};

static const struct row_cell own_cells[] = {
	{CELL("logId", "resourceId"), TEXT(RECORD_ID, NULL)},
	{CELL("userId", NULL), .form = ROW_MADE, .make = make_user_id},
	{CELL("logDate", NULL), LOG_DATE},
	{CELL("entityResourceId", NULL), TEXT(RECORD_ENTITY, "id")},
	{CELL("entityName", NULL), TEXT(RECORD_ENTITY, "type")},
	{CELL("companyId", NULL), .form = ROW_GIVEN_RAW, .given = KEEPNET_COMPANY_ID},
	{CELL("operation", NULL), OPERATION},
	{CELL("oldValue", NULL), CHANGES},
	{CELL("newValue", NULL), AFTER},
};

static const struct row_cell file_cells[] = {
	{CELL("Log Date", "logDate"), LOG_DATE},
	{CELL("User Name", "userName"), USER},
	{CELL("Entity Name", "entityName"), TEXT(RECORD_ENTITY, "type")},
	{CELL("Operation", "operation"), OPERATION},
	{CELL("Changed Set", "oldValue"), CHANGES},
	{CELL("New Value", "newValue"), AFTER},
	{CELL("IP", "ip"), TEXT(RECORD_CONTEXT, "ip")},
	{CELL("Browser User Agent", "userAgent"), TEXT(RECORD_CONTEXT, "user_agent")},
	{CELL("Description", "auditDescription"), TEXT(RECORD_DESCRIPTION, NULL)},
	{CELL("Entity ID", "entityResourceId"), TEXT(RECORD_ENTITY, "id")},
	{CELL("Log ID", "resourceId"), TEXT(RECORD_ID, NULL)},
};

const struct row_table keepnet_row = {cells, COUNT_OF(cells), KEEPNET_KEPT, false};
const struct row_table keepnet_own_row = {own_cells, COUNT_OF(own_cells), KEEPNET_KEPT, false};
const struct row_table keepnet_file_row = {file_cells, COUNT_OF(file_cells), KEEPNET_KEPT, false};
