/*
 * Learning a template from one value: first the longest values of the record's other columns are looked for in the text
 * and become references; in what is left, UUIDs, long hex runs and digit runs become holes; the rest is literal.
 * Longest first keeps "role" from being found inside "role-17" when both are columns.
 */
#include "base/err.h"
#include "codec/template_priv.h"

#define HEX_RUN_MIN 8u /* shorter runs of a-f and digits are words or numbers */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static size_t measure_digits(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *at = p;

	while (at < end && is_digit(*at))
		at++;
	return (size_t)(at - p);
}

static size_t measure_hex(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *at = p;

	while (at < end && is_hex(*at))
		at++;
	return (size_t)(at - p);
}

static bool starts_uuid(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? p[i] != '-' : !is_hex(p[i]))
			return false;
	}
	return end - p == 36 || !is_hex(p[36]);
}

/* A stretch of the text: taken by a reference, or still free. */
struct stretch {
	struct span text;
	int ref; /* -1: free */
};

struct stretches {
	struct stretch at[TEMPLATE_PARTS_MAX];
	size_t count;
};

/* The first occurrence of `value` that does not begin inside an escape: every part is to be a text of its own. */
static const uint8_t *find_value(struct span text, struct span value)
{
	const uint8_t *end = text.p + text.len, *from = text.p, *hit;

	while ((hit = memmem(from, (size_t)(end - from), value.p, value.len)) != NULL) {
		while (from < hit)
			from += *from != '\\' ? 1 : from[1] == 'u' ? 6 : 2;
		if (from == hit || from > end)
			break;
	}
	return from == hit ? hit : NULL;
}

/* Cuts the first occurrence of `value` out of free stretch k; false when it is not there or there is no room. */
static bool cut_stretch(struct stretches *st, size_t k, struct span value, int ref)
{
	struct span text = st->at[k].text;
	const uint8_t *hit = find_value(text, value);
	size_t before, behind, extra;

	if (!hit)
		return false;
	before = (size_t)(hit - text.p);
	behind = text.len - before - value.len;
	extra = (before > 0) + (behind > 0);
	if (st->count + extra > TEMPLATE_PARTS_MAX)
		return false;
	memmove(&st->at[k + 1 + extra], &st->at[k + 1], (st->count - k - 1) * sizeof(st->at[0]));
	st->count += extra;
	if (before)
		st->at[k++] = (struct stretch){span_of(text.p, before), -1};
	st->at[k++] = (struct stretch){value, ref};
	if (behind)
		st->at[k] = (struct stretch){span_of(hit + value.len, behind), -1};
	return true;
}

/* The candidates that have a value in record i, longest first. */
static size_t order_refs(const struct template_source *s, size_t i, size_t order[TEMPLATE_REFS_MAX])
{
	size_t n = 0;

	for (size_t k = 0; k < s->ref_count; k++) {
		size_t len = s->ref[k][i].p ? s->ref[k][i].len : 0, at = n;

		if (len < TEMPLATE_REF_MIN)
			continue;
		while (at > 0 && s->ref[order[at - 1]][i].len < len) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = k;
		n++;
	}
	return n;
}

static void find_refs(const struct template_source *s, size_t i, struct stretches *st)
{
	size_t order[TEMPLATE_REFS_MAX], n = order_refs(s, i, order);

	for (size_t o = 0; o < n; o++) {
		struct span value = s->ref[order[o]][i];

		for (size_t k = 0; k < st->count; k++)
			if (st->at[k].ref < 0 && st->at[k].text.len >= value.len)
				cut_stretch(st, k, value, (int)order[o]);
	}
}

static bool add_part(struct text_template *t, enum part_kind kind, uint32_t ref, struct span literal)
{
	struct template_part *last = t->part_count ? &t->part[t->part_count - 1] : NULL;

	if (kind == PART_LITERAL && last && last->kind == PART_LITERAL &&
	    last->literal.p + last->literal.len == literal.p) {
		last->literal.len += literal.len;
		return true;
	}
	if (t->part_count == TEMPLATE_PARTS_MAX)
		return false;
	t->part[t->part_count++] = (struct template_part){kind, ref, literal};
	t->hole_count += kind >= PART_DIGITS;
	return true;
}

