/* One walker over JSON text; it only looks for where values end. */
#include "codec/record_path.h"

#include "codec/limits.h"
#include "codec/shape.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Records are not nested deeper; other bytes may be. */
#define PATH_DEPTH_MAX (RECORD_DEPTH_MAX + 4)

/* The closing quote of the string whose inside begins at p; NULL: there is none. */
static const uint8_t *find_quote(const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p += 2) { /* over a backslash and what it escapes */
#if defined(__SSE2__)
		const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');

		for (; end - p >= 16; p += 16) {
			__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
			int hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));

			if (hit) {
				p += __builtin_ctz((unsigned)hit);
				break;
			}
		}
#endif
		while (p < end && *p != '"' && *p != '\\')
			p++;
		if (p < end && *p == '"')
			return p;
	}
	return NULL;
}

static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *quote = find_quote(p + 1, end);

	return quote ? quote + 1 : NULL;
}

/* Over an object or array: only strings can hold brackets that are none. */
static const uint8_t *skip_container(const uint8_t *p, const uint8_t *end)
{
	size_t depth = 0;

	do {
		if (*p == '"') {
			p = skip_string(p, end);
			if (!p)
				return NULL;
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (depth > 0 && p < end);
	return depth == 0 ? p : NULL;
}

/* What is behind the value at p; NULL when it has no end. */
static const uint8_t *skip_value(const uint8_t *p, const uint8_t *end)
{
	if (*p == '"')
		return skip_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_container(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']')
		p++;
	return p;
}

struct record_items record_items_of(struct span json)
{
	struct record_items it = {NULL, NULL, false};

	if (json.len < 3 || (json.p[0] != '{' && json.p[0] != '[')) /* the empty ones have two bytes */
		return it;
	it.is_object = json.p[0] == '{';
	it.at = json.p + 1;
	it.end = json.p + json.len;
	return it;
}

/* Reads `"name":` where the items stand; false when it is not there. */
static bool read_name(struct record_items *it, struct span *ret_name)
{
	const uint8_t *p = it->at;
	const uint8_t *quote = *p == '"' ? find_quote(p + 1, it->end) : NULL;

	if (!quote || it->end - quote < 3 || quote[1] != ':')
		return false;
	*ret_name = span_of(p + 1, (size_t)(quote - p - 1));
	it->at = quote + 2;
	return true;
}

bool record_items_next(struct record_items *it, struct span *ret_name, struct span *ret_json)
{
	const uint8_t *value, *behind;

	*ret_name = span_of(NULL, 0);
	if (!it->at || it->at >= it->end || (it->is_object && !read_name(it, ret_name)))
		return false;
	value = it->at;
	behind = skip_value(value, it->end);
	if (!behind || behind >= it->end || behind == value) /* a bracket follows at least */
		return false;
	it->at = *behind == ',' ? behind + 1 : NULL;
	*ret_json = span_of(value, (size_t)(behind - value));
	return true;
}

/* Cuts a path's first name off. */
static struct span first_name(struct span path, struct span *ret_rest, bool *ret_is_last)
{
	const uint8_t *sep = path.len ? memchr(path.p, SHAPE_PATH_SEP, path.len) : NULL;
	size_t len = sep ? (size_t)(sep - path.p) : path.len;

	*ret_is_last = !sep;
	*ret_rest = sep ? span_from(path, len + 1) : span_of(NULL, 0);
	return span_of(path.p, len);
}

/* A name stands once in an object. */
static bool find_member(struct span json, struct span wanted, struct span *ret_json)
{
	struct record_items it = record_items_of(json);
	struct span name;

	while (it.is_object && record_items_next(&it, &name, ret_json)) {
		if (span_eq(name, wanted))
			return true;
	}
	return false;
}

bool record_path_get(struct span record, struct span path, struct span *ret_json)
{
	struct span json = record, rest = path, found;
	bool is_last = false;

	while (!is_last) {
		struct span name = first_name(rest, &rest, &is_last);

		if (!find_member(json, name, &found))
			return false;
		json = found;
	}
	*ret_json = json;
	return true;
}

struct each {
	record_path_value_fn *fn;
	void *user;
};

/* False: the walk is over. */
static bool visit(const struct each *each, struct span json, struct span path, unsigned depth)
{
	struct span name, rest, found;
	bool is_last;

	if (depth > PATH_DEPTH_MAX || json.len == 0)
		return true;
	if (json.p[0] == '[') {
		struct record_items it = record_items_of(json);

		while (record_items_next(&it, &name, &found)) {
			if (!visit(each, found, path, depth + 1))
				return false;
		}
		return true;
	}
	name = first_name(path, &rest, &is_last);
	if (!find_member(json, name, &found))
		return true;
	return is_last ? each->fn(each->user, found) : visit(each, found, rest, depth + 1);
}

bool record_path_each(struct span record, struct span path, record_path_value_fn *fn, void *user)
{
	struct each each = {fn, user};

	return visit(&each, record, path, 0);
}
