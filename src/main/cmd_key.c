/* stele key rotate: another master key for a data folder that no server has open. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "main/command.h"
#include "main/options.h"
#include "service/offline.h"

int cmd_key(int argc, char **argv)
{
	struct offline folder = {.io = &io_posix};
	const char *what = NULL;
	const char *new_key = NULL;
	const struct option_spec specs[] = {
		{"data", OPTION_TEXT, "DIR", "the data folder (required); no server may have it open", &folder.folder,
		 0, 0},
		MASTER_KEY_SPEC(folder.master_key),
		{"new-master-key", OPTION_TEXT, "SOURCE",
		 "where the new key is; a file is made when missing (in place of the old file)", &new_key, 0, 0},
	};
	const struct options options = {"key", "rotate",
					"Wraps all keys of the folder with a new master key; events, segments and "
					"journals stay as they are. It is done whole or not at all.",
					specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	uint64_t count = 0;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &what, &code))
		return code;
	if (!what || strcmp(what, "rotate") != 0 || !folder.folder) {
		fprintf(stderr, "stele key: what is to be done is 'rotate', and --data DIR is required\n");
		return EXIT_CODE_USAGE;
	}
	if ((rc = offline_rotate(&folder, new_key, &count, &err)) < 0)
		return command_fail("key", &err, rc == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	printf("%" PRIu64 " keys are wrapped with the new master key\n", count);
	return EXIT_CODE_OK;
}
