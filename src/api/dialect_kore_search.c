/* GET /api/public/auditlogs: rows, newest first. */
#include <inttypes.h>

#include "api/dialect_kore.h"
#include "api/handler.h"
#include "api/paging.h"
#include "base/clock.h"

#define ROW_MORE_BYTES 256 /* a row has so much that its record has not, at the usual */

/* What tells this search from others. */
static void make_binding(const struct request *r, const struct kore_search *s, struct buf *to)
{
	buf_printf(to, "kore %d %s %" PRId64 " %" PRId64 " ", s->is_xo, r->who.id, s->from_us, s->to_us);
	buf_put_span(to, s->after);
	buf_put_u8(to, 0);
	query_print(s->query, to);
}

static void put_rows(const struct request *r, const struct row_table *table, const struct page *page, struct buf *to)
{
	char account[KORE_ACCOUNT_LEN + 1];
	const uint8_t *at = page->records.p;
	struct row_given given = {0};

	kore__account_id(&r->who, account);
	given.text[KORE_ACCOUNT_ID] = span_str(account);
	(void)buf_room(to, page->records.len + (size_t)page->count * ROW_MORE_BYTES); /* one growth instead of many */
	for (uint32_t k = 0; k < page->count; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		row_put_json(table, &given, span_of(at, page->len[k]), to);
		at += page->len[k];
	}
}

static void put_answer(struct request *r, const struct kore_search *s, const struct window *w, uint64_t total)
{
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	if (!s->is_xo) {
		buf_put_str(to, "{\"logs\":[");
		put_rows(r, &kore_row, &w->page, to);
		buf_put_str(to, "]}\n");
		return;
	}
	buf_printf(to, "{\"total\":%" PRIu64 ",\"auditlogs\":[", total);
	put_rows(r, &kore_xo_row, &w->page, to);
	buf_printf(to, "],\"moreAvailable\":%s}\n", s->start + w->page.count < total ? "true" : "false");
}

/* Where the row of `fetchAfter` is. */
static int find_after(const struct request *r, const struct kore_search *s, struct window_params *p, struct err *err)
{
	uint64_t behind;
	int rc;

	if (s->after.len == 0)
		return 0;
	rc = service_position(r->server->service, &r->who, LEDGER_MAIN, s->after, &behind, err);
	if (rc < 0) {
		err_set_field(err, "fetchAfter", sizeof("fetchAfter") - 1);
		return err_set(err, E_INVALID, "there is no audit log with this id");
	}
	p->after = behind - 1;
	return 0;
}

/* Goes on where the page before ended, or passes over the rows before this one. */
static int find_start(const struct request *r, const struct kore_search *s, struct span binding,
		      struct paging_place *at, struct window_params *p, struct err *err)
{
	uint64_t skip = s->start;

	if (s->start > 0 && paging_find(r->server->paging, binding, s->start, at)) {
		p->size = at->size;
		p->total_max = 0;
		if (at->after != UINT64_MAX) {
			p->after = at->after;
			skip = 0;
		}
	}
	if (skip + s->limit > PAGE_MAX)
		return err_set(err, E_INVALID,
			       "pages behind the first %u rows are asked for one after the other, or give a period",
			       PAGE_MAX);
	p->skip = (uint32_t)skip;
	return 0;
}

static int run(struct request *r, const struct kore_search *s, struct span binding, struct err *err)
{
	struct window_params p = {.ledger = LEDGER_MAIN,
				  .query = s->query,
				  .from_us = s->from_us,
				  .to_us = s->to_us,
				  .size = UINT64_MAX,
				  .after = UINT64_MAX,
				  .limit = s->limit,
				  .total_max = s->is_xo ? UINT64_MAX : 0};
	struct paging_place at = {.now_us = clock_wall_us()};
	struct window w;
	int rc;

	if ((rc = find_after(r, s, &p, err)) < 0)
		return rc;
	if ((rc = find_start(r, s, binding, &at, &p, err)) < 0)
		return rc;
	if ((rc = service_window(r->server->service, &r->who, &p, &w, err)) < 0)
		return rc;
	at.size = w.size;
	at.total = w.page.has_total ? w.page.total : at.total;
	at.next = s->start + w.page.count;
	at.after = w.last;
	put_answer(r, s, &w, at.total);
	if (w.page.count > 0)
		paging_put(r->server->paging, binding, s->start, &at);
	window_release(&w);
	return 0;
}

enum handled handle_kore_search(struct request *r)
{
	struct buf binding = BUF_INIT;
	struct kore_search s;
	struct err err = ERR_INIT;
	int rc = kore__search_take(r, &s, &err);

	if (rc == 0) {
		make_binding(r, &s, &binding);
		rc = run(r, &s, buf_span(&binding), &err);
		kore__search_release(&s);
	}
	buf_release(&binding);
	if (rc < 0)
		request_fail(r, &err);
	else
		request_charge_answer(r);
	return HANDLED_NOW;
}
