/*
 * POST /audit_log/v1/orgs/{org}/logs/_search. The vendor's client pages by `start` without ever saying how many rows it
 * wants, and goes on until it has num_found of them: so that is never more than paging can reach, and stays what it was
 * on the first page (api/paging.h).
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "api/dialect_carbon_black.h"
#include "api/handler.h"
#include "api/json_body.h"
#include "api/limits.h"
#include "api/page_json.h"
#include "api/paging.h"
#include "base/clock.h"
#include "codec/carbon_black.h"
#include "codec/row_format.h"
#include "service/window.h"

_Static_assert(CARBON_BLACK_WINDOW <= PAGE_MAX, "a window is a page");

/* ---- the order ---- */

/* What rows can be sorted by; an actor is sorted by one of the members it may come from. */
static const struct {
	const char *field;
	const char *path;
} sorts[] = {
	{"create_time", "time"},        {"actor", "actor.email"},       {"actor_ip", "context.ip"},
	{"request_url", "context.url"}, {"description", "description"},
};

static const char *sort_path(struct span field)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		if (span_eq_str(field, sorts[i].field))
			return sorts[i].path;
	}
	return NULL;
}

/* One of the orders; a field that rows cannot be sorted by is left out, as clients send some that are none. */
static int take_order(struct request *r, struct carbon_black_search *s, yyjson_val *item, struct err *err)
{
	static const char *const orders[] = {"ASC", "DESC", NULL};
	struct span field, order;
	const char *path;
	int rc;

	if (!yyjson_is_obj(item)) {
		err_set_field(err, "sort", strlen("sort"));
		return err_set(err, E_INVALID, "'sort' takes a list of objects with 'field' and 'order'");
	}
	if ((rc = json_body_string(item, "field", &field, err)) < 0)
		return rc;
	if ((rc = json_body_string(item, "order", &order, err)) < 0)
		return rc;
	if (order.len > 0 && strncasecmp((const char *)order.p, "ASC", order.len + 1) != 0 &&
	    strncasecmp((const char *)order.p, "DESC", order.len + 1) != 0)
		return carbon_black__refuse_word(r, "order", order, orders);
	path = sort_path(field);
	if (!path || s->has_sort)
		return 0;
	s->has_sort = true;
	s->oldest_first = order.len == 0 || (order.p[0] | 0x20) == 'a';
	return field_parse(span_str(path), &s->sort, err);
}

static int take_sort(struct request *r, struct carbon_black_search *s, struct err *err)
{
	yyjson_val *list = json_body_member(s->body, "sort"), *item;
	yyjson_arr_iter items;
	int rc = 0;

	if (!list)
		return 0;
	if (!yyjson_is_arr(list))
		return take_order(r, s, list, err);
	yyjson_arr_iter_init(list, &items);
	while (rc == 0 && (item = yyjson_arr_iter_next(&items)))
		rc = take_order(r, s, item, err);
	return rc;
}

/* ---- the search ---- */

void carbon_black__search_release(struct carbon_black_search *s)
{
	query_free(s->query);
	field_release(&s->sort);
	*s = (struct carbon_black_search){0};
}

int carbon_black__search_take(struct request *r, struct carbon_black_search *s, struct err *err)
{
	struct span text;
	int rc;

	s->from_us = INT64_MIN;
	s->to_us = INT64_MAX;
	if ((rc = json_body_string(s->body, "query", &text, err)) < 0)
		return rc;
	if ((rc = carbon_black__query_parse(text, s->now_us, principal_org_key(&r->who), &s->query, err)) < 0)
		return rc;
	if ((rc = carbon_black__filter(s, err)) < 0)
		return rc;
	return take_sort(r, s, err);
}

/* ---- pages ---- */

struct page_asked {
	uint64_t start, rows;
	struct buf binding; /* of api/paging.h: the search as it was sent, and who asks */
	struct paging_place place;
	bool is_known; /* the place of a page before */
};

/* What tells a search from others is sent with each of its pages. */
static int make_binding(const struct request *r, yyjson_val *body, struct buf *to, struct err *err)
{
	static const char *const members[] = {"criteria", "exclusions", "query", "sort"};

	buf_put_str(to, r->who.id);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		yyjson_val *v = json_body_member(body, members[i]);

		buf_put_u8(to, 0);
		if (v)
			row_put_yyjson(to, v);
	}
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a search");
}

