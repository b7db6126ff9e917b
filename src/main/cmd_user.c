/* stele user: the users of an org, of a running server. What people set their passwords with is printed once. */
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "base/mem.h"
#include "main/command.h"
#include "main/target.h"

#define USER_TIMEOUT_MS 60000

struct user_options {
	const char *email;
	const char *name;
	const char *role;
	bool is_json;
};

/* A connection to the server, and its last answer. */
struct user_call {
	struct target *target;
	struct http_client *client;
	struct http_answer answer;
	const struct user_options *options;
};

/* ---- requests ---- */

/* `body` NULL: none. */
static int run(struct user_call *c, const char *method, const char *path, const char *body, struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct http_request request = {.method = method,
				       .headers = body ? headers : NULL,
				       .body = body ? span_str(body) : span_of(NULL, 0),
				       .timeout_ms = USER_TIMEOUT_MS};

	return target_run(c->target, c->client, &request, path, &c->answer, err);
}

static void put_member(yyjson_mut_doc *doc, const char *name, const char *value)
{
	if (value)
		yyjson_mut_obj_add_str(doc, yyjson_mut_doc_get_root(doc), name, value);
}

/* The options that were given, as a JSON object; freed by the caller. */
static char *make_body(const struct user_options *o, bool has_email)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	char *text;

	yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
	put_member(doc, "email", has_email ? o->email : NULL);
	put_member(doc, "name", o->name);
	put_member(doc, "role", o->role);
	text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

/* The path of the user with the e-mail address, with `rest` behind it; freed by the caller. */
static int find(struct user_call *c, const char *rest, char **ret_path, struct err *err)
{
	struct buf path = BUF_INIT;
	yyjson_doc *doc = NULL;
	const char *id;
	int rc;

	buf_put_str(&path, "/v1/users");
	http_put_parameter(&path, "email", span_str(c->options->email));
	buf_put_u8(&path, '\0');
	rc = buf_ok(&path) ? run(c, "GET", (const char *)path.p, NULL, err) : err_set(err, E_NO_MEMORY, "no memory");
	if (rc < 0)
		goto out;
	doc = yyjson_read((const char *)c->answer.body.p, c->answer.body.len, 0);
	id = yyjson_get_str(
		yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "users")), "id"));
	if (id)
		*ret_path = xformat("/v1/users/%s%s", id, rest);
	else
		rc = err_set(err, E_NOT_FOUND, "there is no user %s", c->options->email);
out:
	yyjson_doc_free(doc);
	buf_release(&path);
	return rc;
}

/* ---- answers ---- */

static void print_answer(const struct user_call *c)
{
	fwrite(c->answer.body.p, 1, c->answer.body.len, stdout);
}

static const char *text_of(yyjson_val *user, const char *name)
{
	const char *text = yyjson_get_str(yyjson_obj_get(user, name));

	return text ? text : "-";
}

static const char *state_of(yyjson_val *user)
{
	if (yyjson_get_bool(yyjson_obj_get(user, "disabled")))
		return "disabled";
	return yyjson_get_bool(yyjson_obj_get(user, "has_password")) ? "enabled" : "no password";
}

static void print_list(const struct user_call *c)
{
	yyjson_doc *doc = yyjson_read((const char *)c->answer.body.p, c->answer.body.len, 0);
	yyjson_val *user;
	yyjson_arr_iter users;

	yyjson_arr_iter_init(yyjson_obj_get(yyjson_doc_get_root(doc), "users"), &users);
	while ((user = yyjson_arr_iter_next(&users)))
		printf("%-40s %-16s %-12s %s\n", text_of(user, "email"), text_of(user, "role"), state_of(user),
		       text_of(user, "last_login"));
	yyjson_doc_free(doc);
}

/* What is shown once. */
static void print_token(const struct user_call *c)
{
	yyjson_doc *doc = yyjson_read((const char *)c->answer.body.p, c->answer.body.len, 0);
	yyjson_val *user = yyjson_doc_get_root(doc);

	printf("%s sets a password with this token, once, until %s (POST /v1/password):\n%s\n", text_of(user, "email"),
	       text_of(user, "reset_until"), text_of(user, "reset_token"));
	yyjson_doc_free(doc);
}

/* ---- actions ---- */

