/* A whole data folder, offline: every fault by file and offset. */
#include <inttypes.h>
#include <stdio.h>

#include "api/utf8.h"
#include "main/command.h"
#include "main/verify.h"
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

int verify_folder(const struct verify_options *o)
{
	struct offline folder = {.io = &io_posix, .folder = o->target.data, .master_key = o->master_key};
	struct verify_run run = {.is_json = o->is_json};
	struct err err = ERR_INIT;
	uint64_t records = 0;
	int rc = offline_verify(&folder, on_fault, &run, &records, &err);

	if (rc < 0 && run.faults == 0)
		return command_fail("verify", &err, EXIT_CODE_CANNOT);
	if (run.is_json)
		printf("{\"records\":%" PRIu64 ",\"faults\":%" PRIu64 "}\n", records, run.faults);
	else
		printf("%" PRIu64 " records checked, %" PRIu64 " faults\n", records, run.faults);
	return run.faults > 0 ? EXIT_CODE_FAULT : EXIT_CODE_OK;
}