static int take_page(struct request *r, yyjson_val *body, struct page_asked *p, struct err *err)
{
	int rc;

	if ((rc = json_body_number(body, "start", UINT32_MAX, 0, &p->start, err)) < 0)
		return rc;
	if ((rc = json_body_number(body, "rows", UINT32_MAX, CARBON_BLACK_ROWS, &p->rows, err)) < 0)
		return rc;
	if (p->start >= CARBON_BLACK_WINDOW) {
		err_set_field(err, "start", strlen("start"));
		return err_set(err, E_INVALID,
			       "a search reaches %u rows and 'start' lies behind them; narrow create_time, or read "
			       "_queue or _export",
			       CARBON_BLACK_WINDOW);
	}
	if (p->rows > CARBON_BLACK_WINDOW - p->start)
		p->rows = CARBON_BLACK_WINDOW - p->start;
	if ((rc = make_binding(r, body, &p->binding, err)) < 0)
		return rc;
	p->place = (struct paging_place){.size = UINT64_MAX, .now_us = clock_wall_us(), .after = UINT64_MAX};
	p->is_known = p->start > 0 && paging_find(r->server->paging, buf_span(&p->binding), p->start, &p->place);
	return 0;
}

static int run(struct request *r, const struct carbon_black_search *s, const struct page_asked *p, struct window *ret,
	       struct err *err)
{
	bool goes_on = p->place.after != UINT64_MAX;
	const struct window_params w = {.ledger = LEDGER_MAIN,
					.query = s->query,
					.from_us = s->from_us,
					.to_us = s->to_us,
					.oldest_first = s->oldest_first,
					.sort = s->has_sort ? &s->sort : NULL,
					.size = p->place.size,
					.after = p->place.after,
					.skip = goes_on ? 0 : (uint32_t)p->start,
					.limit = (uint32_t)p->rows,
					.total_max = p->is_known ? 0 : CARBON_BLACK_WINDOW};

	return service_window(r->server->service, &r->who, &w, ret, err);
}

static void answer(struct request *r, const struct page *page, uint64_t total)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_printf(to, "{\"num_found\":%" PRIu64 ",\"num_available\":%" PRIu64 ",\"results\":", total, total);
	carbon_black__put_rows(r, &carbon_black_row, page, to);
	page_json_damaged(to, &page->damaged);
	buf_put_str(to, "}\n");
	request_charge_answer(r);
}

/* Rows that a total counts and a page does not have would be asked for for ever. */
static uint64_t reachable(const struct page_asked *p, const struct page *page, uint64_t total)
{
	uint64_t shown = p->start + page->count;

	if (page->count < p->rows && page->records.len < PAGE_BYTES_MAX && total > shown)
		total = shown;
	return total < CARBON_BLACK_WINDOW ? total : CARBON_BLACK_WINDOW;
}

static int search(struct request *r, struct carbon_black_search *s, struct page_asked *p, struct err *err)
{
	struct window w;
	int rc;

	if ((rc = carbon_black__check_org(r, err)) < 0)
		return rc;
	if ((rc = json_body_take(r, &s->body, err)) < 0)
		return rc;
	if ((rc = take_page(r, s->body, p, err)) < 0)
		return rc;
	s->now_us = p->place.now_us;
	if ((rc = carbon_black__search_take(r, s, err)) != 0)
		return rc;
	if ((rc = run(r, s, p, &w, err)) < 0)
		return rc;
	p->place.size = w.size;
	p->place.total = reachable(p, &w.page, p->is_known ? p->place.total : w.page.total);
	p->place.next = p->start + w.page.count;
	p->place.after = w.last;
	paging_put(r->server->paging, buf_span(&p->binding), p->start, &p->place);
	answer(r, &w.page, p->place.total);
	window_release(&w);
	return 0;
}

enum handled handle_carbon_black_search(struct request *r)
{
	struct carbon_black_search s = {0};
	struct page_asked p = {.binding = BUF_INIT};
	struct err err = ERR_INIT;
	int rc = search(r, &s, &p, &err);

	carbon_black__search_release(&s);
	buf_release(&p.binding);
	return rc < 0 ? carbon_black__fail(r, &err) : HANDLED_NOW;
}
