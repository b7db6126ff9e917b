/*
 * Which values of a run of templates may hold a needle. Templates are few and values many, so a template is looked at
 * first: a needle in a literal is in all of its values; one that could lie across the end of a part may be in any. What
 * is left depends on the texts and holes of each value, and that is a few flags.
 *
 * An occurrence across the end of a literal has the literal's byte there. When that byte is none of the needle's, there
 * is none; the end between two parts that are no literals is not known to be safe.
 */
#include "base/mem.h"
#include "codec/needle.h"
#include "codec/template_priv.h"

struct held {
	bool all;         /* all values may hold it */
	bool depends;     /* on references or holes */
	uint8_t *hole[2]; /* [uses] flags of up to two holes' values; owned */
	uint32_t holes;
};

static bool is_literal(const struct template_part *p)
{
	return p->kind == PART_LITERAL && p->literal.len > 0;
}

static bool is_safe_end(const struct template_part *before, const struct template_part *behind, struct span needle)
{
	if (is_literal(before))
		return !needle_has(needle, before->literal.p[before->literal.len - 1]);
	return is_literal(behind) && !needle_has(needle, behind->literal.p[0]);
}

/* What the parts say that are the same in all values. */
static bool holds_always(const struct read_template *t, struct span needle)
{
	for (uint32_t k = 0; k < t->part_count; k++) {
		const struct template_part *p = &t->part[k];

		if (p->kind == PART_LITERAL && needle_find(p->literal, needle))
			return true;
		if (k > 0 && needle.len > 1 && !is_safe_end(p - 1, p, needle))
			return true;
	}
	return false;
}

static bool has_any(const uint8_t *flags, uint32_t count)
{
	return count > 0 && memchr(flags, 1, count) != NULL;
}

/* The holes' flags; false when there are more holes that may hold it than are told apart. */
static bool look_at_holes(const struct read_template *t, struct span needle, struct held *ret)
{
	for (uint32_t h = 0; h < t->hole_count; h++) {
		uint8_t *flags = t->uses ? try_array(t->uses, 1) : NULL;

		if (!flags)
			return t->uses == 0;
		column_hold(&t->hole[h], needle, flags);
		if (!has_any(flags, t->uses)) {
			free(flags);
		} else if (ret->holes == 2) {
			free(flags);
			return false;
		} else {
			ret->hole[ret->holes++] = flags;
		}
	}
	return true;
}

static void look_at(const struct read_template *t, const struct template_hits *refs, struct span needle,
		    struct held *ret)
{
	ret->all = holds_always(t, needle) || !look_at_holes(t, needle, ret);
	ret->depends = ret->holes > 0;
	for (uint32_t k = 0; k < t->part_count; k++)
		ret->depends |= t->part[k].kind == PART_REF && refs[t->part[k].ref].hit;
}

static uint8_t look_at_value(const struct read_template *t, const struct held *held, const struct template_hits *refs,
			     size_t i, uint32_t rank)
{
	uint8_t found = 0;

	for (uint32_t h = 0; h < held->holes; h++)
		found |= held->hole[h][rank];
	for (uint32_t k = 0; k < t->part_count; k++) {
		const struct template_hits *x = t->part[k].kind == PART_REF ? &refs[t->part[k].ref] : NULL;
		uint32_t number = x && x->number ? x->number[i] : (uint32_t)i;

		if (x && x->hit)
			found |= number == TEMPLATE_REF_NONE ||
				 x->hit[number]; /* who reads the value tells the damage */
	}
	return found;
}

void template_hold(const struct template_run *r, const struct template_hits *refs, struct span needle, uint8_t *flags)
{
	struct held held[TEMPLATE_MAX] = {0};
	uint32_t next[TEMPLATE_MAX] = {0};

	for (size_t t = 0; t < r->count; t++)
		look_at(&r->template[t], refs, needle, &held[t]);
	for (size_t i = 0; i < r->n; i++) {
		uint8_t number = r->number[i];
		uint32_t rank = next[number]++;

		if (held[number].all)
			flags[i] = 1;
		else if (held[number].depends)
			flags[i] |= look_at_value(&r->template[number], &held[number], refs, i, rank);
	}
	for (size_t t = 0; t < r->count; t++)
		for (uint32_t h = 0; h < held[t].holes; h++)
			free(held[t].hole[h]);
}
