/*
 * Keepnet's rows, in: rows of its search, and what its producers send (POST /api/audit). Both have their members here,
 * by names in any case, as the vendor takes them. What a row would not show again as it was is kept (row.h): ids, times
 * finer than microseconds, values that are no plain JSON. Secrets are masked before they are kept: what is in a log
 * cannot be taken out.
 */
#include <stdio.h>
#include <strings.h>

#include "codec/json_text.h"
#include "codec/keepnet_priv.h"
#include "codec/keepnet_told.h"
#include "codec/limits.h"
#include "codec/row_format.h"
#include "codec/timestamp.h"

#define COUNT_OF(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

#define ACTION_UNKNOWN "audit" /* an event must have one */

enum slot {
	SLOT_RESOURCE_ID,
	SLOT_USER_NAME,
	SLOT_ENTITY_ID,
	SLOT_ENTITY_NAME,
	SLOT_OLD_VALUE,
	SLOT_NEW_VALUE,
	SLOT_OPERATION,
	SLOT_IP,
	SLOT_USER_AGENT,
	SLOT_DESCRIPTION,
	SLOT_LOG_DATE,
	SLOT_EMAIL,
	SLOT_URL,
	SLOT_CORRELATION_ID,
	SLOT_APPLICATION,
	SLOT_MODULE,
	SLOT_COUNT,
};

/* The name in a row, under which it is kept, and that of producers where it is another. */
static const struct {
	const char *name;
	const char *producer;
} slots[SLOT_COUNT] = {
	[SLOT_RESOURCE_ID] = {"resourceId", "logId"},
	[SLOT_USER_NAME] = {"userName", NULL},
	[SLOT_ENTITY_ID] = {"entityResourceId", NULL},
	[SLOT_ENTITY_NAME] = {"entityName", NULL},
	[SLOT_OLD_VALUE] = {"oldValue", "changeSet"},
	[SLOT_NEW_VALUE] = {"newValue", NULL},
	[SLOT_OPERATION] = {"operation", "action"},
	[SLOT_IP] = {"ip", "clientIp"},
	[SLOT_USER_AGENT] = {"userAgent", "browserInfo"},
	[SLOT_DESCRIPTION] = {"auditDescription", "logMessage"},
	[SLOT_LOG_DATE] = {"logDate", NULL},
	[SLOT_EMAIL] = {"email", NULL},
	[SLOT_URL] = {"url", NULL},
	[SLOT_CORRELATION_ID] = {"correlationId", NULL},
	[SLOT_APPLICATION] = {"application", NULL},
	[SLOT_MODULE] = {"module", NULL},
};

/* The row taken apart, and the event as it grows. */
struct taking {
	yyjson_val *slot[SLOT_COUNT]; /* NULL: the row has it not, or null */
	uint32_t seen;                /* bits of slots, null ones too */
	struct buf kept;              /* members of attributes.keepnet */
	struct buf *to;
	struct err *err;
};

static void keep_text(struct taking *t, enum slot s, struct span text)
{
	row_keep_begin(&t->kept, span_str(slots[s].name));
	json_text_string(&t->kept, text);
}

static void keep_null(struct taking *t, enum slot s)
{
	row_keep_begin(&t->kept, span_str(slots[s].name));
	buf_put_str(&t->kept, "null");
}

/* ---- members ---- */

static bool is_named(struct span name, const char *known)
{
	return known && name.len == strlen(known) && strncasecmp((const char *)name.p, known, name.len) == 0;
}

static int find_slot(struct span name)
{
	for (int i = 0; i < SLOT_COUNT; i++) {
		if (is_named(name, slots[i].name) || is_named(name, slots[i].producer))
			return i;
	}
	return -1;
}

static int take_member(struct taking *t, struct span name, yyjson_val *value)
{
	int s = find_slot(name);

	if (s < 0) {
		row_keep_begin(&t->kept, name);
		row_put_yyjson(&t->kept, value);
		return 0;
	}
	if (t->seen >> s & 1)
		return row_refuse(t->err, name,
				  "this member is there twice, under this name or another one for the same");
	if (!yyjson_is_str(value) && !yyjson_is_null(value))
		return row_refuse(t->err, name, "it must be a string or null");
	t->seen |= UINT32_C(1) << s;
	t->slot[s] = yyjson_is_null(value) ? NULL : value;
	return 0;
}

