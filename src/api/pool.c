/*
 * Pools: a request's memory (buffers, batch, decoders) and parsers are used again by the next request, so that the
 * usual one allocates nothing of note. What one large request left behind is freed.
 */
#include "api/limits.h"
#include "api/request.h"
#include "base/mem.h"

static size_t held_bytes(const struct request *r)
{
	return body_held_bytes(&r->body) + r->reply.body.cap + r->in.batch.bytes.cap + r->in.refused.cap +
	       r->in.proofs.cap + r->in.batch.refs_cap * sizeof(r->in.batch.refs[0]);
}

static void trim_buf(struct buf *b)
{
	if (b->cap > POOL_BYTES_MAX)
		buf_release(b);
}

static void free_request(struct request *r)
{
	body_release(&r->body);
	reply_release(&r->reply);
	record_batch_release(&r->in.batch);
	buf_release(&r->in.refused);
	buf_release(&r->in.proofs);
	free(r);
}

struct request *request_take(struct server *s)
{
	struct request *r;

	mutex_lock(&s->pool_mu);
	r = s->idle_requests;
	if (r) {
		s->idle_requests = r->next;
		s->idle_count--;
		s->idle_bytes -= held_bytes(r);
	}
	mutex_unlock(&s->pool_mu);
	if (!r)
		r = xalloc(sizeof(*r));
	r->server = s;
	return r;
}

/* A body that held a password, and what was read from it. */
static void wipe_json(struct request *r)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(yyjson_doc_get_root(r->json));
	yyjson_val *name;

	while ((name = yyjson_obj_iter_next(&members))) {
		yyjson_val *value = yyjson_obj_iter_get_val(name);

		if (yyjson_is_str(value) ||
		    yyjson_is_raw(value)) /* the document's own copy, which is about to be freed */
			mem_wipe((void *)(uintptr_t)unsafe_yyjson_get_str(value), unsafe_yyjson_get_len(value));
	}
	if (r->body.bytes.p)
		mem_wipe(r->body.bytes.p, r->body.bytes.cap);
}

/* Makes the request as new, but for the memory it keeps. */
static void reset_request(struct request *r)
{
	struct request clean = {.body = r->body, .reply = r->reply};

	budget_return(&r->server->budget, r->answer_charge);
	if (r->json && (r->match.route->flags & ROUTE_HAS_PASSWORD))
		wipe_json(r);
	yyjson_doc_free(r->json);
	r->stream = stream_close(r->stream);
	body_reset(&clean.body);
	reply_reset(&clean.reply);
	record_batch_reset(&r->in.batch);
	buf_reset(&r->in.refused);
	buf_reset(&r->in.proofs);
	clean.in.batch = r->in.batch;
	clean.in.refused = r->in.refused;
	clean.in.proofs = r->in.proofs;
	body_trim(&clean.body, POOL_BYTES_MAX);
	trim_buf(&clean.reply.body);
	trim_buf(&clean.in.refused);
	trim_buf(&clean.in.proofs);
	if (clean.in.batch.bytes.cap > POOL_BYTES_MAX)
		record_batch_release(&clean.in.batch);
	*r = clean;
}

void request_give(struct request *r)
{
	struct server *s = r->server;
	bool is_kept;

	reset_request(r);
	mutex_lock(&s->pool_mu);
	is_kept = s->idle_count < POOL_REQUESTS_MAX && s->idle_bytes + held_bytes(r) <= POOL_BYTES_TOTAL;
	if (is_kept) {
		r->next = s->idle_requests;
		s->idle_requests = r;
		s->idle_count++;
		s->idle_bytes += held_bytes(r);
	}
	mutex_unlock(&s->pool_mu);
	if (!is_kept)
		free_request(r);
}

struct parser_slot *parser_take(struct server *s)
{
	struct parser_slot *slot;

	mutex_lock(&s->pool_mu);
	slot = s->idle_parsers;
	if (slot)
		s->idle_parsers = slot->next;
	mutex_unlock(&s->pool_mu);
	if (!slot) {
		slot = xalloc(sizeof(*slot));
		slot->parser = record_parser_new();
	}
	return slot;
}

static void free_parser(struct parser_slot *slot)
{
	record_parser_free(slot->parser);
	free(slot);
}

void parser_give(struct server *s, struct parser_slot *slot, size_t body_bytes)
{
	if (body_bytes > POOL_BYTES_MAX) {
		free_parser(slot);
		return;
	}
	mutex_lock(&s->pool_mu);
	slot->next = s->idle_parsers;
	s->idle_parsers = slot;
	mutex_unlock(&s->pool_mu);
}

void request_pools_release(struct server *s)
{
	while (s->idle_requests) {
		struct request *r = s->idle_requests;

		s->idle_requests = r->next;
		free_request(r);
	}
	while (s->idle_parsers) {
		struct parser_slot *slot = s->idle_parsers;

		s->idle_parsers = slot->next;
		free_parser(slot);
	}
}
