/*
 * What an event may hold, as tables: the top-level members, and the members of actor, entity, outcome and context whose
 * kinds are fixed because queries, the console and the dialects rely on them. Everything else below the top level is
 * the producer's own.
 */
#include <stdio.h>

#include "base/err.h"
#include "codec/record_priv.h"

enum kind { KIND_STRING, KIND_OBJECT, KIND_STRINGS };

/* A known member of a known object. */
struct field {
	const char *name;
	enum kind kind;
};

static const struct field actor_fields[] = {{"attributes", KIND_OBJECT}, {"email", KIND_STRING}, {"id", KIND_STRING},
					    {"name", KIND_STRING},       {"type", KIND_STRING},  {NULL, 0}};

static const struct field entity_fields[] = {{"attributes", KIND_OBJECT}, {"id", KIND_STRING},   {"name", KIND_STRING},
					     {"parents", KIND_STRINGS},   {"type", KIND_STRING}, {NULL, 0}};

static const struct field outcome_fields[] = {
	{"error", KIND_STRING}, {"reason", KIND_STRING}, {"type", KIND_STRING}, {NULL, 0}};

static const struct field context_fields[] = {{"environment", KIND_STRING},
					      {"host", KIND_STRING},
					      {"ip", KIND_STRING},
					      {"method", KIND_STRING},
					      {"protocol", KIND_STRING},
					      {"request_id", KIND_STRING},
					      {"service", KIND_STRING},
					      {"session", KIND_STRING},
					      {"url", KIND_STRING},
					      {"user_agent", KIND_STRING},
					      {NULL, 0}};

struct member {
	char name[16]; /* zeros behind it, so that it compares as two words */
	uint8_t len;
	enum kind kind;
	const struct field *fields; /* of an object whose members are known, else NULL */
};

#define MEMBER(name, kind, fields)                                                                                     \
	{                                                                                                              \
		name, sizeof(name) - 1, kind, fields                                                                   \
	}

/* clang-format off */
static const struct member members[RECORD_MEMBER_COUNT] = {
	[RECORD_ACTION]      = MEMBER("action", KIND_STRING, NULL),
	[RECORD_ACTOR]       = MEMBER("actor", KIND_OBJECT, actor_fields),
	[RECORD_AFTER]       = MEMBER("after", KIND_OBJECT, NULL),
	[RECORD_ATTRIBUTES]  = MEMBER("attributes", KIND_OBJECT, NULL),
	[RECORD_BEFORE]      = MEMBER("before", KIND_OBJECT, NULL),
	[RECORD_CATEGORY]    = MEMBER("category", KIND_STRING, NULL),
	[RECORD_CONTEXT]     = MEMBER("context", KIND_OBJECT, context_fields),
	[RECORD_DESCRIPTION] = MEMBER("description", KIND_STRING, NULL),
	[RECORD_ENTITY]      = MEMBER("entity", KIND_OBJECT, entity_fields),
	[RECORD_ID]          = MEMBER("id", KIND_STRING, NULL),
	[RECORD_OUTCOME]     = MEMBER("outcome", KIND_OBJECT, outcome_fields),
	[RECORD_RECEIVED]    = MEMBER("received", KIND_STRING, NULL),
	[RECORD_SEVERITY]    = MEMBER("severity", KIND_STRING, NULL),
	[RECORD_TAGS]        = MEMBER("tags", KIND_OBJECT, NULL),
	[RECORD_TIME]        = MEMBER("time", KIND_STRING, NULL),
	[RECORD_TYPE]        = MEMBER("type", KIND_STRING, NULL),
};
/* clang-format on */

static const char *const severities[] = {"verbose", "info", "low", "medium", "high", "critical"};

struct span record__member_name(enum record_member member)
{
	return span_of(members[member].name, members[member].len);
}

/* Up to eight bytes as a number; the bytes behind `p` are readable. */
static uint64_t load_word(const uint8_t *p, size_t len)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return len < 8 ? v & ~(~UINT64_C(0) << 8 * len) : v;
}

/*
 * The top five bits of a name's first word times this number differ for all members: a perfect hash, found by trying
 * odd numbers. The table below is it, inverted; test_record__takes_every_member would miss a member if it were wrong.
 */
