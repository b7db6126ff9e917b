/*
 * GET /threatkey/v1/audit-logs: rows, newest first. A page's cursor is the id of its last row: what arrives later lies
 * before it, so that pages hold each row once.
 */
#include <stdlib.h>

#include "api/dialect_threatkey.h"
#include "api/handler.h"
#include "base/mem.h"
#include "codec/record_path.h"
#include "codec/threatkey.h"
#include "service/part.h"
#include "service/window.h"

#define ROW_BYTES     256          /* of a row, at the usual */
#define FETCH_BYTES   (256u << 10) /* of records are fetched together */
#define CSV_TYPE      "text/csv; charset=utf-8; header=present"
#define CSV_FILE_NAME "attachment; filename=\"audit-logs.csv\""

static const struct row_given given; /* nothing: all of a row is its record's */

/* ---- a page ---- */

static int find_start(struct request *r, const struct threatkey_search *s, uint64_t *ret_after, struct err *err)
{
	uint64_t behind;

	*ret_after = UINT64_MAX;
	if (s->cursor.len == 0)
		return 0;
	if (service_position(r->server->service, &r->who, LEDGER_MAIN, s->cursor, &behind, NULL) < 0) {
		err_set_field(err, "cursor", sizeof("cursor") - 1);
		return err_set(err, E_INVALID, "it is none that a page before has given");
	}
	*ret_after = behind - 1;
	return 0;
}

/* Writes rows and returns the last one's record. */
static struct span put_rows(const struct page *page, uint32_t count, struct buf *to)
{
	const uint8_t *at = page->records.p;
	struct span last = {NULL, 0};

	(void)buf_room(to, (size_t)count * ROW_BYTES); /* one growth instead of many */
	for (uint32_t i = 0; i < count; i++) {
		last = span_of(at, page->len[i]);
		if (i > 0)
			buf_put_u8(to, ',');
		row_put_json(&threatkey_row, &given, last, to);
		at += page->len[i];
	}
	return last;
}

/* One row more than the page shows was asked for: it says whether there is a next page. */
static void answer_page(struct request *r, const struct threatkey_search *s, const struct page *page)
{
	bool is_more = page->count > s->limit || page->records.len >= PAGE_BYTES_MAX;
	uint32_t count = page->count < s->limit ? page->count : s->limit;
	struct buf *to = &r->reply.body;
	struct span last, id;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"logs\":[");
	last = put_rows(page, count, to);
	buf_put_str(to, "],\"next_cursor\":");
	if (is_more && record_path_get(last, SPAN_LIT("id"), &id))
		buf_put_span(to, id);
	else
		buf_put_str(to, "null");
	buf_put_str(to, "}\n");
}

static int run_page(struct request *r, const struct threatkey_search *s, struct err *err)
{
	struct window_params p = {.ledger = LEDGER_MAIN,
				  .query = s->query,
				  .from_us = s->from_us,
				  .to_us = s->to_us,
				  .size = UINT64_MAX,
				  .limit = s->limit + 1};
	struct window w;
	int rc;

	if ((rc = find_start(r, s, &p.after, err)) < 0)
		return rc;
	if ((rc = service_window(r->server->service, &r->who, &p, &w, err)) < 0)
		return rc;
	answer_page(r, s, &w.page);
	window_release(&w);
	return 0;
}

/* ---- all of them ---- */

struct table {
	struct part_reader *source;
	struct search_answer answer; /* records, and how far they are written */
	bool has_head;
	struct buf scratch;
};

static int produce(void *user, size_t bytes, struct buf *to, struct err *err)
{
	struct table *t = user;
	size_t full = to->len + bytes;
	int rc = 0;

	if (!t->has_head)
		row_put_csv_head(&threatkey_row, to, &t->scratch);
	t->has_head = true;
	do {
		size_t off = 0;

		if ((rc = part_next(t->source, FETCH_BYTES, &t->answer, err)) < 0)
			return rc;
		for (uint32_t i = 0; i < t->answer.count; i++) {
			row_put_csv(&threatkey_row, &given, span_of(t->answer.events.p + off, t->answer.len[i]), to,
				    &t->scratch);
			off += t->answer.len[i];
		}
	} while (t->answer.count > 0 && to->len < full && buf_ok(to));
	if (!buf_ok(to))
		return err_set(err, E_NO_MEMORY, "not enough memory for the next rows");
	return t->answer.count == 0;
}

static void free_table(void *user)
{
	struct table *t = user;

	part_close(t->source);
	search_answer_release(&t->answer);
	buf_release(&t->scratch);
	free(t);
}

static const struct stream_ops table_stream = {.produce = produce, .free = free_table};

static int run_csv(struct request *r, struct threatkey_search *s, struct err *err)
{
	struct table *t;
	int rc;

	if ((rc = principal_require(&r->who, PERMISSION_EXPORT, err)) < 0)
		return rc;
	if ((rc = stream_open(r->server, &r->stream, err)) < 0)
		return rc;
	t = xalloc(sizeof(*t));
	t->answer = (struct search_answer)SEARCH_ANSWER_INIT;
	rc = part_open_search(r->server->service, &r->who, s->query, s->from_us, s->to_us, &t->source, err);
	s->query = NULL; /* taken over */
	if (rc < 0) {
		free_table(t);
		return rc;
	}
	if ((rc = stream_begin(r->stream, &table_stream, t, STREAM_SIZE_UNKNOWN, err)) < 0)
		return rc;
	reply_begin(&r->reply, 200, CSV_TYPE);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_DISPOSITION, CSV_FILE_NAME);
	return 0;
}

enum handled handle_threatkey_search(struct request *r)
{
	struct threatkey_search s;
	struct err err = ERR_INIT;
	int rc = threatkey__search_take(r, &s, &err);

	if (rc == 0)
		rc = s.is_csv ? run_csv(r, &s, &err) : run_page(r, &s, &err);
	if (rc < 0) {
		r->stream = stream_close(r->stream);
		request_fail(r, &err);
	} else if (!r->stream) {
		request_charge_answer(r);
	}
	threatkey__search_release(&s);
	return HANDLED_NOW;
}
