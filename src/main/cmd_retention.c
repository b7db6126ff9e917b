/* stele retention: removes what has expired, or says what would go; of a running server with --url, of a folder that no
 * server has open with --data alone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "main/command.h"
#include "main/target.h"
#include "service/offline.h"

#define RETENTION_TIMEOUT_MS 3600000

struct retention_options {
	bool is_dry_run;
	bool is_json;
};

static void print_result(const struct retention_options *o, const struct retention_result *x)
{
	if (o->is_json)
		printf("{\"dry_run\":%s,\"orgs\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"records\":%" PRIu64
		       ",\"bytes\":%" PRIu64 ",\"failed\":%" PRIu64 "}\n",
		       o->is_dry_run ? "true" : "false", x->orgs, x->segments, x->records, x->bytes, x->failed);
	else
		printf("%s: %" PRIu64 " records in %" PRIu64 " segments, %" PRIu64 " bytes, of %" PRIu64
		       " orgs; %" PRIu64 " failed\n",
		       o->is_dry_run ? "would go" : "removed", x->records, x->segments, x->bytes, x->orgs, x->failed);
}

static int read_answer(struct span body, struct retention_result *ret, struct err *err)
{
	yyjson_doc *doc = yyjson_read((const char *)body.p, body.len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);

	if (!root)
		return err_set(err, E_INVALID, "the answer is not JSON");
	*ret = (struct retention_result){.orgs = yyjson_get_uint(yyjson_obj_get(root, "orgs")),
					 .segments = yyjson_get_uint(yyjson_obj_get(root, "segments")),
					 .records = yyjson_get_uint(yyjson_obj_get(root, "records")),
					 .bytes = yyjson_get_uint(yyjson_obj_get(root, "bytes")),
					 .failed = yyjson_get_uint(yyjson_obj_get(root, "failed"))};
	yyjson_doc_free(doc);
	return 0;
}

static int run_server(struct target *t, const struct retention_options *o, struct retention_result *ret,
		      struct err *err)
{
	struct http_request request = {.method = "POST", .timeout_ms = RETENTION_TIMEOUT_MS};
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_client *client;
	int rc;

	if ((rc = target_resolve(t, err)) < 0)
		return rc;
	client = http_client_new();
	rc = target_run(t, client, &request, o->is_dry_run ? "/v1/retention/run?dry_run=true" : "/v1/retention/run",
			&answer, err);
	if (rc == 0)
		rc = read_answer(buf_span(&answer.body), ret, err);
	http_answer_release(&answer);
	http_client_free(client);
	target_release(t);
	return rc;
}

int cmd_retention(int argc, char **argv)
{
	struct retention_options o = {false};
	struct offline folder = {.io = &io_posix};
	struct target target = {0};
	const struct option_spec specs[] = {
		TARGET_SPECS(target),
		MASTER_KEY_SPEC(folder.master_key),
		{"dry-run", OPTION_FLAG, NULL, "say what would go, and remove nothing", &o.is_dry_run, 0, 0},
		{"json", OPTION_FLAG, NULL, "the result as one JSON object", &o.is_json, 0, 0},
	};
	const struct options options = {"retention", NULL,
					"With --data and without --url the folder itself is looked at; no server may "
					"have it open. Exit code 1: an org failed, and the log says why.",
					specs, OPTIONS_COUNT(specs)};
	struct retention_result result = {0};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	if (target.data && !target.url) {
		folder.folder = target.data;
		rc = offline_retention(&folder, o.is_dry_run, &result, &err);
		if (rc < 0)
			return command_fail("retention", &err, rc == E_CORRUPT ? EXIT_CODE_FAULT : EXIT_CODE_CANNOT);
	} else {
		rc = run_server(&target, &o, &result, &err);
		if (rc == E_INVALID && !target.base)
			return command_fail("retention", &err, EXIT_CODE_USAGE);
		if (rc < 0)
			return command_fail("retention", &err, target_exit_code(rc));
	}
	print_result(&o, &result);
	return result.failed > 0 ? EXIT_CODE_FAULT : EXIT_CODE_OK;
}
