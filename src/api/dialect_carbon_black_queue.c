/*
 * GET …/logs/_queue and /integrationServices/v3/auditlogs: the queue of an API key, one for both. Reading consumes; a
 * key that reads for the first time gets the last three days, oldest first. Behind it is a consumer
 * (service/consumer.h).
 */
#include "api/dialect_carbon_black.h"
#include "api/handler.h"
#include "api/limits.h"
#include "codec/carbon_black.h"
#include "service/consumer.h"

#define QUEUE_NAME    "carbon-black"
#define QUEUE_BACK_US (CARBON_BLACK_BACK_S * INT64_C(1000000))
#define ANSWER_BYTES  256 /* of an answer without its rows */
#define ROW_BYTES     256 /* of a row besides what its record holds: names, and an org_key */

static uint64_t bytes_of(const struct consumer_batch *b)
{
	return ANSWER_BYTES + b->page.records.len + (uint64_t)b->page.count * ROW_BYTES;
}

static int make_queue_answer(void *user, const struct consumer_batch *b, struct err *err)
{
	struct request *r = user;
	struct buf *to = &r->reply.body;
	int rc;

	reply_json(&r->reply, 200);
	if ((rc = request_reserve_answer(r, bytes_of(b), err)) < 0)
		return rc;
	buf_printf(to, "{\"num_found\":%u,\"num_available\":%u,\"results\":", b->page.count, b->page.count);
	carbon_black__put_rows(r, &carbon_black_row, &b->page, to);
	buf_put_str(to, "}\n");
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the rows");
}

static int make_v3_answer(void *user, const struct consumer_batch *b, struct err *err)
{
	struct request *r = user;
	struct buf *to = &r->reply.body;
	int rc;

	reply_json(&r->reply, 200);
	if ((rc = request_reserve_answer(r, bytes_of(b), err)) < 0)
		return rc;
	buf_put_str(to, "{\"notifications\":");
	carbon_black__put_rows(r, &carbon_black_v3_row, &b->page, to);
	buf_put_str(to, ",\"success\":true,\"message\":\"Success\"}\n");
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the rows");
}

/* What is not sent is not read: HEAD leaves the queue where it is. */
static enum handled read_queue(struct request *r, consumer_make_fn *make)
{
	const struct consumer_read read = {
		.limit = CARBON_BLACK_BATCH, .is_auto = !r->is_head, .make = make, .user = r};
	struct err err = ERR_INIT;

	if (service_queue_read(r->server->service, &r->who, QUEUE_NAME, QUEUE_BACK_US, &read, &err) < 0)
		return carbon_black__fail(r, &err);
	return HANDLED_NOW;
}

enum handled handle_carbon_black_queue(struct request *r)
{
	struct err err = ERR_INIT;

	if (carbon_black__check_org(r, &err) < 0)
		return carbon_black__fail(r, &err);
	return read_queue(r, make_queue_answer);
}

enum handled handle_carbon_black_v3(struct request *r)
{
	return read_queue(r, make_v3_answer);
}
