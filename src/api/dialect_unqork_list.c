/*
 * GET /api/1.0/logs/audit-logs: the locations of the files that hold an hour's events, or less.
 *
 * A period is one of the events' `date`, and holds its beginning but not its end, so that windows side by side have
 * each event once. An event that arrives late is in the files of its hour from then on; a collector that never looks
 * back says clock=received, and gets what arrived within the hour instead.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/dialect_unqork.h"
#include "api/handler.h"
#include "api/request.h"
#include "api/utf8.h"
#include "base/clock.h"
#include "codec/timestamp.h"
#include "service/link.h"

#define US_PER_SECOND 1000000
#define WINDOW_MAX_US (INT64_C(3600) * US_PER_SECOND)
#define HOST_MAX      255 /* bytes: a name has no more, and a port goes with it */

static const char *argument(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

static int take_time(struct request *r, const char *name, int64_t *ret, struct err *err)
{
	const char *text = argument(r, name);

	if (text && timestamp_parse(span_str(text), ret))
		return 0;
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "%s %s; it takes a time such as 2025-02-17T10:00:00.000Z", name,
		       text ? "is no time" : "is missing");
}

static int take_window(struct request *r, struct period *ret, struct err *err)
{
	int rc;

	if ((rc = take_time(r, "startDatetime", &ret->from_us, err)) < 0 ||
	    (rc = take_time(r, "endDatetime", &ret->to_us, err)) < 0)
		return rc;
	err_set_field(err, "endDatetime", strlen("endDatetime"));
	if (ret->to_us < ret->from_us)
		return err_set(err, E_INVALID, "endDatetime lies before startDatetime");
	if (ret->to_us - ret->from_us > WINDOW_MAX_US)
		return err_set(err, E_INVALID,
			       "endDatetime lies more than 1 hour after startDatetime; ask for one "
			       "hour after the other");
	return 0;
}

/* One of two words, the first of which is usual. */
static int take_word(struct request *r, const char *name, const char *const words[2], int *ret, struct err *err)
{
	const char *text = argument(r, name);

	for (*ret = 0; *ret < 2; ++*ret) {
		if (!text || strcmp(text, words[*ret]) == 0)
			return 0;
	}
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "%s is one of %s, %s", name, words[0], words[1]);
}

static int take_params(struct request *r, struct unqork_file *ret, struct err *err)
{
	static const char *const clocks[] = {"date", "received"}, *const formats[] = {"gzip", "zip"};
	int clock, format;
	int rc;

	*ret = (struct unqork_file){.period.ledger = LEDGER_MAIN};
	if ((rc = take_window(r, &ret->period, err)) < 0)
		return rc;
	if ((rc = take_word(r, "clock", clocks, &clock, err)) < 0 ||
	    (rc = take_word(r, "format", formats, &format, err)) < 0)
		return rc;
	ret->period.clock = clock == 1 ? PERIOD_RECEIVED : PERIOD_TIME;
	ret->kind = format == 1 || unqork_wants_zip(r) ? PACK_ZIP : PACK_GZIP;
	return 0;
}

/* Whether a Host header is one: what else stood in it would stand in the locations. */
static bool is_host(const char *host)
{
	size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]");

	return len > 0 && len <= HOST_MAX && host[len] == '\0';
}

/* What every location begins with: the server as the client names it. */
static int put_base(struct request *r, struct buf *to, struct err *err)
{
	const char *host = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	const char *proxy = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "X-Forwarded-Proto");
	bool is_tls = r->is_secure || (proxy && strcmp(proxy, "https") == 0);

	if (!host || !is_host(host)) {
		err_set_field(err, "Host", strlen("Host"));
		return err_set(err, E_INVALID, "the Host header does not name a host, which the locations need");
	}
	buf_printf(to, "%s://%s" UNQORK_FILE_FOLDER, is_tls ? "https" : "http", host);
	return 0;
}

static void put_location(struct request *r, const struct unqork_file *file, struct span base, int64_t expires_s,
			 struct buf *to)
{
	struct buf name = BUF_INIT;

	unqork_file_put(file, &name);
	buf_put_u8(to, '"');
	buf_put_span(to, base);
	buf_put_span(to, buf_span(&name));
	buf_printf(to, "?expires=%" PRId64 "&signature=", expires_s);
	service_link_sign(r->server->service, &r->who, buf_span(&name), expires_s, to);
	buf_put_u8(to, '"');
	if (!buf_ok(&name))
		to->failed = true;
	buf_release(&name);
}

static void put_locations(struct request *r, struct unqork_file *file, const struct part_list *parts, struct span base)
{
	int64_t expires_s = clock_wall_us() / US_PER_SECOND + UNQORK_LINK_S;
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_put_str(to, "{\"logLocations\":[");
	for (size_t i = 0; i < parts->count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		file->part = parts->part[i];
		put_location(r, file, base, expires_s, to);
	}
	buf_put_str(to, "]}\n");
}

static int answer(struct request *r, struct err *err)
{
	struct unqork_file file;
	struct part_list parts;
	struct buf base = BUF_INIT;
	int rc;

	if ((rc = take_params(r, &file, err)) < 0)
		return rc;
	if ((rc = put_base(r, &base, err)) < 0)
		goto out;
	if ((rc = service_parts(r->server->service, &r->who, &file.period, &parts, err)) < 0)
		goto out;
	put_locations(r, &file, &parts, buf_span(&base));
	if (!buf_ok(&base))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the answer");
out:
	buf_release(&base);
	return rc;
}

enum handled handle_unqork_list(struct request *r)
{
	struct err err = ERR_INIT;

	if (answer(r, &err) < 0)
		request_fail(r, &err);
	return HANDLED_NOW;
}
