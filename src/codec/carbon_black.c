/*
 * Carbon Black Cloud's rows, out and in. An actor is its e-mail address, its name or its id, whichever comes first; a
 * row that comes in has either the address (which is the id too) or an id. Flagged is what failed, verbose the severity
 * of that name. A row is kept in part (row.h) when its time has more or less than milliseconds, when its org is
 * another, and where a value is of a kind that the record's member cannot have.
 */
#include "codec/carbon_black.h"

#include "codec/json_text.h"
#include "codec/row_format.h"
#include "codec/timestamp.h"

#define KEPT "carbon_black"

#define FROM_ACTOR       .from = {{RECORD_ACTOR, "email"}, {RECORD_ACTOR, "name"}, {RECORD_ACTOR, "id"}}, .from_count = 3
#define FROM_IP          .from = {{RECORD_CONTEXT, "ip"}}, .from_count = 1
#define FROM_URL         .from = {{RECORD_CONTEXT, "url"}}, .from_count = 1
#define FROM_DESCRIPTION .from = {{RECORD_DESCRIPTION, NULL}, {RECORD_ACTION, NULL}}, .from_count = 2
#define FROM_OUTCOME     .from = {{RECORD_OUTCOME, "type"}}, .from_count = 1, .word = "failure"
#define FROM_SEVERITY    .from = {{RECORD_SEVERITY, NULL}}, .from_count = 1, .word = "verbose"
#define FROM_TIME        .from = {{RECORD_TIME, NULL}}, .from_count = 1
#define FROM_ID          .from = {{RECORD_ID, NULL}}, .from_count = 1

static const struct row_cell cells[] = {
	{.name = "org_key", .form = ROW_GIVEN, .given = CARBON_BLACK_ORG_KEY},
	{.name = "actor_ip", .form = ROW_TEXT, FROM_IP},
	{.name = "actor", .form = ROW_TEXT, FROM_ACTOR},
	{.name = "request_url", .form = ROW_TEXT, FROM_URL},
	{.name = "description", .form = ROW_TEXT, FROM_DESCRIPTION},
	{.name = "flagged", .form = ROW_IS, FROM_OUTCOME},
	{.name = "verbose", .form = ROW_IS, FROM_SEVERITY},
	{.name = "create_time", .form = ROW_TIME_MS, FROM_TIME},
	{.name = "eventId", .form = ROW_NOWHERE},
	{.name = "orgName", .form = ROW_NOWHERE},
};

static const struct row_cell v3_cells[] = {
	{.name = "requestUrl", .form = ROW_TEXT, .kept = "request_url", FROM_URL},
	{.name = "eventTime", .form = ROW_EPOCH_MS, FROM_TIME},
	{.name = "eventId", .form = ROW_TEXT, FROM_ID},
	{.name = "loginName", .form = ROW_TEXT, .kept = "actor", FROM_ACTOR},
	{.name = "orgName", .form = ROW_GIVEN, .given = CARBON_BLACK_ORG_NAME},
	{.name = "flagged", .form = ROW_IS, FROM_OUTCOME},
	{.name = "clientIp", .form = ROW_TEXT, .kept = "actor_ip", FROM_IP},
	{.name = "verbose", .form = ROW_IS, FROM_SEVERITY},
	{.name = "description", .form = ROW_TEXT, FROM_DESCRIPTION},
	{.name = "org_key", .form = ROW_NOWHERE},
	{.name = "create_time", .form = ROW_NOWHERE},
};

#define COUNT_OF(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

const struct row_table carbon_black_row = {cells, COUNT_OF(cells), KEPT, true};
const struct row_table carbon_black_v3_row = {v3_cells, COUNT_OF(v3_cells), KEPT, true};

/* ---- in ---- */

/* What the members of a row are, by either of their names. */
enum slot {
	SLOT_ORG_KEY,
	SLOT_ACTOR_IP,
	SLOT_ACTOR,
	SLOT_REQUEST_URL,
	SLOT_DESCRIPTION,
	SLOT_FLAGGED,
	SLOT_VERBOSE,
	SLOT_CREATE_TIME,
	SLOT_EVENT_TIME,
	SLOT_EVENT_ID,
	SLOT_ORG_NAME,
	SLOT_COUNT,
};

