/* stele verify: checks a whole data folder, offline, and names every fault by file and offset. */
#include <inttypes.h>
#include <stdio.h>

#include "api/utf8.h"
#include "main/command.h"
#include "main/options.h"
#include "service/offline.h"

struct verify_run {
	bool is_json;
	uint64_t faults;
};

static void print_json(const struct err *fault)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "{\"fault\":\"%s\",\"file\":", err_wire(fault->code));
	utf8_put_json(&line, span_str(fault->field));
	buf_printf(&line, ",\"offset\":%" PRId64 ",\"message\":", fault->offset);
	utf8_put_json(&line, span_str(fault->message));
	buf_put_str(&line, "}\n");
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
}

static void on_fault(void *user, const struct err *fault)
{
	struct verify_run *run = user;

	run->faults++;
	if (run->is_json)
		print_json(fault);
	else if (fault->offset >= 0)
		printf("fault: %s at %" PRId64 ": %s\n", fault->field, fault->offset, fault->message);
	else
		printf("fault: %s: %s\n", fault->field, fault->message);
}

int cmd_verify(int argc, char **argv)
{
	const char *data = NULL;
	struct verify_run run = {0};
	const struct option_spec specs[] = {
		{"data", OPTION_TEXT, "DIR", "the data folder (required); no server may have it open", &data, 0, 0},
		{"json", OPTION_FLAG, NULL, "each fault and the result as one JSON object a line", &run.is_json, 0, 0},
	};
	const struct options options = {"verify", NULL,
					"Reads everything: journal, segments, hash trees. Exit code 0: all is well; 1: "
					"there are faults; 3: it could not run.",
					specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	uint64_t records = 0;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	if (!data) {
		fprintf(stderr, "stele verify: --data DIR is required\n");
		return EXIT_CODE_USAGE;
	}
	rc = offline_verify(&io_posix, data, on_fault, &run, &records, &err);
	if (rc < 0 && run.faults == 0)
		return command_fail("verify", &err, EXIT_CODE_CANNOT);
	if (run.is_json)
		printf("{\"records\":%" PRIu64 ",\"faults\":%" PRIu64 "}\n", records, run.faults);
	else
		printf("%" PRIu64 " records checked, %" PRIu64 " faults\n", records, run.faults);
	return run.faults > 0 ? EXIT_CODE_FAULT : EXIT_CODE_OK;
}
