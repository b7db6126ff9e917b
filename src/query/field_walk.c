/*
 * A walk over canonical JSON to the values of several fields at once. At each value two sets of fields matter: those
 * whose path ends here, and those whose path goes on below; a value in which no field has an interest is skipped.
 */
#include "base/mem.h"
#include "codec/limits.h"
#include "query/field_priv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Deeper than any record; what is deeper is no record. */
#define WALK_DEPTH_MAX (RECORD_DEPTH_MAX + 4)

struct walk {
	const struct field *fields;
	uint32_t count;
	uint32_t number; /* of the first field, for `visit` */
	const uint8_t *end;
	field_value_fn *visit;
	void *user;
	unsigned level; /* open containers */
};

_Static_assert(FIELDS_MAX <= 32, "a set of fields is a uint32_t");

/* Each function takes where a value begins and returns what is behind it; NULL when the walk is over. */

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
			if (depth == 0)
				return NULL;
			depth--;
			p++;
		} else if (*p == ',' || *p == ':') {
			p++;
		} else {
			p = find_scalar_end(p, w->end);
		}
	} while (depth > 0 && p < w->end);
	return p;
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

static bool visit_all(const struct walk *w, uint32_t here, struct span text, bool is_string)
{
	for (; here; here &= here - 1)
		if (!w->visit(w->user, w->number + (uint32_t)__builtin_ctz(here), text, is_string))
			return false;
	return true;
}

static const uint8_t *walk_scalar(const struct walk *w, const uint8_t *p, uint32_t here)
{
	const uint8_t *end;

	if (*p == '"') {
		end = find_quote(p + 1, w->end);
		if (!end || !visit_all(w, here, span_of(p + 1, (size_t)(end - p - 1)), true))
			return NULL;
		return end + 1;
	}
	end = find_scalar_end(p, w->end);
	if (end == p || (*p != 'n' && !visit_all(w, here, span_of(p, (size_t)(end - p)), false)))
		return NULL;
	return end;
}

static const uint8_t *walk_value(struct walk *w, const uint8_t *p, uint32_t here, uint32_t below, uint32_t depth);

/* The fields of `below` that the member `name` leads to; those it ends are in *ret_here. */
static uint32_t fields_of_member(const struct walk *w, struct span name, uint32_t below, uint32_t depth,
				 uint32_t *ret_here)
{
	uint32_t further = 0;

	*ret_here = 0;
	for (uint32_t left = below; left; left &= left - 1) {
		const struct field *f = &w->fields[__builtin_ctz(left)];

		if (!span_eq(f->name[depth], name))
			continue;
		if (f->name_count == depth + 1)
			*ret_here |= left & -left;
		else
			further |= left & -left;
	}
	return further;
}

/* Once each field of the record's own members was met, the rest is of no interest. */
static const uint8_t *walk_members(struct walk *w, const uint8_t *p, uint32_t below, uint32_t depth)
{
	bool ends = w->end - p >= 2 && p[1] == '}';
	uint32_t left = below, here, further;
	struct span name;

	p += ends ? 2 : 1;
	while (!ends) {
		p = read_name(w, p, &name);
		if (!p || p >= w->end)
			return NULL;
		further = fields_of_member(w, name, left, depth, &here);
		left &= ~(further | here);
		p = further | here ? walk_value(w, p, here, further, depth + 1) : skip_value(w, p);
		if (left == 0 && w->level == 1)
			return NULL;
		p = next_item(w, p, &ends);
		if (!p)
			return NULL;
	}
	return p;
}

static const uint8_t *walk_elements(struct walk *w, const uint8_t *p, uint32_t here, uint32_t below, uint32_t depth)
{
	bool ends = w->end - p >= 2 && p[1] == ']';

	p += ends ? 2 : 1;
	while (!ends) {
		if (p >= w->end)
			return NULL;
		p = next_item(w, walk_value(w, p, here, below, depth), &ends);
		if (!p)
			return NULL;
	}
	return p;
}

static const uint8_t *walk_value(struct walk *w, const uint8_t *p, uint32_t here, uint32_t below, uint32_t depth)
{
	bool is_object = *p == '{', is_array = *p == '[';

	if (is_object ? below == 0 : is_array && (here | below) == 0)
		return skip_value(w, p);
	if (!is_object && !is_array)
		return walk_scalar(w, p, here);
	if (++w->level > WALK_DEPTH_MAX)
		return NULL;
	p = is_object ? walk_members(w, p, below, depth) : walk_elements(w, p, here, below, depth);
	w->level--;
	return p;
}

void field__walk_record(const struct field *fields, uint32_t count, struct span record, field_value_fn *visit,
			void *user)
{
	struct walk w = {fields, count, 0, record.p + record.len, visit, user, 0};

	if (record.len > 0 && record.p[0] == '{' && count > 0)
		walk_value(&w, record.p, 0, UINT32_MAX >> (32 - count), 0);
}

void field__walk_value(const struct field *field, uint32_t number, const struct field_column *c, struct span value,
		       field_value_fn *visit, void *user)
{
	struct walk w = {field, 1, number, value.p + value.len, visit, user, 1};
	bool is_here = c->depth == field->name_count;

	if (c->is_string) {
		visit(user, number, value, true);
		return;
	}
	if (value.len == 0)
		return;
	if (c->is_record)
		w.level = 0;
	walk_value(&w, value.p, is_here, !is_here, c->depth);
}
