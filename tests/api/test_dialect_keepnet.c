/*
 * The Keepnet dialect's dates and filters. The twin of the translation reads the vendor's filter itself and holds it
 * against the row as it would be shown, which is what the vendor does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../base/seed.h"
#include "api/dialect_keepnet_cell.h"
#include "api/dialect_keepnet_filter.h"
#include "codec/json_text.h"
#include "codec/record.h"
#include "codec/timestamp.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- dates ---- */

static void assert_date(const char *text, enum keepnet_date_order order, const char *from, int64_t length)
{
	int64_t from_us, to_us, expected;

	assert_true(timestamp_parse(span_str(from), &expected));
	if (!keepnet__date_parse(span_str(text), order, &from_us, &to_us))
		fail_msg("%s is no date", text);
	assert_int_equal(from_us, expected);
	assert_int_equal(to_us - from_us, length);
}

#define S   INT64_C(1000000)
#define MIN (60 * S)
#define DAY (86400 * S)

static void test_keepnet_date__has_the_formats_of_the_interface(void **state)
{
	(void)state;
	assert_date("15/02/2026 13:05", KEEPNET_DAY_FIRST, "2026-02-15T13:05:00Z", MIN);
	assert_date("02/15/2026 13:05", KEEPNET_MONTH_FIRST, "2026-02-15T13:05:00Z", MIN);
	assert_date("2026/02/15 13:05", KEEPNET_MONTH_FIRST, "2026-02-15T13:05:00Z", MIN);
	assert_date("15/02/2026 01:05 PM", KEEPNET_DAY_FIRST, "2026-02-15T13:05:00Z", MIN);
	assert_date("15/02/2026 12:05 am", KEEPNET_DAY_FIRST, "2026-02-15T00:05:00Z", MIN);
	assert_date("15/02/2026 12:05PM", KEEPNET_DAY_FIRST, "2026-02-15T12:05:00Z", MIN);
	assert_date(" 5/2/2026 1:05:09", KEEPNET_DAY_FIRST, "2026-02-05T01:05:09Z", S);
	assert_date("01/02/2026", KEEPNET_DAY_FIRST, "2026-02-01T00:00:00Z", DAY);
	assert_date("01/02/2026", KEEPNET_MONTH_FIRST, "2026-01-02T00:00:00Z", DAY);
}

static void test_keepnet_date__has_iso_8601(void **state)
{
	(void)state;
	assert_date("2026-02-15", KEEPNET_DAY_FIRST, "2026-02-15T00:00:00Z", DAY);
	assert_date("2026-02-15T13:05:00Z", KEEPNET_DAY_FIRST, "2026-02-15T13:05:00Z", 1);
	assert_date("2026-02-15T13:05:00.1234567+01:00", KEEPNET_DAY_FIRST, "2026-02-15T12:05:00.123456Z", 1);
	assert_date("2026-02-15T13:05:00", KEEPNET_DAY_FIRST, "2026-02-15T13:05:00Z", 1);
	assert_date("2026-02-15 13:05", KEEPNET_DAY_FIRST, "2026-02-15T13:05:00Z", MIN);
}

static void test_keepnet_date__refuses_what_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"15/02",
		"15/13/2026",
		"31/02/2026",
		"15/02/26",
		"15/02/2026 13",
		"15/02/2026 24:00",
		"15/02/2026 13:05 PM",
		"15/02/2026 00:05 AM",
		"15/02/2026 1:05 XM",
		"15/02/2026 1:05 PM x",
		"2026/2026/02",
		"15/02/2026 13:05:00.5",
		"15-02-2026",
		"2026-02-30",
		"2026-02",
		"00000000000000000000000000000000000000000000000000000000000000000000000000000"};
	int64_t from, to;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (keepnet__date_parse(span_str(texts[i]), KEEPNET_DAY_FIRST, &from, &to))
			fail_msg("'%s' is taken for a date", texts[i]);
}

static void test_keepnet_date__tells_its_order(void **state)
{
	enum keepnet_date_order order;

	(void)state;
	assert_true(keepnet__date_tells(SPAN_LIT("15/02/2026 13:05"), &order));
	assert_int_equal(order, KEEPNET_DAY_FIRST);
	assert_true(keepnet__date_tells(SPAN_LIT("02/13/2026"), &order));
	assert_int_equal(order, KEEPNET_MONTH_FIRST);
	assert_false(keepnet__date_tells(SPAN_LIT("02/03/2026"), &order));
	assert_false(keepnet__date_tells(SPAN_LIT("2026/13/15"), &order));
	assert_false(keepnet__date_tells(SPAN_LIT("Harold"), &order));
}

