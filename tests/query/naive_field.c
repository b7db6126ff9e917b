#include "naive_field.h"

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/shape.h"
#include "codec/timestamp.h"

static bool is_name(yyjson_val *key, struct span escaped)
{
	struct buf plain = BUF_INIT;
	bool is_same;

	json_text_unescape(&plain, escaped);
	is_same = span_eq(buf_span(&plain), span_of(yyjson_get_str(key), yyjson_get_len(key)));
	buf_release(&plain);
	return is_same;
}

static void add(struct naive_values *to, yyjson_val *v)
{
	struct span text;

	if (yyjson_is_null(v))
		return;
	if (yyjson_is_bool(v))
		text = yyjson_get_bool(v) ? SPAN_LIT("true") : SPAN_LIT("false");
	else if (yyjson_is_raw(v))
		text = span_of(yyjson_get_raw(v), yyjson_get_len(v));
	else
		text = span_of(yyjson_get_str(v), yyjson_get_len(v));
	must(to->count < NAIVE_VALUES_MAX);
	to->value[to->count].text = text;
	to->value[to->count++].is_number = yyjson_is_raw(v);
}

/* `is_end`: the path ends at v; else the rest of it lies below. */
static void collect(yyjson_val *v, struct span path, bool is_end, struct naive_values *to)
{
	const uint8_t *sep = path.len ? memchr(path.p, SHAPE_PATH_SEP, path.len) : NULL;
	size_t len = sep ? (size_t)(sep - path.p) : path.len, i, max;
	yyjson_val *key, *item;

	if (yyjson_is_arr(v)) {
		yyjson_arr_foreach(v, i, max, item) collect(item, path, is_end, to);
	} else if (yyjson_is_obj(v) && !is_end) {
		yyjson_obj_foreach(v, i, max, key, item)
		{
			if (is_name(key, span_of(path.p, len)))
				collect(item, sep ? span_from(path, len + 1) : span_of(NULL, 0), !sep, to);
		}
	} else if (is_end && !yyjson_is_obj(v)) {
		add(to, v);
	}
}

void naive_values(const struct naive *n, uint32_t i, struct span path, struct naive_values *ret)
{
	ret->count = 0;
	collect(yyjson_doc_get_root(n->doc[i]), path, false, ret);
}

int64_t naive_time(const struct naive *n, uint32_t i)
{
	yyjson_val *time = yyjson_obj_get(yyjson_doc_get_root(n->doc[i]), "time");
	int64_t us;

	must(timestamp_parse_canonical((const uint8_t *)yyjson_get_str(time), &us));
	return us;
}

bool naive_is_wanted(const struct naive *n, uint32_t i, const struct query *q, int64_t from_us, int64_t to_us)
{
	int64_t us = naive_time(n, i);

	return us >= from_us && (us < to_us || to_us == INT64_MAX) && naive_matches(query_root(q), n->doc[i]);
}