/* The name it is kept under, and the older interface's. */
static const struct {
	const char *name;
	const char *old_name;
} slots[SLOT_COUNT] = {
	[SLOT_ORG_KEY] = {"org_key", NULL},         [SLOT_ACTOR_IP] = {"actor_ip", "clientIp"},
	[SLOT_ACTOR] = {"actor", "loginName"},      [SLOT_REQUEST_URL] = {"request_url", "requestUrl"},
	[SLOT_DESCRIPTION] = {"description", NULL}, [SLOT_FLAGGED] = {"flagged", NULL},
	[SLOT_VERBOSE] = {"verbose", NULL},         [SLOT_CREATE_TIME] = {"create_time", NULL},
	[SLOT_EVENT_TIME] = {"eventTime", NULL},    [SLOT_EVENT_ID] = {"eventId", NULL},
	[SLOT_ORG_NAME] = {"orgName", NULL},
};

/* What a description says was done, by how it begins; more than one word of it where that is what tells. */
static const struct {
	const char *begins;
	const char *action;
} actions[] = {
	{"logged in", "login"},     {"login", "login"},     {"logged out", "logout"}, {"added", "create"},
	{"created", "create"},      {"updated", "update"},  {"modified", "update"},   {"changed", "update"},
	{"set", "update"},          {"deleted", "delete"},  {"removed", "delete"},    {"downloaded", "download"},
	{"exported", "export"},     {"enabled", "enable"},  {"disabled", "disable"},  {"uninstalled", "uninstall"},
	{"registered", "register"}, {"connector", "login"},
};

#define ACTION_UNKNOWN "audit" /* an event must have one */

/* The row taken apart, and the event as it grows. */
struct taking {
	yyjson_val *slot[SLOT_COUNT]; /* NULL: the row has it not */
	struct buf kept;              /* members of attributes.carbon_black */
	struct buf *to;
	struct err *err;
};

static void keep_slot(struct taking *t, enum slot s)
{
	row_keep(&t->kept, span_str(slots[s].name), t->slot[s]);
}

static int find_slot(struct span name)
{
	for (int i = 0; i < SLOT_COUNT; i++) {
		if (span_eq_str(name, slots[i].name) || (slots[i].old_name && span_eq_str(name, slots[i].old_name)))
			return i;
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
		int s = find_slot(row_string(key));

		if (s < 0)
			row_keep(&t->kept, row_string(key), yyjson_obj_iter_get_val(key));
		else if (t->slot[s])
			return row_refuse(t->err, row_string(key), "this member is there twice");
		else
			t->slot[s] = yyjson_obj_iter_get_val(key);
	}
	return 0;
}

/* ,"name":value of a slot's string; the caller has seen that it is one. */
static void put_string(struct taking *t, const char *name, enum slot s)
{
	buf_printf(t->to, ",\"%s\":", name);
	json_text_string(t->to, row_string(t->slot[s]));
}

/* Whether the slot holds a string. What is null is as what is left out; anything else is kept. */
static bool take_string(struct taking *t, enum slot s)
{
	yyjson_val *v = t->slot[s];

	if (yyjson_is_str(v))
		return true;
	if (v && !yyjson_is_null(v))
		keep_slot(t, s);
	return false;
}

/* Whether the slot says true; what is no boolean is kept. */
static bool take_bool(struct taking *t, enum slot s)
{
	if (t->slot[s] && !yyjson_is_bool(t->slot[s]))
		keep_slot(t, s);
	return yyjson_is_true(t->slot[s]);
}

static bool begins_as(struct span text, const char *word)
{
	size_t len = strlen(word);

	if (text.len < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] | 0x20 : text.p[i];

		if (c != (uint8_t)word[i])
			return false;
	}
	return text.len == len || text.p[len] == ' ';
}

static const char *action_of(struct span description)
{
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (begins_as(description, actions[i].begins))
			return actions[i].action;
	}
	return ACTION_UNKNOWN;
}

/* A description that is none is kept, null too: without one the row would show the action. */
static void take_description(struct taking *t)
{
	yyjson_val *v = t->slot[SLOT_DESCRIPTION];

	buf_printf(t->to, "{\"action\":\"%s\"", action_of(row_string(v)));
	if (yyjson_is_str(v))
		put_string(t, "description", SLOT_DESCRIPTION);
	else if (v)
		keep_slot(t, SLOT_DESCRIPTION);
}

static void take_actor(struct taking *t)
{
	struct span actor;

	if (!take_string(t, SLOT_ACTOR))
		return;
	actor = row_string(t->slot[SLOT_ACTOR]);
	buf_put_str(t->to, ",\"actor\":{\"id\":");
	json_text_string(t->to, actor);
	if (actor.len > 0 && memchr(actor.p, '@', actor.len))
		put_string(t, "email", SLOT_ACTOR);
	buf_put_u8(t->to, '}');
}

