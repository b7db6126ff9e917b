/* From a record to Unqork's event. Values of a canonical record are copied as they stand. */
#include "codec/unqork.h"

#include "codec/json_line.h"
#include "codec/record_path.h"
#include "codec/record_view.h"
#include "codec/timestamp.h"
#include "codec/unqork_priv.h"

#define MS_LEN (sizeof("\"2026-01-31T12:00:00.000") - 1) /* of a time, up to its milliseconds */

const struct unqork_pair unqork__outcome[] = {{"type", "type"}, {"failureReason", "reason"}, {"error", "error"}};
const struct unqork_pair unqork__context[] = {{"environment", "environment"},
					      {"sessionId", "session"},
					      {"clientIp", "ip"},
					      {"protocol", "protocol"},
					      {"host", "host"},
					      {"userAgent", "user_agent"},
					      {NULL, "service"}};
const struct unqork_pair unqork__actor_ids[] = {
	{"user-id", "id"}, {"email", "email"}, {"name", "name"}, {NULL, "type"}, {NULL, "attributes"}};
const struct unqork_pair unqork__entity_ids[] = {{"id", "id"}, {"name", "name"}, {NULL, "type"}, {NULL, "attributes"}};

/* A record while its event is written. */
struct writing {
	struct record_view view;
	struct span outcome[UNQORK_OUTCOME_COUNT]; /* members of the record's objects; p NULL: there is none */
	struct span context[UNQORK_CONTEXT_MEMBERS];
	struct span actor[UNQORK_ACTOR_MEMBERS];
	struct span entity[UNQORK_ENTITY_MEMBERS];
	struct span kept[UNQORK_SLOT_COUNT]; /* p NULL: nothing */
	bool is_absent[UNQORK_SLOT_COUNT];
	bool has_no_user;
	struct span root, inner; /* the objects of what is kept; empty: there is none */
};

/* Writes a member's value; false when there is none, and then nothing. */
typedef bool put_fn(const struct writing *w, struct buf *to);

static void put_or(struct buf *to, struct span json, const char *otherwise)
{
	if (json.p)
		buf_put_span(to, json);
	else
		buf_put_str(to, otherwise);
}

static bool put_date(const struct writing *w, struct buf *to)
{
	put_or(to, w->view.member[RECORD_TIME], "null");
	return true;
}

static bool put_message_type(const struct writing *w, struct buf *to)
{
	(void)w;
	buf_put_str(to, "\"" UNQORK_TYPE_OF_MESSAGE "\"");
	return true;
}

static bool put_schema_version(const struct writing *w, struct buf *to)
{
	(void)w;
	buf_put_str(to, "\"" UNQORK_VERSION "\"");
	return true;
}

/* When it was written down, which is when it was received. */
static bool put_timestamp(const struct writing *w, struct buf *to)
{
	struct span json = w->view.member[RECORD_RECEIVED];

	if (json.len != TIMESTAMP_LEN + 2)
		return false;
	buf_put(to, json.p, MS_LEN);
	buf_put_str(to, "Z\"");
	return true;
}

static bool put_event_type(const struct writing *w, struct buf *to)
{
	put_or(to, w->view.member[RECORD_TYPE], "\"" UNQORK_TYPE_OF_EVENT "\"");
	return true;
}

static bool put_category(const struct writing *w, struct buf *to)
{
	put_or(to, w->view.member[RECORD_CATEGORY], "\"\"");
	return true;
}

static bool put_action(const struct writing *w, struct buf *to)
{
	put_or(to, w->view.member[RECORD_ACTION], "\"\"");
	return true;
}

static bool put_source(const struct writing *w, struct buf *to)
{
	put_or(to, w->context[UNQORK_SERVICE], "\"\"");
	return true;
}

static bool put_tags(const struct writing *w, struct buf *to)
{
	put_or(to, w->view.member[RECORD_TAGS], "{}");
	return true;
}

/* "name": behind whatever is there; not by buf_printf, which would be most of what an event costs. */
static void put_name(struct buf *to, const char *name)
{
	size_t len = strlen(name);
	uint8_t *p = buf_room(to, len + 4);
	size_t n = 0;

	if (!p)
		return;
	if (to->len > 0 && p[-1] != '{')
		p[n++] = ',';
	p[n++] = '"';
	memcpy(p + n, name, len);
	n += len;
	p[n++] = '"';
	p[n++] = ':';
	buf_commit(to, n);
}

