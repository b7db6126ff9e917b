/*
 * A walk over canonical JSON text: no blanks, no escapes in a record but those it must have, so that members are found
 * by comparing bytes and values are looked at where they lie. A walk ends with the first value that matches.
 */
#include "query/match_priv.h"

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/shape.h"
#include "codec/token.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Deeper than any record; what is deeper is no record. */
#define WALK_DEPTH_MAX (RECORD_DEPTH_MAX + 4)

#define PATTERN_SHOWN_MAX 80u /* of a regular expression in an error */

struct walk {
	const struct query_node *leaf;
	const uint8_t *end;
	struct match_scratch *scratch;
	bool found;
};

/* ---- values ---- */

static bool contains(const struct query_node *leaf, struct span text)
{
	return token_contains_phrase(text, leaf->word, leaf->word_count, leaf->last_is_prefix) ||
	       (leaf->form.len && token_contains_phrase(text, &leaf->form, 1, true));
}

/* A value as plain text. */
static bool test_text(const struct query_node *leaf, struct span text, struct match_scratch *scratch)
{
	switch (leaf->kind) {
	case QUERY_PHRASE:
		return contains(leaf, text);
	case QUERY_GLOB:
		return match__glob(leaf->value, text);
	case QUERY_REGEX:
		return match__regex(leaf, text, scratch);
	case QUERY_NUMBERS:
	case QUERY_ADDRESSES:
	case QUERY_TIMES:
		return match__range(leaf, text);
	default:
		break;
	}
	buf_reset(&scratch->folded);
	token_fold(&scratch->folded, text);
	must(buf_ok(&scratch->folded)); /* no longer than the value, which is bounded */
	text = buf_span(&scratch->folded);
	return leaf->kind == QUERY_WILDCARD ? match__words(leaf, text) : match__range(leaf, text);
}

bool match__string(const struct query_node *leaf, struct span inside, struct match_scratch *scratch)
{
	switch (leaf->kind) {
	case QUERY_EXISTS:
		return true;
	case QUERY_EXACT: /* a text has one escaped form */
		return span_eq(inside, leaf->needle);
	default:
		break;
	}
	if (!needle_find(inside, leaf->needle))
		return false;
	if (!inside.len || !memchr(inside.p, '\\', inside.len))
		return test_text(leaf, inside, scratch);
	buf_reset(&scratch->text);
	json_text_unescape(&scratch->text, inside);
	must(buf_ok(&scratch->text)); /* no longer than the value */
	return test_text(leaf, buf_span(&scratch->text), scratch);
}

/* A number, true, false or null. */
static bool match_scalar(const struct query_node *leaf, struct span json, struct match_scratch *scratch)
{
	if (json.len == 0 || json.p[0] == 'n')
		return false;
	if (leaf->kind == QUERY_EXISTS)
		return true;
	return leaf->kind == QUERY_EXACT ? span_eq(json, leaf->needle) : test_text(leaf, json, scratch);
}

/* ---- the walk ----
 * Each function takes where a value begins and returns what is behind it; NULL when the walk is over: a value matched,
 * or the bytes are no record. */

/* The closing quote of the string whose inside begins at p. */
static inline const uint8_t *find_quote(const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p += 2) {
#ifdef __SSE2__
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

static const uint8_t *find_scalar_end(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p != ',' && *p != '}' && *p != ']')
		p++;
	return p;
}

static const uint8_t *skip_value(const struct walk *w, const uint8_t *p)
{
	size_t depth = 0;

	do {
		if (*p == '"') {
			p = find_quote(p + 1, w->end);
			if (!p)
				return NULL;
			p++;
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']') {
			depth--;
			p++;
		} else if (*p == ',' || *p == ':') {
			p++;
		} else {
			p = find_scalar_end(p, w->end);
		}
	} while (depth > 0 && p < w->end);
	return p < w->end ? p : NULL;
}

/* Reads `"name":` at p. */
static const uint8_t *read_name(const struct walk *w, const uint8_t *p, struct span *ret_name)
{
	const uint8_t *quote = p < w->end && *p == '"' ? find_quote(p + 1, w->end) : NULL;

	if (!quote || w->end - quote < 3 || quote[1] != ':')
		return NULL;
	*ret_name = span_of(p + 1, (size_t)(quote - p - 1));
	return quote + 2;
}

/* Over an element: to the next one, or behind the bracket that closes. */
static const uint8_t *next_item(const struct walk *w, const uint8_t *p, bool *ret_ends)
{
	if (!p || p >= w->end)
		return NULL;
	*ret_ends = *p != ',';
	return p + 1;
}

static const uint8_t *walk_any(struct walk *w, const uint8_t *p, unsigned depth);

static const uint8_t *walk_items(struct walk *w, const uint8_t *p, bool is_object, unsigned depth)
{
	bool ends = w->end - p >= 2 && (p[1] == ']' || p[1] == '}');
	struct span name;

	p += ends ? 2 : 1;
	while (!ends) {
		if (is_object)
			p = read_name(w, p, &name);
		if (!p || p >= w->end)
			return NULL;
		p = next_item(w, walk_any(w, p, depth + 1), &ends);
		if (!p)
			return NULL;
	}
	return p;
}

/* Every value counts. */
static const uint8_t *walk_any(struct walk *w, const uint8_t *p, unsigned depth)
{
	const uint8_t *end;

	if (depth > WALK_DEPTH_MAX)
		return NULL;
	if (*p == '{' || *p == '[')
		return walk_items(w, p, *p == '{', depth);
	if (*p == '"') {
		end = find_quote(p + 1, w->end);
		if (!end)
			return NULL;
		w->found = match__string(w->leaf, span_of(p + 1, (size_t)(end - p - 1)), w->scratch);
		end++;
	} else {
		end = find_scalar_end(p, w->end);
		w->found = match_scalar(w->leaf, span_of(p, (size_t)(end - p)), w->scratch);
	}
	return w->found ? NULL : end;
}

