/*
 * stele export: GET /v1/export to a file or standard output, as it comes. A file gets its name when it is whole and
 * synced, so that what is there under that name is an export and not a part of one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/durable.h"
#include "base/mem.h"
#include "main/command.h"
#include "main/target.h"

#define FILE_MODE 0600 /* events are not everybody's to read */

struct export_options {
	struct target target;
	const char *format;
	const char *query;
	const char *from;
	const char *to;
	const char *order;
	const char *columns;
	const char *ledger;
	const char *output;
};

/* Where the bytes go. */
struct export_sink {
	struct durable_file file; /* zeroed: standard output */
	struct err err;           /* why no more is taken */
};

static bool take_piece(void *user, struct span piece)
{
	struct export_sink *sink = user;
	int rc = 0;

	if (sink->file.io)
		rc = durable_file_put(&sink->file, piece, &sink->err);
	else if (fwrite(piece.p, 1, piece.len, stdout) != piece.len)
		rc = err_errno(&sink->err, errno, "writing to standard output");
	return rc == 0;
}

static void put_if(struct buf *path, const char *name, const char *value)
{
	if (value)
		http_put_parameter(path, name, span_str(value));
}

static void make_path(const struct export_options *o, struct buf *path)
{
	buf_put_str(path, "/v1/export");
	put_if(path, "format", o->format);
	put_if(path, "query", o->query);
	put_if(path, "from", o->from);
	put_if(path, "to", o->to);
	put_if(path, "order", o->order);
	put_if(path, "columns", o->columns);
	put_if(path, "ledger", o->ledger);
	buf_put_u8(path, 0);
}

static int fetch(const struct export_options *o, struct export_sink *sink, struct err *err)
{
	struct http_request request = {.method = "GET", .on_body = take_piece, .user = sink};
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_client *client = http_client_new();
	struct buf path = BUF_INIT;
	struct span damaged;
	int rc;

	make_path(o, &path);
	rc = target_run(&o->target, client, &request, (const char *)path.p, &answer, err);
	if (rc == E_CLOSED && sink->err.code != 0)
		*err = sink->err;
	if (rc == 0 && http_answer_header(&answer, "Stele-Damaged", &damaged))
		fprintf(stderr, "stele export: records are missing, they cannot be read: %.*s\n", (int)damaged.len,
			(const char *)damaged.p);
	http_answer_release(&answer);
	buf_release(&path);
	http_client_free(client);
	return rc < 0 && err->code != 0 ? err->code : rc;
}

static int run(const struct export_options *o, struct err *err)
{
	struct export_sink *sink = xalloc(sizeof(*sink));
	bool has_file = o->output && strcmp(o->output, "-") != 0;
	int rc = 0;

	sink->err = (struct err)ERR_INIT;
	if (has_file)
		rc = durable_file_begin(&sink->file, &io_posix, o->output, FILE_MODE, err);
	if (rc == 0)
		rc = fetch(o, sink, err);
	if (rc == 0 && has_file)
		rc = durable_file_commit(&sink->file, err);
	else if (rc == 0 && fflush(stdout) != 0)
		rc = err_errno(err, errno, "writing to standard output");
	durable_file_abort(&sink->file);
	free(sink);
	return rc;
}

int cmd_export(int argc, char **argv)
{
	struct export_options o = {0};
	const struct option_spec specs[] = {
		TARGET_SPECS(o.target),
		{"format", OPTION_TEXT, "FORMAT", "csv, json, ndjson or zip (required)", &o.format, 0, 0},
		{"query", OPTION_TEXT, "QUERY", "only events that match", &o.query, 0, 0},
		{"from", OPTION_TEXT, "TIME", "events of this time and later: RFC 3339, a date, now-7d", &o.from, 0, 0},
		{"to", OPTION_TEXT, "TIME", "events before this time", &o.to, 0, 0},
		{"order", OPTION_TEXT, "ORDER", "oldest (default) or newest first", &o.order, 0, 0},
		{"columns", OPTION_TEXT, "PATHS", "of csv: paths such as time,actor.id,entity.name", &o.columns, 0, 0},
		{"ledger", OPTION_TEXT, "NAME", "main (default) or self", &o.ledger, 0, 0},
		{"output", OPTION_TEXT, "FILE", "where to (standard output)", &o.output, 0, 0, 'o'},
	};
	const struct options options = {"export", NULL, "A file appears under its name once it is whole.", specs,
					OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	if (!o.format) {
		fprintf(stderr, "stele export: --format is required: csv, json, ndjson or zip\n");
		return EXIT_CODE_USAGE;
	}
	if ((rc = target_resolve(&o.target, &err)) < 0)
		return command_fail("export", &err, rc == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	rc = run(&o, &err);
	target_release(&o.target);
	if (rc == E_NOT_FOUND) /* no such folder, or a server without exports */
		return command_fail("export", &err, EXIT_CODE_CANNOT);
	return rc < 0 ? command_fail("export", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