/* ---- the twin ---- */

enum verdict { NOTHING, NO, YES };

static enum verdict verdict(bool is_so)
{
	return is_so ? YES : NO;
}

static yyjson_val *member(yyjson_val *object, const char *name)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(object);
	yyjson_val *key;

	while ((key = yyjson_obj_iter_next(&it)))
		if (strcasecmp(yyjson_get_str(key), name) == 0)
			return yyjson_obj_iter_get_val(key);
	return NULL;
}

static const char *text(yyjson_val *object, const char *name)
{
	return yyjson_get_str(member(object, name));
}

static bool ordered(int order, const char *op)
{
	if (strcmp(op, "=") == 0)
		return order == 0;
	if (strcmp(op, "<") == 0)
		return order < 0;
	if (strcmp(op, "<=") == 0)
		return order <= 0;
	return strcmp(op, ">") == 0 ? order > 0 : order >= 0;
}

/* The dates that filters are made of, all in one order. */
static const struct {
	const char *text;
	const char *from, *to;
} dates[] = {
	{"15/02/2026 13:05", "2026-02-15T13:05:00Z", "2026-02-15T13:06:00Z"},
	{"15/02/2026", "2026-02-15T00:00:00Z", "2026-02-16T00:00:00Z"},
	{"01/02/2026 01:00 PM", "2026-02-01T13:00:00Z", "2026-02-01T13:01:00Z"},
	{"2026-02-15T13:05:30Z", "2026-02-15T13:05:30Z", "2026-02-15T13:05:30.000001Z"},
};

static bool test_date(const char *cell, const char *op, const char *value)
{
	int64_t us, from, to;

	assert_true(timestamp_parse(span_str(cell), &us));
	for (size_t i = 0; i < COUNT_OF(dates); i++) {
		if (strcmp(value, dates[i].text) != 0)
			continue;
		assert_true(timestamp_parse(span_str(dates[i].from), &from));
		assert_true(timestamp_parse(span_str(dates[i].to), &to));
		if (strcmp(op, "=") == 0 || strcasecmp(op, "contains") == 0)
			return us >= from && us < to;
		return ordered((us > from) - (us < from), op);
	}
	return false;
}

static bool test_number(const char *cell, const char *op, int number)
{
	for (int i = 0; i < (int)KEEPNET_OPERATION_COUNT; i++)
		if (cell && strcasecmp(cell, keepnet_operations[i]) == 0)
			return ordered((i > number) - (i < number), op);
	return false;
}

/* Of records that were not given one yet; it has no parts and no order. */
#define OWN_ID "00000000000000000000000000000000"

static bool test_cell(const char *field, const char *cell, const char *op, const char *value)
{
	bool contains = strcasecmp(op, "contains") == 0;

	if (strcasecmp(field, "logDate") == 0 || strcasecmp(field, "CreateTime") == 0)
		return test_date(cell, op, value);
	if (strcasecmp(field, "operation") == 0 && !contains && strlen(value) == 1 && *value >= '0' && *value <= '5')
		return test_number(cell, op, *value - '0');
	if (strcasecmp(field, "resourceId") == 0 && strcmp(cell, OWN_ID) == 0)
		return (contains || strcmp(op, "=") == 0) && strcmp(value, OWN_ID) == 0;
	if (strcmp(op, "=") == 0 && value[0] == '\0')
		return !cell || cell[0] == '\0';
	if (!cell)
		return false;
	return contains ? strcasestr(cell, value) != NULL : ordered(strcasecmp(cell, value), op);
}

static enum verdict test_list(const char *field, const char *cell, const char *list)
{
	char copy[256], *rest = copy, *value;
	enum verdict found = NOTHING;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((value = strsep(&rest, ","))) {
		while (*value == ' ')
			value++;
		while (*value && value[strlen(value) - 1] == ' ')
			value[strlen(value) - 1] = '\0';
		if (*value && found != YES)
			found = verdict(test_cell(field, cell, "=", value));
	}
	return found;
}

static enum verdict test_item(yyjson_val *item, yyjson_val *row)
{
	const char *field = text(item, "fieldName"), *op = text(item, "operator"), *value = text(item, "value");
	const char *cell = text(row, strcasecmp(field, "CreateTime") == 0 ? "logDate" : field);

