/*
 * Cells and what they are compared with. Text compares in any case, as in the vendor's data base; "=" and "!=" of the
 * empty text ask for cells without any. Negations are true of rows that have no value.
 */
#include "api/dialect_keepnet_cell.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "codec/record.h"

#define KEPT(name) "attributes.keepnet." name

/* ---- cells of text ---- */

/* The members a cell comes from: the first that has a value. */
struct source {
	char path[ROW_PATHS_MAX + 1][ROW_PATH_TEXT_MAX];
	unsigned count;
	bool is_json; /* those behind the first are objects */
	bool is_both; /* the last belongs to the one before it: what was changed, to what was before */
};

static struct source source_of(enum keepnet_cell cell)
{
	const struct row_cell *c = &keepnet_row.cell[cell];
	struct source s = {.count = 0};

	if (cell == KEEPNET_OLD_VALUE || cell == KEEPNET_NEW_VALUE) {
		snprintf(s.path[s.count++], ROW_PATH_TEXT_MAX, KEPT("%s"), c->name);
		s.is_json = true;
		s.is_both = cell == KEEPNET_OLD_VALUE;
	}
	for (unsigned i = 0; i < c->from_count; i++)
		row_path_text(&c->from[i], s.path[s.count++]);
	return s;
}

/* The same text in another cell is the same expression. */
static int holds(struct keepnet_compare *c, const char *path, struct span text, struct query_node **ret)
{
	int rc;

	if (c->held && span_eq(c->held_text, text)) {
		*ret = query_leaf_at(c->query, c->held, path);
		return 0;
	}
	if ((rc = query_holds(c->query, path, text, ret, c->err)) < 0)
		return rc;
	c->held = *ret;
	c->held_text = text;
	return 0;
}

static int compare_path(struct keepnet_compare *c, const char *path, enum keepnet_operator op, struct span value,
			struct query_node **ret)
{
	bool is_inclusive = op == KEEPNET_BEHIND_OR_SAME || op == KEEPNET_BEFORE_OR_SAME;

	if (op == KEEPNET_CONTAINS)
		return holds(c, path, value, ret);
	if (op == KEEPNET_SAME)
		*ret = query_same(c->query, path, value);
	else if (op == KEEPNET_BEHIND || op == KEEPNET_BEHIND_OR_SAME)
		*ret = query_behind(c->query, path, value, is_inclusive);
	else
		*ret = query_before(c->query, path, value, is_inclusive);
	return 0;
}

/* Whether a path takes it as the name of a member without more ado. */
static bool is_plain_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] < 0x20 || name.p[i] == '.' || name.p[i] == '"' || name.p[i] == '\\')
			return false;
	}
	return name.len > 0 && name.len < ROW_PATH_TEXT_MAX;
}

/* Adds to what a part of a value is looked for in the name of a property, which stands in the text of such cells too.
 */
static struct query_node *or_name(struct keepnet_compare *c, const char *path, struct span name, struct query_node *n)
{
	char property[2 * ROW_PATH_TEXT_MAX];
	struct query_node *either[2] = {n, NULL};

	if (!is_plain_name(name))
		return n;
	snprintf(property, sizeof(property), "%s.%.*s", path, (int)name.len, (const char *)name.p);
	either[1] = query_exists(c->query, property);
	return query_or(c->query, either, 2);
}

/* Of the paths from `at` on. */
static int compare_source(struct keepnet_compare *c, const struct source *s, unsigned at, enum keepnet_operator op,
			  struct span value, struct query_node **ret)
{
	struct query_node *first, *rest, *exists, *pair[2];
	const char *path = s->path[at];
	bool is_object = s->is_json && at > 0;
	int rc = compare_path(c, path, op, value, &first);

	if (rc == 0 && is_object && op == KEEPNET_CONTAINS)
		first = or_name(c, path, value, first);
	*ret = first;
	if (rc < 0 || at + 1 == s->count)
		return rc;
	if ((rc = compare_source(c, s, at + 1, op, value, &rest)) < 0)
		return rc;
	exists = query_exists(c->query, path);
	if (s->is_both && at + 2 == s->count) {
		pair[0] = first;
		pair[1] = rest;
		pair[1] = query_or(c->query, pair, 2);
		pair[0] = exists;
		*ret = query_and(c->query, pair, 2);
		return 0;
	}
	pair[0] = query_not(c->query, exists);
	pair[1] = rest;
	pair[1] = query_and(c->query, pair, 2);
	pair[0] = first;
	*ret = query_or(c->query, pair, 2);
	return 0;
}

/* Rows whose cell is null. */
static struct query_node *is_null(struct keepnet_compare *c, const struct source *s)
{
	struct query_node *each[ROW_PATHS_MAX + 1];

	unsigned count = s->count - s->is_both;

