/* JSON within strings: secrets are looked for first, then it is written as a record would have it, if one would. */
#include "codec/keepnet_told.h"

#include "codec/json_text.h"
#include "codec/keepnet_priv.h"
#include "codec/limits.h"
#include "codec/record_priv.h"
#include "codec/row_format.h"

#define SOURCE_PADDING 64u /* bytes behind a text that the writer may read */

/* ---- reading ---- */

/* Parses a copy in place, as the parser of events does. */
static yyjson_doc *read_json(struct span text, struct buf *source)
{
	static const uint8_t padding[SOURCE_PADDING];

	buf_reset(source);
	buf_put_span(source, text);
	buf_put(source, padding, sizeof(padding));
	if (!buf_ok(source))
		return NULL;
	return yyjson_read_opts((char *)source->p, text.len, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, NULL,
				NULL);
}

/* Appends a value as a record has it; nothing when a record cannot have it, or had better not. */
static void put_canonical(yyjson_val *v, size_t source_len, struct buf *to)
{
	size_t room = record__room(source_len);
	uint8_t *start = source_len <= KEEPNET_APART_BYTES_MAX ? buf_room(to, room) : NULL;
	struct record_writer w = {.p = start, .depth = 1};
	struct err err = ERR_INIT;

	w.err = &err;
	if (!start || record__write_value(&w, v) < 0 || w.values > KEEPNET_APART_VALUES_MAX)
		return;
	must((size_t)(w.p - start) <= room);
	buf_commit(to, (size_t)(w.p - start));
}

/* ---- secrets ---- */

static bool is_bare(yyjson_val *v)
{
	return !yyjson_is_null(v) && !(yyjson_is_str(v) && keepnet__is_masked(row_string(v)));
}

/* Whether the object is a change of a secret. */
static bool is_of_secret(yyjson_val *object)
{
	yyjson_val *property = yyjson_obj_get(object, "PropertyName");

	return yyjson_is_str(property) && keepnet__is_secret(row_string(property));
}

/* Whether a member's value is to be masked: it is a secret's, or a side of a change of one. */
static bool must_mask(bool is_change_of_secret, struct span name, yyjson_val *value)
{
	bool is_side = span_eq_str(name, "OldValue") || span_eq_str(name, "NewValue");

	return is_bare(value) && (keepnet__is_secret(name) || (is_side && is_change_of_secret));
}

struct secrets {
	unsigned count;
	bool is_too_deep;
	struct buf *to; /* the JSON with its secrets masked; NULL: they are only counted */
};

static void walk(struct secrets *s, yyjson_val *v, unsigned depth);

static void put_str(const struct secrets *s, const char *text)
{
	if (s->to)
		buf_put_str(s->to, text);
}

static void walk_object(struct secrets *s, yyjson_val *object, unsigned depth)
{
	bool is_change_of_secret = is_of_secret(object); /* looked for once: an object may have very many members */
	const char *separator = "{";
	yyjson_obj_iter members;
	yyjson_val *key;

	yyjson_obj_iter_init(object, &members);
	while ((key = yyjson_obj_iter_next(&members))) {
		put_str(s, separator);
		separator = ",";
		if (s->to)
			json_text_string(s->to, row_string(key));
		put_str(s, ":");
		if (must_mask(is_change_of_secret, row_string(key), yyjson_obj_iter_get_val(key))) {
			s->count++;
			put_str(s, "\"" KEEPNET_MASK "\"");
		} else {
			walk(s, yyjson_obj_iter_get_val(key), depth + 1);
		}
	}
	put_str(s, separator[0] == '{' ? "{}" : "}");
}

static void walk_array(struct secrets *s, yyjson_val *array, unsigned depth)
{
	const char *separator = "[";
	yyjson_arr_iter items;
	yyjson_val *item;

	yyjson_arr_iter_init(array, &items);
	while ((item = yyjson_arr_iter_next(&items))) {
		put_str(s, separator);
		separator = ",";
		walk(s, item, depth + 1);
	}
	put_str(s, separator[0] == '[' ? "[]" : "]");
}

