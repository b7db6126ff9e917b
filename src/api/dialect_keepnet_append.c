/* POST /api/audit: what one of the vendor's producers tells. POST /api/audit-logs/import: rows of another log. */
#include "api/append.h"
#include "api/dialect_keepnet.h"
#include "api/handler.h"

static const struct append_rows rows = {.format = ROW_FORMAT_KEEPNET};

/* The id as the search will show it. */
static void answer_one(struct request *r)
{
	const struct ledger_append *a = &r->in.append;
	struct buf *to = &r->reply.body;
	uint8_t id[RECORD_ID_LEN];

	if (a->rc < 0) {
		request_fail(r, &a->err);
		return;
	}
	service_ids(r->server->service, &r->who, a->first, 1, id);
	reply_json(&r->reply, 200);
	r->reply.is_replay = a->replayed;
	buf_printf(to, "{\"data\":{\"resourceId\":\"%.*s\"}", RECORD_ID_LEN, (const char *)id);
	keepnet__put_success(to, NULL);
}

static void answer_many(struct request *r)
{
	const struct ledger_append *a = &r->in.append;
	struct buf *to = &r->reply.body;

	if (a->rc < 0) {
		request_fail(r, &a->err);
		return;
	}
	reply_json(&r->reply, 200);
	r->reply.is_replay = a->replayed;
	buf_printf(to, "{\"data\":{\"accepted\":%llu}", (unsigned long long)a->count);
	keepnet__put_success(to, NULL);
}

static enum handled handle(struct request *r, void (*answer)(struct request *r))
{
	struct err err = ERR_INIT;

	if (keepnet__check_company(r, &err) < 0)
		return keepnet__fail(r, &err);
	return append_run(r, &rows, answer);
}

enum handled handle_keepnet_audit(struct request *r)
{
	return handle(r, answer_one);
}

enum handled handle_keepnet_import(struct request *r)
{
	return handle(r, answer_many);
}
