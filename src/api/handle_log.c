/*
 * GET /log/{org}/{ledger}/…: a ledger as C2SP tlog-tiles has it. Checkpoint and tiles are for every key of the org:
 * they hold hashes. Entries are records, and need events:read.
 */
#include "api/handler.h"
#include "api/request.h"
#include "service/log.h"

#define CONTENT_NOTE "text/plain; charset=utf-8"
#define CONTENT_TILE "application/octet-stream"

/* A checkpoint is soon another; a tile never changes. Private: a key was asked for. */
#define CACHE_CHECKPOINT "private, max-age=1"
#define CACHE_TILE       "private, max-age=31536000, immutable"

static int find_log(struct request *r, enum control_ledger_name *ret, struct err *err)
{
	return service_log_find(&r->who, r->match.hole[0], r->match.hole[1], ret, err);
}

static void begin(struct request *r, const char *content_type, const char *cache)
{
	reply_begin(&r->reply, 200, content_type);
	r->reply.cache = cache;
}

static enum handled finish(struct request *r, int rc, const struct err *err)
{
	if (rc < 0)
		request_fail(r, err);
	else
		request_charge_answer(r);
	return HANDLED_NOW;
}

enum handled handle_log_checkpoint(struct request *r)
{
	enum control_ledger_name ledger;
	struct err err = ERR_INIT;
	int rc = find_log(r, &ledger, &err);

	begin(r, CONTENT_NOTE, CACHE_CHECKPOINT);
	if (rc == 0)
		rc = service_log_checkpoint(r->server->service, &r->who, ledger, &r->reply.body, &err);
	return finish(r, rc, &err);
}

static int put_tile(struct request *r, bool is_entries, struct err *err)
{
	enum control_ledger_name ledger;
	struct buf path = BUF_INIT;
	struct tile_path tile;
	bool is_tile;
	int rc;

	if ((rc = find_log(r, &ledger, err)) < 0)
		return rc;
	buf_put_str(&path, is_entries ? "tile/entries/" : "tile/");
	buf_put_span(&path, r->match.hole[2]);
	is_tile = buf_ok(&path) && tile_path_parse(buf_span(&path), &tile);
	buf_release(&path);
	if (!is_tile || tile.is_entries != is_entries)
		return err_set(err, E_NOT_FOUND,
			       "no tile has this path; they are tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>]");
	return service_log_tile(r->server->service, &r->who, ledger, &tile, &r->reply.body, err);
}

enum handled handle_log_tile(struct request *r)
{
	struct err err = ERR_INIT;

	begin(r, CONTENT_TILE, CACHE_TILE);
	return finish(r, put_tile(r, false, &err), &err);
}

enum handled handle_log_entries(struct request *r)
{
	struct err err = ERR_INIT;

	begin(r, CONTENT_TILE, CACHE_TILE);
	return finish(r, put_tile(r, true, &err), &err);
}
