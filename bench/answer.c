/* Pages are looked through as text, since they are checked by the thousand; counts are parsed. */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <yyjson.h>

int answer_expect(const char *what, uint64_t found, uint64_t least, uint64_t most, struct err *err)
{
	if (found >= least && found <= most)
		return 0;
	if (least == most)
		return err_set(err, E_INTERNAL, "%s: %" PRIu64 ", not %" PRIu64, what, found, least);
	return err_set(err, E_INTERNAL, "%s: %" PRIu64 ", not %" PRIu64 " to %" PRIu64, what, found, least, most);
}

/* ---- pages ---- */

/* The first halves of the request ids in the body, in their order. */
static size_t read_keys(struct span body, uint64_t *ret, size_t max)
{
	static const char member[] = "\"request_id\":\"";
	const uint8_t *end = body.p + body.len;
	const uint8_t *at = body.p;
	char digits[17] = "";
	size_t count = 0;

	while (count < max && (at = memmem(at, (size_t)(end - at), member, sizeof(member) - 1)) != NULL) {
		at += sizeof(member) - 1;
		if (end - at < 16)
			break;
		memcpy(digits, at, 16);
		ret[count++] = strtoull(digits, NULL, 16);
	}
	return count;
}

static int check_order(const uint64_t *keys, size_t count, const struct census_newest *newest, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = (newest->next + 2 * CENSUS_NEWEST - 1 - i) % CENSUS_NEWEST;

		if (keys[i] != newest->keys[at])
			return err_set(err, E_INTERNAL,
				       "record %zu of the page is %016" PRIx64 "…, not %016" PRIx64 "…", i, keys[i],
				       newest->keys[at]);
	}
	return 0;
}

static uint64_t page_of(uint64_t matches)
{
	return matches < QUESTION_LIMIT ? matches : QUESTION_LIMIT;
}

int answer_check_page(struct span body, const struct question *q, const struct ask_bounds *bounds, struct err *err)
{
	const struct census_newest *newest = bounds->newest ? question_newest(q, bounds->newest) : NULL;
	uint64_t least = page_of(question_matches(q, bounds->least));
	uint64_t most = page_of(question_matches(q, bounds->most));
	uint64_t keys[QUESTION_LIMIT + 1] = {0};
	size_t count = read_keys(body, keys, QUESTION_LIMIT + 1);
	int rc = answer_expect("records", count, least, most, err);

	if (rc < 0)
		return rc;
	if (q->kind == QUESTION_REQUEST_ID && keys[0] != q->request_key)
		return err_set(err, E_INTERNAL, "the record is %016" PRIx64 "…, not %s", keys[0], q->text);
	return newest ? check_order(keys, count, newest, err) : 0;
}

/* ---- counts ---- */

static int parse(struct span body, yyjson_doc **ret, struct err *err)
{
	*ret = yyjson_read((const char *)body.p, body.len, 0);
	return *ret ? 0 : err_set(err, E_INTERNAL, "the answer is no JSON");
}

static uint64_t number_of(yyjson_val *object, const char *name)
{
	yyjson_val *value = yyjson_obj_get(object, name);

	return yyjson_is_uint(value) ? yyjson_get_uint(value) : UINT64_MAX;
}

static int expect_total(yyjson_val *root, uint64_t least, uint64_t most, struct err *err)
{
	yyjson_val *total = yyjson_obj_get(root, "total");

	if (!yyjson_equals_str(yyjson_obj_get(total, "relation"), "eq"))
		return err_set(err, E_INTERNAL, "the total is not exact");
	return answer_expect("total", number_of(total, "value"), least, most, err);
}

int answer_check_total(struct span body, const struct question *q, const struct ask_bounds *bounds, struct err *err)
{
	yyjson_doc *doc;
	int rc = parse(body, &doc, err);

	if (rc < 0)
		return rc;
	rc = expect_total(yyjson_doc_get_root(doc), question_matches(q, bounds->least),
			  question_matches(q, bounds->most), err);
	yyjson_doc_free(doc);
	return rc;
}

/* Which action or actor a value is; UINT32_MAX when it is none. */
static uint32_t index_of(enum question_kind kind, const struct event_stream *stream, const char *value)
{
	uint32_t count = kind == QUESTION_BY_ACTION ? EVENT_ACTIONS : EVENT_ACTORS;

	for (uint32_t i = 0; i < count; i++) {
		struct span name =
			kind == QUESTION_BY_ACTION ? span_str(event_action(i)) : event_stream_actor_id(stream, i);

		if (span_eq_str(name, value))
			return i;
	}
	return UINT32_MAX;
}