/* Splits a path's first name off. */
static struct span first_name(struct span path, struct span *ret_rest, bool *ret_is_last)
{
	const uint8_t *sep = path.len ? memchr(path.p, SHAPE_PATH_SEP, path.len) : NULL;
	size_t len = sep ? (size_t)(sep - path.p) : path.len;

	*ret_is_last = !sep;
	*ret_rest = sep ? span_from(path, len + 1) : span_of(NULL, 0);
	return span_of(path.p, len);
}

static const uint8_t *walk_path(struct walk *w, const uint8_t *p, struct span path, unsigned depth);

static const uint8_t *walk_member(struct walk *w, const uint8_t *p, struct span path, unsigned depth)
{
	bool ends = w->end - p >= 2 && p[1] == '}', is_last;
	struct span rest, name, wanted = first_name(path, &rest, &is_last);

	p += ends ? 2 : 1;
	while (!ends) {
		p = read_name(w, p, &name);
		if (!p || p >= w->end)
			return NULL;
		if (!span_eq(name, wanted))
			p = skip_value(w, p);
		else
			p = is_last ? walk_any(w, p, depth + 1) : walk_path(w, p, rest, depth + 1);
		p = next_item(w, p, &ends);
		if (!p)
			return NULL;
	}
	return p;
}

/* Only what lies at `path` counts; arrays on the way are gone through. */
static const uint8_t *walk_path(struct walk *w, const uint8_t *p, struct span path, unsigned depth)
{
	bool ends;

	if (depth > WALK_DEPTH_MAX)
		return NULL;
	if (*p == '{')
		return walk_member(w, p, path, depth);
	if (*p != '[')
		return skip_value(w, p);
	ends = w->end - p >= 2 && p[1] == ']';
	p += ends ? 2 : 1;
	while (!ends) {
		if (p >= w->end)
			return NULL;
		p = next_item(w, walk_path(w, p, path, depth + 1), &ends);
		if (!p)
			return NULL;
	}
	return p;
}

static bool is_server_member(struct span name)
{
	return span_eq_str(name, "id") || span_eq_str(name, "time") || span_eq_str(name, "received");
}

/* All text of a record. */
static void walk_text(struct walk *w, const uint8_t *p)
{
	bool ends = w->end - p < 2 || p[1] == '}';
	struct span name;

	for (p++; !ends;) {
		p = read_name(w, p, &name);
		if (!p || p >= w->end)
			return;
		p = next_item(w, is_server_member(name) ? skip_value(w, p) : walk_any(w, p, 1), &ends);
		if (!p)
			return;
	}
}

bool match__json(const struct query_node *leaf, struct span json, const struct span *rest,
		 struct match_scratch *scratch)
{
	struct walk w = {leaf, json.p + json.len, scratch, false};

	if (json.len == 0)
		return false;
	if (!rest)
		walk_any(&w, json.p, 0);
	else if (json.p[0] == '[')
		walk_path(&w, json.p, *rest, 0);
	return w.found;
}

bool match__record(const struct query_node *leaf, struct span record, struct match_scratch *scratch)
{
	struct walk w = {leaf, record.p + record.len, scratch, false};

	if (record.len == 0 || record.p[0] != '{' || !needle_find(record, leaf->needle))
		return false;
	if (leaf->path.len == 0)
		walk_text(&w, record.p);
	else
		walk_member(&w, record.p, leaf->path, 0);
	return w.found;
}

void match__release(struct match_scratch *s)
{
	buf_release(&s->text);
	buf_release(&s->folded);
	match__release_regex(s->regex);
	*s = (struct match_scratch){0};
}

int match__fail_late(struct err *err)
{
	return err_set(err, E_TIMEOUT,
		       "the search was given up after %d s; narrow the period, name a field, or look for whole words",
		       SCAN_SECONDS_MAX);
}

int match__check(const struct match_scratch *s, struct err *err)
{
	const size_t shown = s->failed.len < PATTERN_SHOWN_MAX ? s->failed.len : PATTERN_SHOWN_MAX;

	if (s->failure == 0)
		return 0;
	if (s->failure == E_NO_MEMORY)
		return err_set(err, E_NO_MEMORY, "not enough memory for a regular expression");
	if (s->failure == E_TIMEOUT)
		return match__fail_late(err);
	err_set_field(err, "query", 5);
	return err_set(err, s->failure,
		       "the regular expression /%.*s%s/ takes too many steps on a value, over %u from one place; write "
		       "it with fewer repetitions within repetitions",
		       (int)shown, (const char *)s->failed.p, shown < s->failed.len ? "…" : "", REGEX_STEPS_MAX);
}

/* ---- trees ---- */

static bool matches(const struct query_node *n, struct span record, struct match_scratch *scratch)
{
	bool any = n->kind == QUERY_OR;

	switch (n->kind) {
	case QUERY_ALL:
		return true;
	case QUERY_NOT:
		return !matches(n->child[0], record, scratch);
	case QUERY_AND:
	case QUERY_OR:
		for (uint32_t k = 0; k < n->child_count; k++)
			if (matches(n->child[k], record, scratch) == any)
				return any;
		return !any;
	default:
		return match__record(n, record, scratch);
	}
}

bool query_matches(const struct query_node *n, struct span record)
{
	struct match_scratch scratch = {0};
	bool found = matches(n, record, &scratch);

	match__release(&scratch);
	return found;
}
