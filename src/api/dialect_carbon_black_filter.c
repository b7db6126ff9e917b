/*
 * Criteria and exclusions. Of the values of one member any may match, of criteria all members must; what matches any
 * member of the exclusions is excluded. A member that is not known is refused, unlike elsewhere in a body: a misspelt
 * filter must not widen a search in silence.
 */
#include <string.h>
#include <strings.h>

#include "api/dialect_carbon_black.h"
#include "api/json_body.h"
#include "base/mem.h"
#include "codec/time_text.h"
#include "query/query_build.h"

#define US_PER_MS         1000
#define US_PER_S          INT64_C(1000000)
#define RANGE_DIGITS_MAX  9
#define FILTER_FIELDS_MAX 7

/* One of the two objects as it is read. */
struct filter {
	struct query *q;
	int64_t now_us;
	int64_t from_us, to_us; /* of create_time */
	bool has_times;
	struct query_node *node[FILTER_FIELDS_MAX];
	uint32_t count;
	struct err *err;
};

static int refuse(struct filter *f, const char *name, const char *takes)
{
	err_set_field(f->err, name, strlen(name));
	return err_set(f->err, E_INVALID, "'%s' takes %s", name, takes);
}

/* ---- texts ---- */

typedef struct query_node *text_node_fn(struct query *q, struct span value);

/* One node for all values, each made by `make`. */
static int add_texts(struct filter *f, const char *name, yyjson_val *values, text_node_fn *make,
		     struct query_node **ret)
{
	size_t count = yyjson_is_arr(values) ? yyjson_arr_size(values) : 1;
	struct query_node **nodes = xarray(count + 1, sizeof(*nodes));
	yyjson_val *value = yyjson_is_arr(values) ? yyjson_arr_get_first(values) : values;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (yyjson_is_str(value))
			nodes[i] = make(f->q, json_body_text(value));
		else
			rc = refuse(f, name, "a list of strings");
		if (i + 1 < count)
			value = unsafe_yyjson_get_next(value);
	}
	if (rc == 0)
		*ret = query_or(f->q, nodes, (uint32_t)count);
	free(nodes);
	return rc;
}

static struct query_node *make_ip(struct query *q, struct span value)
{
	return query_exact(q, "context.ip", value);
}

static struct query_node *make_url(struct query *q, struct span value)
{
	return query_exact(q, "context.url", value);
}

static struct query_node *make_email(struct query *q, struct span value)
{
	return query_exact(q, "actor.email", value);
}

static struct query_node *make_name(struct query *q, struct span value)
{
	return query_exact(q, "actor.name", value);
}

static struct query_node *make_id(struct query *q, struct span value)
{
	return query_exact(q, "actor.id", value);
}

/* Its words, wherever they stand in it: descriptions are long. */
static struct query_node *make_description(struct query *q, struct span value)
{
	struct query_node *fallback[] = {query_not(q, query_exists(q, "description")), query_words(q, "action", value)};
	struct query_node *either[] = {query_words(q, "description", value), query_and(q, fallback, 2)};

	return query_or(q, either, 2);
}

/* An actor is the first of three members that is there. */
static int add_actor(struct filter *f, const char *name, yyjson_val *values, struct query_node **ret)
{
	struct query_node *email, *by_name, *by_id;
	struct query_node *shown[3];
	int rc;

	if ((rc = add_texts(f, name, values, make_email, &email)) < 0)
		return rc;
	if ((rc = add_texts(f, name, values, make_name, &by_name)) < 0)
		return rc;
	if ((rc = add_texts(f, name, values, make_id, &by_id)) < 0)
		return rc;
	{
		struct query_node *no_email[] = {query_not(f->q, query_exists(f->q, "actor.email")), by_name};
		struct query_node *no_name[] = {query_not(f->q, query_exists(f->q, "actor.email")),
						query_not(f->q, query_exists(f->q, "actor.name")), by_id};

		shown[0] = email;
		shown[1] = query_and(f->q, no_email, 2);
		shown[2] = query_and(f->q, no_name, 3);
	}
	*ret = query_or(f->q, shown, 3);
	return 0;
}

/* ---- booleans ---- */

static int add_bool(struct filter *f, const char *name, yyjson_val *v, const char *path, const char *word,
		    struct query_node **ret)
{
	struct query_node *n = query_exact(f->q, path, span_str(word));

	if (yyjson_is_arr(v) && yyjson_arr_size(v) == 1)
		v = yyjson_arr_get_first(v);
	if (!yyjson_is_bool(v))
		return refuse(f, name, "true or false");
	*ret = yyjson_get_bool(v) ? n : query_not(f->q, n);
	return 0;
}

/* ---- times ---- */

static int64_t seconds_of(uint8_t unit)
{
	switch (unit) {
	case 'y':
		return 365 * 86400;
	case 'w':
		return 7 * 86400;
	case 'd':
		return 86400;
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
		return 1;
	default:
		return 0;
	}
}

