/* Administration over HTTP. Values go as texts: the API takes numbers and yes or no so too. */
#include "main/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "main/command.h"
#include "main/target.h"

#define ADMIN_TIMEOUT_MS 60000

struct admin_call {
	const struct admin_noun *noun;
	const struct admin_verb *verb;
	struct target target;
	const char *value[ADMIN_MEMBERS_MAX]; /* of the members; NULL: not given */
	const char *operand;
	const char *version;
	bool is_json;
};

/* ---- the command line ---- */

static const struct admin_verb *find_verb(const struct admin_noun *noun, const char *name)
{
	for (size_t i = 0; name && i < noun->verb_count; i++) {
		if (strcmp(noun->verbs[i].name, name) == 0)
			return &noun->verbs[i];
	}
	return NULL;
}

static int complain(const struct admin_noun *noun, const char *what)
{
	fprintf(stderr, "stele %s: %s; there are", noun->command, what);
	for (size_t i = 0; i < noun->verb_count; i++)
		fprintf(stderr, "%s %s%s%s", i ? "," : "", noun->verbs[i].name, noun->verbs[i].has_operand ? " " : "",
			noun->verbs[i].has_operand ? noun->operand : "");
	fprintf(stderr, "\n");
	return EXIT_CODE_USAGE;
}

/* Reads the options behind the verb; false: the command ends with *ret_code. */
static bool parse(struct admin_call *c, int argc, char **argv, int *ret_code)
{
	const struct option_spec common[] = {
		TARGET_SPECS(c->target),
		{"if-version", OPTION_TEXT, "N", "only when it has this version", &c->version, 0, 0},
		{"json", OPTION_FLAG, NULL, "a list as the server gives it", &c->is_json, 0, 0},
	};
	struct option_spec specs[OPTIONS_COUNT(common) + ADMIN_MEMBERS_MAX];
	struct options options = {c->noun->command, c->noun->operand, c->noun->about, specs, OPTIONS_COUNT(common)};

	memcpy(specs, common, sizeof(common));
	must(c->noun->member_count <= ADMIN_MEMBERS_MAX);
	for (size_t i = 0; i < c->noun->member_count; i++) {
		const struct admin_member *m = &c->noun->members[i];

		specs[options.spec_count++] =
			(struct option_spec){m->option, OPTION_TEXT, m->argument, m->help, (void *)&c->value[i], 0, 0};
	}
	return options_parse(&options, argc, argv, &c->operand, ret_code) == 0;
}

/* ---- the request ---- */

static char *make_path(const struct admin_call *c)
{
	struct buf path = BUF_INIT;
	const char *hole = strstr(c->verb->path, "%s");
	char *text;

	if (!hole)
		return xstrdup(c->verb->path);
	buf_put(&path, c->verb->path, (size_t)(hole - c->verb->path));
	for (const char *at = c->operand; *at != '\0'; at++) {
		bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '_';

		buf_printf(&path, is_plain ? "%c" : "%%%02X", (unsigned char)*at);
	}
	buf_put_str(&path, hole + 2);
	must(buf_ok(&path));
	text = xformat("%.*s", (int)path.len, (const char *)path.p);
	buf_release(&path);
	return text;
}

static void make_body(const struct admin_call *c, struct buf *to)
{
	const char *separator = "";

	buf_put_u8(to, '{');
	for (size_t i = 0; i < c->noun->member_count; i++) {
		if (!c->value[i])
			continue;
		buf_printf(to, "%s\"%s\":", separator, c->noun->members[i].member);
		json_text_string(to, span_str(c->value[i]));
		separator = ",";
	}
	buf_put_u8(to, '}');
}

