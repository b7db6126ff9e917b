/*
 * Filters: groups of items and groups, joined by AND or OR. A group in which nothing is asked says nothing: the
 * vendor's interface sends such. The order of the days and months of all dates is that of the first one which tells.
 */
#include "api/dialect_keepnet_filter.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/dialect_keepnet_cell.h"
#include "api/json_body.h"
#include "base/mem.h"

#define SHOWN_MAX  64u
#define NUMBER_MAX 32u /* bytes of a number or boolean as text, with its NUL */

struct filter {
	struct keepnet_compare compare;
	unsigned depth;
	char number[NUMBER_MAX]; /* the value of an item that is none of text */
	struct err *err;
};

/* Nodes of a group as they come. */
struct nodes {
	struct query_node **item;
	uint32_t count, cap;
};

static int refuse(struct filter *f, const char *what, struct span value, const char *takes)
{
	err_set_field(f->err, "filter", strlen("filter"));
	return err_set(f->err, E_INVALID, "%s '%.*s' is not known; it takes %s", what,
		       (int)(value.len < SHOWN_MAX ? value.len : SHOWN_MAX), (const char *)value.p, takes);
}

static int refuse_kind(struct filter *f, const char *name, const char *takes, yyjson_val *v)
{
	err_set_field(f->err, "filter", strlen("filter"));
	return err_set(f->err, E_INVALID, "'%s' takes %s, not %s", name, takes, yyjson_get_type_desc(v));
}

static bool is_word(struct span text, const char *word)
{
	return text.len == strlen(word) && strncasecmp((const char *)text.p, word, text.len) == 0;
}

/* ---- items ---- */

int keepnet__field(struct span name)
{
	static const struct {
		const char *name;
		enum keepnet_cell cell;
	} others[] = {{"CreateTime", KEEPNET_LOG_DATE}, {"logId", KEEPNET_RESOURCE_ID}};

	for (unsigned i = 0; i < KEEPNET_CELL_COUNT; i++) {
		if (is_word(name, keepnet_row.cell[i].name))
			return (int)i;
	}
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (is_word(name, others[i].name))
			return (int)others[i].cell;
	}
	return -1;
}

static int find_operator(struct span name)
{
	static const char *const names[] = {
		[KEEPNET_CONTAINS] = "Contains", [KEEPNET_SAME] = "=",
		[KEEPNET_OTHER] = "!=",          [KEEPNET_BEHIND] = ">",
		[KEEPNET_BEHIND_OR_SAME] = ">=", [KEEPNET_BEFORE] = "<",
		[KEEPNET_BEFORE_OR_SAME] = "<=", [KEEPNET_INCLUDE] = "Include",
	};

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
		if (is_word(name, names[i]))
			return i;
	}
	return -1;
}

/* A value that is sent as a number or a boolean is compared as its text. */
static int take_value(struct filter *f, yyjson_val *v, struct span *ret)
{
	*ret = json_body_text(v);
	if (!v || yyjson_is_str(v))
		return 0;
	if (yyjson_is_int(v))
		snprintf(f->number, sizeof(f->number), "%lld", (long long)yyjson_get_sint(v));
	else if (yyjson_is_real(v))
		snprintf(f->number, sizeof(f->number), "%.17g", yyjson_get_real(v));
	else if (yyjson_is_bool(v))
		snprintf(f->number, sizeof(f->number), "%s", yyjson_is_true(v) ? "true" : "false");
	else
		return refuse_kind(f, "value", "a string", v);
	*ret = span_str(f->number);
	return 0;
}

static int take_text(struct filter *f, yyjson_val *item, const char *name, struct span *ret)
{
	yyjson_val *v = json_body_member(item, name);

	*ret = json_body_text(v);
	return !v || yyjson_is_str(v) ? 0 : refuse_kind(f, name, "a string", v);
}

static int build_item(struct filter *f, yyjson_val *item, struct query_node **ret)
{
	struct span field, custom, op, value;
	int cell, known;
	int rc;

	if (!yyjson_is_obj(item))
		return refuse_kind(f, "filterItems", "objects", item);
	if ((rc = take_text(f, item, "fieldName", &field)) < 0)
		return rc;
	if ((rc = take_text(f, item, "customFieldName", &custom)) < 0)
		return rc;
	if ((rc = take_text(f, item, "operator", &op)) < 0)
		return rc;
	if ((rc = take_value(f, json_body_member(item, "value"), &value)) < 0)
		return rc;
	if ((cell = keepnet__field(field.len > 0 ? field : custom)) < 0)
		return refuse(f, "fieldName", field, "the name of a field of the rows");
	if ((known = find_operator(op)) < 0)
		return refuse(f, "operator", op, "Contains, =, !=, >, >=, <, <= or Include");
	rc = keepnet__compare(&f->compare, (enum keepnet_cell)cell, (enum keepnet_operator)known, value, ret);
	if (!yyjson_is_str(json_body_member(item, "value")))
		f->compare.held = NULL; /* the text will be overwritten */
	return rc;
}

/* ---- groups ---- */

