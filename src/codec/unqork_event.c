/*
 * From Unqork's event to one of ours. Each member goes where the record has a place for it; when the record would not
 * yield it again as it was, it is kept as well (unqork_priv.h), so that any event comes out as it went in.
 */
#include <string.h>

#include "codec/json_text.h"
#include "codec/row_format.h"
#include "codec/timestamp.h"
#include "codec/unqork_priv.h"

/* The event taken apart, and ours as it grows. */
struct taking {
	yyjson_val *slot[UNQORK_SLOT_COUNT]; /* NULL: not given */
	bool has_no_user;
	struct buf root, inner; /* members that are kept */
	struct buf *to;
	struct err *err;
};

static bool is_string(yyjson_val *v, const char *text)
{
	return yyjson_is_str(v) && span_eq_str(row_string(v), text);
}

static void put_value(struct buf *to, struct span name, yyjson_val *value)
{
	if (to->len > 0 && to->p[to->len - 1] != '{')
		buf_put_u8(to, ',');
	json_text_string(to, name);
	buf_put_u8(to, ':');
	row_put_yyjson(to, value);
}

static void keep(struct taking *t, enum unqork_slot s)
{
	put_value(unqork__is_in_object(s) ? &t->inner : &t->root, span_str(unqork__names[s]), t->slot[s]);
}

/* Keeps a member unless the record yields it again. */
static void keep_unless(struct taking *t, enum unqork_slot s, bool is_exact)
{
	if (t->slot[s] && !is_exact)
		keep(t, s);
}

/* ---- taking apart ---- */

static int take_members(struct taking *t, yyjson_val *object, int first, int next, struct buf *extras)
{
	yyjson_obj_iter members;
	yyjson_val *key;
	int s;

	yyjson_obj_iter_init(object, &members);
	while ((key = yyjson_obj_iter_next(&members))) {
		for (s = first; s < next && !is_string(key, unqork__names[s]); s++)
			;
		if (s == next)
			put_value(extras, row_string(key), yyjson_obj_iter_get_val(key));
		else if (t->slot[s])
			return row_refuse(t->err, span_str(unqork__names[s]), "this member is there twice");
		else
			t->slot[s] = yyjson_obj_iter_get_val(key);
	}
	return 0;
}

static int take_apart(struct taking *t, yyjson_val *event)
{
	int rc;

	if (!yyjson_is_obj(event))
		return err_set(t->err, E_INVALID, "an event is an object, not %s", yyjson_get_type_desc(event));
	if ((rc = take_members(t, event, 0, UNQORK_ROOT_COUNT, &t->root)) < 0)
		return rc;
	if (yyjson_is_obj(t->slot[UNQORK_OBJECT]))
		return take_members(t, t->slot[UNQORK_OBJECT], UNQORK_ROOT_COUNT, UNQORK_SLOT_COUNT, &t->inner);
	keep_unless(t, UNQORK_OBJECT, false);
	return 0;
}

/* ---- members, in the order of ours ---- */

/* "name":"text" of a string; what separates it from what is before. */
static void put_string(struct taking *t, const char *name, yyjson_val *value)
{
	put_value(t->to, span_str(name), value);
}

static int take_action(struct taking *t)
{
	yyjson_val *v = t->slot[UNQORK_ACTION];

	if (!yyjson_is_str(v) || yyjson_get_len(v) == 0)
		return row_refuse(t->err, SPAN_LIT("action"), "an event needs an 'action', a string that is not empty");
	put_string(t, "action", v);
	return 0;
}

/* A text that the record has a place for. */
static void take_text(struct taking *t, enum unqork_slot s, const char *ours)
{
	bool is_text = yyjson_is_str(t->slot[s]);

	if (is_text)
		put_string(t, ours, t->slot[s]);
	keep_unless(t, s, is_text);
}

static void put_time(struct taking *t, int64_t us, uint8_t text[TIMESTAMP_LEN])
{
	timestamp_format(us, text);
	buf_printf(t->to, ",\"time\":\"%.*s\"", TIMESTAMP_LEN, (const char *)text);
}

/* `date` says when; without it `timestamp` does, and without both it is now. */
static int take_time(struct taking *t)
{
	yyjson_val *date = t->slot[UNQORK_DATE];
	yyjson_val *from = date && !yyjson_is_null(date) ? date : t->slot[UNQORK_TIMESTAMP];
	uint8_t text[TIMESTAMP_LEN];
	bool is_exact = false;
	int64_t us;

	if (yyjson_is_str(from) && timestamp_parse(row_string(from), &us)) {
		put_time(t, us, text);
		is_exact = from == date && span_eq(row_string(from), span_of(text, TIMESTAMP_LEN));
	} else if (from && from == date) {
		return row_refuse(
			t->err, SPAN_LIT("date"),
			"it must be an RFC 3339 time such as 2026-11-21T10:00:00.000000Z, in years 0001 to 9999");
	}
	keep_unless(t, UNQORK_DATE, is_exact);
	keep_unless(t, UNQORK_TIMESTAMP, false);
	return 0;
}