/* An object of those members that the record has. */
static void put_pairs(const struct span *members, const struct unqork_pair *pairs, unsigned count, struct buf *to)
{
	buf_put_u8(to, '{');
	for (unsigned i = 0; i < count; i++) {
		if (!members[i].p)
			continue;
		put_name(to, pairs[i].theirs);
		buf_put_span(to, members[i]);
	}
	buf_put_u8(to, '}');
}

static bool put_outcome(const struct writing *w, struct buf *to)
{
	put_pairs(w->outcome, unqork__outcome, UNQORK_OUTCOME_COUNT, to);
	return true;
}

static bool put_context(const struct writing *w, struct buf *to)
{
	put_pairs(w->context, unqork__context, UNQORK_CONTEXT_COUNT, to);
	return true;
}

/* The first of the identifiers that is there, by its number; `count`: none is. */
static unsigned find_identifier(const struct span *members, unsigned count)
{
	unsigned i = 0;

	while (i < count && !members[i].p)
		i++;
	return i;
}

static void put_identifier(const struct span *members, const struct unqork_pair *ids, unsigned count, struct buf *to)
{
	unsigned i = find_identifier(members, count);

	if (i == count) {
		buf_put_str(to, "{}");
		return;
	}
	buf_put_str(to, "{\"type\":\"");
	buf_put_str(to, ids[i].theirs);
	buf_put_str(to, "\",\"value\":");
	buf_put_span(to, members[i]);
	buf_put_u8(to, '}');
}

static bool put_actor(const struct writing *w, struct buf *to)
{
	buf_put_str(to, "{\"type\":");
	put_or(to, w->actor[UNQORK_ACTOR_TYPE],
	       w->view.member[RECORD_ACTOR].p ? "\"" UNQORK_TYPE_OF_ACTOR "\"" : "\"\"");
	buf_put_str(to, ",\"identifier\":");
	put_identifier(w->actor, unqork__actor_ids, UNQORK_ACTOR_COUNT, to);
	buf_put_str(to, ",\"attributes\":");
	put_or(to, w->actor[UNQORK_ACTOR_ATTRIBUTES], "{}");
	buf_put_u8(to, '}');
	return true;
}

/* Clients tell events apart by their lines: without it two equal ones would count as one. */
static bool put_id(const struct writing *w, struct buf *to)
{
	put_or(to, w->view.member[RECORD_ID], "null");
	return true;
}

static bool put_object_type(const struct writing *w, struct buf *to)
{
	put_or(to, w->entity[UNQORK_ENTITY_TYPE], "\"\"");
	return true;
}

static bool put_object_identifier(const struct writing *w, struct buf *to)
{
	put_identifier(w->entity, unqork__entity_ids, UNQORK_ENTITY_COUNT, to);
	return true;
}

static bool has_member(struct span object, const char *name)
{
	struct record_items it = record_items_of(object);
	struct span found, json;

	while (record_items_next(&it, &found, &json)) {
		if (span_eq_str(found, name))
			return true;
	}
	return false;
}

/* What there is after a change, or what the entity is like. Readers look for who acted here too. */
static bool put_object_attributes(const struct writing *w, struct buf *to)
{
	struct span object = w->view.member[RECORD_AFTER];
	unsigned user = find_identifier(w->actor, UNQORK_ACTOR_COUNT);

	if (!object.p)
		object = w->entity[UNQORK_ENTITY_ATTRIBUTES];
	if (w->has_no_user || user == UNQORK_ACTOR_COUNT || (object.p && has_member(object, "userId"))) {
		put_or(to, object, "{}");
		return true;
	}
	buf_put_str(to, "{\"userId\":");
	buf_put_span(to, w->actor[user]);
	if (object.len > 2) {
		buf_put_u8(to, ',');
		buf_put_span(to, span_of(object.p + 1, object.len - 1));
	} else {
		buf_put_u8(to, '}');
	}
	return true;
}

static bool put_object_prior(const struct writing *w, struct buf *to)
{
	buf_put_span(to, w->view.member[RECORD_BEFORE]);
	return w->view.member[RECORD_BEFORE].p != NULL;
}