	if (!value)
		value = "";
	if (strcasecmp(op, "contains") == 0 && *value == '\0')
		return NOTHING;
	if (strcasecmp(op, "include") == 0)
		return test_list(field, cell, value);
	if (strcmp(op, "!=") == 0)
		return verdict(!test_cell(field, cell, "=", value));
	return verdict(test_cell(field, cell, op, value));
}

static enum verdict join(enum verdict a, enum verdict b, bool is_or)
{
	if (a == NOTHING || b == NOTHING)
		return a == NOTHING ? b : a;
	return verdict(is_or ? a == YES || b == YES : a == YES && b == YES);
}

static enum verdict test_group(yyjson_val *group, yyjson_val *row)
{
	const char *condition = text(group, "condition");
	bool is_or = condition && strcasecmp(condition, "or") == 0;
	enum verdict found = NOTHING;
	yyjson_arr_iter it;
	yyjson_val *v;

	yyjson_arr_iter_init(member(group, "filterItems"), &it);
	while ((v = yyjson_arr_iter_next(&it)))
		found = join(found, test_item(v, row), is_or);
	yyjson_arr_iter_init(member(group, "filterGroups"), &it);
	while ((v = yyjson_arr_iter_next(&it)))
		found = join(found, test_group(v, row), is_or);
	return found;
}

static bool test_row(yyjson_val *filter, yyjson_val *row)
{
	static const char *const cells[] = {"userName", "entityResourceId", "entityName",
					    "oldValue", "newValue",         "operation",
					    "ip",       "userAgent",        "auditDescription"};
	const char *wanted = text(filter, "searchInputTextValue");
	bool found = !wanted || *wanted == '\0';

	for (size_t i = 0; i < COUNT_OF(cells) && !found; i++)
		found = text(row, cells[i]) && strcasestr(text(row, cells[i]), wanted);
	return found && test_group(filter, row) != NO;
}

/* ---- random records ---- */

static const char *const words[] = {"ada", "ADA", "Bob", "bo.b", "a-d", "10.0.0.1", "x y", "(b|", "\\d"};

static const char *any_word(struct rng *rng)
{
	return words[rng_below(rng, COUNT_OF(words))];
}

static void put_member(struct rng *rng, const char *name, struct buf *to)
{
	if (rng_below(rng, 3) == 0)
		return;
	buf_printf(to, "%s\"%s\":", to->p[to->len - 1] == '{' ? "" : ",", name);
	if (rng_below(rng, 8) == 0)
		buf_put_str(to, "null");
	else if (rng_below(rng, 8) == 0)
		buf_put_str(to, "\"\"");
	else
		json_text_string(to, span_str(any_word(rng)));
}

/* Both have values under one name each, that are never the same: all of them are listed as changes. */
static void put_object(struct rng *rng, const char *name, const char *property, struct buf *to)
{
	if (rng_below(rng, 3) > 0)
		return;
	buf_printf(to, ",\"%s\":{\"%s\":", name, property);
	json_text_string(to, span_str(any_word(rng)));
	buf_put_u8(to, '}');
}

static void put_record(struct rng *rng, struct buf *to)
{
	static const char *const actions[] = {"create",     "Update",      "DELETE", "create_many",
					      "UpdateMany", "Delete_Many", "login",  "ada"};
	static const char *const times[] = {"2026-02-15T13:05:30Z", "2026-02-15T13:05:30.000001Z",
					    "2026-02-01T13:00:00Z", "2026-02-15T00:00:00Z",
					    "2026-02-16T00:00:00Z", "2026-02-15T13:05:00Z"};

	buf_printf(to, "{\"action\":\"%s\",\"time\":\"%s\"", actions[rng_below(rng, COUNT_OF(actions))],
		   times[rng_below(rng, COUNT_OF(times))]);
	buf_put_str(to, ",\"actor\":{");
	put_member(rng, "name", to);
	put_member(rng, "email", to);
	put_member(rng, "id", to);
	buf_put_str(to, "},\"entity\":{");
	put_member(rng, "type", to);
	put_member(rng, "id", to);
	buf_put_str(to, "},\"context\":{");
	put_member(rng, "ip", to);
	put_member(rng, "user_agent", to);
	buf_put_u8(to, '}');
	put_member(rng, "description", to);
	put_object(rng, "before", "p", to);
	put_object(rng, "after", "q", to);
	buf_put_str(to, ",\"attributes\":{\"keepnet\":{\"x\":1");
	if (rng_below(rng, 2)) {
		buf_put_str(to, ",\"resourceId\":");
		json_text_string(to, span_str(any_word(rng)));
	}
	if (rng_below(rng, 4) == 0) {
		buf_put_str(to, ",\"oldValue\":");
		json_text_string(to, span_str(any_word(rng)));
	}
	buf_put_str(to, "}}}");
}

