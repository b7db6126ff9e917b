/* The server a command talks to. */
#include "main/target.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/durable.h"
#include "base/mem.h"
#include "main/exit_code.h"

#define DEFAULT_URL   "http://localhost:8470"
#define BOOTSTRAP_MAX 65536
#define HEADERS_MAX   8

static char *copy_member(yyjson_val *root, const char *name)
{
	const char *text = yyjson_get_str(yyjson_obj_get(root, name));

	return text ? xstrdup(text) : NULL;
}

/* Reads url and key from bootstrap.json. */
static int read_bootstrap(const char *folder, char **ret_url, char **ret_key, struct err *err)
{
	char *path = xformat("%s/bootstrap.json", folder);
	uint8_t *text = NULL;
	yyjson_doc *doc = NULL;
	size_t len;
	int rc;

	if ((rc = durable_read(&io_posix, path, BOOTSTRAP_MAX, &text, &len, err)) < 0)
		goto out;
	doc = yyjson_read((const char *)text, len, 0);
	*ret_url = copy_member(yyjson_doc_get_root(doc), "url");
	*ret_key = copy_member(yyjson_doc_get_root(doc), "api_key");
	if (!*ret_url || !*ret_key)
		rc = err_set(err, E_INVALID, "%s has no url and api_key", path);
out:
	yyjson_doc_free(doc);
	free(text);
	free(path);
	return rc;
}

static char *make_base(const char *url)
{
	char *base = xstrdup(url);
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		base[--len] = '\0';
	return base;
}

int target_resolve(struct target *t, struct err *err)
{
	const char *url = t->url ? t->url : getenv("STELE_URL");
	const char *key = t->key ? t->key : getenv("STELE_KEY");
	char *stored_url = NULL;
	char *stored_key = NULL;
	int rc = 0;

	if (t->data && (!url || !key) && (rc = read_bootstrap(t->data, &stored_url, &stored_key, err)) < 0)
		goto out;
	if (!url)
		url = stored_url ? stored_url : DEFAULT_URL;
	if (!key)
		key = stored_key;
	if (!key) {
		rc = err_set(err, E_INVALID,
			     "no API key; give --key, STELE_KEY, or --data with the data folder of the server");
		goto out;
	}
	if (!t->ca)
		t->ca = getenv("STELE_CA");
	t->base = make_base(url);
	t->authorization = xformat("Authorization: Bearer %s", key);
out:
	free(stored_url);
	free(stored_key);
	return rc;
}

void target_release(struct target *t)
{
	free(t->base);
	if (t->authorization)
		mem_wipe(t->authorization, strlen(t->authorization));
	free(t->authorization);
	t->base = NULL;
	t->authorization = NULL;
}

/* The code an API error's wire name stands for. */
static int code_of(const char *wire, int status)
{
#define ERR(name, value, wire_name, http_status, meaning)                                                              \
	if (wire && strcmp(wire, wire_name) == 0)                                                                      \
		return name;
#include "base/err.tbl"
#undef ERR
	return status >= 500 ? E_UNAVAILABLE : E_INVALID;
}

static int64_t number_or_none(yyjson_val *v)
{
	return yyjson_is_int(v) ? yyjson_get_sint(v) : -1;
}

/* Turns an answer that is an error into one of ours. */
static int take_error(const struct http_answer *answer, struct err *err)
{
	yyjson_doc *doc = yyjson_read((const char *)answer->body.p, answer->body.len, 0);
	yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
	yyjson_val *details = yyjson_obj_get(error, "details");
	const char *message = yyjson_get_str(yyjson_obj_get(error, "message"));
	const char *field = yyjson_get_str(yyjson_obj_get(details, "field"));
	int code = code_of(yyjson_get_str(yyjson_obj_get(error, "code")), answer->status);

	if (err) {
		err->position = number_or_none(yyjson_obj_get(details, "position"));
		err->offset = number_or_none(yyjson_obj_get(details, "offset"));
	}
	if (field)
		err_set_field(err, field, strlen(field));
	if (message)
		(void)err_set(err, code, "%s", message);
	else
		(void)err_set(err, code, "the server answered with status %d", answer->status);
	yyjson_doc_free(doc);
	return code;
}

int target_run(const struct target *t, struct http_client *client, struct http_request *request, const char *path,
	       struct http_answer *ret, struct err *err)
{
	const char *headers[HEADERS_MAX + 2] = {t->authorization};
	char *url = xformat("%s%s", t->base, path);
	size_t n = 1;
	int rc;

	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		must(n <= HEADERS_MAX);
		headers[n++] = request->headers[i];
	}
	request->url = url;
	request->headers = headers;
	request->ca_file = t->ca;
	rc = http_client_run(client, request, ret, err);
	if (rc == 0 && ret->status >= 400)
		rc = take_error(ret, err);
	request->url = NULL;
	request->headers = NULL;
	free(url);
	return rc;
}

int target_exit_code(int rc)
{
	switch (rc) {
	case 0:
		return EXIT_CODE_OK;
	case E_UNAVAILABLE:
	case E_TIMEOUT:
	case E_IO:
	case E_NO_SPACE:
	case E_NO_MEMORY:
	case E_CLOSED:
	case E_UNAUTHORIZED:
		return EXIT_CODE_CANNOT;
	default:
		return EXIT_CODE_FAULT;
	}
}