static bool put_object(const struct writing *w, struct buf *to);

const char *const unqork__names[UNQORK_SLOT_COUNT] = {
	[UNQORK_DATE] = "date",
	[UNQORK_MESSAGE_TYPE] = "messageType",
	[UNQORK_SCHEMA_VERSION] = "schemaVersion",
	[UNQORK_TIMESTAMP] = "timestamp",
	[UNQORK_EVENT_TYPE] = "eventType",
	[UNQORK_CATEGORY] = "category",
	[UNQORK_ACTION] = "action",
	[UNQORK_SOURCE] = "source",
	[UNQORK_TAGS] = "tags",
	[UNQORK_OBJECT] = "object",
	[UNQORK_OUTCOME] = "outcome",
	[UNQORK_ACTOR] = "actor",
	[UNQORK_CONTEXT] = "context",
	[UNQORK_ID] = "id",
	[UNQORK_OBJECT_TYPE] = "type",
	[UNQORK_OBJECT_IDENTIFIER] = "identifier",
	[UNQORK_OBJECT_ATTRIBUTES] = "attributes",
	[UNQORK_OBJECT_PRIOR] = "priorAttributes",
	[UNQORK_OBJECT_OUTCOME] = "outcome",
	[UNQORK_OBJECT_ACTOR] = "actor",
	[UNQORK_OBJECT_CONTEXT] = "context",
};

/* What each member is made of. */
static put_fn *const puts_of[UNQORK_SLOT_COUNT] = {
	[UNQORK_DATE] = put_date,
	[UNQORK_MESSAGE_TYPE] = put_message_type,
	[UNQORK_SCHEMA_VERSION] = put_schema_version,
	[UNQORK_TIMESTAMP] = put_timestamp,
	[UNQORK_EVENT_TYPE] = put_event_type,
	[UNQORK_CATEGORY] = put_category,
	[UNQORK_ACTION] = put_action,
	[UNQORK_SOURCE] = put_source,
	[UNQORK_TAGS] = put_tags,
	[UNQORK_OBJECT] = put_object,
	[UNQORK_OUTCOME] = put_outcome,
	[UNQORK_ACTOR] = put_actor,
	[UNQORK_CONTEXT] = put_context,
	[UNQORK_ID] = put_id,
	[UNQORK_OBJECT_TYPE] = put_object_type,
	[UNQORK_OBJECT_IDENTIFIER] = put_object_identifier,
	[UNQORK_OBJECT_ATTRIBUTES] = put_object_attributes,
	[UNQORK_OBJECT_PRIOR] = put_object_prior,
	[UNQORK_OBJECT_OUTCOME] = put_outcome,
	[UNQORK_OBJECT_ACTOR] = put_actor,
	[UNQORK_OBJECT_CONTEXT] = put_context,
};

/* The slot of a name within [first, next), or -1. */
static int find_slot(struct span name, int first, int next)
{
	for (int i = first; i < next; i++) {
		if (span_eq_str(name, unqork__names[i]))
			return i;
	}
	return -1;
}

/* A member: what is kept of it, else what the record yields; nothing when it is absent, or when there is nothing. */
static void put_slot(const struct writing *w, int slot, struct buf *to)
{
	size_t before = to->len;
	bool is_there = true;

	if (w->is_absent[slot])
		return;
	put_name(to, unqork__names[slot]);
	if (w->kept[slot].p)
		buf_put_span(to, w->kept[slot]);
	else
		is_there = puts_of[slot](w, to);
	if (!is_there)
		to->len = before;
}

/* What is kept and has no slot stands behind what has one. */
static void put_extras(struct span object, int first, int next, struct buf *to)
{
	struct record_items it = record_items_of(object);
	struct span name, json;

	while (record_items_next(&it, &name, &json)) {
		if (find_slot(name, first, next) >= 0)
			continue;
		buf_put_str(to, to->len > 0 && to->p[to->len - 1] == '{' ? "\"" : ",\"");
		buf_put_span(to, name);
		buf_put_str(to, "\":");
		buf_put_span(to, json);
	}
}

