/* A record taken apart by yyjson into (path, kind, text): the twin of cutting it by its shape. Include after cmocka.h.
 */
#ifndef STELE_TESTS_CODEC_NAIVE_RECORD_H
#define STELE_TESTS_CODEC_NAIVE_RECORD_H

#include <stdlib.h>
#include <yyjson.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/shape.h"

struct naive_value {
	size_t path, path_len; /* in naive.text */
	size_t text, text_len;
	uint32_t row;
	bool is_string;
};

struct naive {
	struct buf text;
	struct naive_value *value;
	size_t count, cap;
};

static inline void naive_release(struct naive *x)
{
	buf_release(&x->text);
	free(x->value);
	memset(x, 0, sizeof(*x));
}

static inline struct span naive_path(const struct naive *x, const struct naive_value *v)
{
	must(x->text.p);
	return span_of(x->text.p + v->path, v->path_len);
}

static inline struct span naive_text(const struct naive *x, const struct naive_value *v)
{
	must(x->text.p);
	return span_of(x->text.p + v->text, v->text_len);
}

static inline void naive_put_json(struct buf *to, yyjson_val *v)
{
	size_t i, max;
	yyjson_val *key, *item;

	if (yyjson_is_raw(v)) {
		buf_put(to, yyjson_get_raw(v), yyjson_get_len(v));
	} else if (yyjson_is_str(v)) {
		json_text_string(to, span_of(yyjson_get_str(v), yyjson_get_len(v)));
	} else if (yyjson_is_arr(v)) {
		buf_put_u8(to, '[');
		yyjson_arr_foreach(v, i, max, item)
		{
			buf_put_str(to, i ? "," : "");
			naive_put_json(to, item);
		}
		buf_put_u8(to, ']');
	} else if (yyjson_is_obj(v)) {
		buf_put_u8(to, '{');
		yyjson_obj_foreach(v, i, max, key, item)
		{
			buf_put_str(to, i ? "," : "");
			naive_put_json(to, key);
			buf_put_u8(to, ':');
			naive_put_json(to, item);
		}
		buf_put_u8(to, '}');
	} else {
		buf_put_str(to, yyjson_is_null(v) ? "null" : yyjson_is_true(v) ? "true" : "false");
	}
}

static inline void naive_leaf(struct naive *x, yyjson_val *v, struct span path, uint32_t row)
{
	struct naive_value *to;

	if (x->count == x->cap) {
		x->cap = x->cap ? 2 * x->cap : 256;
		x->value = xrealloc(x->value, x->cap * sizeof(*x->value));
	}
	to = &x->value[x->count++];
	*to = (struct naive_value){.row = row, .is_string = yyjson_is_str(v), .path = x->text.len};
	buf_put_span(&x->text, path);
	to->path_len = path.len;
	to->text = x->text.len;
	if (to->is_string)
		json_text_escape(&x->text, span_of(yyjson_get_str(v), yyjson_get_len(v)));
	else
		naive_put_json(&x->text, v);
	to->text_len = x->text.len - to->text;
}

static inline void naive_object(struct naive *x, yyjson_val *object, struct buf *path, uint32_t row)
{
	size_t i, max, before = path->len;
	yyjson_val *key, *v;

	yyjson_obj_foreach(object, i, max, key, v)
	{
		path->len = before;
		json_text_escape(path, span_of(yyjson_get_str(key), yyjson_get_len(key)));
		if (yyjson_is_obj(v) && yyjson_obj_size(v)) {
			buf_put_u8(path, SHAPE_PATH_SEP);
			naive_object(x, v, path, row);
		} else {
			naive_leaf(x, v, buf_span(path), row);
		}
	}
	path->len = before;
}

static inline void naive_record(struct naive *x, struct span record, uint32_t row)
{
	yyjson_doc *doc = yyjson_read((const char *)record.p, record.len, YYJSON_READ_NUMBER_AS_RAW);
	struct buf path = BUF_INIT;

	assert_non_null(doc);
	naive_object(x, yyjson_doc_get_root(doc), &path, row);
	buf_release(&path);
	yyjson_doc_free(doc);
}

static inline int naive_compare_column(const struct naive *x, const struct naive_value *v, struct span path,
				       bool is_string)
{
	int c = span_cmp(naive_path(x, v), path);

	return c ? c : (int)v->is_string - (int)is_string;
}

static inline int naive_compare(const void *a, const void *b, void *user)
{
	const struct naive *x = user;
	const struct naive_value *v = a, *w = b;
	int c = naive_compare_column(x, v, naive_path(x, w), w->is_string);

	return c ? c : (v->row > w->row) - (v->row < w->row);
}

static inline void naive_sort(struct naive *x)
{
	if (x->count)
		qsort_r(x->value, x->count, sizeof(*x->value), naive_compare, x);
}

/* The first value of a column; x->count when there is none. */
static inline size_t naive_find(const struct naive *x, struct span path, bool is_string)
{
	size_t low = 0, high = x->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (naive_compare_column(x, &x->value[middle], path, is_string) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < x->count && naive_compare_column(x, &x->value[low], path, is_string) == 0 ? low : x->count;
}

#endif