/* ---- random filters ---- */

static void put_value(struct rng *rng, const char *field, struct buf *to)
{
	bool is_date = strcasecmp(field, "logDate") == 0 || strcasecmp(field, "CreateTime") == 0;

	if (is_date)
		buf_put_str(to, dates[rng_below(rng, COUNT_OF(dates))].text);
	else if (strcasecmp(field, "operation") == 0 && rng_below(rng, 3) > 0)
		rng_below(rng, 2) ? buf_printf(to, "%d", (int)rng_below(rng, 8))
				  : buf_put_str(to, keepnet_operations[rng_below(rng, KEEPNET_OPERATION_COUNT)]);
	else if (strcmp(field, "resourceId") == 0 && rng_below(rng, 3) == 0)
		buf_put_str(to, OWN_ID);
	else if (rng_below(rng, 10) > 0)
		buf_put_str(to, any_word(rng));
}

static void put_item(struct rng *rng, struct buf *to)
{
	static const char *const fields[] = {"userName",  "UserName",  "entityName",       "entityResourceId",
					     "IP",        "userAgent", "auditDescription", "operation",
					     "Operation", "logDate",   "CreateTime",       "resourceId",
					     "oldValue",  "newValue"};
	static const char *const ops[] = {
		"Contains", "=", "!=", ">", ">=", "<", "<=", "Include", "contains", "INCLUDE"};
	const char *field = fields[rng_below(rng, COUNT_OF(fields))];
	bool is_json = strstr(field, "Value") != NULL; /* of which single values are compared */
	const char *op = is_json ? "Contains" : ops[rng_below(rng, COUNT_OF(ops))];
	struct buf value = BUF_INIT;

	put_value(rng, field, &value);
	if (strcasecmp(op, "include") == 0 && rng_below(rng, 2)) {
		buf_put_str(&value, " ,, ");
		put_value(rng, field, &value);
	}
	buf_printf(to, "{\"FieldName\":\"%s\",\"%s\":\"%s\",\"Value\":", field,
		   rng_below(rng, 2) ? "Operator" : "operator", op);
	json_text_string(to, buf_span(&value));
	buf_put_u8(to, '}');
	buf_release(&value);
}

static void put_group(struct rng *rng, unsigned depth, struct buf *to)
{
	static const char *const conditions[] = {"\"AND\"", "\"OR\"", "\"or\"", "null"};

	buf_printf(to, "{\"Condition\":%s,\"FilterItems\":[", conditions[rng_below(rng, COUNT_OF(conditions))]);
	for (uint64_t n = rng_below(rng, 3), i = 0; i < n; i++) {
		buf_put_str(to, i > 0 ? "," : "");
		put_item(rng, to);
	}
	buf_put_str(to, "],\"filterGroups\":[");
	for (uint64_t n = rng_below(rng, depth > 2 ? 1 : 3), i = 0; i < n; i++) {
		buf_put_str(to, i > 0 ? "," : "");
		put_group(rng, depth + 1, to);
	}
	buf_put_u8(to, ']');
	if (depth == 0 && rng_below(rng, 4) == 0) {
		buf_put_str(to, ",\"SearchInputTextValue\":");
		json_text_string(to, span_str(any_word(rng)));
	}
	buf_put_u8(to, '}');
}

/* ---- both side by side ---- */

#define RECORDS 40

struct world {
	struct record_batch batch;
	yyjson_doc *row[RECORDS];
};

static struct span record_at(const struct world *w, size_t i)
{
	return span_of(w->batch.bytes.p + w->batch.refs[i].off, w->batch.refs[i].len);
}

