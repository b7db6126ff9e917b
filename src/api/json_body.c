/* Bodies of dialects. */
#include "api/json_body.h"

#include <string.h>
#include <strings.h>

#include "api/request.h"

#define DIGITS_MAX 18 /* what a uint64_t surely holds */

static const char empty_object[] = "{}";

static struct span text_of_body(struct request *r)
{
	struct span body = buf_span(&r->body.bytes);

	for (size_t i = 0; i < body.len; i++) {
		if (body.p[i] != ' ' && body.p[i] != '\t' && body.p[i] != '\r' && body.p[i] != '\n')
			return body;
	}
	return span_of(empty_object, sizeof(empty_object) - 1);
}

int json_body_take(struct request *r, yyjson_val **ret, struct err *err)
{
	struct span text = text_of_body(r);
	yyjson_read_err problem;

	/* Without YYJSON_READ_INSITU the text is only read, though its type says otherwise. */
	r->json = yyjson_read_opts((char *)(uintptr_t)text.p, text.len, 0, NULL, &problem);
	if (!r->json) {
		if (err)
			err->offset = (int64_t)problem.pos;
		return err_set(err, E_SYNTAX, "Malformed JSON input: %s", problem.msg);
	}
	*ret = yyjson_doc_get_root(r->json);
	if (!yyjson_is_obj(*ret))
		return err_set(err, E_INVALID, "Malformed JSON input: the body is %s, not an object",
			       yyjson_get_type_desc(*ret));
	return 0;
}

yyjson_val *json_body_member(yyjson_val *object, const char *name)
{
	size_t len = strlen(name);
	yyjson_obj_iter members;
	yyjson_val *key;

	if (!yyjson_obj_iter_init(object, &members))
		return NULL;
	while ((key = yyjson_obj_iter_next(&members))) {
		if (yyjson_get_len(key) != len || strncasecmp(yyjson_get_str(key), name, len) != 0)
			continue;
		key = yyjson_obj_iter_get_val(key);
		return yyjson_is_null(key) ? NULL : key;
	}
	return NULL;
}

static int refuse(const char *name, const char *takes, yyjson_val *v, struct err *err)
{
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "'%s' takes %s, not %s", name, takes, yyjson_get_type_desc(v));
}

static bool number_of(yyjson_val *v, uint64_t *ret)
{
	struct span text;

	*ret = 0;
	if (yyjson_is_uint(v)) {
		*ret = yyjson_get_uint(v);
		return true;
	}
	if (!yyjson_is_str(v))
		return false;
	text = json_body_text(v);
	for (size_t i = 0; i < text.len && text.len <= DIGITS_MAX; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*ret = *ret * 10 + (uint64_t)(text.p[i] - '0');
	}
	return text.len > 0 && text.len <= DIGITS_MAX;
}

int json_body_number(yyjson_val *object, const char *name, uint64_t max, uint64_t fallback, uint64_t *ret,
		     struct err *err)
{
	yyjson_val *v = json_body_member(object, name);

	*ret = fallback;
	if (!v)
		return 0;
	if (!number_of(v, ret))
		return refuse(name, "a whole number from 0 on", v, err);
	if (*ret <= max)
		return 0;
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "'%s' is at most %llu", name, (unsigned long long)max);
}

int json_body_string(yyjson_val *object, const char *name, struct span *ret, struct err *err)
{
	yyjson_val *v = json_body_member(object, name);

	*ret = v ? json_body_text(v) : span_of(NULL, 0);
	return !v || yyjson_is_str(v) ? 0 : refuse(name, "a string", v, err);
}

int json_body_object(yyjson_val *object, const char *name, yyjson_val **ret, struct err *err)
{
	*ret = json_body_member(object, name);
	return !*ret || yyjson_is_obj(*ret) ? 0 : refuse(name, "an object", *ret, err);
}
