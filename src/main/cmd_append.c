/* stele append: NDJSON to a server, in batches over several connections, resumable. */
#include <stdio.h>
#include <string.h>

#include "codec/row_format.h"
#include "main/command.h"
#include "main/progress.h"
#include "main/sender.h"

#define LINES_MAX 100000u /* the server's limit of events of one request */

struct append_options {
	struct target target;
	const char *file;
	const char *format;
	uint32_t batch_bytes;
	uint32_t connections;
	uint32_t retry_s;
	bool is_quiet;
	bool is_json;
};

static void show(struct progress *progress, struct sender *sender, const struct input *input)
{
	uint64_t done_bytes;
	uint64_t size_bytes;

	input_progress(input, &done_bytes, &size_bytes);
	progress_draw(progress, sender_totals(sender).accepted, done_bytes, size_bytes);
}

static int send_all(const struct append_options *o, struct input *input, struct sender_totals *ret, struct err *err)
{
	struct batch_reader reader = {.input = input, .bytes_max = o->batch_bytes, .lines_max = LINES_MAX};
	struct sender *sender = sender_start(&o->target, o->format, o->connections, o->retry_s * 1000);
	struct err read_err = ERR_INIT;
	struct progress progress;
	struct batch *batch;
	int read_rc;
	int rc;

	progress_start(&progress, o->is_quiet || o->is_json);
	while ((read_rc = batch_read(&reader, &batch, &read_err)) > 0) {
		if (!sender_submit(sender, batch))
			break;
		show(&progress, sender, input);
	}
	rc = sender_finish(sender, ret, err);
	progress_end(&progress);
	batch_reader_release(&reader);
	if (rc == 0 && read_rc < 0) {
		rc = read_rc;
		if (err)
			*err = read_err;
	}
	return rc;
}

static void report(const struct append_options *o, const struct sender_totals *t)
{
	if (o->is_json)
		printf("{\"accepted\":%llu,\"replayed\":%llu,\"batches\":%llu}\n", (unsigned long long)t->accepted,
		       (unsigned long long)t->replayed, (unsigned long long)t->batches);
	else if (!o->is_quiet && t->replayed > 0)
		printf("%llu events, of which %llu were there already\n", (unsigned long long)t->accepted,
		       (unsigned long long)t->replayed);
	else if (!o->is_quiet)
		printf("%llu events\n", (unsigned long long)t->accepted);
}

static int run(const struct append_options *o, struct err *err)
{
	struct sender_totals totals = {0};
	struct input *input = NULL;
	int rc;

	if ((rc = input_open(o->file ? o->file : "-", &input, err)) < 0)
		return rc;
	rc = send_all(o, input, &totals, err);
	report(o, &totals);
	input_close(input);
	return rc;
}

static int check_format(const char *format, struct err *err)
{
	char list[128] = "";
	size_t len = 0;

	if (!format)
		return 0;
	for (int i = 0; i < ROW_FORMAT_COUNT; i++) {
		if (strcmp(format, row_format_names[i]) == 0)
			return 0;
		len += (size_t)snprintf(list + len, sizeof(list) - len, " %s", row_format_names[i]);
		if (len >= sizeof(list))
			len = sizeof(list) - 1;
	}
	return err_set(err, E_INVALID, "--format: there is no '%.64s'; it takes one of%s", format, list);
}

int cmd_append(int argc, char **argv)
{
	struct append_options o = {.batch_bytes = 4u << 20, .connections = 1, .retry_s = 60};
	const struct option_spec specs[] = {
		TARGET_SPECS(o.target),
		{"batch", OPTION_NUMBER, "BYTES", "send so much at a time (4194304)", &o.batch_bytes, 1, 32u << 20},
		{"connections", OPTION_NUMBER, "N",
		 "send on so many at once (1); more are faster, and batches may change their order", &o.connections, 1,
		 64},
		{"format", OPTION_TEXT, "VENDOR",
		 "FILE holds rows of a vendor's audit log: carbon-black, keepnet, kore, threatkey or unqork", &o.format,
		 0, 0},
		{"retry", OPTION_NUMBER, "SECONDS", "try again so long while the server is away (60)", &o.retry_s, 0,
		 86400},
		{"quiet", OPTION_FLAG, NULL, "say nothing but errors", &o.is_quiet, 0, 0},
		{"json", OPTION_FLAG, NULL, "the result as one JSON object", &o.is_json, 0, 0},
	};
	const struct options options = {
		"append", "[FILE]",
		"FILE holds one JSON object a line, plain, gzip or zstd; without it standard input is read.\n"
		"Running it again with the same FILE and --batch goes on where it stopped: nothing is stored twice.",
		specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &o.file, &code))
		return code;
	if ((rc = check_format(o.format, &err)) < 0)
		return command_fail("append", &err, EXIT_CODE_USAGE);
	if ((rc = target_resolve(&o.target, &err)) < 0)
		return command_fail("append", &err, rc == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	rc = run(&o, &err);
	target_release(&o.target);
	if (rc == E_NOT_FOUND)
		return command_fail("append", &err, EXIT_CODE_CANNOT);
	return rc < 0 ? command_fail("append", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