static void walk(struct secrets *s, yyjson_val *v, unsigned depth)
{
	if (yyjson_is_ctn(v) && depth == KEEPNET_DEPTH_MAX)
		s->is_too_deep = true;
	else if (yyjson_is_obj(v))
		walk_object(s, v, depth);
	else if (yyjson_is_arr(v))
		walk_array(s, v, depth);
	else if (s->to)
		row_put_yyjson(s->to, v);
}

/* ---- all of it ---- */

int keepnet__told_read(struct span text, struct keepnet_told *ret, struct err *err)
{
	struct secrets secrets = {0};

	*ret = (struct keepnet_told)KEEPNET_TOLD_INIT;
	ret->doc = read_json(text, &ret->source);
	walk(&secrets, yyjson_doc_get_root(ret->doc), 0);
	if (secrets.is_too_deep)
		return err_set(err, E_TOO_LARGE, "the JSON in it is nested deeper than %u levels", KEEPNET_DEPTH_MAX);
	if (secrets.count > 0) {
		secrets.to = &ret->text;
		walk(&secrets, yyjson_doc_get_root(ret->doc), 0);
		yyjson_doc_free(ret->doc);
		ret->doc = read_json(buf_span(&ret->text), &ret->source);
	} else {
		buf_put_span(&ret->text, text);
	}
	if (ret->doc)
		put_canonical(yyjson_doc_get_root(ret->doc), ret->text.len, &ret->canonical);
	if (!buf_ok(&ret->text) || !buf_ok(&ret->source) || !buf_ok(&ret->canonical))
		return err_set(err, E_NO_MEMORY, "not enough memory for an event");
	return 0;
}

void keepnet__told_release(struct keepnet_told *t)
{
	yyjson_doc_free(t->doc);
	buf_release(&t->text);
	buf_release(&t->canonical);
	buf_release(&t->source);
	t->doc = NULL;
}

/* ---- changes ---- */

/* A text or null; one that is missing is as null. */
static bool is_side(yyjson_val *v)
{
	return !v || yyjson_is_str(v) || yyjson_is_null(v);
}

static bool is_change(yyjson_val *change)
{
	return yyjson_is_str(yyjson_obj_get(change, "PropertyName")) && is_side(yyjson_obj_get(change, "OldValue")) &&
	       is_side(yyjson_obj_get(change, "NewValue"));
}

static bool is_list_of_changes(yyjson_val *list)
{
	yyjson_arr_iter items;
	yyjson_val *item;

	if (!yyjson_is_arr(list))
		return false;
	yyjson_arr_iter_init(list, &items);
	while ((item = yyjson_arr_iter_next(&items))) {
		if (!is_change(item))
			return false;
	}
	return true;
}

/* In the order of the list; a property that is listed twice is there twice. */
static void put_side(yyjson_val *list, const char *which, struct buf *to)
{
	const char *separator = "{";
	yyjson_arr_iter items;
	yyjson_val *item, *side;

	yyjson_arr_iter_init(list, &items);
	while ((item = yyjson_arr_iter_next(&items))) {
		side = yyjson_obj_get(item, which);
		if (!yyjson_is_str(side))
			continue;
		buf_put_str(to, separator);
		separator = ",";
		json_text_string(to, row_string(yyjson_obj_get(item, "PropertyName")));
		buf_put_u8(to, ':');
		json_text_string(to, row_string(side));
	}
	buf_put_str(to, separator[0] == '{' ? "{}" : "}");
}

bool keepnet__told_changes(const struct keepnet_told *t, const char *which, struct buf *to)
{
	yyjson_val *list = yyjson_doc_get_root(t->doc);
	struct buf side = BUF_INIT, source = BUF_INIT;
	yyjson_doc *doc;

	if (t->canonical.len == 0 || !is_list_of_changes(list))
		return false;
	put_side(list, which, &side);
	doc = read_json(buf_span(&side), &source);
	if (doc)
		put_canonical(yyjson_doc_get_root(doc), side.len, to);
	to->failed = to->failed || !buf_ok(&side) || !buf_ok(&source);
	yyjson_doc_free(doc);
	buf_release(&source);
	buf_release(&side);
	return to->len > 0;
}
