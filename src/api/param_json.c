/* Members of a JSON object, taken in as parameters. Numbers keep the text they were written as. */
#include "api/param_json.h"

#include <string.h>

static struct span text_of(yyjson_val *v)
{
	return span_of(unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v));
}

/* What a member says as text; false when it is null, an array or an object. */
static bool take_value(yyjson_val *v, struct span *ret)
{
	if (yyjson_is_bool(v)) {
		*ret = yyjson_get_bool(v) ? SPAN_LIT("true") : SPAN_LIT("false");
		return true;
	}
	*ret = text_of(v);
	return yyjson_is_str(v) || yyjson_is_raw(v);
}

/* Joins the texts of an array with commas, in the memory of its first one: behind each there was at least its closing
 * quote, a comma and the next one's opening quote. False when an item is no text, or holds a comma itself. */
static bool join(yyjson_val *array, struct span *ret)
{
	yyjson_arr_iter items;
	yyjson_val *item;
	char *at = NULL;

	*ret = SPAN_LIT("");
	yyjson_arr_iter_init(array, &items);
	while ((item = yyjson_arr_iter_next(&items))) {
		struct span text = text_of(item);

		if (!yyjson_is_str(item) || (text.len > 0 && memchr(text.p, ',', text.len)))
			return false;
		if (!at) {
			at = (char *)(uintptr_t)text.p; /* the document is ours */
			ret->p = text.p;
		} else {
			*at++ = ',';
			memmove(at, text.p, text.len);
		}
		at += text.len;
		ret->len = (size_t)(at - (const char *)ret->p);
	}
	return true;
}

static int add_array(struct params *params, uint64_t allowed, struct span name, yyjson_val *array, struct err *err)
{
	struct span text;

	if (join(array, &text))
		return param_add(params, allowed, name, text, err);
	err_set_field(err, (const char *)name.p, name.len);
	return err_set(err, E_INVALID, "member '%.*s' is an array of texts without commas in them",
		       (int)(name.len < PARAM_SHOWN_MAX ? name.len : PARAM_SHOWN_MAX), (const char *)name.p);
}

static int add_member(struct params *params, uint64_t allowed, yyjson_val *name, yyjson_val *value, struct err *err)
{
	struct span named = text_of(name);
	struct span text;

	if (take_value(value, &text))
		return param_add(params, allowed, named, text, err);
	if (yyjson_is_arr(value) && param_is_list(named))
		return add_array(params, allowed, named, value, err);
	err_set_field(err, (const char *)named.p, named.len);
	return err_set(err, E_INVALID,
		       "member '%.*s' is %s; it takes a string, a number or a boolean, and is left out when it has "
		       "no value",
		       (int)(named.len < PARAM_SHOWN_MAX ? named.len : PARAM_SHOWN_MAX), (const char *)named.p,
		       yyjson_get_type_desc(value));
}

int param_add_json(struct params *params, uint64_t allowed, struct span text, yyjson_doc **ret_doc, struct err *err)
{
	yyjson_read_err problem;
	yyjson_val *name;
	yyjson_obj_iter members;
	int rc = 0;

	/* Without YYJSON_READ_INSITU the text is only read, though its type says otherwise. */
	*ret_doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.len, YYJSON_READ_NUMBER_AS_RAW, NULL, &problem);
	if (!*ret_doc) {
		if (err)
			err->offset = (int64_t)problem.pos;
		return err_set(err, E_SYNTAX, "the body is not a JSON object: %s", problem.msg);
	}
	if (!yyjson_is_obj(yyjson_doc_get_root(*ret_doc)))
		return err_set(err, E_INVALID, "the body is %s; it takes an object whose members are the parameters",
			       yyjson_get_type_desc(yyjson_doc_get_root(*ret_doc)));
	yyjson_obj_iter_init(yyjson_doc_get_root(*ret_doc), &members);
	while (rc == 0 && (name = yyjson_obj_iter_next(&members)))
		rc = add_member(params, allowed, name, yyjson_obj_iter_get_val(name), err);
	return rc;
}