	for (unsigned i = 0; i < count; i++)
		each[i] = query_exists(c->query, s->path[i]);
	return query_not(c->query, query_or(c->query, each, count));
}

static int compare_text(struct keepnet_compare *c, enum keepnet_cell cell, enum keepnet_operator op, struct span value,
			struct query_node **ret)
{
	struct source s = source_of(cell);
	struct query_node *either[2];
	int rc = compare_source(c, &s, 0, op, value, ret);

	if (rc < 0 || op != KEEPNET_SAME || value.len > 0)
		return rc;
	either[0] = *ret;
	either[1] = is_null(c, &s);
	*ret = query_or(c->query, either, 2);
	return 0;
}

/* ---- the log date ---- */

static int compare_date(struct keepnet_compare *c, enum keepnet_operator op, struct span value, struct query_node **ret)
{
	int64_t from, to;

	if (!keepnet__date_parse(value, c->date_order, &from, &to)) {
		*ret = query_none(c->query);
		if (op == KEEPNET_CONTAINS) /* what is looked for in all columns */
			return 0;
		err_set_field(c->err, "filter", strlen("filter"));
		return err_set(c->err, E_INVALID,
			       "'%.*s' is no date; it takes 15/02/2026 13:30, 02/15/2026 01:30 PM, 2026/02/15, or "
			       "2026-02-15T13:30:00Z",
			       (int)(value.len < 64 ? value.len : 64), (const char *)value.p);
	}
	if (op == KEEPNET_BEHIND || op == KEEPNET_BEHIND_OR_SAME) {
		from += op == KEEPNET_BEHIND;
		to = INT64_MAX;
	} else if (op == KEEPNET_BEFORE || op == KEEPNET_BEFORE_OR_SAME) {
		to = from + (op == KEEPNET_BEFORE_OR_SAME);
		from = INT64_MIN;
	}
	*ret = query_times(c->query, "time", from, to);
	return 0;
}

/* ---- operations ---- */

static int cmp_any_case(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? strncasecmp((const char *)a.p, (const char *)b.p, len) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool holds_any_case(struct span text, struct span part)
{
	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (cmp_any_case(span_of(text.p + i, part.len), part) == 0)
			return true;
	}
	return false;
}

static bool is_so(int order, enum keepnet_operator op)
{
	switch (op) {
	case KEEPNET_BEHIND:
		return order > 0;
	case KEEPNET_BEHIND_OR_SAME:
		return order >= 0;
	case KEEPNET_BEFORE:
		return order < 0;
	case KEEPNET_BEFORE_OR_SAME:
		return order <= 0;
	default:
		return order == 0;
	}
}

static bool test_name(const char *name, enum keepnet_operator op, struct span value)
{
	return op == KEEPNET_CONTAINS ? holds_any_case(span_str(name), value)
				      : is_so(cmp_any_case(span_str(name), value), op);
}

/* A number of the vendor's, which its interface sends for a choice. */
static bool is_number(struct span value, enum keepnet_operator op)
{
	return op != KEEPNET_CONTAINS && value.len == 1 && value.p[0] >= '0' &&
	       value.p[0] < '0' + (int)KEEPNET_OPERATION_COUNT;
}

/* Actions that are shown as operations whose numbers compare so. */
static struct query_node *compare_number(struct keepnet_compare *c, enum keepnet_operator op, int number)
{
	struct query_node *each[KEEPNET_OPERATION_COUNT * 2];
	unsigned count = 0;

	for (int i = 0; i < (int)KEEPNET_OPERATION_COUNT; i++) {
		if (!is_so(i - number, op))
			continue;
		each[count++] = query_same(c->query, "action", span_str(keepnet_actions[i]));
		if (strcasecmp(keepnet_actions[i], keepnet_operations[i]) != 0)
			each[count++] = query_same(c->query, "action", span_str(keepnet_operations[i]));
	}
	return query_or(c->query, each, count);
}

/* Most actions are shown as they are, but for their case; some as the vendor writes them, and are compared so. */
static int compare_operation(struct keepnet_compare *c, enum keepnet_operator op, struct span value,
			     struct query_node **ret)
{
	struct query_node *pair[2];
	int rc;

	if (is_number(value, op)) {
		*ret = compare_number(c, op, value.p[0] - '0');
		return 0;
	}
	if ((rc = compare_path(c, "action", op, value, ret)) < 0)
		return rc;
	for (unsigned i = 0; i < KEEPNET_OPERATION_COUNT; i++) {
		bool is_shown = test_name(keepnet_operations[i], op, value);

		if (is_shown == test_name(keepnet_actions[i], op, value))
			continue;
		pair[0] = *ret;
		pair[1] = query_same(c->query, "action", span_str(keepnet_actions[i]));
		if (!is_shown)
			pair[1] = query_not(c->query, pair[1]);
		*ret = is_shown ? query_or(c->query, pair, 2) : query_and(c->query, pair, 2);
	}
	return 0;
}