static void take_tags(struct taking *t)
{
	bool is_object = yyjson_is_obj(t->slot[UNQORK_TAGS]);

	if (is_object)
		put_value(t->to, SPAN_LIT("tags"), t->slot[UNQORK_TAGS]);
	keep_unless(t, UNQORK_TAGS, is_object);
}

/* The strings of an object that ours has a place for; whether that was all there is in it. */
static bool put_pairs(struct taking *t, yyjson_val *object, const struct unqork_pair *pairs, unsigned count)
{
	size_t found = 0;

	for (unsigned i = 0; i < count; i++) {
		yyjson_val *v = yyjson_obj_get(object, pairs[i].theirs);

		if (!yyjson_is_str(v))
			continue;
		put_string(t, pairs[i].ours, v);
		found++;
	}
	return yyjson_is_obj(object) && yyjson_obj_size(object) == found;
}

/* What stands at the root, or else in the object. */
static yyjson_val *either(const struct taking *t, enum unqork_slot root, enum unqork_slot inner)
{
	return t->slot[root] ? t->slot[root] : t->slot[inner];
}

/* As texts: a comparison of values would take the square of their members, and the stack of their depth. What differs
 * in the order of members alone is then kept twice. */
static bool is_same(yyjson_val *a, yyjson_val *b)
{
	struct buf one = BUF_INIT, other = BUF_INIT;
	bool is_it;

	row_put_yyjson(&one, a);
	row_put_yyjson(&other, b);
	is_it = buf_ok(&one) && buf_ok(&other) && span_eq(buf_span(&one), buf_span(&other));
	buf_release(&one);
	buf_release(&other);
	return is_it;
}

/* Keeps what stands in one place or both, unless the record yields it there. */
static void keep_either(struct taking *t, enum unqork_slot root, enum unqork_slot inner, bool is_exact)
{
	bool is_twice = t->slot[root] && t->slot[inner];

	keep_unless(t, root, is_exact);
	keep_unless(t, inner, is_exact && (!is_twice || is_same(t->slot[root], t->slot[inner])));
}

static void take_outcome(struct taking *t)
{
	yyjson_val *v = either(t, UNQORK_OUTCOME, UNQORK_OBJECT_OUTCOME);
	bool is_exact;

	if (!v)
		return;
	buf_put_str(t->to, ",\"outcome\":{");
	is_exact = put_pairs(t, v, unqork__outcome, UNQORK_OUTCOME_COUNT);
	buf_put_u8(t->to, '}');
	keep_either(t, UNQORK_OUTCOME, UNQORK_OBJECT_OUTCOME, is_exact);
}

static void take_context(struct taking *t)
{
	yyjson_val *v = either(t, UNQORK_CONTEXT, UNQORK_OBJECT_CONTEXT);
	bool is_exact;

	if (!v && !t->slot[UNQORK_SOURCE])
		return;
	buf_put_str(t->to, ",\"context\":{");
	is_exact = put_pairs(t, v, unqork__context, UNQORK_CONTEXT_COUNT);
	take_text(t, UNQORK_SOURCE, "service");
	buf_put_u8(t->to, '}');
	keep_either(t, UNQORK_CONTEXT, UNQORK_OBJECT_CONTEXT, is_exact);
}

/* An identifier {"type":…,"value":…}: of a kind the record knows, or as its id. Whether the record yields it again. */
static bool put_identifier(struct taking *t, yyjson_val *identifier, const struct unqork_pair *ids, unsigned count)
{
	yyjson_val *kind = yyjson_obj_get(identifier, "type"), *value = yyjson_obj_get(identifier, "value");
	unsigned i;

	if (!yyjson_is_str(value))
		return yyjson_is_obj(identifier) && yyjson_obj_size(identifier) == 0;
	for (i = 0; i < count && !is_string(kind, ids[i].theirs); i++)
		;
	put_string(t, i < count ? ids[i].ours : ids[0].ours, value);
	return i < count && yyjson_obj_size(identifier) == 2;
}

static bool is_address(yyjson_val *identifier)
{
	struct span text = row_string(yyjson_obj_get(identifier, "value"));

	return is_string(yyjson_obj_get(identifier, "type"), "user-id") && text.len > 0 &&
	       memchr(text.p, '@', text.len);
}

static void take_actor(struct taking *t)
{
	yyjson_val *v = either(t, UNQORK_ACTOR, UNQORK_OBJECT_ACTOR);
	yyjson_val *type = yyjson_obj_get(v, "type"), *identifier = yyjson_obj_get(v, "identifier");
	yyjson_val *attributes = yyjson_obj_get(v, "attributes");
	bool is_exact = yyjson_is_str(type) && yyjson_is_obj(attributes) && yyjson_obj_size(v) == 3;

	if (!v)
		return;
	buf_put_str(t->to, ",\"actor\":{");
	if (yyjson_is_str(type))
		put_string(t, "type", type);
	if (!put_identifier(t, identifier, unqork__actor_ids, UNQORK_ACTOR_COUNT))
		is_exact = false;
	if (is_address(identifier)) /* the id comes first again on the way out */
		put_string(t, "email", yyjson_obj_get(identifier, "value"));
	if (yyjson_is_obj(attributes))
		put_value(t->to, SPAN_LIT("attributes"), attributes);
	buf_put_u8(t->to, '}');
	keep_either(t, UNQORK_ACTOR, UNQORK_OBJECT_ACTOR, is_exact);
}

