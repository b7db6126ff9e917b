/*
 * Appending: an object, an array or NDJSON in; 201 with the first index and the ids out.
 *
 * The body is parsed on this thread, then the batch is handed to the ledger and the connection stays suspended until
 * the journal has it; the answer is made back on the connection's thread, so that the journal's writer is not kept.
 */
#include "api/append.h"

#include <inttypes.h>
#include <string.h>

#include "api/request.h"
#include "base/clock.h"
#include "base/hash.h"
#include "codec/record_rows.h"
#include "service/catalogue.h"
#include "service/proof.h"

#define ANSWER_BYTES 192  /* of an answer without its lists: names and two numbers of 20 digits */
#define PROOF_BYTES  2048 /* of a proof in it: 30 hashes and a checkpoint */

static int take_params(struct request *r, struct err *err)
{
	static const char *const waits[] = {"proof", NULL};
	int wait;
	int rc;

	if ((rc = param_word(&r->params, PARAM_WAIT, waits, -1, &wait, err)) < 0)
		return rc;
	r->in.wants_proofs = wait == 0;
	if ((rc = param_bool(&r->params, PARAM_IDS, true, &r->in.wants_ids, err)) < 0)
		return rc;
	return param_bool(&r->params, PARAM_PARTIAL, false, &r->in.is_partial, err);
}

/* The same bytes mean something else in parts, or as rows. */
static uint64_t fingerprint_seed(const struct request *r)
{
	return r->in.is_partial + (r->in.rows ? 2 * ((uint64_t)r->in.rows->format + 1) : 0);
}

static int take_idempotency_key(struct request *r, struct err *err)
{
	const char *key = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Idempotency-Key");
	size_t len = key ? strlen(key) : 0;

	if (!key)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (key[i] < 0x21 || key[i] > 0x7e)
			len = 0;
	}
	if (len == 0 || len > IDEMPOTENCY_KEY_MAX) {
		err_set_field(err, "Idempotency-Key", strlen("Idempotency-Key"));
		return err_set(err, E_INVALID, "an Idempotency-Key has 1 to %u visible ASCII characters",
			       IDEMPOTENCY_KEY_MAX);
	}
	r->in.append.idempotency_key = span_of(key, len);
	r->in.append.fingerprint = hash64(r->body.bytes.p, r->body.bytes.len, fingerprint_seed(r));
	return 0;
}

static bool on_refused(void *user, uint64_t position, const struct err *err)
{
	struct request_append *in = user;

	buf_printf(&in->refused, "%s{\"position\":%" PRIu64 ",\"error\":", in->refused_count ? "," : "", position);
	reply_put_error(&in->refused, err);
	buf_put_u8(&in->refused, '}');
	in->refused_count++;
	return true;
}

static int parse_events(struct request *r, struct record_parser *parser, struct err *err)
{
	return record_parse_body(parser, buf_span(&r->body.bytes), RECORD_BODY_AUTO, clock_wall_us(), EVENTS_MAX,
				 r->in.is_partial ? on_refused : NULL, &r->in, &r->in.batch, err);
}

/* `parser` makes events of the rows. */
static int parse_rows(struct request *r, struct record_parser *parser, struct err *err)
{
	struct parser_slot *slot = parser_take(r->server);
	const struct record_rows rows = {r->in.rows->format, &r->in.rows->given, parser};
	int rc = record_parse_rows(slot->parser, &rows, buf_span(&r->body.bytes), clock_wall_us(), EVENTS_MAX,
				   r->in.is_partial ? on_refused : NULL, &r->in, &r->in.batch, err);

	parser_give(r->server, slot, r->body.bytes.len);
	return rc;
}

/* Events are held against a strict catalogue as they come, so that the good ones of a partial append are taken. */
static int parse(struct request *r, struct err *err)
{
	struct parser_slot *slot;
	struct catalogue *catalogue = NULL;
	int rc = service_catalogue_strict(r->server->service, r->who.org, &catalogue, err);

	if (rc < 0)
		return rc;
	slot = parser_take(r->server);
	record_parser_require(slot->parser, catalogue ? catalogue_check : NULL, catalogue);
	rc = r->in.rows ? parse_rows(r, slot->parser, err) : parse_events(r, slot->parser, err);
	record_parser_require(slot->parser, NULL, NULL);
	parser_give(r->server, slot, r->body.bytes.len);
	catalogue_release(catalogue);
	return rc;
}

/* Nothing of a partial append was good: an error, with the list. */
static void refuse_all(struct request *r)
{
	struct err err = ERR_INIT;

	(void)err_set(&err, E_INVALID, "none of the %" PRIu64 " events can be taken; 'refused' says why for each",
		      r->in.refused_count);
	reply_json(&r->reply, err_http_status(err.code));
	buf_put_str(&r->reply.body, "{\"error\":");
	reply_put_error(&r->reply.body, &err);
	buf_put_str(&r->reply.body, ",\"refused\":[");
	buf_put_span(&r->reply.body, buf_span(&r->in.refused));
	buf_put_str(&r->reply.body, "]}\n");
	request_charge_answer(r);
}

static void put_id(struct buf *to, bool is_first, const uint8_t *id)
{
	uint8_t *p = buf_room(to, RECORD_ID_LEN + 3);
	size_t n = 0;

	if (!p)
		return;
	if (!is_first)
		p[n++] = ',';
	p[n++] = '"';
	memcpy(p + n, id, RECORD_ID_LEN);
	n += RECORD_ID_LEN;
	p[n++] = '"';
	buf_commit(to, n);
}

