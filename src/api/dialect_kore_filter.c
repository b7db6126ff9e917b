/* The parameters of a search in Kore.ai's audit logs. Those that nobody asks for are passed over, as the vendor does.
 */
#include <string.h>

#include "api/dialect_kore.h"
#include "api/utf8.h"
#include "base/clock.h"
#include "codec/time_text.h"
#include "query/query_build.h"

#define TERMS_MAX 6 /* of a search: one a parameter, and a second one of `entity` */

static const char *const xo_names[] = {"size", "offset", "fromDate", "toDate", "fetchAfter"};

static int refuse(const char *name, const char *why, struct err *err)
{
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "%s", why);
}

static int check_text(const char *name, struct span text, struct err *err)
{
	if (text.len <= KORE_VALUE_MAX && utf8_valid_prefix(text) == text.len)
		return 0;
	return refuse(name, "it is text of at most 1,024 bytes in UTF-8", err);
}

static int take_number(const struct request *r, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
		       struct err *err)
{
	struct span text = kore__argument(r, name);
	uint64_t number = 0;

	if (!text.p)
		return 0;
	for (size_t i = 0; i < text.len && number <= max; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return refuse(name, "it is a whole number", err);
		number = number * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (text.len == 0 || number < min || number > max)
		return refuse(name, "the number is too small or too large", err);
	*ret = number;
	return 0;
}

/* A date without a time, which as an end means all of that day. */
static bool is_date(struct span text)
{
	return text.len == sizeof("2026-01-31") - 1;
}

static int take_time(const struct request *r, const char *name, bool is_end, int64_t *ret, struct err *err)
{
	struct span text = kore__argument(r, name);
	int64_t us;

	if (text.len == 0)
		return 0;
	if (time_text_parse(text, clock_wall_us(), &us, NULL) < 0)
		return refuse(name, "it is a time such as 2024-12-01T23:59:59Z, or a date", err);
	if (is_end)
		us += is_date(text) ? INT64_C(86400000000) : 1; /* the vendor's end is the last instant that counts */
	*ret = us;
	return 0;
}

/* An entity may be written in any case, and as the plural. */
static struct query_node *entity_node(struct query *q, struct span value)
{
	struct query_node *nodes[] = {query_same(q, "entity.type", value), NULL};

	if (value.len < 2 || (value.p[value.len - 1] | 0x20) != 's')
		return nodes[0];
	nodes[1] = query_same(q, "entity.type", span_of(value.p, value.len - 1));
	return query_or(q, nodes, 2);
}

static struct query_node *make_node(struct query *q, const char *name, const char *path, struct span value)
{
	if (strcmp(name, "entity") == 0)
		return entity_node(q, value);
	if (strcmp(name, "emailId") == 0 || strcmp(name, "action") == 0)
		return query_same(q, path, value);
	return query_exact(q, path, value);
}

static int take_query(const struct request *r, struct kore_search *s, struct err *err)
{
	static const char *const names[][2] = {{"entity", "entity.type"},
					       {"entityId", "entity.id"},
					       {"userId", "actor.id"},
					       {"emailId", "actor.email"},
					       {"action", "action"}};
	struct query_node *nodes[TERMS_MAX];
	uint32_t count = 0;
	int rc;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span value = kore__argument(r, names[i][0]);

		if (value.len == 0)
			continue;
		if ((rc = check_text(names[i][0], value, err)) < 0)
			return rc;
		nodes[count++] = make_node(s->query, names[i][0], names[i][1], value);
	}
	return query_set_root(s->query, query_and(s->query, nodes, count), err);
}

static int take_xo(const struct request *r, struct kore_search *s, struct err *err)
{
	uint64_t size = KORE_XO_SIZE_MAX, offset = 0;
	int rc;

	if ((rc = take_number(r, "size", 1, KORE_XO_SIZE_MAX, &size, err)) < 0)
		return rc;
	if ((rc = take_number(r, "offset", 0, UINT32_MAX, &offset, err)) < 0)
		return rc;
	if ((rc = take_time(r, "fromDate", false, &s->from_us, err)) < 0)
		return rc;
	if ((rc = take_time(r, "toDate", true, &s->to_us, err)) < 0)
		return rc;
	s->limit = (uint32_t)size;
	s->start = offset * size; /* an offset counts pages */
	s->after = kore__argument(r, "fetchAfter");
	return 0;
}

static int take_work(const struct request *r, struct kore_search *s, struct err *err)
{
	uint64_t limit = PAGE_MAX;
	int rc;

	if ((rc = take_number(r, "limit", 1, PAGE_MAX, &limit, err)) < 0)
		return rc;
	if ((rc = take_number(r, "skip", 0, UINT32_MAX, &s->start, err)) < 0)
		return rc;
	if ((rc = take_time(r, "startTime", false, &s->from_us, err)) < 0)
		return rc;
	if ((rc = take_time(r, "endTime", true, &s->to_us, err)) < 0)
		return rc;
	s->limit = (uint32_t)limit;
	return 0;
}

static bool is_xo(const struct request *r)
{
	for (size_t i = 0; i < sizeof(xo_names) / sizeof(xo_names[0]); i++) {
		if (kore__argument(r, xo_names[i]).p)
			return true;
	}
	return false;
}

int kore__search_take(const struct request *r, struct kore_search *ret, struct err *err)
{
	int rc;

	*ret = (struct kore_search){.is_xo = is_xo(r), .from_us = INT64_MIN, .to_us = INT64_MAX};
	ret->query = query_new();
	rc = ret->is_xo ? take_xo(r, ret, err) : take_work(r, ret, err);
	if (rc == 0)
		rc = take_query(r, ret, err);
	if (rc == 0 && ret->from_us > ret->to_us)
		rc = refuse(ret->is_xo ? "fromDate" : "startTime", "it lies after the end", err);
	if (rc < 0)
		kore__search_release(ret);
	return rc;
}

void kore__search_release(struct kore_search *s)
{
	query_free(s->query);
}
