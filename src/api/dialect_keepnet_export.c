/* POST /api/audit-logs/search/export: the rows of a search as CSV or Excel. */
#include <string.h>
#include <strings.h>

#include "api/damaged.h"
#include "api/dialect_keepnet.h"
#include "api/handler.h"
#include "api/json_body.h"
#include "base/mem.h"

#define CSV_TYPE   "text/csv; charset=utf-8; header=present"
#define EXCEL_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

enum export_type { TYPE_CSV, TYPE_EXCEL };

/* ---- CSV ---- */

struct csv {
	struct keepnet_walk *walk;
	struct buf scratch;
	bool has_head;
};

static int produce(void *user, size_t bytes, struct buf *to, struct err *err)
{
	struct csv *csv = user;
	size_t start = to->len;
	struct span record;
	int rc = 0;

	if (!csv->has_head)
		row_put_csv_head(&keepnet_file_row, to, &csv->scratch);
	csv->has_head = true;
	while (rc == 0 && to->len - start < bytes && buf_ok(to)) {
		rc = keepnet__walk_next(csv->walk, &record, err);
		if (rc == 0)
			row_put_csv(&keepnet_file_row, NULL, record, to, &csv->scratch);
	}
	return rc;
}

static void free_csv(void *user)
{
	struct csv *csv = user;

	keepnet__walk_close(csv->walk);
	buf_release(&csv->scratch);
	free(csv);
}

static const struct stream_ops csv_stream = {.produce = produce, .free = free_csv};

/* ---- what is asked for ---- */

static int take_type(yyjson_val *body, enum export_type *ret, struct err *err)
{
	static const char *const names[] = {[TYPE_CSV] = "CSV", [TYPE_EXCEL] = "Excel"};
	struct span name;
	int rc = json_body_string(body, "exportType", &name, err);

	*ret = TYPE_CSV;
	if (rc < 0 || name.len == 0)
		return rc;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (name.len == strlen(names[i]) && strncasecmp((const char *)name.p, names[i], name.len) == 0) {
			*ret = (enum export_type)i;
			return 0;
		}
	}
	err_set_field(err, "exportType", strlen("exportType"));
	return err_set(err, E_INVALID, "'exportType' takes CSV or Excel; PDF is not made here");
}

static int take_all_pages(yyjson_val *body, bool *ret, struct err *err)
{
	yyjson_val *v = json_body_member(body, "reportAllPages");

	*ret = yyjson_is_true(v);
	if (!v || yyjson_is_bool(v))
		return 0;
	err_set_field(err, "reportAllPages", strlen("reportAllPages"));
	return err_set(err, E_INVALID, "'reportAllPages' takes true or false, not %s", yyjson_get_type_desc(v));
}

static int open_walk(struct request *r, yyjson_val *body, enum export_type *ret_type, struct keepnet_walk **ret,
		     struct err *err)
{
	struct keepnet_search s = {.is_export = true};
	bool all_pages = false;
	int rc = keepnet__search_take(body, true, &s, err);

	if (rc == 0)
		rc = take_type(body, ret_type, err);
	if (rc == 0)
		rc = take_all_pages(body, &all_pages, err);
	if (rc == 0)
		return keepnet__walk_open(r, &s, all_pages, ret, err);
	keepnet__search_release(&s);
	return rc;
}

/* ---- answers ---- */

/* What is met to be missing later can only be logged. */
static void begin(struct request *r, const char *type, const char *disposition, const struct keepnet_walk *walk)
{
	const struct gap_list *damaged = keepnet__walk_damaged(walk);

	reply_begin(&r->reply, 200, type);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
	damaged_add_header(&r->reply, damaged->gap, damaged->count);
}

/* The walk is the stream's from here. */
static int answer_csv(struct request *r, struct keepnet_walk *walk, struct err *err)
{
	struct csv *csv = xalloc(sizeof(*csv));
	int rc;

	csv->walk = walk;
	begin(r, CSV_TYPE, "attachment; filename=\"Audit Log.csv\"", walk);
	if ((rc = stream_open(r->server, &r->stream, err)) < 0) {
		free_csv(csv);
		return rc;
	}
	return stream_begin(r->stream, &csv_stream, csv, STREAM_SIZE_UNKNOWN, err);
}

static int answer_excel(struct request *r, struct keepnet_walk *walk, struct err *err)
{
	int rc;

	begin(r, EXCEL_TYPE, "attachment; filename=\"Audit Log.xlsx\"", walk);
	rc = keepnet__excel_put(walk, &r->reply.body, err);
	keepnet__walk_close(walk);
	if (rc == 0)
		request_charge_answer(r);
	return rc;
}

static int run(struct request *r, yyjson_val *body, struct err *err)
{
	struct keepnet_walk *walk = NULL;
	enum export_type type = TYPE_CSV;
	int rc = open_walk(r, body, &type, &walk, err);

	if (rc < 0)
		return rc;
	return type == TYPE_CSV ? answer_csv(r, walk, err) : answer_excel(r, walk, err);
}

enum handled handle_keepnet_export(struct request *r)
{
	struct err err = ERR_INIT;
	yyjson_val *body;

	if (keepnet__check_company(r, &err) < 0 || json_body_take(r, &body, &err) < 0)
		return keepnet__fail(r, &err);
	if (keepnet__has_null_filter(body))
		return keepnet__fail_null_filter(r);
	if (run(r, body, &err) < 0) {
		r->stream = stream_close(r->stream);
		return keepnet__fail(r, &err);
	}
	return HANDLED_NOW;
}
