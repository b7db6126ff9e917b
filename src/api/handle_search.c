/* GET /v1/events and POST /v1/search: a page of records. */
#include <inttypes.h>

#include "api/handler.h"
#include "api/page_json.h"
#include "api/request.h"
#include "api/scope.h"

static int take_params(const struct params *given, struct search_params *ret, struct err *err)
{
	static const char *const totals[] = {"cheap", "exact", "none", NULL}; /* enum search_total */
	int total;
	int rc;

	*ret = (struct search_params){.cursor = given->value[PARAM_CURSOR],
				      .after = given->value[PARAM_AFTER],
				      .sort = given->value[PARAM_SORT]};
	if ((rc = scope_take(given, ret, err)) < 0)
		return rc;
	if ((rc = scope_order(given, false, &ret->oldest_first, err)) < 0)
		return rc;
	if ((rc = param_word(given, PARAM_TOTAL, totals, 0, &total, err)) < 0)
		return rc;
	ret->total = (enum search_total)total;
	if ((rc = param_number(given, PARAM_LIMIT, 1, PAGE_MAX, PAGE_DEFAULT, &ret->limit, err)) < 0)
		return rc;
	return param_bool(given, PARAM_EXPLAIN, false, &ret->explain, err);
}

static void answer(struct request *r, const struct page *page)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"events\":");
	page_json_records(to, page, false);
	if (page->next_cursor[0] != '\0')
		buf_printf(to, ",\"next_cursor\":\"%s\"", page->next_cursor);
	else
		buf_put_str(to, ",\"next_cursor\":null");
	if (page->has_total)
		buf_printf(to, ",\"total\":{\"value\":%" PRIu64 ",\"relation\":\"%s\"}", page->total,
			   page->total_exact ? "eq" : "gte");
	page_json_damaged(to, &page->damaged);
	if (page->explain.len > 0) {
		buf_put_str(to, ",\"explain\":");
		buf_put_span(to, buf_span(&page->explain));
	}
	buf_put_str(to, "}\n");
	request_charge_answer(r);
}

enum handled handle_search(struct request *r)
{
	struct page page = PAGE_INIT;
	struct search_params params;
	struct err err = ERR_INIT;

	if (take_params(&r->params, &params, &err) < 0 ||
	    service_search(r->server->service, &r->who, &params, &page, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	answer(r, &page);
	page_release(&page);
	return HANDLED_NOW;
}
