/* stele seal: of a running server with --url, of a folder that no server has open with --data alone. */
#include <stdio.h>
#include <string.h>

#include "main/command.h"
#include "main/target.h"
#include "service/offline.h"

#define SEAL_TIMEOUT_MS 3600000

static int seal_server(struct target *t, bool is_json, struct err *err)
{
	struct http_request request = {.method = "POST", .timeout_ms = SEAL_TIMEOUT_MS};
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_client *client;
	int rc;

	if ((rc = target_resolve(t, err)) < 0)
		return rc;
	client = http_client_new();
	rc = target_run(t, client, &request, "/v1/seal", &answer, err);
	if (rc == 0 && is_json)
		fwrite(answer.body.p, 1, answer.body.len, stdout);
	else if (rc == 0)
		printf("sealed\n");
	http_answer_release(&answer);
	http_client_free(client);
	target_release(t);
	return rc;
}

static int seal_folder(const struct offline *folder, bool is_json, struct err *err)
{
	struct store_figures f;
	int rc;

	if ((rc = offline_seal(folder, &f, err)) < 0)
		return rc;
	if (is_json)
		printf("{\"segments\":%llu,\"segment_bytes\":%llu,\"journal_bytes\":%llu,\"head_records\":%llu}\n",
		       (unsigned long long)f.segment_count, (unsigned long long)f.segment_bytes,
		       (unsigned long long)f.journal_bytes, (unsigned long long)f.head_records);
	else
		printf("sealed: %llu segments, %llu bytes\n", (unsigned long long)f.segment_count,
		       (unsigned long long)f.segment_bytes);
	return 0;
}

int cmd_seal(int argc, char **argv)
{
	struct offline folder = {.io = &io_posix};
	struct target target = {0};
	bool is_json = false;
	const struct option_spec specs[] = {
		TARGET_SPECS(target),
		MASTER_KEY_SPEC(folder.master_key),
		{"json", OPTION_FLAG, NULL, "the result as one JSON object", &is_json, 0, 0},
	};
	const struct options options = {"seal", NULL,
					"With --data and without --url the folder itself is sealed; no server may have "
					"it open.",
					specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	if (target.data && !target.url) {
		folder.folder = target.data;
		rc = seal_folder(&folder, is_json, &err);
		return rc < 0 ? command_fail("seal", &err, rc == E_CORRUPT ? EXIT_CODE_FAULT : EXIT_CODE_CANNOT)
			      : EXIT_CODE_OK;
	}
	rc = seal_server(&target, is_json, &err);
	if (rc == E_INVALID && !target.base)
		return command_fail("seal", &err, EXIT_CODE_USAGE);
	return rc < 0 ? command_fail("seal", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
