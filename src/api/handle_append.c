/* POST /v1/events: events, or with `format` a vendor's rows, which then come in as they do through its dialect. */
#include "api/append.h"
#include "api/dialect_carbon_black.h"
#include "api/handler.h"

typedef enum handled append_fn(struct request *r);

static append_fn *const by_format[ROW_FORMAT_COUNT] = {
	[ROW_FORMAT_CARBON_BLACK] = carbon_black__append,
	[ROW_FORMAT_KORE] = handle_kore_append,
	[ROW_FORMAT_UNQORK] = handle_unqork_append,
};

static enum handled append_format(struct request *r, enum row_format format)
{
	const struct append_rows rows = {format, principal_row_given(&r->who)};

	return by_format[format] ? by_format[format](r) : append_run(r, &rows, append_answer);
}

enum handled handle_append(struct request *r)
{
	struct err err = ERR_INIT;
	int format;

	if (param_word(&r->params, PARAM_FORMAT, row_format_names, -1, &format, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	return format >= 0 ? append_format(r, (enum row_format)format) : append_run(r, NULL, append_answer);
}