static int request(struct admin_call *c, struct http_answer *ret, struct err *err)
{
	char *match = c->version ? xformat("If-Match: \"%s\"", c->version) : NULL;
	const char *headers[] = {"Content-Type: application/json", match, NULL};
	struct http_request r = {.method = c->verb->method, .headers = headers, .timeout_ms = ADMIN_TIMEOUT_MS};
	struct http_client *client = http_client_new();
	char *path = make_path(c);
	struct buf body = BUF_INIT;
	int rc;

	if (c->verb->has_body)
		make_body(c, &body);
	r.body = buf_span(&body);
	rc = buf_ok(&body) ? target_run(&c->target, client, &r, path, ret, err)
			   : err_set(err, E_NO_MEMORY, "not enough memory for a request");
	buf_release(&body);
	free(path);
	http_client_free(client);
	free(match);
	return rc;
}

/* ---- the answer ---- */

static void print_value(yyjson_val *v)
{
	yyjson_arr_iter items;
	yyjson_val *item;
	const char *separator = "";

	if (yyjson_is_str(v))
		printf("%s", yyjson_get_str(v));
	else if (yyjson_is_bool(v))
		printf("%s", yyjson_get_bool(v) ? "true" : "false");
	else if (yyjson_is_int(v))
		printf("%lld", (long long)yyjson_get_sint(v));
	else if (yyjson_is_arr(v)) {
		yyjson_arr_iter_init(v, &items);
		while ((item = yyjson_arr_iter_next(&items))) {
			printf("%s%s", separator, yyjson_is_str(item) ? yyjson_get_str(item) : "?");
			separator = ",";
		}
	} else
		printf("-");
}

/* One row a line, tabs between; a first row of names. */
static int print_list(const struct admin_noun *noun, struct span body, struct err *err)
{
	yyjson_doc *doc = yyjson_read((const char *)body.p, body.len, 0);
	yyjson_val *list = yyjson_obj_get(yyjson_doc_get_root(doc), noun->list);
	yyjson_arr_iter rows;
	yyjson_val *row;

	if (!yyjson_is_arr(list)) {
		yyjson_doc_free(doc);
		return err_set(err, E_INVALID, "the answer has no list of %s", noun->list);
	}
	for (size_t i = 0; noun->columns[i]; i++)
		printf("%s%s", i ? "\t" : "", noun->columns[i]);
	printf("\n");
	yyjson_arr_iter_init(list, &rows);
	while ((row = yyjson_arr_iter_next(&rows))) {
		for (size_t i = 0; noun->columns[i]; i++) {
			printf("%s", i ? "\t" : "");
			print_value(yyjson_obj_get(row, noun->columns[i]));
		}
		printf("\n");
	}
	yyjson_doc_free(doc);
	return 0;
}

static int run(struct admin_call *c, struct err *err)
{
	struct http_answer answer = HTTP_ANSWER_INIT;
	int rc = request(c, &answer, err);

	if (rc == 0 && strcmp(c->verb->name, "list") == 0 && !c->is_json)
		rc = print_list(c->noun, buf_span(&answer.body), err);
	else if (rc == 0 && answer.body.len > 0)
		fwrite(answer.body.p, 1, answer.body.len, stdout);
	if (answer.body.p)
		mem_wipe(answer.body.p, answer.body.len); /* it may hold a secret */
	http_answer_release(&answer);
	return rc;
}

int admin_run(const struct admin_noun *noun, int argc, char **argv)
{
	struct admin_call c = {.noun = noun, .verb = find_verb(noun, argc > 1 ? argv[1] : NULL)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (!c.verb && (argc < 2 || argv[1][0] != '-'))
		return complain(noun, argc > 1 ? "there is no such verb" : "what is to be done?");
	if (!parse(&c, c.verb ? argc - 1 : argc, c.verb ? argv + 1 : argv, &code))
		return code;
	if (!c.verb)
		return complain(noun, "the verb comes first");
	if (c.verb->has_operand != (c.operand != NULL))
		return complain(noun, c.operand ? "this verb takes options only" : "this verb needs to know which");
	if ((rc = target_resolve(&c.target, &err)) == 0)
		rc = run(&c, &err);
	code = rc == E_INVALID && !c.target.base ? EXIT_CODE_USAGE : target_exit_code(rc);
	target_release(&c.target);
	return rc < 0 ? command_fail(noun->command, &err, code) : EXIT_CODE_OK;
}