#define MEMBER_HASH_FACTOR UINT64_C(0x3099fdf5ab99254b)
#define MEMBER_HASH_NONE   0xff

/* clang-format off */
static const uint8_t member_by_hash[32] = {
	RECORD_ACTION, MEMBER_HASH_NONE, RECORD_ID, MEMBER_HASH_NONE,
	RECORD_SEVERITY, RECORD_AFTER, MEMBER_HASH_NONE, RECORD_TIME,
	MEMBER_HASH_NONE, MEMBER_HASH_NONE, RECORD_ENTITY, RECORD_DESCRIPTION,
	RECORD_CONTEXT, MEMBER_HASH_NONE, MEMBER_HASH_NONE, MEMBER_HASH_NONE,
	RECORD_RECEIVED, MEMBER_HASH_NONE, MEMBER_HASH_NONE, MEMBER_HASH_NONE,
	RECORD_CATEGORY, MEMBER_HASH_NONE, RECORD_ATTRIBUTES, MEMBER_HASH_NONE,
	MEMBER_HASH_NONE, MEMBER_HASH_NONE, RECORD_TYPE, RECORD_OUTCOME,
	RECORD_BEFORE, RECORD_TAGS, MEMBER_HASH_NONE, RECORD_ACTOR,
};
/* clang-format on */

int record__member_find(struct span name)
{
	uint64_t low, high, words[2];
	unsigned found;

	if (name.len == 0 || name.len > sizeof(members[0].name))
		return -1;
	low = load_word(name.p, name.len);
	high = name.len > 8 ? load_word(name.p + 8, name.len - 8) : 0;
	found = member_by_hash[low * MEMBER_HASH_FACTOR >> 59];
	if (found == MEMBER_HASH_NONE || members[found].len != name.len)
		return -1;
	memcpy(words, members[found].name, sizeof(words));
	return words[0] == low && words[1] == high ? (int)found : -1;
}

static const char *kind_name(enum kind kind)
{
	static const char *const names[] = {"a string", "an object", "an array of strings"};

	return names[kind];
}

/* What JSON calls the value, with its article. */
static const char *value_name(yyjson_val *val)
{
	switch (unsafe_yyjson_get_type(val)) {
	case YYJSON_TYPE_OBJ:
		return "an object";
	case YYJSON_TYPE_ARR:
		return "an array";
	case YYJSON_TYPE_STR:
		return "a string";
	case YYJSON_TYPE_BOOL:
		return "a boolean";
	case YYJSON_TYPE_NULL:
		return "null";
	default:
		return "a number";
	}
}

static int kind_failed(struct err *err, const char *parent, const char *name, enum kind kind, yyjson_val *val)
{
	char path[64];
	int len = snprintf(path, sizeof(path), "%s%s%s", parent, *parent ? "." : "", name);

	err_set(err, E_INVALID, "%s must be %s, not %s", path, kind_name(kind), value_name(val));
	if (err)
		err_set_field(err, path, (size_t)len);
	return E_INVALID;
}

static int strings_failed(struct err *err, const char *parent, const char *name, size_t index, yyjson_val *val)
{
	char path[64];

	snprintf(path, sizeof(path), "%s[%zu]", name, index);
	return kind_failed(err, parent, path, KIND_STRING, val);
}

static int check_kind(const char *parent, const char *name, enum kind kind, yyjson_val *val, struct err *err)
{
	yyjson_arr_iter items;
	yyjson_val *item;

	if (kind == KIND_STRING)
		return unsafe_yyjson_is_str(val) ? 0 : kind_failed(err, parent, name, kind, val);
	if (kind == KIND_OBJECT)
		return unsafe_yyjson_is_obj(val) ? 0 : kind_failed(err, parent, name, kind, val);
	if (!unsafe_yyjson_is_arr(val))
		return kind_failed(err, parent, name, kind, val);
	items = yyjson_arr_iter_with(val);
	while ((item = yyjson_arr_iter_next(&items)))
		if (!unsafe_yyjson_is_str(item))
			return strings_failed(err, parent, name, items.idx - 1, item);
	return 0;
}

/* A string can only be wrong for the few members that are no strings, whose names are long: nearly all are let pass
 * without a look at the table. Null stands for a value that is not known, whatever the kind. */