static void make_world(struct rng *rng, struct world *w)
{
	struct record_parser *parser = record_parser_new();
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;

	*w = (struct world){RECORD_BATCH_INIT, {NULL}};
	for (size_t i = 0; i < RECORDS; i++) {
		buf_reset(&text);
		put_record(rng, &text);
		if (record_parse(parser, buf_span(&text), 0, &w->batch, &err) < 0)
			fail_msg("%s: %.*s", err.message, (int)text.len, (const char *)text.p);
		buf_reset(&text);
		row_put_json(&keepnet_row, NULL, record_at(w, i), &text);
		w->row[i] = yyjson_read((const char *)text.p, text.len, 0);
		assert_non_null(w->row[i]);
	}
	buf_release(&text);
	record_parser_free(parser);
}

static void release_world(struct world *w)
{
	for (size_t i = 0; i < RECORDS; i++)
		yyjson_doc_free(w->row[i]);
	record_batch_release(&w->batch);
}

static void assert_agrees(const struct world *w, const char *filter)
{
	yyjson_doc *doc = yyjson_read(filter, strlen(filter), 0);
	struct query *q = NULL;
	struct err err = ERR_INIT;

	if (keepnet__filter(yyjson_doc_get_root(doc), &q, &err) < 0)
		fail_msg("%s: %s", filter, err.message);
	for (size_t i = 0; i < RECORDS; i++) {
		bool is_row = test_row(yyjson_doc_get_root(doc), yyjson_doc_get_root(w->row[i]));
		struct span record = record_at(w, i);

		if (query_matches(query_root(q), record) != is_row)
			fail_msg("%s: the twin says %d of %.*s", filter, is_row, (int)record.len,
				 (const char *)record.p);
	}
	query_free(q);
	yyjson_doc_free(doc);
}

static void test_keepnet_filter__says_what_the_vendors_would(void **state)
{
	struct rng rng = seeded_rng("keepnet_filter");
	struct buf filter = BUF_INIT;
	struct world w;

	(void)state;
	for (int k = 0; k < 20; k++) {
		make_world(&rng, &w);
		for (int i = 0; i < 200; i++) {
			buf_reset(&filter);
			put_group(&rng, 0, &filter);
			buf_put_u8(&filter, 0);
			assert_agrees(&w, (const char *)filter.p);
		}
		release_world(&w);
	}
	buf_release(&filter);
}

/* ---- limits and errors ---- */

static int translate(const char *filter, struct err *err)
{
	yyjson_doc *doc = yyjson_read(filter, strlen(filter), 0);
	struct query *q = NULL;
	int rc;

	*err = (struct err)ERR_INIT;
	assert_non_null(doc);
	rc = keepnet__filter(yyjson_doc_get_root(doc), &q, err);
	query_free(q);
	yyjson_doc_free(doc);
	return rc;
}

static void assert_refused(const char *filter, int code, const char *message)
{
	struct err err;

	assert_int_equal(translate(filter, &err), code);
	if (!strstr(err.message, message))
		fail_msg("%s: %s", filter, err.message);
}

static void test_keepnet_filter__refuses_what_it_does_not_know(void **state)
{
	(void)state;
	assert_refused("{\"filterItems\":{}}", E_INVALID, "'filterItems' takes a list");
	assert_refused("{\"filterItems\":[7]}", E_INVALID, "'filterItems' takes objects");
	assert_refused("{\"filterGroups\":[[]]}", E_INVALID, "'filterGroups' takes objects");
	assert_refused("{\"condition\":\"XOR\"}", E_INVALID, "condition 'XOR'");
	assert_refused("{\"condition\":7}", E_INVALID, "'condition' takes a string");
	assert_refused("{\"searchInputTextValue\":[]}", E_INVALID, "'searchInputTextValue' takes a string");
	assert_refused("{\"filterItems\":[{\"operator\":\"=\",\"value\":\"a\"}]}", E_INVALID, "fieldName ''");
	assert_refused("{\"filterItems\":[{\"fieldName\":\"ip\",\"operator\":\"~\",\"value\":\"a\"}]}", E_INVALID,
		       "operator '~' is not known; it takes Contains");
	assert_refused("{\"filterItems\":[{\"fieldName\":\"ip\",\"operator\":\"=\",\"value\":{}}]}", E_INVALID,
		       "'value' takes a string");
	assert_refused("{\"filterItems\":[{\"fieldName\":\"logDate\",\"operator\":\">\",\"value\":\"now\"}]}",
		       E_INVALID, "'now' is no date; it takes 15/02/2026");
}

