/*
 * All texts of a column at once, for what must look at every value: back to back, so that one search goes over all of
 * them.
 *
 * A column of plain text is there when it is inflated. Templates are put together from the texts of the columns they
 * refer to, each of which is made ready once: the codes of a dictionary, or texts made in the same way. Where both
 * columns have values in the same rows, value i goes with value i; else the rows are compared once.
 */
#include "base/mem.h"
#include "store/segment_priv.h"

_Static_assert(BLOCK_TEXTS_SLACK <= COLUMN_SLACK, "what is inflated or put together has that much behind");

static int no_memory(struct err *err)
{
	return err_set(err, E_NO_MEMORY, "not enough memory for the texts of a column");
}

/* What was made becomes the slot's. */
static void keep_texts(struct block *b, struct block_slot *s, struct buf *text, uint32_t *offset)
{
	s->made_text = text->p;
	s->made_offset = offset;
	s->texts = (struct block_texts){s->count, offset, text->p};
	b->texts_bytes += text->cap + (s->count + 1) * sizeof(*offset);
}

/* Returns 1 when they are not to be had. */
static int get_all(struct block *b, struct block_slot *s, struct buf *text, uint32_t *offset)
{
	column_decode(&s->run);
	offset[0] = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		column_get(&s->run, i, text);
		if (!buf_ok(text) || text->len > BLOCK_TEXTS_BYTES_MAX - b->texts_bytes)
			return 1;
		offset[i + 1] = (uint32_t)text->len;
	}
	if (!buf_room(text, COLUMN_SLACK))
		return 1;
	memset(text->p + text->len, 0, COLUMN_SLACK);
	return 0;
}

/* ---- templates ---- */

static bool has_same_rows(const struct block *b, const struct block_slot *x, const struct block_slot *y)
{
	return x->count == y->count &&
	       (x->count == b->info.rows || (x->shapes_count == y->shapes_count &&
					     memcmp(b->slot_shapes + x->shapes_at, b->slot_shapes + y->shapes_at,
						    x->shapes_count * sizeof(*b->slot_shapes)) == 0));
}

/* For each value of s the text of `source` in its row: a code, or a place. */
static void number_texts(struct block *b, struct block_slot *s, struct block_slot *source, uint32_t *to)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t row = block__row(b, s, i);

		while (at < source->count && block__row(b, source, at) < row) /* both ascend */
			at++;
		if (at == source->count || block__row(b, source, at) != row)
			to[i] = TEMPLATE_REF_NONE;
		else
			to[i] = source->code ? source->code[at] : at;
	}
}

int block__number_texts(struct block *b, struct block_slot *s, struct block_slot *source, const uint32_t **ret,
			uint32_t **ret_owned, struct err *err)
{
	if (has_same_rows(b, s, source))
		return 0;
	*ret_owned = try_array(s->count, sizeof(**ret_owned));
	if (!*ret_owned)
		return no_memory(err);
	number_texts(b, s, source, *ret_owned);
	*ret = *ret_owned;
	return 0;
}

/* The texts of a column that s refers to. *ret_owned: numbers to be freed. Returns 1 when they are not to be had. */
static int ready_ref(struct block *b, struct block_slot *s, struct block_slot *source, struct template_texts *ret,
		     uint32_t **ret_owned, struct err *err)
{
	int rc = block__open_slot(b, source, err);

	if (rc == 0)
		rc = source->dict ? block__codes(b, source, err) : block__texts(b, source, err);
	if (rc < 0)
		return rc;
	if (source->dict)
		*ret = (struct template_texts){source->dict->dict.text, source->dict->dict.offset, source->code};
	else if (source->texts.text)
		*ret = (struct template_texts){source->texts.text, source->texts.offset, NULL};
	else
		return 1;
	if (source->texts_height >= s->texts_height)
		s->texts_height = source->texts_height + 1;
	return block__number_texts(b, s, source, &ret->number, ret_owned, err);
}

static int put_together(struct block *b, struct block_slot *s, struct buf *text, uint32_t *offset, struct err *err)
{
	struct template_texts refs[TEMPLATE_REFS_MAX];
	uint32_t *owned[TEMPLATE_REFS_MAX] = {NULL};
	int rc = 0;

	s->texts_height = 0;
	for (uint32_t k = 0; k < s->ref_count && rc == 0; k++)
		rc = ready_ref(b, s, block__slot(b, s->refs[k]), &refs[k], &owned[k], err);
	if (rc == 0 && s->texts_height > SEGMENT_REF_DEPTH_MAX)
		rc = block__damaged(b, -1, err, "texts refer to each other in a circle");
	if (rc == 0)
		rc = template_get_all(s->templates, refs, BLOCK_TEXTS_BYTES_MAX - b->texts_bytes, text, offset, err);
	for (uint32_t k = 0; k < s->ref_count; k++)
		free(owned[k]);
	return segment__damaged_at(b->segment, b->info.off + s->off, rc, err);
}

/* ---- any column ---- */

static int make_texts(struct block *b, struct block_slot *s, struct err *err)
{
	struct buf text = BUF_INIT;
	uint32_t *offset = try_array((size_t)s->count + 1, sizeof(*offset));
	int rc = offset ? 0 : no_memory(err);

	if (rc == 0)
		rc = s->kind == SLOT_TEMPLATE ? put_together(b, s, &text, offset, err) : get_all(b, s, &text, offset);
	if (rc == 0 && text.cap > BLOCK_TEXTS_BYTES_MAX - b->texts_bytes)
		rc = 1;
	if (rc == 0) {
		keep_texts(b, s, &text, offset);
		return 0;
	}
	free(offset);
	buf_release(&text);
	return rc < 0 ? rc : 0;
}

int block__texts(struct block *b, struct block_slot *s, struct err *err)
{
	int rc = block__open_slot(b, s, err);

	if (rc < 0 || s->dict || s->texts_asked == TEXTS_MADE)
		return rc;
	if (s->texts_asked == TEXTS_BEING_MADE)
		return block__damaged(b, -1, err, "texts refer to each other in a circle");
	if (s->kind == SLOT_COLUMN && s->run.encoding == COLUMN_TEXT && s->run.inflated) {
		s->texts = (struct block_texts){s->count, s->run.offsets, s->run.inflated};
		s->texts_asked = TEXTS_MADE;
		return 0;
	}
	s->texts_asked = TEXTS_BEING_MADE;
	rc = make_texts(b, s, err);
	s->texts_asked = rc < 0 ? TEXTS_UNKNOWN : TEXTS_MADE;
	return rc;
}

int block_texts(struct block *b, uint32_t column, struct block_texts *ret, struct err *err)
{
	struct block_slot *s = block__slot(b, column);
	int rc = s ? block__texts(b, s, err) : 0;

	if (rc == 0)
		*ret = s ? s->texts : (struct block_texts){0, NULL, NULL};
	return rc;
}
