/*
 * The parameters of a search in ThreatKey's audit log. A parameter that there is not, or that is given twice, is
 * refused: a misspelt filter must not silently widen a search.
 */
#include <string.h>

#include "api/dialect_threatkey.h"
#include "api/utf8.h"
#include "base/clock.h"
#include "codec/time_text.h"
#include "query/query_build.h"

enum name { NAME_USER, NAME_ACTION, NAME_IP, NAME_FROM, NAME_TO, NAME_LIMIT, NAME_CURSOR, NAME_FORMAT, NAME_COUNT };

static const char *const names[NAME_COUNT] = {"user", "action", "ip", "from", "to", "limit", "cursor", "format"};

/* The kinds of activity that the vendor's page names, by words of a record's members. */
static const struct {
	const char *kind;
	const char *path;
	const char *words;
} kinds[] = {
	{"login", "action", "login"},
	{"login", "action", "log in"},
	{"login", "action", "logged in"},
	{"login", "action", "signin"},
	{"login", "action", "sign in"},
	{"login", "action", "session created"},
	{"logout", "action", "logout"},
	{"logout", "action", "log out"},
	{"logout", "action", "logged out"},
	{"logout", "action", "signout"},
	{"logout", "action", "sign out"},
	{"logout", "action", "session ended"},
	{"account", "action", "password"},
	{"account", "action", "permission"},
	{"account", "action", "permissions"},
	{"account", "action", "user"},
	{"account", "action", "role"},
	{"account", "category", "user management"},
	{"account", "category", "access management"},
	{"account", "category", "account"},
	{"account", "entity.type", "user"},
	{"account", "entity.type", "role"},
	{"account", "entity.type", "group"},
	{"configuration", "action", "integration"},
	{"configuration", "action", "configuration"},
	{"configuration", "action", "settings"},
	{"configuration", "category", "configuration"},
	{"configuration", "entity.type", "integration"},
	{"configuration", "entity.type", "configuration"},
	{"configuration", "entity.type", "settings"},
	{"source", "action", "finding"},
	{"source", "action", "findings"},
	{"source", "category", "source"},
	{"source", "entity.type", "finding"},
	{"source", "entity.type", "source"},
	{"metric", "action", "metrics"},
	{"metric", "action", "metric"},
	{"metric", "category", "metrics"},
	{"metric", "type", "metric"},
	{"access", "action", "read"},
	{"access", "action", "view"},
	{"access", "action", "viewed"},
	{"access", "action", "download"},
	{"access", "action", "export"},
	{"access", "category", "data access"},
};

#define KINDS_COUNT (sizeof(kinds) / sizeof(kinds[0]))
#define TERMS_MAX   3 /* user, action, ip */

/* The parameters as they come. */
struct arguments {
	struct span value[NAME_COUNT]; /* p NULL: not given */
	struct err *err;
	int rc;
};

static int refuse(const char *name, const char *why, struct err *err)
{
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "%s", why);
}

static int add_argument(struct arguments *a, struct span name, struct span value)
{
	size_t i = 0;

	while (i < NAME_COUNT && !span_eq_str(name, names[i]))
		i++;
	if (i == NAME_COUNT) {
		err_set_field(a->err, (const char *)name.p, name.len);
		return err_set(a->err, E_INVALID,
			       "unknown parameter; there are user, action, ip, from, to, limit, cursor and format");
	}
	if (a->value[i].p)
		return refuse(names[i], "this parameter is given twice", a->err);
	if (value.len > THREATKEY_VALUE_MAX || utf8_valid_prefix(value) < value.len)
		return refuse(names[i], "it is text of at most 1,024 bytes in UTF-8", a->err);
	a->value[i] = value.p ? value : span_of("", 0);
	return 0;
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				   const char *value, size_t value_len)
{
	struct arguments *a = cls;

	(void)kind;
	a->rc = add_argument(a, span_of(name, name_len), span_of(value, value ? value_len : 0));
	return a->rc < 0 ? MHD_NO : MHD_YES;
}

