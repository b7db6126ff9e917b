/*
 * Encoding: values are matched against the templates known so far, most recently used first; a value that none fits
 * teaches a new one. When too many values would escape, the run is given up early and the caller takes another
 * encoding.
 */
#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/template_priv.h"

/* After this many values the share of escapes must be acceptable, or the run is given up. */
#define TRIAL_VALUES 512u

struct encoder {
	const struct template_source *s;
	bool refs_only;
	struct text_template *template[TEMPLATE_MAX];
	uint8_t recent[TEMPLATE_MAX]; /* template numbers, most recently used first */
	size_t template_count;        /* number 0 is the escape */
	int64_t *number;              /* per value */
	struct buf holes;             /* struct span per hole, value by value */
	size_t escaped;
};

static void start_encoder(struct encoder *e, const struct template_source *s, bool refs_only)
{
	memset(e, 0, sizeof(*e));
	e->s = s;
	e->refs_only = refs_only;
	e->number = xarray(s->count, sizeof(*e->number));
	e->template[0] = xalloc(sizeof(struct text_template));
	e->template[0] -> part_count = e->template[0] -> hole_count = 1;
	e->template[0] -> part[0] = (struct template_part){PART_REST, 0, {NULL, 0}};
	e->template_count = 1;
}

static void stop_encoder(struct encoder *e)
{
	for (size_t k = 0; k < e->template_count; k++)
		free(e->template[k]);
	free(e->number);
	buf_release(&e->holes);
}

static void take(struct encoder *e, size_t i, size_t number, const struct span *holes)
{
	e->number[i] = (int64_t)number;
	buf_put(&e->holes, holes, e->template[number] -> hole_count * sizeof(*holes));
}

static bool try_known(struct encoder *e, size_t i)
{
	struct span holes[TEMPLATE_PARTS_MAX];

	for (size_t k = 0; k + 1 < e->template_count; k++) {
		uint8_t number = e->recent[k];

		if (!template__match(e->template[number], e -> s, i, holes))
			continue;
		memmove(e->recent + 1, e->recent, k);
		e->recent[0] = number;
		take(e, i, number, holes);
		return true;
	}
	return false;
}

static bool try_learn(struct encoder *e, size_t i)
{
	struct text_template t;
	struct span holes[TEMPLATE_PARTS_MAX];
	size_t number = e->template_count;

	if (number == TEMPLATE_MAX || !template__learn(e->s, i, e->refs_only, &t) ||
	    !template__match(&t, e->s, i, holes))
		return false;
	e->template[number] = xalloc(sizeof(t));
	memcpy(e->template[number], &t, sizeof(t));
	memmove(e->recent + 1, e->recent, number - 1);
	e->recent[0] = (uint8_t)number;
	e->template_count++;
	take(e, i, number, holes);
	return true;
}

/* Whether so many escapes of so many values are too many. */
static bool too_many(size_t escaped, size_t of, unsigned fit_percent)
{
	return escaped * 100 > of * (100 - fit_percent);
}

static bool match_all(struct encoder *e, unsigned fit_percent)
{
	for (size_t i = 0; i < e->s->count; i++) {
		if (!try_known(e, i) && !try_learn(e, i)) {
			take(e, i, 0, &e->s->values[i]);
			e->escaped++;
		}
		if (i == TRIAL_VALUES && too_many(e->escaped, i, fit_percent))
			return false;
		/* a template for every few values is no template */
		if (i == TRIAL_VALUES && e->template_count > TRIAL_VALUES / 8)
			return false;
	}
	return buf_ok(&e->holes) && !too_many(e->escaped, e->s->count, fit_percent);
}

/* ---- writing ---- */

static void put_template(const struct text_template *t, const uint8_t *ref_number, struct buf *to)
{
	buf_put_varint(to, t->part_count);
	for (uint32_t k = 0; k < t->part_count; k++) {
		const struct template_part *part = &t->part[k];

		buf_put_u8(to, (uint8_t)part->kind);
		if (part->kind == PART_REF) {
			buf_put_u8(to, ref_number[part->ref]);
		} else if (part->kind == PART_LITERAL) {
			buf_put_varint(to, part->literal.len);
			buf_put_span(to, part->literal);
		}
	}
}

