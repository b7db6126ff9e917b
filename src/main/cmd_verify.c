/*
 * stele verify: a data folder, an evidence bundle, an event with its proof, or the log of a server. What cannot be
 * proved is never good: a key, proof or checkpoint that is missing ends with a code that is not 0.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/utf8.h"
#include "base/mem.h"
#include "main/command.h"
#include "main/options.h"
#include "main/verify.h"

/* What kept us from looking is no fault of what was to be looked at. */
static int exit_code_of(int rc)
{
	switch (rc) {
	case E_NOT_FOUND:
	case E_IO:
	case E_NO_MEMORY:
	case E_NO_SPACE:
	case E_UNAVAILABLE:
	case E_TIMEOUT:
	case E_UNAUTHORIZED:
	case E_FORBIDDEN:
		return EXIT_CODE_CANNOT;
	default:
		return EXIT_CODE_FAULT;
	}
}

int verify_fail(const struct verify_options *o, const struct err *err)
{
	int code = exit_code_of(err->code);
	struct buf line = BUF_INIT;

	if (code == EXIT_CODE_CANNOT)
		return command_fail("verify", err, code);
	if (o->is_json) {
		buf_put_str(&line, "{\"ok\":false,\"message\":");
		utf8_put_json(&line, span_str(err->message));
		buf_put_str(&line, "}\n");
	} else if (err->field[0] != '\0') {
		buf_printf(&line, "NOT VERIFIED: %s: %s\n", err->field, err->message);
	} else {
		buf_printf(&line, "NOT VERIFIED: %s\n", err->message);
	}
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
	return code;
}

static int complain(const char *text)
{
	fprintf(stderr, "stele verify: %s; see 'stele verify --help'\n", text);
	return EXIT_CODE_USAGE;
}

/* By what it begins with, since a bundle may be called anything; one that cannot be read is told later. */
static bool may_be_zip(const char *name)
{
	FILE *f = fopen(name, "rb");
	char head[2] = "PK";

	if (!f)
		return true;
	if (fread(head, 1, sizeof(head), f) < sizeof(head))
		head[0] = '\0';
	fclose(f);
	return memcmp(head, "PK", sizeof(head)) == 0;
}

/* NULL when the options name one thing to check and what that takes. */
static const char *find_mistake(const struct verify_options *o)
{
	int things = (o->target.data != NULL) + (o->file != NULL) + (o->target.url != NULL);

	if (things != 1)
		return "it takes one of --data DIR, a bundle, an event with --proof, --url URL";
	if (o->target.data)
		return o->vkey || o->proof || o->remember || o->is_full
			       ? "--data takes no other option but --json and --master-key"
			       : NULL;
	if (o->master_key)
		return "--master-key goes with --data";
	if (!o->vkey)
		return "--vkey is missing: without the log's verifier key nothing is proved";
	if (o->target.url)
		return o->proof ? "--proof goes with an event" : NULL;
	if (o->remember || o->is_full)
		return "--remember and --full go with --url";
	if (!o->proof && !may_be_zip(o->file))
		return "--proof is missing: an event proves nothing by itself, and it is no bundle";
	return NULL;
}

static int run(struct verify_options *o)
{
	struct vkey_list *keys;
	struct err err = ERR_INIT;
	int code;

	if (o->target.data)
		return verify_folder(o);
	keys = xalloc(sizeof(*keys));
	if (vkey_list_read(o->vkey, keys, &err) < 0)
		code = command_fail("verify", &err, EXIT_CODE_CANNOT);
	else if (o->target.url)
		code = verify_server(o, keys);
	else
		code = o->proof ? verify_event(o, keys) : verify_bundle(o, keys);
	free(keys);
	return code;
}

int cmd_verify(int argc, char **argv)
{
	struct verify_options o = {0};
	const struct option_spec specs[] = {
		{"data", OPTION_TEXT, "DIR", "check a data folder; no server may have it open", &o.target.data, 0, 0},
		{"vkey", OPTION_TEXT, "KEY", "the log's verifier key, or a file with its keys", &o.vkey, 0, 0},
		{"proof", OPTION_TEXT, "FILE", "the .tlog-proof of the event in FILE", &o.proof, 0, 0},
		{"url", OPTION_TEXT, "URL", "check the log of this server", &o.target.url, 0, 0},
		{"key", OPTION_TEXT, "KEY", "the API key for it (STELE_KEY)", &o.target.key, 0, 0},
		{"ca", OPTION_TEXT, "FILE", "certificates (PEM) that vouch for it (STELE_CA, or the system's)",
		 &o.target.ca, 0, 0},
		{"remember", OPTION_TEXT, "FILE", "keep its checkpoint here; it must go on from the one kept",
		 &o.remember, 0, 0},
		{"full", OPTION_FLAG, NULL, "read all its records, not a sample", &o.is_full, 0, 0},
		MASTER_KEY_SPEC(o.master_key),
		{"json", OPTION_FLAG, NULL, "the result (and each fault) as one JSON object a line", &o.is_json, 0, 0},
	};
	const struct options options = {
		"verify", "[FILE]",
		"A data folder, an evidence bundle (FILE.zip), an event (FILE and --proof), or the log "
		"of a server. Exit code 0: all is\nwell; 1: it is not; 3: it could not be checked.",
		specs, OPTIONS_COUNT(specs)};
	const char *mistake;
	int code;

	if (options_parse(&options, argc, argv, &o.file, &code))
		return code;
	mistake = find_mistake(&o);
	return mistake ? complain(mistake) : run(&o);
}