static uint64_t count_of(enum question_kind kind, const struct census_counts *c, uint32_t i)
{
	return kind == QUESTION_BY_ACTION ? census_of_action(c, i) : c->by_actor[i];
}

static int check_values(yyjson_val *values, const struct question *q, const struct event_stream *stream,
			const struct ask_bounds *bounds, struct err *err)
{
	uint64_t before = UINT64_MAX;
	size_t i, count;
	yyjson_val *item;

	yyjson_arr_foreach(values, i, count, item)
	{
		const char *value = yyjson_get_str(yyjson_obj_get(item, "value"));
		uint32_t which = value ? index_of(q->kind, stream, value) : UINT32_MAX;
		uint64_t found = number_of(item, "count");
		int rc;

		if (which == UINT32_MAX)
			return err_set(err, E_INTERNAL, "'%s' is no value of the field", value ? value : "");
		rc = answer_expect(value, found, count_of(q->kind, bounds->least, which),
				   count_of(q->kind, bounds->most, which), err);
		if (rc < 0)
			return rc;
		if (found > before)
			return err_set(err, E_INTERNAL, "'%s' stands behind one with fewer records", value);
		before = found;
	}
	return 0;
}

/* With the counts right and in order, a list of the top is right when its last has as many as the tenth busiest. */
static int check_top(yyjson_val *values, const struct ask_bounds *bounds, struct err *err)
{
	uint32_t least[QUESTION_TOP];
	uint32_t most[QUESTION_TOP];
	int rc = answer_expect("values", yyjson_arr_size(values), QUESTION_TOP, QUESTION_TOP, err);

	if (rc < 0)
		return rc;
	census_busiest(bounds->least, least, QUESTION_TOP);
	census_busiest(bounds->most, most, QUESTION_TOP);
	return answer_expect("the tenth", number_of(yyjson_arr_get_last(values), "count"),
			     bounds->least->by_actor[least[QUESTION_TOP - 1]],
			     bounds->most->by_actor[most[QUESTION_TOP - 1]], err);
}

int answer_check_facets(struct span body, const struct question *q, const struct event_stream *stream,
			const struct ask_bounds *bounds, struct err *err)
{
	yyjson_val *facet;
	yyjson_val *values;
	yyjson_doc *doc;
	int rc = parse(body, &doc, err);

	if (rc < 0)
		return rc;
	facet = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "facets"));
	values = yyjson_obj_get(facet, "values");
	if ((rc = check_values(values, q, stream, bounds, err)) < 0)
		goto out;
	if (q->kind == QUESTION_TOP_ACTORS)
		rc = check_top(values, bounds, err);
	else
		rc = answer_expect("values", yyjson_arr_size(values), EVENT_ACTIONS, EVENT_ACTIONS, err);
	if (rc == 0)
		rc = expect_total(yyjson_doc_get_root(doc), bounds->least->events, bounds->most->events, err);
out:
	yyjson_doc_free(doc);
	return rc;
}

/* ---- hours ---- */

/* Of a bucket's time, hours since 1970; -1 when it is no full hour. */
static int64_t hour_of(yyjson_val *bucket)
{
	const char *text = yyjson_get_str(yyjson_obj_get(bucket, "time"));
	struct tm tm = {0};

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) || tm.tm_min != 0 || tm.tm_sec != 0)
		return -1;
	return (int64_t)timegm(&tm) / 3600;
}

static int check_bucket(yyjson_val *bucket, const struct ask_bounds *bounds, uint64_t *sum, struct err *err)
{
	uint64_t found = number_of(bucket, "count");
	int64_t hour = hour_of(bucket) - bounds->least->first_hour;
	bool is_known = hour >= 0 && hour < (int64_t)CENSUS_HOURS_MAX;

	*sum += found;
	return answer_expect("an hour", found, is_known ? bounds->least->by_hour[hour] : 0,
			     is_known ? bounds->most->by_hour[hour] : 0, err);
}

/* No hour is missing when the sum of those that are there is that of all. */
int answer_check_hours(struct span body, const struct ask_bounds *bounds, struct err *err)
{
	uint64_t sum = 0;
	size_t i, count;
	yyjson_val *bucket;
	yyjson_doc *doc;
	int rc = parse(body, &doc, err);

	if (rc < 0)
		return rc;
	yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "buckets"), i, count, bucket)
	{
		if (rc == 0)
			rc = check_bucket(bucket, bounds, &sum, err);
	}
	if (rc == 0)
		rc = answer_expect("all hours", sum, bounds->least->events, bounds->most->events, err);
	if (rc == 0)
		rc = expect_total(yyjson_doc_get_root(doc), bounds->least->events, bounds->most->events, err);
	yyjson_doc_free(doc);
	return rc;
}