static bool may_be_wrong(struct span name, yyjson_val *val)
{
	if (unsafe_yyjson_is_str(val))
		return name.len == sizeof("parents") - 1 || name.len == sizeof("attributes") - 1;
	return !unsafe_yyjson_is_null(val);
}

static int check_fields(const struct member *member, yyjson_val *object, struct err *err)
{
	size_t n = unsafe_yyjson_get_len(object);
	yyjson_val *key = unsafe_yyjson_get_first(object);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++, key = unsafe_yyjson_get_next(key + 1)) {
		struct span name = record__string(key);

		if (!may_be_wrong(name, key + 1))
			continue;
		for (const struct field *f = member->fields; f->name; f++)
			if (span_eq_str(name, f->name))
				rc = check_kind(member->name, f->name, f->kind, key + 1, err);
	}
	return rc;
}

/* Refuses a top-level member by its name, cut where it is long. */
static int member_failed(struct err *err, struct span name, int code, const char *why)
{
	struct span shown = record__cut(name, RECORD_KEY_MAX);

	err_set(err, code, "%.*s: %s", (int)shown.len, (const char *)shown.p, why);
	if (err)
		err_set_field(err, (const char *)shown.p, shown.len);
	return code;
}

/* Puts the members in their slots. */
static int find_members(yyjson_val *root, struct record_event *event, struct err *err)
{
	size_t n = unsafe_yyjson_get_len(root);
	yyjson_val *key = unsafe_yyjson_get_first(root);
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1)) {
		struct span name = record__string(key);
		int at = record__member_find(name);

		if (at < 0)
			return member_failed(err, name, E_INVALID,
					     "an event has no such member; put your own members under attributes");
		if (seen & 1u << at)
			return member_failed(err, name, E_INVALID,
					     "this member is there twice; a name may occur once in an object");
		seen |= 1u << at;
		if (!event->is_stored && (at == RECORD_ID || at == RECORD_RECEIVED))
			return member_failed(err, name, E_INVALID, "the server gives this member; leave it out");
		if (!unsafe_yyjson_is_null(key + 1))
			event->members[at] = key + 1;
	}
	return 0;
}

static int check_severity(yyjson_val *severity, struct err *err)
{
	for (size_t i = 0; severity && i < sizeof(severities) / sizeof(severities[0]); i++)
		if (span_eq_str(record__string(severity), severities[i]))
			return 0;
	return severity ? member_failed(err, SPAN_LIT("severity"), E_INVALID,
					"it must be verbose, info, low, medium, high or critical")
			: 0;
}

static int check_kinds(const struct record_event *event, struct err *err)
{
	int rc = 0;

	for (int i = 0; i < RECORD_MEMBER_COUNT && rc == 0; i++) {
		yyjson_val *val = event->members[i];

		if (!val)
			continue;
		rc = check_kind("", members[i].name, members[i].kind, val, err);
		if (rc == 0 && members[i].fields)
			rc = check_fields(&members[i], val, err);
	}
	return rc;
}

int record__schema(yyjson_val *root, int64_t now_us, struct record_event *ret, struct err *err)
{
	yyjson_val *action, *time;
	int rc;

	if (!unsafe_yyjson_is_obj(root))
		return err_set(err, E_INVALID, "an event must be an object, not %s", value_name(root));
	memset(ret->members, 0, sizeof(ret->members));
	if ((rc = find_members(root, ret, err)) < 0 || (rc = check_kinds(ret, err)) < 0)
		return rc;
	action = ret->members[RECORD_ACTION];
	if (!action || unsafe_yyjson_get_len(action) == 0)
		return member_failed(err, SPAN_LIT("action"), E_INVALID,
				     "an event must say what was done, in a string that is not empty");
	if ((rc = check_severity(ret->members[RECORD_SEVERITY], err)) < 0)
		return rc;
	time = ret->members[RECORD_TIME];
	ret->time_us = now_us;
	if (time && !timestamp_parse(record__string(time), &ret->time_us))
		return member_failed(
			err, SPAN_LIT("time"), E_INVALID,
			"it must be an RFC 3339 time such as 2026-11-21T10:00:00.000Z, in years 0001 to 9999");
	return 0;
}