static int build_group(struct filter *f, yyjson_val *group, struct query_node **ret);

static void add_node(struct nodes *to, struct query_node *n)
{
	if (!n)
		return;
	if (to->count == to->cap) {
		to->cap = to->cap ? to->cap * 2 : 8;
		to->item = xrealloc(to->item, to->cap * sizeof(struct query_node *));
	}
	to->item[to->count++] = n;
}

/* Adds what the members of a list say. */
static int build_list(struct filter *f, yyjson_val *group, const char *name,
		      int (*build)(struct filter *f, yyjson_val *item, struct query_node **ret), struct nodes *to)
{
	yyjson_val *list = json_body_member(group, name), *item;
	struct query_node *n = NULL;
	yyjson_arr_iter items;
	int rc = 0;

	if (list && !yyjson_is_arr(list))
		return refuse_kind(f, name, "a list", list);
	yyjson_arr_iter_init(list, &items);
	while (rc == 0 && (item = yyjson_arr_iter_next(&items))) {
		n = NULL;
		rc = build(f, item, &n);
		add_node(to, n);
		if (rc == 0 && to->count > QUERY_TERMS_MAX)
			rc = err_set(f->err, E_TOO_LARGE, "a filter may have %u items, and it has more",
				     QUERY_TERMS_MAX);
	}
	return rc;
}

static int take_condition(struct filter *f, yyjson_val *group, bool *ret_is_or)
{
	struct span condition;
	int rc = take_text(f, group, "condition", &condition);

	*ret_is_or = is_word(condition, "OR");
	if (rc < 0 || *ret_is_or || condition.len == 0 || is_word(condition, "AND"))
		return rc;
	return refuse(f, "condition", condition, "AND or OR");
}

/* *ret NULL: nothing is asked. */
static int build_group(struct filter *f, yyjson_val *group, struct query_node **ret)
{
	struct nodes nodes = {NULL, 0, 0};
	bool is_or;
	int rc;

	*ret = NULL;
	if (!yyjson_is_obj(group))
		return refuse_kind(f, "filterGroups", "objects", group);
	if (++f->depth > QUERY_DEPTH_MAX)
		return err_set(f->err, E_TOO_LARGE,
			       "groups of a filter may be nested %u deep, and here they are deeper", QUERY_DEPTH_MAX);
	rc = take_condition(f, group, &is_or);
	if (rc == 0)
		rc = build_list(f, group, "filterItems", build_item, &nodes);
	if (rc == 0)
		rc = build_list(f, group, "filterGroups", build_group, &nodes);
	if (rc == 0 && nodes.count > 0)
		*ret = is_or ? query_or(f->compare.query, nodes.item, nodes.count)
			     : query_and(f->compare.query, nodes.item, nodes.count);
	free(nodes.item);
	f->depth--;
	return rc;
}

/* ---- dates ---- */

static bool item_tells(yyjson_val *item, enum keepnet_date_order *ret)
{
	return keepnet__date_tells(json_body_text(json_body_member(item, "value")), ret);
}

static bool group_tells(yyjson_val *group, unsigned depth, enum keepnet_date_order *ret)
{
	yyjson_val *lists[] = {json_body_member(group, "filterItems"), json_body_member(group, "filterGroups")};
	yyjson_arr_iter items;
	yyjson_val *item;

	for (unsigned i = 0; i < 2 && depth < QUERY_DEPTH_MAX; i++) {
		yyjson_arr_iter_init(lists[i], &items);
		while ((item = yyjson_arr_iter_next(&items))) {
			if (i == 0 ? item_tells(item, ret) : group_tells(item, depth + 1, ret))
				return true;
		}
	}
	return false;
}

/* ---- all of it ---- */

static int build(struct filter *f, yyjson_val *filter, struct query_node **ret)
{
	struct query_node *both[2];
	struct span text;
	int rc;

	f->compare.date_order = KEEPNET_DAY_FIRST;
	(void)group_tells(filter, 0, &f->compare.date_order);
	if ((rc = build_group(f, filter, &both[0])) < 0)
		return rc;
	if ((rc = take_text(f, filter, "searchInputTextValue", &text)) < 0)
		return rc;
	if (!both[0])
		both[0] = query_all(f->compare.query);
	*ret = both[0];
	if (text.len == 0)
		return 0;
	if ((rc = keepnet__compare_any(&f->compare, text, &both[1])) < 0)
		return rc;
	*ret = both[0]->kind == QUERY_ALL ? both[1] : query_and(f->compare.query, both, 2);
	return 0;
}

int keepnet__filter(yyjson_val *filter, struct query **ret, struct err *err)
{
	struct filter f = {.compare = {.query = query_new(), .err = err}, .err = err};
	struct query_node *root;
	int rc = 0;

	if (filter) {
		rc = build(&f, filter, &root);
		if (rc == 0)
			rc = query_set_root(f.compare.query, root, err);
	}
	if (rc < 0)
		f.compare.query = query_free(f.compare.query);
	*ret = f.compare.query;
	return rc;
}
