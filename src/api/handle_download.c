/* GET /v1/exports/{id}/download: the file, all or a part of it, as often as it is asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/download.h"
#include "api/handler.h"
#include "api/range.h"
#include "api/request.h"
#include "base/mem.h"
#include "service/export_job.h"

struct download {
	struct export_file file;
	struct range left;
	enum range_kind kind;
	struct range range;
};

static int produce(void *user, size_t bytes, struct buf *to, struct err *err)
{
	struct download *d = user;
	size_t len = d->left.len < bytes ? (size_t)d->left.len : bytes;
	int rc = len > 0 ? export_file_read(&d->file, d->left.first, len, to, err) : 0;

	if (rc < 0)
		return rc;
	d->left.first += len;
	d->left.len -= len;
	return d->left.len == 0;
}

static void free_download(void *user)
{
	struct download *d = user;

	export_file_close(&d->file);
	free(d);
}

static const struct stream_ops download_stream = {.produce = produce, .free = free_download};

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* A part is of use only to a client that has the rest of the same file. */
static void choose_part(struct request *r, const char *etag, struct download *d)
{
	const char *condition = header(r, MHD_HTTP_HEADER_IF_RANGE);
	const char *asked = header(r, MHD_HTTP_HEADER_RANGE);

	if (condition && strcmp(condition, etag) != 0)
		asked = NULL;
	d->kind = range_parse(asked, d->file.size_bytes, &d->range);
	d->left = d->range;
}

static void refuse_part(struct request *r, uint64_t size)
{
	struct err err = ERR_INIT;
	char text[64];

	(void)err_set(&err, E_INVALID,
		      "the file has %" PRIu64 " bytes; the Range header asks for what lies behind them", size);
	err_set_field(&err, "Range", strlen("Range"));
	reply_error(&r->reply, &err);
	r->reply.status = MHD_HTTP_RANGE_NOT_SATISFIABLE;
	snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_RANGE, text);
}

static void begin_answer(struct request *r, const struct download *d, const char *etag)
{
	char text[EXPORT_NAME_MAX + 32];

	reply_begin(&r->reply, d->kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK,
		    export_content_type(d->file.format));
	snprintf(text, sizeof(text), "attachment; filename=\"%s\"", d->file.name);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_DISPOSITION, text);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_ETAG, etag);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (d->kind != RANGE_PART)
		return;
	snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, d->range.first,
		 d->range.first + d->range.len - 1, d->file.size_bytes);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_RANGE, text);
}

static int start(struct request *r, struct span id, struct err *err)
{
	struct download *d;
	struct export_file file;
	char etag[EXPORT_ID_LEN + 3];
	int rc;

	if ((rc = stream_open(r->server, &r->stream, err)) < 0)
		return rc;
	if ((rc = service_export_file(r->server->service, &r->who, id, &file, err)) < 0)
		return rc;
	d = xalloc(sizeof(*d));
	d->file = file;
	snprintf(etag, sizeof(etag), "\"%s\"", file.id);
	choose_part(r, etag, d);
	begin_answer(r, d, etag);
	if (d->kind == RANGE_NOWHERE) {
		free_download(d);
		r->stream = stream_close(r->stream);
		refuse_part(r, file.size_bytes);
		return 0;
	}
	return stream_begin(r->stream, &download_stream, d, d->range.len, err);
}

enum handled download_answer(struct request *r, struct span id)
{
	struct err err = ERR_INIT;

	if (start(r, id, &err) < 0) {
		r->stream = stream_close(r->stream);
		request_fail(r, &err);
	}
	return HANDLED_NOW;
}

enum handled handle_export_download(struct request *r)
{
	return download_answer(r, r->match.id);
}