/* The hole that starts at p, and its length; PART_LITERAL when none does. `before` is the byte before p, or 0. */
static enum part_kind hole_at(const uint8_t *p, const uint8_t *end, uint8_t before, size_t *ret_len)
{
	size_t hex, digits;

	if (is_hex(before))
		return PART_LITERAL;
	if (starts_uuid(p, end)) {
		*ret_len = 36;
		return PART_UUID;
	}
	hex = measure_hex(p, end);
	digits = measure_digits(p, end);
	if (hex >= HEX_RUN_MIN && hex > digits) {
		*ret_len = hex;
		return PART_HEX;
	}
	*ret_len = digits;
	return digits ? PART_DIGITS : PART_LITERAL;
}

/* Splits free text into literals and holes. `next_is_ref`: a hole must not run into a reference, where its end is
 * unclear. */
static bool split_free(struct text_template *t, struct span text, bool next_is_ref)
{
	const uint8_t *p = text.p, *end = p + text.len;

	while (p < end) {
		size_t len = 1;
		enum part_kind kind = PART_LITERAL;

		if (*p == '\\') {
			len = p + 1 < end && p[1] == 'u' ? 6 : 2; /* an escape is never cut */
			if (len > (size_t)(end - p))
				len = (size_t)(end - p);
		} else {
			kind = hole_at(p, end, p > text.p ? p[-1] : 0, &len);
			if (kind == PART_LITERAL)
				len = 1;
			else if (p + len == end && next_is_ref)
				kind = PART_LITERAL;
		}
		if (!add_part(t, kind, 0, kind == PART_LITERAL ? span_of(p, len) : span_of(NULL, 0)))
			return false;
		p += len;
	}
	return true;
}

bool template__learn(const struct template_source *s, size_t i, bool refs_only, struct text_template *ret)
{
	struct stretches st;
	bool refs = false;

	st.count = 1;
	st.at[0] = (struct stretch){s->values[i], -1};
	find_refs(s, i, &st);
	ret->part_count = ret->hole_count = 0;
	for (size_t k = 0; k < st.count; k++) {
		bool ok;

		if (st.at[k].ref >= 0) {
			ok = add_part(ret, PART_REF, (uint32_t)st.at[k].ref, span_of(NULL, 0));
			refs = true;
		} else if (refs_only) {
			ok = add_part(ret, PART_LITERAL, 0, st.at[k].text);
		} else {
			ok = split_free(ret, st.at[k].text, k + 1 < st.count);
		}
		if (!ok)
			return false;
	}
	return refs || ret->hole_count > 0;
}

/* ---- matching ---- */

static bool match_part(const struct template_part *part, const struct template_source *s, size_t i, const uint8_t **at,
		       const uint8_t *end, struct span **hole)
{
	const uint8_t *p = *at;
	struct span want = part->literal;
	size_t len = 0;

	switch (part->kind) {
	case PART_REF:
		want = s->ref[part->ref][i];
		if (want.len == 0) /* none, or empty: a reference always adds something, which bounds reading */
			return false;
		__attribute__((fallthrough));
	case PART_LITERAL:
		if ((size_t)(end - p) < want.len || !bytes_eq(p, want.p, want.len))
			return false;
		*at = p + want.len;
		return true;
	case PART_DIGITS:
		len = measure_digits(p, end);
		break;
	case PART_HEX:
		len = measure_hex(p, end);
		break;
	case PART_UUID:
		len = starts_uuid(p, end) ? 36 : 0;
		break;
	case PART_REST:
		len = (size_t)(end - p);
		break;
	}
	if (len == 0 && part->kind != PART_REST)
		return false;
	*(*hole)++ = span_of(p, len);
	*at = p + len;
	return true;
}

bool template__match(const struct text_template *t, const struct template_source *s, size_t i, struct span *ret_holes)
{
	const uint8_t *p = s->values[i].p, *end = p + s->values[i].len;

	for (uint32_t k = 0; k < t->part_count; k++)
		if (!match_part(&t->part[k], s, i, &p, end, &ret_holes))
			return false;
	return p == end;
}