/* The contents of the holes, hole by hole for each template: where hole 0 of value i starts is a running sum. */
static void put_holes(const struct encoder *e, struct buf *to)
{
	const struct span *hole = (const struct span *)(const void *)e->holes.p;
	struct span *run = xarray(e->s->count, sizeof(*run));

	for (size_t t = 0; t < e->template_count; t++) {
		for (uint32_t h = 0; h < e->template[t] -> hole_count; h++) {
			size_t at = 0, n = 0;

			for (size_t i = 0; i < e->s->count; i++) {
				if (e->number[i] == (int64_t)t)
					run[n++] = hole[at + h];
				at += e->template[e->number[i]] -> hole_count;
			}
			if (n)
				column_encode(run, n, to);
		}
	}
	free(run);
}

static void mark_used(const struct encoder *e, bool used[TEMPLATE_REFS_MAX], uint8_t ref_number[TEMPLATE_REFS_MAX])
{
	uint8_t n = 0;

	memset(used, 0, TEMPLATE_REFS_MAX * sizeof(*used));
	for (size_t t = 0; t < e->template_count; t++)
		for (uint32_t k = 0; k < e->template[t] -> part_count; k++)
			if (e->template[t] -> part[k].kind == PART_REF)
				used[e->template[t] -> part[k].ref] = true;
	for (size_t r = 0; r < TEMPLATE_REFS_MAX; r++)
		ref_number[r] = used[r] ? n++ : 0;
}

/* ---- words ---- */

/* A byte at which a word, a UUID and an address surely end (token.h). */
static bool parts_words(uint8_t c)
{
	return c < 0x80 && c != '_' && c != '-' && c != '.' && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
	       !(c >= 'a' && c <= 'z');
}

/* Whether no word of the text spans two parts: every reference and hole is parted from its neighbours by literal bytes.
 */
static bool words_stay_in_parts(const struct text_template *t, struct buf *scratch)
{
	bool parted = true; /* the value's start */

	for (uint32_t k = 0; k < t->part_count; k++) {
		if (t->part[k].kind != PART_LITERAL) {
			if (!parted)
				return false;
			parted = false;
			continue;
		}
		buf_reset(scratch);
		json_text_unescape(scratch, t->part[k].literal);
		if (!buf_ok(scratch) || scratch->len == 0)
			return false;
		if (!parted && !parts_words(scratch->p[0]))
			return false;
		parted = parts_words(scratch->p[scratch->len - 1]);
	}
	return true;
}

static void gather_words(const struct encoder *e, struct template_words *words)
{
	struct buf scratch = BUF_INIT;

	words->complete = true;
	for (size_t t = 1; t < e->template_count && words->complete; t++)
		words->complete = words_stay_in_parts(e->template[t], &scratch);
	for (size_t t = 1; t < e->template_count && words->complete; t++) {
		for (uint32_t k = 0; k < e->template[t] -> part_count; k++) {
			if (e->template[t] -> part[k].kind != PART_LITERAL)
				continue;
			json_text_unescape(&words->literal, e->template[t] -> part[k].literal);
			buf_put_u8(&words->literal, '\n');
		}
	}
	if (words->complete)
		buf_put_span(&words->holes, buf_span(&e->holes));
	buf_release(&scratch);
}

bool template_encode(const struct template_source *s, bool refs_only, unsigned fit_percent, struct buf *to,
		     bool used[TEMPLATE_REFS_MAX], struct template_words *words)
{
	struct encoder e;
	uint8_t ref_number[TEMPLATE_REFS_MAX];
	bool fits;

	start_encoder(&e, s, refs_only);
	fits = match_all(&e, fit_percent);
	if (fits) {
		mark_used(&e, used, ref_number);
		buf_put_varint(to, e.template_count);
		for (size_t t = 1; t < e.template_count; t++)
			put_template(e.template[t], ref_number, to);
		if (e.template_count > 1)
			ints_encode(e.number, s->count, to);
		put_holes(&e, to);
		gather_words(&e, words);
	}
	stop_encoder(&e);
	return fits;
}
