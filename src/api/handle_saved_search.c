/*
 * /v1/searches: searches that an org keeps. A saved search is the parameters of a search under a name; its version is
 * the ETag, and who changes it may say with If-Match which one they saw.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "api/utf8.h"
#include "api/version.h"
#include "codec/timestamp.h"
#include "service/saved_search.h"

_Static_assert(VERSION_ANY == SAVED_SEARCH_ANY, "If-Match is handed on");

/* ---- in ---- */

static int take_texts(const struct params *given, struct saved_search *ret, struct err *err)
{
	static const enum param params[SAVED_TEXT_COUNT] = {
#define SAVED_TEXT(name, member, bytes_max) [SAVED_##name] = PARAM_##name,
#include "control/saved_search.tbl"
#undef SAVED_TEXT
	};
	enum control_ledger_name ledger;
	bool oldest_first;
	int rc;

	*ret = (struct saved_search){0};
	for (int i = 0; i < SAVED_TEXT_COUNT; i++)
		ret->text[i] = given->value[params[i]];
	if ((rc = scope_order(given, false, &oldest_first, err)) < 0)
		return rc;
	if ((rc = scope_ledger(given, &ledger, err)) < 0)
		return rc;
	ret->text[SAVED_ORDER] = oldest_first ? SPAN_LIT("oldest") : SPAN_LIT("newest");
	ret->text[SAVED_LEDGER] = span_str(control_ledger_names[ledger]);
	return 0;
}

/* ---- out ---- */

static void put_time(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

/* Texts that were not given are left out, but the query: without one all events match. */
static void put_search(struct buf *to, const struct saved_search *search)
{
	buf_printf(to, "{\"id\":\"%s\"", search->id);
	for (int i = 0; i < SAVED_TEXT_COUNT; i++) {
		if (search->text[i].len == 0 && i != SAVED_QUERY)
			continue;
		buf_printf(to, ",\"%s\":", saved_search_member((enum saved_search_text)i));
		utf8_put_json(to, search->text[i]);
	}
	put_time(to, "created", search->created_us);
	put_time(to, "updated", search->updated_us);
	buf_put_str(to, ",\"created_by\":");
	utf8_put_json(to, span_str(search->created_by));
	buf_printf(to, ",\"version\":%" PRId64 "}", search->version);
}

static void answer(struct request *r, int status, const struct saved_search *search)
{
	reply_json(&r->reply, status);
	put_search(&r->reply.body, search);
	buf_put_u8(&r->reply.body, '\n');
	version_put(&r->reply, search->version);
}

static enum handled fail(struct request *r, const struct err *err)
{
	request_fail(r, err);
	return HANDLED_NOW;
}

/* ---- handlers ---- */

enum handled handle_saved_search_list(struct request *r)
{
	struct buf *to = &r->reply.body;
	struct saved_search *list = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_saved_search_list(r->server->service, &r->who, &list, &count, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"searches\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_search(to, &list[i]);
		saved_search_release(&list[i]);
	}
	buf_put_str(to, "]}\n");
	free(list);
	request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_saved_search_create(struct request *r)
{
	struct saved_search search;
	struct err err = ERR_INIT;

	if (take_texts(&r->params, &search, &err) < 0 ||
	    service_saved_search_create(r->server->service, &r->who, &search, &err) < 0)
		return fail(r, &err);
	answer(r, 201, &search);
	snprintf(r->reply.location, sizeof(r->reply.location), "/v1/searches/%s", search.id);
	return HANDLED_NOW;
}

static int read_one(struct request *r, struct err *err)
{
	struct saved_search search = {0};
	int rc = service_saved_search_get(r->server->service, &r->who, r->match.id, &search, err);

	if (rc == 0)
		answer(r, 200, &search);
	saved_search_release(&search);
	return rc;
}

enum handled handle_saved_search_get(struct request *r)
{
	struct err err = ERR_INIT;

	return read_one(r, &err) < 0 ? fail(r, &err) : HANDLED_NOW;
}

enum handled handle_saved_search_replace(struct request *r)
{
	struct saved_search search;
	struct err err = ERR_INIT;
	int64_t version;

	if (take_texts(&r->params, &search, &err) < 0 || version_take(r, &version, &err) < 0)
		return fail(r, &err);
	if (service_saved_search_replace(r->server->service, &r->who, r->match.id, version, &search, &err) < 0)
		return fail(r, &err);
	return read_one(r, &err) < 0 ? fail(r, &err) : HANDLED_NOW;
}

enum handled handle_saved_search_delete(struct request *r)
{
	struct err err = ERR_INIT;
	int64_t version;

	if (version_take(r, &version, &err) < 0 ||
	    service_saved_search_delete(r->server->service, &r->who, r->match.id, version, &err) < 0)
		return fail(r, &err);
	reply_json(&r->reply, 204);
	return HANDLED_NOW;
}
