/*
 * Where a needle may stand in a column of templates, without its texts being made: by what the columns that they refer
 * to hold. Those with a dictionary are asked by code, others by their own texts or in the same way.
 */
#include "base/mem.h"
#include "store/segment_priv.h"

struct hold {
	struct block *block;
	struct span needle;
	block_dict_hits_fn *hits;
	void *user;
};

static int hold_slot(const struct hold *h, struct block_slot *s, unsigned depth, uint8_t *flags, struct err *err);

/* The flags of a column that s refers to. *ret_owned, *ret_numbers are to be freed. */
static int ready_hits(const struct hold *h, struct block_slot *s, struct block_slot *source, unsigned depth,
		      struct template_hits *ret, uint8_t **ret_owned, uint32_t **ret_numbers, struct err *err)
{
	int rc = block__open_slot(h->block, source, err);

	*ret = (struct template_hits){NULL, NULL};
	if (rc == 0 && source->dict) {
		rc = h->hits(h->user, source->column, &source->dict->dict, &ret->hit, err);
		if (rc < 0 || !ret->hit)
			return rc;
		rc = block__codes(h->block, source, err);
		ret->number = source->code;
	} else if (rc == 0) {
		*ret_owned = try_array(source->count, 1);
		rc = *ret_owned ? hold_slot(h, source, depth + 1, *ret_owned, err)
				: err_set(err, E_NO_MEMORY, "not enough memory for a search");
		ret->hit = *ret_owned;
		if (rc == 0 && !memchr(ret->hit, 1, source->count)) {
			ret->hit = NULL;
			return 0;
		}
	}
	return rc < 0 ? rc : block__number_texts(h->block, s, source, &ret->number, ret_numbers, err);
}

static int hold_templates(const struct hold *h, struct block_slot *s, unsigned depth, uint8_t *flags, struct err *err)
{
	struct template_hits refs[TEMPLATE_REFS_MAX];
	uint8_t *owned[TEMPLATE_REFS_MAX] = {NULL};
	uint32_t *numbers[TEMPLATE_REFS_MAX] = {NULL};
	int rc = 0;

	for (uint32_t k = 0; k < s->ref_count && rc == 0; k++)
		rc = ready_hits(h, s, block__slot(h->block, s->refs[k]), depth, &refs[k], &owned[k], &numbers[k], err);
	if (rc == 0)
		template_hold(s->templates, refs, h->needle, flags);
	for (uint32_t k = 0; k < s->ref_count; k++) {
		free(owned[k]);
		free(numbers[k]);
	}
	return rc;
}

/* A column without a dictionary. */
static int hold_slot(const struct hold *h, struct block_slot *s, unsigned depth, uint8_t *flags, struct err *err)
{
	if (depth > SEGMENT_REF_DEPTH_MAX)
		return block__damaged(h->block, -1, err, "texts refer to each other in a circle");
	if (s->kind == SLOT_TEMPLATE)
		return hold_templates(h, s, depth, flags, err);
	column_hold(&s->run, h->needle, flags);
	return 0;
}

int block_hold(struct block *b, uint32_t column, struct span needle, block_dict_hits_fn *hits, void *user,
	       uint8_t *flags, struct err *err)
{
	struct hold h = {b, needle, hits, user};
	struct block_slot *s = block__slot(b, column);
	int rc = s ? block__open_slot(b, s, err) : 0;

	if (rc < 0)
		return rc;
	if (!s || s->kind != SLOT_TEMPLATE)
		return 1;
	return hold_templates(&h, s, 0, flags, err);
}
