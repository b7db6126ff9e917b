/* stele inspect: which kind of file it is, and on to the one that can show it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "main/command.h"
#include "main/inspect.h"

char *inspect_data(const struct inspect_options *o, int levels)
{
	char *folder = o->data ? xstrdup(o->data) : realpath(o->path, NULL);

	while (!o->data && folder && levels-- > 0) {
		char *slash = strrchr(folder, '/');

		if (!slash || slash == folder)
			break;
		*slash = '\0';
	}
	return folder ? folder : xstrdup(".");
}

static bool ends_with(const char *path, const char *suffix)
{
	size_t len = strlen(path);
	size_t suffix_len = strlen(suffix);

	return len > suffix_len && strcmp(path + len - suffix_len, suffix) == 0;
}

static int run(const struct inspect_options *o, struct err *err)
{
	if (ends_with(o->path, ".jnl"))
		return inspect_journal(o, err);
	if (ends_with(o->path, ".seg"))
		return inspect_segment(o, err);
	return err_set(err, E_INVALID, "%s is neither a journal (.jnl) nor a segment (.seg)", o->path);
}

int cmd_inspect(int argc, char **argv)
{
	struct inspect_options o = {.block = INSPECT_ALL_BLOCKS};
	const struct option_spec specs[] = {
		{"block", OPTION_NUMBER, "N", "of a segment: the columns of block N", &o.block, 0, INSPECT_ALL_BLOCKS},
		{"records", OPTION_FLAG, NULL, "the records too", &o.with_records, 0, 0},
		{"data", OPTION_TEXT, "DIR", "the data folder, for the keys (found from FILE)", &o.data, 0, 0},
		MASTER_KEY_SPEC(o.master_key),
		{"json", OPTION_FLAG, NULL, "one JSON object a line", &o.is_json, 0, 0},
	};
	const struct options options = {"inspect", "FILE",
					"FILE is a journal (journal/<n>.jnl) or a segment "
					"(segments/<ledger>/<first>-<next>.seg).",
					specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &o.path, &code))
		return code;
	if (!o.path) {
		fprintf(stderr, "stele inspect: FILE is required\n");
		return EXIT_CODE_USAGE;
	}
	if ((rc = run(&o, &err)) == 0)
		return EXIT_CODE_OK;
	if (rc == E_INVALID)
		return command_fail("inspect", &err, EXIT_CODE_USAGE);
	return command_fail("inspect", &err, rc == E_CORRUPT ? EXIT_CODE_FAULT : EXIT_CODE_CANNOT);
}
