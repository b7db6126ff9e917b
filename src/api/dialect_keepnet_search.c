/* POST /api/audit-logs/search, also as /api/audit-log/search, and POST /api/audit-logs: pages of rows. */
#include <inttypes.h>
#include <stdio.h>

#include "api/dialect_keepnet.h"
#include "api/handler.h"
#include "api/json_body.h"
#include "service/tenant.h"

#define NUMBER_TEXT_MAX 24u
#define NOTE_MAX        160u

struct rows {
	const struct row_table *table;
	struct row_given given;
	struct buf *to;
	const char *separator;
};

static void put_row(void *user, struct span record)
{
	struct rows *rows = user;

	buf_put_str(rows->to, rows->separator);
	rows->separator = ",";
	row_put_json(rows->table, &rows->given, record, rows->to);
}

/* What cannot be read is told of: an answer with holes must not look whole. */
static const char *note_of(const struct page *page, char text[NOTE_MAX])
{
	uint64_t lost = 0;

	for (size_t i = 0; i < page->damaged.count; i++)
		lost += page->damaged.gap[i].next - page->damaged.gap[i].first;
	if (lost == 0)
		return NULL;
	snprintf(text, NOTE_MAX,
		 "%" PRIu64 " records of the log are damaged and were left out; the server's log has more", lost);
	return text;
}

static void answer(struct request *r, const struct keepnet_search *s, const struct keepnet_page *page,
		   const struct row_table *table)
{
	struct buf *to = &r->reply.body;
	char id[NUMBER_TEXT_MAX], note[NOTE_MAX];
	struct rows rows = {.table = table, .to = to, .separator = ""};

	snprintf(id, sizeof(id), "%" PRId64, tenant_id(&r->who));
	rows.given.text[KEEPNET_COMPANY_ID] = span_str(id);
	reply_json(&r->reply, 200);
	buf_printf(to,
		   "{\"data\":{\"pageNumber\":%u,\"pageSize\":%u,\"totalNumberOfPages\":%" PRIu64
		   ",\"totalNumberOfRecords\":%" PRIu64 ",\"results\":[",
		   s->page_number, s->page_size, (page->total + s->page_size - 1) / s->page_size, page->total);
	keepnet__page_each(page, put_row, &rows);
	buf_put_str(to, "]}");
	keepnet__put_success(to, note_of(&page->window.page, note));
	request_charge_answer(r);
}

static int search(struct request *r, yyjson_val *body, bool has_filter, const struct row_table *table,
		  struct keepnet_search *s, struct err *err)
{
	struct keepnet_page page;
	int rc;

	if ((rc = keepnet__search_take(body, has_filter, s, err)) < 0)
		return rc;
	if ((rc = keepnet__page_find(r, s, &page, err)) < 0)
		return rc;
	answer(r, s, &page, table);
	keepnet__page_release(&page);
	return 0;
}

static enum handled handle(struct request *r, bool has_filter, const struct row_table *table)
{
	struct keepnet_search s = {0};
	struct err err = ERR_INIT;
	yyjson_val *body;
	int rc;

	if ((rc = keepnet__check_company(r, &err)) < 0 || (rc = json_body_take(r, &body, &err)) < 0)
		return keepnet__fail(r, &err);
	if (has_filter && keepnet__has_null_filter(body))
		return keepnet__fail_null_filter(r);
	rc = search(r, body, has_filter, table, &s, &err);
	keepnet__search_release(&s);
	return rc < 0 ? keepnet__fail(r, &err) : HANDLED_NOW;
}

enum handled handle_keepnet_search(struct request *r)
{
	return handle(r, true, &keepnet_row);
}

enum handled handle_keepnet_list(struct request *r)
{
	return handle(r, false, &keepnet_own_row);
}
