/* stele log rotate: a new key for a ledger's log, of a running server. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "main/command.h"
#include "main/target.h"

#define LOG_TIMEOUT_MS 60000

static int rotate(struct target *t, const char *ledger, struct err *err)
{
	struct http_request request = {.method = "POST", .timeout_ms = LOG_TIMEOUT_MS};
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_client *client;
	char *path;
	int rc;

	if ((rc = target_resolve(t, err)) < 0)
		return rc;
	path = xformat("/v1/log/rotate?ledger=%s", ledger);
	client = http_client_new();
	rc = target_run(t, client, &request, path, &answer, err);
	if (rc == 0)
		fwrite(answer.body.p, 1, answer.body.len, stdout);
	http_answer_release(&answer);
	http_client_free(client);
	free(path);
	target_release(t);
	return rc;
}

int cmd_log(int argc, char **argv)
{
	struct target target = {0};
	const char *ledger = "main";
	const char *what = NULL;
	const struct option_spec specs[] = {
		TARGET_SPECS(target),
		{"ledger", OPTION_TEXT, "NAME", "main or self (main)", &ledger, 0, 0},
	};
	const struct options options = {
		"log", "rotate",
		"Makes a new key that signs the ledger's checkpoints from now on, and prints all "
		"keys there have been, as JSON, the new one last.",
		specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &what, &code))
		return code;
	if (!what || strcmp(what, "rotate") != 0 || (strcmp(ledger, "main") != 0 && strcmp(ledger, "self") != 0)) {
		fprintf(stderr, "stele log: say 'stele log rotate', with --ledger main or self\n");
		return EXIT_CODE_USAGE;
	}
	rc = rotate(&target, ledger, &err);
	if (rc == E_INVALID && !target.base)
		return command_fail("log", &err, EXIT_CODE_USAGE);
	return rc < 0 ? command_fail("log", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