/* Who acted, by e-mail address, name or id. */
static struct query_node *user_node(struct query *q, struct span value)
{
	struct query_node *nodes[] = {query_same(q, "actor.email", value), query_same(q, "actor.name", value),
				      query_exact(q, "actor.id", value)};

	return query_or(q, nodes, sizeof(nodes) / sizeof(nodes[0]));
}

/* A kind of activity; else the action itself. */
static struct query_node *action_node(struct query *q, struct span value)
{
	struct query_node *nodes[KINDS_COUNT];
	uint32_t count = 0;

	for (size_t i = 0; i < KINDS_COUNT; i++) {
		if (span_eq_str(value, kinds[i].kind))
			nodes[count++] = query_words(q, kinds[i].path, span_str(kinds[i].words));
	}
	return count > 0 ? query_or(q, nodes, count) : query_same(q, "action", value);
}

static int take_query(const struct arguments *a, struct threatkey_search *s, struct err *err)
{
	struct query_node *nodes[TERMS_MAX];
	uint32_t count = 0;

	s->query = query_new();
	if (a->value[NAME_USER].len > 0)
		nodes[count++] = user_node(s->query, a->value[NAME_USER]);
	if (a->value[NAME_ACTION].len > 0)
		nodes[count++] = action_node(s->query, a->value[NAME_ACTION]);
	if (a->value[NAME_IP].len > 0)
		nodes[count++] = query_same(s->query, "context.ip", a->value[NAME_IP]);
	return query_set_root(s->query, query_and(s->query, nodes, count), err);
}

static int take_time(const struct arguments *a, enum name n, int64_t *ret, struct err *err)
{
	int rc = a->value[n].len > 0 ? time_text_parse(a->value[n], clock_wall_us(), ret, err) : 0;

	if (rc < 0)
		err_set_field(err, names[n], strlen(names[n]));
	return rc;
}

static int take_limit(struct span text, uint32_t *ret, struct err *err)
{
	uint32_t n = 0;

	*ret = PAGE_DEFAULT;
	if (text.len == 0)
		return 0;
	for (size_t i = 0; i < text.len && n <= THREATKEY_ROWS_MAX; i++)
		n = text.p[i] >= '0' && text.p[i] <= '9' ? n * 10 + (uint32_t)(text.p[i] - '0') : UINT32_MAX / 10;
	if (n == 0 || n > THREATKEY_ROWS_MAX)
		return refuse("limit", "it takes a number from 1 to 1,000", err);
	*ret = n;
	return 0;
}

static int take_format(struct span text, bool *ret_csv, struct err *err)
{
	*ret_csv = span_eq_str(text, "csv");
	if (*ret_csv || text.len == 0 || span_eq_str(text, "json"))
		return 0;
	return refuse("format", "it is one of json, csv", err);
}

static int take(const struct arguments *a, struct threatkey_search *s, struct err *err)
{
	int rc;

	s->cursor = a->value[NAME_CURSOR];
	if ((rc = take_time(a, NAME_FROM, &s->from_us, err)) < 0 || (rc = take_time(a, NAME_TO, &s->to_us, err)) < 0)
		return rc;
	if (s->from_us > s->to_us)
		return refuse("from", "it lies after 'to'", err);
	if ((rc = take_limit(a->value[NAME_LIMIT], &s->limit, err)) < 0)
		return rc;
	if ((rc = take_format(a->value[NAME_FORMAT], &s->is_csv, err)) < 0)
		return rc;
	if (s->is_csv && (s->cursor.len > 0 || a->value[NAME_LIMIT].len > 0))
		return refuse("format", "CSV has all rows, newest first: leave limit and cursor out", err);
	return take_query(a, s, err);
}

int threatkey__search_take(struct request *r, struct threatkey_search *ret, struct err *err)
{
	struct arguments a = {.err = err};

	*ret = (struct threatkey_search){.from_us = INT64_MIN, .to_us = INT64_MAX};
	MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, on_argument, &a);
	if (a.rc == 0)
		a.rc = take(&a, ret, err);
	if (a.rc < 0)
		threatkey__search_release(ret);
	return a.rc;
}

void threatkey__search_release(struct threatkey_search *s)
{
	s->query = query_free(s->query);
}