static int take_apart(struct taking *t, yyjson_val *row)
{
	yyjson_obj_iter members;
	yyjson_val *key;
	int rc = 0;

	if (!yyjson_is_obj(row))
		return err_set(t->err, E_INVALID, "a row is an object, not %s", yyjson_get_type_desc(row));
	yyjson_obj_iter_init(row, &members);
	while (rc == 0 && (key = yyjson_obj_iter_next(&members)))
		rc = take_member(t, row_string(key), yyjson_obj_iter_get_val(key));
	return rc;
}

/* ---- values before and after ---- */

/* What the row tells, and the objects of the event made of it, as its record will write them. */
struct values {
	struct keepnet_told told_old, told_new;
	struct buf before, after; /* empty: none */
};

static int read_told(struct taking *t, enum slot s, struct keepnet_told *ret)
{
	int rc = keepnet__told_read(row_string(t->slot[s]), ret, t->err);

	if (rc < 0)
		err_set_field(t->err, slots[s].name, strlen(slots[s].name));
	return rc;
}

/* A list of changes says what was and, unless the row tells it apart, what is. */
static void make_objects(struct values *v)
{
	if (keepnet__told_is_object(&v->told_new))
		buf_put_span(&v->after, buf_span(&v->told_new.canonical));
	if (keepnet__told_is_object(&v->told_old))
		buf_put_span(&v->before, buf_span(&v->told_old.canonical));
	else if (keepnet__told_changes(&v->told_old, "OldValue", &v->before) && v->after.len == 0)
		(void)keepnet__told_changes(&v->told_old, "NewValue", &v->after);
}

/* Keeps a string unless the row will show it again just so. */
static void keep_unless_shown(struct taking *t, enum slot s, const struct keepnet_told *told, const struct buf *shown)
{
	if (t->slot[s] && (shown->len == 0 || !span_eq(buf_span(&told->text), buf_span(shown))))
		keep_text(t, s, buf_span(&told->text));
	else if (!t->slot[s] && shown->len > 0)
		keep_null(t, s);
}

static void keep_values(struct taking *t, const struct values *v)
{
	struct buf changes = BUF_INIT, after = BUF_INIT;

	if (v->before.len > 0)
		keepnet__put_changes(buf_span(&v->before), buf_span(&v->after), &changes);
	if (v->after.len > 0)
		keepnet__put_masked(buf_span(&v->after), &after);
	keep_unless_shown(t, SLOT_OLD_VALUE, &v->told_old, &changes);
	keep_unless_shown(t, SLOT_NEW_VALUE, &v->told_new, &after);
	t->to->failed = t->to->failed || !buf_ok(&changes) || !buf_ok(&after);
	buf_release(&changes);
	buf_release(&after);
}

static void put_objects(struct taking *t, const struct values *v)
{
	if (v->before.len > 0) {
		buf_put_str(t->to, ",\"before\":");
		buf_put_span(t->to, buf_span(&v->before));
	}
	if (v->after.len > 0) {
		buf_put_str(t->to, ",\"after\":");
		buf_put_span(t->to, buf_span(&v->after));
	}
	t->to->failed = t->to->failed || !buf_ok(&v->before) || !buf_ok(&v->after);
}

static int take_values(struct taking *t)
{
	struct values v = {KEEPNET_TOLD_INIT, KEEPNET_TOLD_INIT, BUF_INIT, BUF_INIT};
	int rc = read_told(t, SLOT_OLD_VALUE, &v.told_old);

	if (rc == 0)
		rc = read_told(t, SLOT_NEW_VALUE, &v.told_new);
	if (rc == 0) {
		make_objects(&v);
		keep_values(t, &v);
		put_objects(t, &v);
	}
	keepnet__told_release(&v.told_old);
	keepnet__told_release(&v.told_new);
	buf_release(&v.before);
	buf_release(&v.after);
	return rc;
}

/* ---- the event ---- */