static void take_context(struct taking *t)
{
	bool has_ip = take_string(t, SLOT_ACTOR_IP), has_url = take_string(t, SLOT_REQUEST_URL);

	if (!has_ip && !has_url)
		return;
	buf_put_str(t->to, ",\"context\":{");
	if (has_ip) {
		buf_put_str(t->to, "\"ip\":");
		json_text_string(t->to, row_string(t->slot[SLOT_ACTOR_IP]));
	}
	if (has_url) {
		buf_put_str(t->to, has_ip ? ",\"url\":" : "\"url\":");
		json_text_string(t->to, row_string(t->slot[SLOT_REQUEST_URL]));
	}
	buf_put_u8(t->to, '}');
}

static void put_time(struct taking *t, int64_t us, uint8_t text[TIMESTAMP_LEN])
{
	timestamp_format(us, text);
	buf_printf(t->to, ",\"time\":\"%.*s\"", TIMESTAMP_LEN, (const char *)text);
}

/* "create_time", kept as well when the row would show it otherwise. */
static int take_create_time(struct taking *t)
{
	struct span given = row_string(t->slot[SLOT_CREATE_TIME]);
	uint8_t text[TIMESTAMP_LEN];
	int64_t us;

	if (!yyjson_is_str(t->slot[SLOT_CREATE_TIME]) || !timestamp_parse(given, &us))
		return row_refuse(
			t->err, SPAN_LIT("create_time"),
			"it must be an RFC 3339 time such as 2026-11-21T10:00:00.000Z, in years 0001 to 9999");
	put_time(t, us, text);
	if (given.len != sizeof("2026-01-31T12:00:00.000Z") - 1 || memcmp(given.p, text, given.len - 1) != 0)
		keep_slot(t, SLOT_CREATE_TIME);
	return 0;
}

static bool take_integer(yyjson_val *v, int64_t *ret)
{
	*ret = yyjson_get_sint(v);
	return yyjson_is_int(v) && (*ret < 0) == yyjson_is_sint(v);
}

static int take_event_time(struct taking *t)
{
	uint8_t text[TIMESTAMP_LEN];
	int64_t ms;

	if (!take_integer(t->slot[SLOT_EVENT_TIME], &ms) || ms < TIMESTAMP_MIN_US / 1000 ||
	    ms > TIMESTAMP_MAX_US / 1000)
		return row_refuse(t->err, SPAN_LIT("eventTime"),
				  "it must be a number of milliseconds since 1970, in years 0001 to 9999");
	put_time(t, ms * 1000, text);
	return 0;
}

static int take_time(struct taking *t)
{
	if (t->slot[SLOT_CREATE_TIME] && t->slot[SLOT_EVENT_TIME])
		return row_refuse(t->err, SPAN_LIT("eventTime"), "give 'create_time' or 'eventTime', not both");
	if (t->slot[SLOT_CREATE_TIME])
		return take_create_time(t);
	return t->slot[SLOT_EVENT_TIME] ? take_event_time(t) : 0;
}

/* The org's own key and name stand in every row. */
static void take_org(struct taking *t, enum slot s, struct span own)
{
	yyjson_val *v = t->slot[s];

	if (v && !(yyjson_is_str(v) && span_eq(row_string(v), own)))
		keep_slot(t, s);
}

int carbon_black_event(yyjson_val *row, const struct row_given *given, struct buf *to, struct err *err)
{
	struct taking t = {.kept = BUF_INIT, .to = to, .err = err};
	int rc = take_apart(&t, row);

	if (rc == 0) {
		take_description(&t);
		take_actor(&t);
		take_context(&t);
		if (take_bool(&t, SLOT_FLAGGED))
			buf_put_str(to, ",\"outcome\":{\"type\":\"failure\"}");
		if (take_bool(&t, SLOT_VERBOSE))
			buf_put_str(to, ",\"severity\":\"verbose\"");
		rc = take_time(&t);
	}
	if (rc == 0) {
		take_org(&t, SLOT_ORG_KEY, given->text[CARBON_BLACK_ORG_KEY]);
		take_org(&t, SLOT_ORG_NAME, given->text[CARBON_BLACK_ORG_NAME]);
		if (t.slot[SLOT_EVENT_ID])
			keep_slot(&t, SLOT_EVENT_ID);
		row_keep_end(to, &t.kept, KEPT);
	}
	buf_release(&t.kept);
	return rc;
}