/* Attributes are those of what was acted on, or, beside those of before, what it is like after a change. */
static void take_attributes(struct taking *t, bool is_change)
{
	yyjson_val *v = t->slot[UNQORK_OBJECT_ATTRIBUTES];
	bool is_object = yyjson_is_obj(v);

	if (is_object) {
		put_value(t->to, is_change ? SPAN_LIT("after") : SPAN_LIT("attributes"), v);
		t->has_no_user = !yyjson_obj_get(v, "userId");
	}
	keep_unless(t, UNQORK_OBJECT_ATTRIBUTES, is_object);
}

static void take_object(struct taking *t)
{
	bool is_change = yyjson_is_obj(t->slot[UNQORK_OBJECT_PRIOR]);

	if (!yyjson_is_obj(t->slot[UNQORK_OBJECT]))
		return;
	buf_put_str(t->to, ",\"entity\":{");
	take_text(t, UNQORK_OBJECT_TYPE, "type");
	keep_unless(t, UNQORK_OBJECT_IDENTIFIER,
		    put_identifier(t, t->slot[UNQORK_OBJECT_IDENTIFIER], unqork__entity_ids, UNQORK_ENTITY_COUNT));
	if (!is_change)
		take_attributes(t, false);
	buf_put_u8(t->to, '}');
	if (is_change) {
		take_attributes(t, true);
		put_value(t->to, SPAN_LIT("before"), t->slot[UNQORK_OBJECT_PRIOR]);
	}
	keep_unless(t, UNQORK_OBJECT_PRIOR, is_change);
}

/* ---- what is kept ---- */

static void put_absent(struct taking *t, struct buf *to)
{
	const char *separator = "";
	bool has_object = yyjson_is_obj(t->slot[UNQORK_OBJECT]);

	for (int s = 0; s < (has_object ? UNQORK_SLOT_COUNT : UNQORK_ROOT_COUNT); s++) {
		if (t->slot[s] || s == UNQORK_OBJECT_PRIOR) /* which is not made up */
			continue;
		buf_printf(to, "%s\"%s%s\"", separator, unqork__is_in_object(s) ? UNQORK_INNER "." : "",
			   unqork__names[s]);
		separator = ",";
	}
	if (t->has_no_user)
		buf_printf(to, "%s\"" UNQORK_NO_USER "\"", separator);
}

static void put_kept(struct taking *t)
{
	struct buf absent = BUF_INIT;

	put_absent(t, &absent);
	buf_put_str(t->to, ",\"attributes\":{\"" UNQORK_KEPT "\":{\"" UNQORK_ABSENT "\":[");
	buf_put_span(t->to, buf_span(&absent));
	buf_put_str(t->to, "],\"" UNQORK_ROOT "\":{");
	buf_put_span(t->to, buf_span(&t->root));
	buf_put_str(t->to, "},\"" UNQORK_INNER "\":{");
	buf_put_span(t->to, buf_span(&t->inner));
	buf_put_str(t->to, "}}}");
	if (!buf_ok(&absent) || !buf_ok(&t->root) || !buf_ok(&t->inner))
		t->to->failed = true;
	buf_release(&absent);
}

static int take(struct taking *t)
{
	int rc;

	buf_put_u8(t->to, '{');
	if ((rc = take_action(t)) < 0 || (rc = take_time(t)) < 0)
		return rc;
	keep_unless(t, UNQORK_MESSAGE_TYPE, is_string(t->slot[UNQORK_MESSAGE_TYPE], UNQORK_TYPE_OF_MESSAGE));
	keep_unless(t, UNQORK_ID, false); /* ours is another */
	keep_unless(t, UNQORK_SCHEMA_VERSION, is_string(t->slot[UNQORK_SCHEMA_VERSION], UNQORK_VERSION));
	take_text(t, UNQORK_EVENT_TYPE, "type");
	take_text(t, UNQORK_CATEGORY, "category");
	take_tags(t);
	take_outcome(t);
	take_context(t);
	take_actor(t);
	take_object(t);
	put_kept(t);
	buf_put_u8(t->to, '}');
	return 0;
}

int unqork_event(yyjson_val *row, const struct row_given *given, struct buf *to, struct err *err)
{
	struct taking t = {.root = BUF_INIT, .inner = BUF_INIT, .to = to, .err = err};
	int rc = take_apart(&t, row);

	(void)given;
	if (rc == 0)
		rc = take(&t);
	buf_release(&t.root);
	buf_release(&t.inner);
	return rc;
}