/* The action of an operation that is written as the vendor does; otherwise it is the action. */
static void take_operation(struct taking *t)
{
	struct span operation = row_string(t->slot[SLOT_OPERATION]), action = operation;

	for (unsigned i = 0; i < KEEPNET_OPERATION_COUNT; i++) {
		if (span_eq_str(operation, keepnet_operations[i]))
			action = span_str(keepnet_actions[i]);
		else if (is_named(operation, keepnet_actions[i])) /* a row would show the operation */
			keep_text(t, SLOT_OPERATION, operation);
	}
	if (operation.len == 0) {
		action = SPAN_LIT(ACTION_UNKNOWN);
		if (t->slot[SLOT_OPERATION])
			keep_text(t, SLOT_OPERATION, operation);
		else
			keep_null(t, SLOT_OPERATION);
	}
	buf_put_str(t->to, "{\"action\":");
	json_text_string(t->to, action);
}

struct member {
	const char *name;
	enum slot slot;
};

/* ,"<object>":{…} of those members that the row has. */
static void put_members(struct taking *t, const char *object, const struct member *member, unsigned count)
{
	const char *separator = "{";

	for (unsigned i = 0; i < count; i++) {
		if (!t->slot[member[i].slot])
			continue;
		if (separator[0] == '{')
			buf_printf(t->to, ",\"%s\":", object);
		buf_printf(t->to, "%s\"%s\":", separator, member[i].name);
		json_text_string(t->to, row_string(t->slot[member[i].slot]));
		separator = ",";
	}
	if (separator[0] == ',')
		buf_put_u8(t->to, '}');
}

static void put_string(struct taking *t, const char *name, enum slot s)
{
	if (!t->slot[s])
		return;
	buf_printf(t->to, ",\"%s\":", name);
	json_text_string(t->to, row_string(t->slot[s]));
}

static void take_members(struct taking *t)
{
	static const struct member actor[] = {{"name", SLOT_USER_NAME}, {"email", SLOT_EMAIL}};
	static const struct member entity[] = {{"type", SLOT_ENTITY_NAME}, {"id", SLOT_ENTITY_ID}};
	static const struct member context[] = {{"ip", SLOT_IP},
						{"user_agent", SLOT_USER_AGENT},
						{"url", SLOT_URL},
						{"request_id", SLOT_CORRELATION_ID},
						{"service", SLOT_APPLICATION}};

	put_members(t, "actor", actor, COUNT_OF(actor));
	put_members(t, "entity", entity, COUNT_OF(entity));
	put_members(t, "context", context, COUNT_OF(context));
	put_string(t, "description", SLOT_DESCRIPTION);
	put_string(t, "category", SLOT_MODULE);
}

/* The vendor's times have seven digits, and some no zone: those are UTC. Kept when a record writes another text. */
static int take_time(struct taking *t)
{
	struct span given = row_string(t->slot[SLOT_LOG_DATE]);
	char zoned[TIME_TEXT_MAX + 2];
	uint8_t text[TIMESTAMP_LEN];
	int64_t us;

	if (!t->slot[SLOT_LOG_DATE])
		return 0;
	snprintf(zoned, sizeof(zoned), "%.*sZ", (int)(given.len < TIME_TEXT_MAX ? given.len : 0),
		 (const char *)given.p);
	if (!timestamp_parse(given, &us) && !timestamp_parse(span_str(zoned), &us))
		return row_refuse(
			t->err, SPAN_LIT("logDate"),
			"it must be an RFC 3339 time such as 2026-11-21T10:00:00.1234567Z, in years 0001 to 9999");
	timestamp_format(us, text);
	buf_printf(t->to, ",\"time\":\"%.*s\"", TIMESTAMP_LEN, (const char *)text);
	if (!span_eq(given, span_of(text, sizeof(text))))
		keep_text(t, SLOT_LOG_DATE, given);
	return 0;
}

static void put_kept(struct taking *t)
{
	if (t->slot[SLOT_RESOURCE_ID])
		keep_text(t, SLOT_RESOURCE_ID, row_string(t->slot[SLOT_RESOURCE_ID]));
	row_keep_end(t->to, &t->kept, KEEPNET_KEPT);
}

int keepnet_event(yyjson_val *row, const struct row_given *given, struct buf *to, struct err *err)
{
	struct taking t = {.kept = BUF_INIT, .to = to, .err = err};
	int rc = take_apart(&t, row);

	(void)given;
	if (rc == 0) {
		take_operation(&t);
		take_members(&t);
		rc = take_values(&t);
	}
	if (rc == 0)
		rc = take_time(&t);
	if (rc == 0)
		put_kept(&t);
	buf_release(&t.kept);
	return rc;
}