/* The ids of what was appended stand in the batch; those of a replay are made from the first index. */
static void put_ids(struct request *r)
{
	const struct ledger_append *a = &r->in.append;
	const struct record_batch *batch = &r->in.batch;
	struct buf *to = &r->reply.body;
	uint8_t id[RECORD_ID_LEN];

	buf_put_str(to, ",\"ids\":[");
	for (uint64_t i = 0; i < a->count; i++) {
		if (a->replayed) {
			service_ids(r->server->service, &r->who, a->first + i, 1, id);
			put_id(to, i == 0, id);
		} else {
			put_id(to, i == 0, batch->bytes.p + batch->refs[i].off + batch->refs[i].id_off);
		}
	}
	buf_put_u8(to, ']');
}

/* Without proofs: null. The events are stored all the same. */
static void put_proofs(struct request *r)
{
	struct buf *to = &r->reply.body;

	if (r->in.proofs.len == 0 || !buf_room(to, r->in.proofs.len + sizeof(",\"proofs\":[]}\n"))) {
		to->failed = false;
		buf_put_str(to, ",\"proofs\":null");
		return;
	}
	buf_put_str(to, ",\"proofs\":[");
	buf_put_span(to, buf_span(&r->in.proofs));
	buf_put_u8(to, ']');
}

void append_answer(struct request *r)
{
	const struct ledger_append *a = &r->in.append;
	struct buf *to = &r->reply.body;

	if (a->rc < 0) {
		request_fail(r, &a->err);
		return;
	}
	reply_json(&r->reply, 201);
	r->reply.is_replay = a->replayed;
	buf_printf(to, "{\"accepted\":%" PRIu64 ",\"first_index\":%" PRIu64, a->count, a->first);
	if (r->in.wants_ids)
		put_ids(r);
	if (r->in.is_partial) {
		buf_put_str(to, ",\"refused\":[");
		buf_put_span(to, buf_span(&r->in.refused));
		buf_put_u8(to, ']');
	}
	if (r->in.wants_proofs)
		put_proofs(r);
	buf_put_str(to, "}\n");
}

/* What was appended is signed, or was not in time. */
static void run_prove(struct job *job)
{
	struct request *r = (struct request *)((char *)job - offsetof(struct request, job));
	const struct ledger_append *a = &r->in.append;

	if (service_prove_run(r->server->service, &r->who, LEDGER_MAIN, a->first, a->count, &r->in.proofs, NULL) < 0)
		buf_reset(&r->in.proofs);
	request_finish(r);
}

static void on_done(struct ledger_append *a)
{
	struct request *r = a->user;

	if (a->rc < 0 || !r->in.wants_proofs) {
		request_finish(r);
		return;
	}
	r->job.run = run_prove;
	r->wait =
		(struct proof_wait){.who = &r->who, .ledger = LEDGER_MAIN, .size = a->first + a->count, .job = &r->job};
	proof_wait(r->server->proofs, &r->wait);
}

static int check_proofs(struct request *r, struct err *err)
{
	if (!r->in.wants_proofs || r->in.batch.count <= PROOF_EVENTS_MAX)
		return 0;
	err_set_field(err, "wait", strlen("wait"));
	return err_set(err, E_TOO_LARGE,
		       "wait=proof takes at most %u events, and there are %zu; get /v1/events/{id}/proof of those that "
		       "matter, or export a bundle of them",
		       PROOF_EVENTS_MAX, r->in.batch.count);
}

/* What the answer takes is known, and had, before anything is stored: what is stored must not be answered as refused.
 */
static int reserve_answer(struct request *r, struct err *err)
{
	uint64_t bytes = ANSWER_BYTES + r->in.refused.len;

	if (!buf_ok(&r->in.refused))
		return err_set(err, E_NO_MEMORY, "not enough memory for the list of refused events");
	if (r->in.batch.count == 0)
		return 0;
	if (r->in.wants_ids)
		bytes += r->in.batch.count * (RECORD_ID_LEN + 3);
	if (r->in.wants_proofs)
		bytes += r->in.batch.count * PROOF_BYTES;
	return request_reserve_answer(r, bytes, err);
}

static int prepare(struct request *r, struct err *err)
{
	int rc;

	if ((rc = take_params(r, err)) < 0)
		return rc;
	if ((rc = parse(r, err)) < 0)
		return rc;
	if ((rc = take_idempotency_key(r, err)) < 0)
		return rc;
	if ((rc = check_proofs(r, err)) < 0)
		return rc;
	return reserve_answer(r, err);
}

enum handled append_run(struct request *r, const struct append_rows *rows, void (*answer)(struct request *r))
{
	struct err err = ERR_INIT;
	int rc;

	r->in.rows = rows;
	rc = prepare(r, &err);
	r->in.rows = NULL;
	if (rc < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	if (r->in.batch.count == 0) {
		refuse_all(r);
		return HANDLED_NOW;
	}
	r->in.append.batch = &r->in.batch;
	r->in.append.err = (struct err)ERR_INIT;
	r->in.append.done = on_done;
	r->in.append.user = r;
	r->complete = answer;
	request_suspend(r); /* before the append: it may be done before the call returns */
	service_append(r->server->service, &r->who, &r->in.append);
	return HANDLED_LATER;
}