static void put_level(const struct writing *w, int first, int next, struct span extras, struct buf *to)
{
	buf_put_u8(to, '{');
	for (int slot = first; slot < next && buf_ok(to); slot++)
		put_slot(w, slot, to);
	put_extras(extras, first, next, to);
	buf_put_u8(to, '}');
}

static bool put_object(const struct writing *w, struct buf *to)
{
	put_level(w, UNQORK_ROOT_COUNT, UNQORK_SLOT_COUNT, w->inner, to);
	return true;
}

/* ---- what is kept ---- */

static void take_kept(struct writing *w, struct span object, int first, int next)
{
	struct record_items it = record_items_of(object);
	struct span name, json;
	int slot;

	while (record_items_next(&it, &name, &json)) {
		slot = find_slot(name, first, next);
		if (slot >= 0)
			w->kept[slot] = json;
	}
}

static void take_absent(struct writing *w, struct span list)
{
	static const struct span prefix = {(const uint8_t *)UNQORK_INNER ".", sizeof(UNQORK_INNER ".") - 1};
	struct record_items it = record_items_of(list);
	struct span unnamed, json;
	int slot;

	while (record_items_next(&it, &unnamed, &json)) {
		if (json.len < 2 || json.p[0] != '"')
			continue;
		json = span_of(json.p + 1, json.len - 2);
		if (span_eq_str(json, UNQORK_NO_USER))
			w->has_no_user = true;
		slot = span_starts_with(json, prefix)
			       ? find_slot(span_from(json, prefix.len), UNQORK_ROOT_COUNT, UNQORK_SLOT_COUNT)
			       : find_slot(json, 0, UNQORK_ROOT_COUNT);
		if (slot >= 0)
			w->is_absent[slot] = true;
	}
}

/* The object of this name among what is kept; empty when there is none. */
static struct span kept_object(struct span kept, const char *name)
{
	struct span json;

	if (record_view_find(kept, name, &json) && json.p[0] == '{')
		return json;
	return span_of(NULL, 0);
}

static void find_kept(struct writing *w)
{
	struct span kept, absent;

	if (!w->view.member[RECORD_ATTRIBUTES].p ||
	    !record_view_find(w->view.member[RECORD_ATTRIBUTES], UNQORK_KEPT, &kept))
		return;
	if (record_view_find(kept, UNQORK_ABSENT, &absent))
		take_absent(w, absent);
	w->root = kept_object(kept, UNQORK_ROOT);
	w->inner = kept_object(kept, UNQORK_INNER);
	take_kept(w, w->root, 0, UNQORK_ROOT_COUNT);
	take_kept(w, w->inner, UNQORK_ROOT_COUNT, UNQORK_SLOT_COUNT);
}

/* ---- what a record has ---- */

/* The members that `pairs` names of one of the record's objects, in one walk; null is as what is not there. */
static void find_members(const struct writing *w, enum record_member m, const struct unqork_pair *pairs, unsigned count,
			 struct span *ret)
{
	struct record_items it = {NULL, NULL, false};
	struct span name, json;

	if (w->view.member[m].p)
		it = record_items_of(w->view.member[m]);
	while (it.at && record_items_next(&it, &name, &json)) {
		for (unsigned i = 0; i < count; i++) {
			if (json.p[0] != 'n' && span_eq_str(name, pairs[i].ours))
				ret[i] = json;
		}
	}
}

static void find_all(struct writing *w)
{
	find_members(w, RECORD_OUTCOME, unqork__outcome, UNQORK_OUTCOME_COUNT, w->outcome);
	find_members(w, RECORD_CONTEXT, unqork__context, UNQORK_CONTEXT_MEMBERS, w->context);
	find_members(w, RECORD_ACTOR, unqork__actor_ids, UNQORK_ACTOR_MEMBERS, w->actor);
	find_members(w, RECORD_ENTITY, unqork__entity_ids, UNQORK_ENTITY_MEMBERS, w->entity);
	find_kept(w);
}

void unqork_put(struct span record, struct buf *to)
{
	struct writing w = {.has_no_user = false};
	size_t begin = to->len;

	record_view_of(record, &w.view);
	find_all(&w);
	put_level(&w, 0, UNQORK_ROOT_COUNT, w.root, to);
	if (buf_ok(to))
		json_line_escape(to, begin);
}