/* "-2w": the last two weeks. */
static int take_range(struct filter *f, struct span text)
{
	int64_t n = 0, unit_s;
	bool ok = text.len >= 3 && text.len <= RANGE_DIGITS_MAX + 2 && text.p[0] == '-';

	for (size_t i = 1; ok && i + 1 < text.len; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '9';
		n = n * 10 + (text.p[i] - '0');
	}
	unit_s = ok ? seconds_of(text.p[text.len - 1]) : 0;
	if (unit_s == 0)
		return refuse(f, "create_time", "a range such as \"-2w\"; units are y, w, d, h, m and s");
	f->from_us = n * unit_s > f->now_us / US_PER_S ? INT64_MIN : f->now_us - n * unit_s * US_PER_S;
	f->to_us = f->now_us + 1;
	return 0;
}

static int take_time(struct filter *f, yyjson_val *v, int64_t *ret)
{
	if (yyjson_is_str(v) && time_text_parse(json_body_text(v), f->now_us, ret, NULL) == 0)
		return 0;
	return refuse(f, "create_time", "times such as 2026-01-31T12:00:00.000Z as 'start' and 'end'");
}

/* Rows show milliseconds: the one that `end` names is within. */
static int take_times(struct filter *f, yyjson_val *object)
{
	yyjson_val *start = json_body_member(object, "start"), *end = json_body_member(object, "end");
	yyjson_val *range = json_body_member(object, "range");
	int rc;

	f->has_times = true;
	if (yyjson_is_str(range) && !start && !end)
		return take_range(f, json_body_text(range));
	if (!yyjson_is_obj(object) || range || !start || !end)
		return refuse(f, "create_time", "'start' and 'end' together, or 'range'");
	if ((rc = take_time(f, start, &f->from_us)) < 0)
		return rc;
	if ((rc = take_time(f, end, &f->to_us)) < 0)
		return rc;
	f->to_us += US_PER_MS - ((f->to_us % US_PER_MS) + US_PER_MS) % US_PER_MS;
	return f->from_us < f->to_us ? 0 : refuse(f, "create_time", "a 'start' that is not after 'end'");
}

/* ---- both objects ---- */

static int add_member(struct filter *f, const char *name, yyjson_val *v, struct query_node **ret)
{
	if (strcasecmp(name, "actor") == 0)
		return add_actor(f, name, v, ret);
	if (strcasecmp(name, "actor_ip") == 0)
		return add_texts(f, name, v, make_ip, ret);
	if (strcasecmp(name, "request_url") == 0)
		return add_texts(f, name, v, make_url, ret);
	if (strcasecmp(name, "description") == 0)
		return add_texts(f, name, v, make_description, ret);
	if (strcasecmp(name, "flagged") == 0)
		return add_bool(f, name, v, "outcome.type", "failure", ret);
	if (strcasecmp(name, "verbose") == 0)
		return add_bool(f, name, v, "severity", "verbose", ret);
	if (strcasecmp(name, "create_time") == 0)
		return take_times(f, v);
	return refuse(f, name,
		      "nothing here: a filter has actor, actor_ip, request_url, description, flagged, verbose "
		      "and create_time");
}

static int take_filter(struct filter *f, yyjson_val *object)
{
	yyjson_obj_iter members;
	yyjson_val *key;
	int rc = 0;

	yyjson_obj_iter_init(object, &members);
	while (rc == 0 && (key = yyjson_obj_iter_next(&members))) {
		struct query_node *n = NULL;

		if (yyjson_is_null(yyjson_obj_iter_get_val(key)))
			continue;
		rc = add_member(f, yyjson_get_str(key), yyjson_obj_iter_get_val(key), &n);
		if (rc == 0 && n && f->count == FILTER_FIELDS_MAX)
			rc = refuse(f, yyjson_get_str(key), "one place in a filter, and it is there twice");
		if (rc == 0 && n)
			f->node[f->count++] = n;
	}
	return rc;
}

static int take_member(struct carbon_black_search *s, const char *name, struct filter *f, struct err *err)
{
	yyjson_val *object;
	int rc;

	*f = (struct filter){.q = s->query, .now_us = s->now_us, .err = err};
	if ((rc = json_body_object(s->body, name, &object, err)) < 0)
		return rc;
	return object ? take_filter(f, object) : 0;
}

/* Excluded is what matches any of the members, as it is in the vendor's. */
static struct query_node *exclude(struct filter *f)
{
	struct query_node *nodes[FILTER_FIELDS_MAX + 1];
	uint32_t count = f->count;

	memcpy(nodes, f->node, count * sizeof(struct query_node *));
	if (f->has_times)
		nodes[count++] = query_times(f->q, "time", f->from_us, f->to_us);
	return count > 0 ? query_not(f->q, query_or(f->q, nodes, count)) : query_all(f->q);
}

int carbon_black__filter(struct carbon_black_search *s, struct err *err)
{
	struct filter criteria, exclusions;
	struct query_node *nodes[3];
	uint32_t count = 0;
	int rc;

	if ((rc = take_member(s, "criteria", &criteria, err)) < 0)
		return rc;
	if ((rc = take_member(s, "exclusions", &exclusions, err)) < 0)
		return rc;
	if (criteria.has_times) {
		s->from_us = criteria.from_us;
		s->to_us = criteria.to_us;
	}
	if (criteria.count > 0)
		nodes[count++] = query_and(s->query, criteria.node, criteria.count);
	if (exclusions.count > 0 || exclusions.has_times)
		nodes[count++] = exclude(&exclusions);
	return query_add(s->query, nodes, count, err);
}
