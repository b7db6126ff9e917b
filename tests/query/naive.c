#include "naive.h"

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/shape.h"
#include "codec/timestamp.h"

void naive_init(struct naive *n, uint64_t first, const struct span *records, uint32_t count)
{
	*n = (struct naive){first, count, xarray(count, sizeof(yyjson_doc *)), records};
	for (uint32_t i = 0; i < count; i++) {
		n->doc[i] = yyjson_read((const char *)records[i].p, records[i].len, YYJSON_READ_NUMBER_AS_RAW);
		must(n->doc[i]);
	}
}

void naive_release(struct naive *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		yyjson_doc_free(n->doc[i]);
	free(n->doc);
}

/* ---- all values ---- */

static struct span text_of(yyjson_val *v)
{
	if (yyjson_is_bool(v))
		return yyjson_get_bool(v) ? SPAN_LIT("true") : SPAN_LIT("false");
	if (yyjson_is_raw(v))
		return span_of(yyjson_get_raw(v), yyjson_get_len(v));
	return span_of(yyjson_get_str(v), yyjson_get_len(v));
}

/* Whether any value in `v` matches, or at a path in it. */
static bool any_value(const struct query_node *n, yyjson_val *v, struct span *name, uint32_t names)
{
	yyjson_val *key, *item;
	size_t i, max;

	if (yyjson_is_arr(v)) {
		yyjson_arr_foreach(v, i, max, item)
		{
			if (any_value(n, item, name, names))
				return true;
		}
	} else if (yyjson_is_obj(v)) {
		yyjson_obj_foreach(v, i, max, key, item)
		{
			if (names > 0 && !span_eq(text_of(key), name[0]))
				continue;
			if (any_value(n, item, name + 1, names ? names - 1 : 0))
				return true;
		}
	} else if (names == 0 && !yyjson_is_null(v)) {
		return naive_test_value(n, text_of(v));
	}
	return false;
}

/* The names of a path, unescaped into `to`, which keeps their bytes. */
static uint32_t split_path(struct span path, struct span *name, struct buf *to)
{
	size_t len[64], at = 0;
	uint32_t n = 0;

	for (size_t i = 0, from = 0; i <= path.len && n < 64; i++) {
		if (i < path.len && path.p[i] != SHAPE_PATH_SEP)
			continue;
		len[n] = to->len;
		json_text_unescape(to, span_of(path.p + from, i - from));
		len[n] = to->len - len[n];
		n++;
		from = i + 1;
	}
	for (uint32_t k = 0; k < n; at += len[k++])
		name[k] = span_of(to->p + at, len[k]);
	return n;
}

static bool any_text(const struct query_node *n, yyjson_val *record)
{
	yyjson_val *key, *item;
	size_t i, max;

	yyjson_obj_foreach(record, i, max, key, item)
	{
		if (yyjson_equals_str(key, "id") || yyjson_equals_str(key, "time") ||
		    yyjson_equals_str(key, "received"))
			continue;
		if (any_value(n, item, NULL, 0))
			return true;
	}
	return false;
}

static bool leaf_matches(const struct query_node *n, yyjson_val *record)
{
	struct span name[64];
	struct buf plain = BUF_INIT;
	uint32_t names;
	bool found;

	if (n->path.len == 0)
		return any_text(n, record);
	names = split_path(n->path, name, &plain);
	found = any_value(n, record, name, names);
	buf_release(&plain);
	return found;
}

bool naive_matches(const struct query_node *n, yyjson_doc *record)
{
	bool all = true, any = false;

	for (uint32_t k = 0; k < n->child_count; k++) {
		bool one = naive_matches(n->child[k], record);

		all = all && one;
		any = any || one;
	}
	switch (n->kind) {
	case QUERY_ALL:
		return true;
	case QUERY_AND:
		return all;
	case QUERY_OR:
		return any;
	case QUERY_NOT:
		return !any;
	default:
		return leaf_matches(n, yyjson_doc_get_root(record));
	}
}

/* ---- the search ---- */

static bool is_wanted(const struct naive *n, uint32_t i, const struct search_request *r)
{
	yyjson_val *time = yyjson_obj_get(yyjson_doc_get_root(n->doc[i]), "time");
	int64_t us;

	must(timestamp_parse_canonical((const uint8_t *)yyjson_get_str(time), &us));
	return n->first + i < r->size && (r->from_us == INT64_MIN || us >= r->from_us) &&
	       (r->to_us == INT64_MAX || us < r->to_us) && naive_matches(query_root(r->query), n->doc[i]);
}

void naive_search(const struct naive *n, const struct search_request *r, struct naive_answer *ret)
{
	ret->count = 0;
	ret->more = false;
	ret->total = 0;
	for (uint32_t k = 0; k < n->count; k++) {
		uint32_t i = r->oldest_first ? k : n->count - 1 - k;
		uint64_t index = n->first + i;
		bool is_behind = r->after == UINT64_MAX || (r->oldest_first ? index > r->after : index < r->after);

		if (!is_wanted(n, i, r))
			continue;
		ret->total++;
		if (is_behind && ret->count == r->limit)
			ret->more = true;
		else if (is_behind)
			ret->index[ret->count++] = index;
	}
}