static int list(struct user_call *c, struct err *err)
{
	int rc = run(c, "GET", "/v1/users", NULL, err);

	if (rc == 0 && c->options->is_json)
		print_answer(c);
	else if (rc == 0)
		print_list(c);
	return rc;
}

static int create(struct user_call *c, struct err *err)
{
	char *body = make_body(c->options, true);
	int rc = run(c, "POST", "/v1/users", body, err);

	if (rc == 0 && c->options->is_json)
		print_answer(c);
	else if (rc == 0)
		print_token(c);
	free(body);
	return rc;
}

static int reset(struct user_call *c, struct err *err)
{
	char *path = NULL;
	int rc = find(c, "/reset", &path, err);

	if (rc == 0)
		rc = run(c, "POST", path, NULL, err);
	if (rc == 0 && c->options->is_json)
		print_answer(c);
	else if (rc == 0)
		print_token(c);
	free(path);
	return rc;
}

static int show(struct user_call *c, struct err *err)
{
	char *path = NULL;
	int rc = find(c, "", &path, err);

	if (rc == 0)
		rc = run(c, "GET", path, NULL, err);
	if (rc == 0)
		print_answer(c);
	free(path);
	return rc;
}

static int change(struct user_call *c, const char *body, struct err *err)
{
	char *path = NULL;
	int rc = find(c, "", &path, err);

	if (rc == 0)
		rc = run(c, "PUT", path, body, err);
	if (rc == 0)
		print_answer(c);
	free(path);
	return rc;
}

static int disable(struct user_call *c, struct err *err)
{
	return change(c, "{\"disabled\":true}", err);
}

static int enable(struct user_call *c, struct err *err)
{
	return change(c, "{\"disabled\":false}", err);
}

static int set(struct user_call *c, struct err *err)
{
	char *body = make_body(c->options, false);
	int rc = change(c, body, err);

	free(body);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(struct user_call *c, struct err *err);
	bool needs_email;
	bool needs_role;
} actions[] = {
	{"list", list, false, false},      {"create", create, true, true},  {"show", show, true, false},
	{"disable", disable, true, false}, {"enable", enable, true, false}, {"reset", reset, true, false},
	{"set", set, true, false},
};

/* The action's number, or -1 when the command line lacks something, which is said. */
static int find_action(const char *name, const struct user_options *o)
{
	for (size_t i = 0; name && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		if (actions[i].needs_email && !o->email)
			fprintf(stderr, "stele user: %s needs --email\n", name);
		else if (actions[i].needs_role && !o->role)
			fprintf(stderr, "stele user: %s needs --role\n", name);
		else
			return (int)i;
		return -1;
	}
	fprintf(stderr, "stele user: say what is to be done: list, create, show, set, disable, enable or reset\n");
	return -1;
}

static int call(struct target *t, const struct user_options *o, int action, struct err *err)
{
	struct user_call c = {.target = t, .client = http_client_new(), .answer = HTTP_ANSWER_INIT, .options = o};
	int rc = actions[action].run(&c, err);

	if (c.answer.body.p)
		mem_wipe(c.answer.body.p, c.answer.body.cap);
	http_answer_release(&c.answer);
	http_client_free(c.client);
	return rc;
}

int cmd_user(int argc, char **argv)
{
	struct user_options o = {NULL};
	struct target target = {0};
	const char *what = NULL;
	const struct option_spec specs[] = {
		TARGET_SPECS(target),
		{"email", OPTION_TEXT, "ADDRESS", "which user", &o.email, 0, 0},
		{"role", OPTION_TEXT, "ROLE", "of create and set: what the user may do", &o.role, 0, 0},
		{"name", OPTION_TEXT, "NAME", "of create and set: what people call the user", &o.name, 0, 0},
		{"json", OPTION_FLAG, NULL, "what the server answers, as it is", &o.is_json, 0, 0},
	};
	const struct options options = {"user", "list|create|show|set|disable|enable|reset",
					"create and reset print a token with which the user sets a password, once.",
					specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int action;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &what, &code))
		return code;
	if ((action = find_action(what, &o)) < 0)
		return EXIT_CODE_USAGE;
	if (target_resolve(&target, &err) < 0)
		return command_fail("user", &err, EXIT_CODE_USAGE);
	rc = call(&target, &o, action, &err);
	target_release(&target);
	return rc < 0 ? command_fail("user", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
