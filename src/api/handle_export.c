/* GET /v1/export: everything that matches, as it is made. */
#include <stdio.h>

#include "api/damaged.h"
#include "api/export_param.h"
#include "api/handler.h"
#include "api/request.h"

static int produce(void *user, size_t bytes, struct buf *to, struct err *err)
{
	return export_produce(user, bytes, to, err);
}

static void close_export(void *user)
{
	export_close(user);
}

static const struct stream_ops export_stream = {.produce = produce, .free = close_export};

/* What is known to be missing when the answer begins; what is met later can only be logged. */
static void add_damaged(struct reply *reply, const struct export *x)
{
	struct export_progress progress;

	export_progress(x, &progress);
	damaged_add_header(reply, progress.damaged, progress.damaged_count);
}

static void begin_answer(struct request *r, const struct export_spec *spec)
{
	char name[EXPORT_NAME_MAX], disposition[EXPORT_NAME_MAX + 32];

	export_file_name(r->who.org, spec, name);
	snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", name);
	reply_begin(&r->reply, 200, export_content_type(spec->format));
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
}

static int start(struct request *r, struct err *err)
{
	struct export_params params;
	struct export_spec spec;
	struct export *x = NULL;
	int rc;

	if ((rc = export_param_take(&r->params, &params, err)) < 0)
		return rc;
	if ((rc = export_resolve(&r->who, &params, &spec, err)) < 0)
		return rc;
	if ((rc = stream_open(r->server, &r->stream, err)) < 0)
		return rc;
	if ((rc = export_open(r->server->service, r->who.org, &spec, &x, err)) < 0)
		return rc;
	if ((rc = export_tell(r->server->service, &r->who, &spec, err)) < 0) {
		export_close(x);
		return rc;
	}
	if ((rc = stream_begin(r->stream, &export_stream, x, STREAM_SIZE_UNKNOWN, err)) < 0)
		return rc;
	begin_answer(r, &spec);
	add_damaged(&r->reply, x);
	return 0;
}

enum handled handle_export(struct request *r)
{
	struct err err = ERR_INIT;

	if (start(r, &err) < 0) {
		r->stream = stream_close(r->stream);
		request_fail(r, &err);
	}
	return HANDLED_NOW;
}