/* ---- the id ---- */

/* The one of a record has no parts and no order. */
static struct query_node *compare_own_id(struct keepnet_compare *c, enum keepnet_operator op, struct span value)
{
	uint8_t id[RECORD_ID_LEN];

	if (value.len != RECORD_ID_LEN || (op != KEEPNET_SAME && op != KEEPNET_CONTAINS))
		return query_none(c->query);
	for (size_t i = 0; i < value.len; i++) {
		id[i] = value.p[i] >= 'A' && value.p[i] <= 'F' ? value.p[i] | 0x20 : value.p[i];
		if (!(id[i] >= '0' && id[i] <= '9') && !(id[i] >= 'a' && id[i] <= 'f'))
			return query_none(c->query);
	}
	return query_exact(c->query, "id", span_of(id, sizeof(id)));
}

/* Rows that were taken in have that of the vendor. */
static int compare_id(struct keepnet_compare *c, enum keepnet_operator op, struct span value, struct query_node **ret)
{
	struct query_node *own[2], *either[2];
	int rc = compare_path(c, KEPT("resourceId"), op, value, &either[0]);

	if (rc < 0)
		return rc;
	own[0] = compare_own_id(c, op, value);
	own[1] = query_not(c->query, query_exists(c->query, KEPT("resourceId")));
	either[1] = query_and(c->query, own, 2);
	*ret = query_or(c->query, either, 2);
	return 0;
}

/* ---- all of it ---- */

static int compare_cell(struct keepnet_compare *c, enum keepnet_cell cell, enum keepnet_operator op, struct span value,
			struct query_node **ret)
{
	switch (cell) {
	case KEEPNET_LOG_DATE:
		return compare_date(c, op, value, ret);
	case KEEPNET_OPERATION:
		return compare_operation(c, op, value, ret);
	case KEEPNET_RESOURCE_ID:
		return compare_id(c, op, value, ret);
	default:
		return compare_text(c, cell, op, value, ret);
	}
}

static struct span trimmed(struct span s)
{
	while (s.len > 0 && s.p[0] == ' ')
		s = span_from(s, 1);
	while (s.len > 0 && s.p[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* Any of the values between commas. */
static int compare_list(struct keepnet_compare *c, enum keepnet_cell cell, struct span list, struct query_node **ret)
{
	struct query_node *pair[2];
	unsigned count = 0;
	int rc;

	*ret = NULL;
	for (size_t at = 0, end; at < list.len; at = end + 1) {
		const uint8_t *comma = memchr(list.p + at, ',', list.len - at);
		struct span value;

		end = comma ? (size_t)(comma - list.p) : list.len;
		value = trimmed(span_of(list.p + at, end - at));
		if (value.len == 0)
			continue;
		if (++count > QUERY_TERMS_MAX)
			return err_set(c->err, E_TOO_LARGE, "a list may have %u values, and it has more",
				       QUERY_TERMS_MAX);
		if ((rc = compare_cell(c, cell, KEEPNET_SAME, value, &pair[1])) < 0)
			return rc;
		pair[0] = *ret;
		*ret = *ret ? query_or(c->query, pair, 2) : pair[1];
	}
	return 0;
}

int keepnet__compare(struct keepnet_compare *c, enum keepnet_cell cell, enum keepnet_operator op, struct span value,
		     struct query_node **ret)
{
	int rc;

	*ret = NULL;
	if (op == KEEPNET_CONTAINS && value.len == 0)
		return 0;
	if (op == KEEPNET_INCLUDE)
		return compare_list(c, cell, value, ret);
	rc = compare_cell(c, cell, op == KEEPNET_OTHER ? KEEPNET_SAME : op, value, ret);
	if (rc == 0 && op == KEEPNET_OTHER)
		*ret = query_not(c->query, *ret);
	return rc;
}

int keepnet__compare_any(struct keepnet_compare *c, struct span text, struct query_node **ret)
{
	static const enum keepnet_cell cells[] = {
		KEEPNET_USER_NAME,
		KEEPNET_ENTITY_RESOURCE_ID,
		KEEPNET_ENTITY_NAME,
		KEEPNET_OPERATION,
		KEEPNET_IP,
		KEEPNET_OLD_VALUE,
		KEEPNET_NEW_VALUE,
		KEEPNET_USER_AGENT,
		KEEPNET_AUDIT_DESCRIPTION,
	};
	struct query_node *each[KEEPNET_CELL_COUNT];
	unsigned count = 0;
	int rc = 0;

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]) && rc == 0; i++)
		rc = compare_cell(c, cells[i], KEEPNET_CONTAINS, text, &each[count++]);
	if (rc == 0)
		*ret = query_or(c->query, each, count);
	return rc;
}
