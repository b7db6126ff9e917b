/*
 * stele key: the API keys of an org, of a running server; and stele key rotate-master: another master key for a data
 * folder that no server has open. 'rotate' without a client id is the latter's name of before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "main/admin.h"
#include "main/command.h"
#include "main/options.h"
#include "service/offline.h"

static const struct admin_verb verbs[] = {
	{"list", "GET", "/v1/keys", false, false},
	{"show", "GET", "/v1/keys/%s", true, false},
	{"create", "POST", "/v1/keys", false, true},
	{"change", "PUT", "/v1/keys/%s", true, true},
	{"rotate", "POST", "/v1/keys/%s/rotate", true, true},
	{"revoke", "DELETE", "/v1/keys/%s", true, false},
};

static const struct admin_member members[] = {
	{"name", "name", "TEXT", "what it is called"},
	{"role", "role", "NAME", "what it may do"},
	{"query", "query", "QUERY", "what it may see; all without one"},
	{"networks", "networks", "LIST", "from where it may be used: 10.0.0.0/8,192.0.2.7"},
	{"expires", "expires", "TIME", "when it ends: 2027-01-01, now+90d"},
	{"request-rate", "request_rate", "N", "requests a second; 0: no limit of its own"},
	{"event-rate", "event_rate", "N", "events a second; 0: no limit of its own"},
	{"overlap", "overlap", "SECONDS", "with 'rotate': how long the old secret works (86400)"},
};

static const char *const columns[] = {"client_id", "name", "role", "expires", "last_used", "revoked", NULL};

static int rotate_master(int argc, char **argv)
{
	struct offline folder = {.io = &io_posix};
	const char *new_key = NULL;
	const struct option_spec specs[] = {
		{"data", OPTION_TEXT, "DIR", "the data folder (required); no server may have it open", &folder.folder,
		 0, 0},
		MASTER_KEY_SPEC(folder.master_key),
		{"new-master-key", OPTION_TEXT, "SOURCE",
		 "where the new key is; a file is made when missing (in place of the old file)", &new_key, 0, 0},
	};
	const struct options options = {
		"key", NULL,
		"stele key rotate-master wraps all keys of the folder with a new master key;\n"
		"events, segments and journals stay as they are. It is done whole or not at all.",
		specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	uint64_t count = 0;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	if (!folder.folder) {
		fprintf(stderr,
			"stele key: give --data DIR to change the master key, or the client id of an API key\n");
		return EXIT_CODE_USAGE;
	}
	if ((rc = offline_rotate(&folder, new_key, &count, &err)) < 0)
		return command_fail("key", &err, rc == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	printf("%" PRIu64 " keys are wrapped with the new master key\n", count);
	return EXIT_CODE_OK;
}

/* Nothing behind 'rotate' but options and their values: no client id. */
static bool is_rotate_master(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "rotate") != 0)
		return argc >= 2 && strcmp(argv[1], "rotate-master") == 0;
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] != '-')
			return false;
		i += strchr(argv[i], '=') == NULL;
	}
	return true;
}

int cmd_key(int argc, char **argv)
{
	static const struct admin_noun noun = {
		.command = "key",
		.operand = "CLIENT_ID",
		.about = "stele key list | show ID | create --role NAME … | change ID … | rotate ID [--overlap "
			 "SECONDS] |\n"
			 "revoke ID. Secrets are printed once, with the answer that makes them.\n"
			 "stele key rotate-master --data DIR [--master-key SOURCE] [--new-master-key SOURCE] is for a "
			 "folder\n"
			 "that no server has open; see 'stele key rotate-master --help'.",
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(verbs[0]),
		.members = members,
		.member_count = sizeof(members) / sizeof(members[0]),
		.list = "keys",
		.columns = columns,
	};

	if (is_rotate_master(argc, argv))
		return rotate_master(argc - 1, argv + 1);
	return admin_run(&noun, argc, argv);
}
