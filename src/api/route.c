/* Routing: the table is short, so it is walked. */
#include "api/route.h"

#include <stdio.h>
#include <string.h>

#include "api/export_param.h"
#include "api/handler.h"
#include "api/key_param.h"
#include "api/param.h"
#include "api/scope.h"

#define PARAMS_SAVED                                                                                                   \
	(PARAMS_SCOPE | PARAM_BIT(ORDER) | PARAM_BIT(SORT) | PARAM_BIT(NAME) | PARAM_BIT(COLUMNS) |                    \
	 PARAM_BIT(DESCRIPTION))
#define PARAMS_PLACE (PARAM_BIT(POSITION) | PARAM_BIT(FROM) | PARAM_BIT(AFTER))
#define PARAMS_SEARCH                                                                                                  \
	(PARAMS_SCOPE | PARAM_BIT(ORDER) | PARAM_BIT(SORT) | PARAM_BIT(LIMIT) | PARAM_BIT(CURSOR) | PARAM_BIT(AFTER) | \
	 PARAM_BIT(TOTAL) | PARAM_BIT(EXPLAIN))

#define PARAMS_USER (PARAM_BIT(EMAIL) | PARAM_BIT(NAME) | PARAM_BIT(ROLE) | PARAM_BIT(DISABLED))

static const struct route routes[ROUTE_COUNT] = {
#define ROUTE(name, method, path, permission, flags, params, handler)                                                  \
	[ROUTE_##name] = {ROUTE_##name, METHOD_##method, path, permission, flags, params, handler},
#include "api/route.tbl"
#undef ROUTE
};

static const char *const method_names[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};

static enum method method_of(const char *name)
{
	for (int i = 0; i < METHOD_OTHER; i++) {
		if (strcmp(name, method_names[i]) == 0)
			return (enum method)i;
	}
	return METHOD_OTHER;
}

const char *method_name(enum method m)
{
	return m < METHOD_OTHER ? method_names[m] : "other";
}

const struct route *route_get(enum route_id id)
{
	return &routes[id];
}

/* What a hole of the pattern takes off the front of a path: one segment, or with {…*} all that is left. */
static size_t hole_len(const char *hole_end, const char *path)
{
	return hole_end[-1] == '*' ? strlen(path) : strcspn(path, "/");
}

/* Compares a path with a pattern; `holes` get what its holes stand for. */
static bool matches(const char *pattern, const char *path, struct span holes[ROUTE_HOLES_MAX])
{
	size_t n = 0;

	for (const char *hole; (hole = strchr(pattern, '{')) != NULL; n++) {
		const char *hole_end = strchr(hole, '}');
		size_t fixed = (size_t)(hole - pattern);
		size_t len;

		must(hole_end && n < ROUTE_HOLES_MAX);
		if (strncmp(pattern, path, fixed) != 0)
			return false;
		path += fixed;
		len = hole_len(hole_end, path);
		if (len == 0)
			return false;
		holes[n] = span_of(path, len);
		path += len;
		pattern = hole_end + 1;
	}
	return strcmp(pattern, path) == 0;
}

static void add_allowed(struct route_match *m, enum method method)
{
	size_t len = strlen(m->allow);
	const char *name = method == METHOD_GET ? "GET, HEAD" : method_names[method];

	snprintf(m->allow + len, sizeof(m->allow) - len, "%s%s", len ? ", " : "", name);
}

int route_find(const char *method, const char *path, struct route_match *ret, struct err *err)
{
	enum method asked = method_of(method);
	struct route_match m = {0};

	m.is_head = asked == METHOD_HEAD;
	if (m.is_head)
		asked = METHOD_GET;
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!matches(routes[i].path, path, m.hole))
			continue;
		if (routes[i].method == asked) {
			m.id = m.hole[0];
			m.route = &routes[i];
			*ret = m;
			return 0;
		}
		add_allowed(&m, routes[i].method);
	}
	*ret = m;
	if (m.allow[0] == '\0')
		return err_set(err, E_NOT_FOUND, "there is no resource %.100s; see docs/api.md for those there are",
			       path);
	return err_set(err, E_METHOD, "%.100s has no method %.20s; it has %s", path, method, m.allow);
}