static void test_keepnet_filter__takes_values_of_other_kinds(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(translate("{\"filterItems\":[{\"fieldName\":\"operation\",\"operator\":\"=\",\"value\":0},"
				   "{\"fieldName\":\"ip\",\"operator\":\"Contains\",\"value\":10},"
				   "{\"fieldName\":\"ip\",\"operator\":\"Contains\",\"value\":1.5},"
				   "{\"fieldName\":\"ip\",\"operator\":\"Contains\",\"value\":true},"
				   "{\"customFieldName\":\"IP\",\"operator\":\"=\",\"value\":null}]}",
				   &err),
			 0);
}

static void put_times(struct buf *to, const char *part, unsigned n, const char *separator)
{
	for (unsigned i = 0; i < n; i++) {
		buf_put_str(to, i > 0 ? separator : "");
		buf_put_str(to, part);
	}
}

/* A filter with so many of a part between two others. */
static int translate_many(const char *before, const char *part, const char *separator, unsigned n, const char *behind,
			  struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	buf_put_str(&text, before);
	put_times(&text, part, n, separator);
	buf_put_str(&text, behind);
	buf_put_u8(&text, 0);
	rc = translate((const char *)text.p, err);
	buf_release(&text);
	return rc;
}

static void test_keepnet_filter__keeps_to_its_limits(void **state)
{
	static const char list[] =
		"{\"filterItems\":[{\"fieldName\":\"resourceId\",\"operator\":\"Include\",\"value\":\"";
	static const char item[] = "{\"fieldName\":\"ip\",\"operator\":\">\",\"value\":\"a\"}";
	struct err err;
	struct buf deep = BUF_INIT;

	(void)state;
	assert_int_equal(translate_many("{\"filterItems\":[", item, ",", QUERY_TERMS_MAX, "]}", &err), 0);
	assert_int_equal(translate_many("{\"filterItems\":[", item, ",", QUERY_TERMS_MAX + 1, "]}", &err), E_TOO_LARGE);
	assert_int_equal(translate_many(list, "a", ",", 100, "\"}]}", &err), 0);
	assert_int_equal(translate_many(list, "a", ",", QUERY_TERMS_MAX + 1, "\"}]}", &err), E_TOO_LARGE);
	assert_int_equal(translate_many(list, "a", ",", 200000, "\"}]}", &err), E_TOO_LARGE);
	for (unsigned depth = QUERY_DEPTH_MAX; depth <= QUERY_DEPTH_MAX + 1; depth++) {
		buf_reset(&deep);
		put_times(&deep, "{\"filterGroups\":[", depth - 1, "");
		buf_put_str(&deep, "{}");
		put_times(&deep, "]}", depth - 1, "");
		buf_put_u8(&deep, 0);
		assert_int_equal(translate((const char *)deep.p, &err), depth > QUERY_DEPTH_MAX ? E_TOO_LARGE : 0);
	}
	buf_release(&deep);
}

static void test_keepnet_filter__looks_for_one_text_in_all_columns(void **state)
{
	struct buf text = BUF_INIT;
	struct err err;

	(void)state;
	buf_put_str(&text,
		    "{\"searchInputTextValue\":\"harold\",\"filterGroups\":[{\"condition\":\"OR\",\"filterItems\":[");
	for (unsigned i = 0; i < KEEPNET_CELL_COUNT; i++)
		buf_printf(&text, "%s{\"FieldName\":\"%s\",\"Operator\":\"Contains\",\"Value\":\"harold\"}",
			   i > 0 ? "," : "", keepnet_row.cell[i].name);
	buf_put_str(&text, "]}]}");
	buf_put_u8(&text, 0);
	assert_int_equal(translate((const char *)text.p, &err), 0);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keepnet_date__has_the_formats_of_the_interface),
		cmocka_unit_test(test_keepnet_date__has_iso_8601),
		cmocka_unit_test(test_keepnet_date__refuses_what_is_none),
		cmocka_unit_test(test_keepnet_date__tells_its_order),
		cmocka_unit_test(test_keepnet_filter__says_what_the_vendors_would),
		cmocka_unit_test(test_keepnet_filter__refuses_what_it_does_not_know),
		cmocka_unit_test(test_keepnet_filter__takes_values_of_other_kinds),
		cmocka_unit_test(test_keepnet_filter__keeps_to_its_limits),
		cmocka_unit_test(test_keepnet_filter__looks_for_one_text_in_all_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
