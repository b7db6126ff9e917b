/* Codes of a column's values: stored, or derived from another column's codes or the shapes by the segment's map. */
#include "base/mem.h"
#include "store/segment_priv.h"

static int derived_code(struct block *b, const struct block_slot *s, uint32_t row, uint32_t *ret, struct err *err)
{
	uint32_t from = 0, place;
	int rc;

	if (s->from == MAP_FROM_SHAPE) {
		from = b->shape[b->row_shape[row]];
	} else {
		struct block_slot *source = block__slot(b, s->from);

		if (!source || source->kind != SLOT_DICT)
			return block__damaged(b, -1, err, "a column follows from one that is not there");
		rc = block__place(b, source, row, &place, err);
		if (rc == 0)
			rc = block__code(b, source, place, row, &from, err);
		if (rc < 0)
			return rc;
	}
	if (from >= s->dict->map_count)
		return block__damaged(b, -1, err, "a column's map is too short");
	*ret = s->dict->map[from];
	return 0;
}

int block__code(struct block *b, struct block_slot *s, uint32_t i, uint32_t row, uint32_t *ret, struct err *err)
{
	uint32_t code = 0;
	int rc = block__open_slot(b, s, err);

	if (rc < 0)
		return rc;
	if (++s->values_asked == BLOCK_VALUES_BY_ONE)
		(void)!block__codes(b, s, NULL); /* of a damaged column the sound values are still read one by one */
	if (s->code) {
		*ret = s->code[i];
		return 0;
	}
	if (s->kind == SLOT_DERIVED) {
		rc = derived_code(b, s, row, &code, err);
	} else {
		int64_t v = ints_get(&s->codes, i);

		code = v < 0 || v > UINT32_MAX ? MAP_UNKNOWN : (uint32_t)v;
	}
	if (rc < 0)
		return rc;
	if (code >= s->dict->dict.count)
		return block__damaged(b, s->off, err, "a code is not in its dictionary");
	*ret = code;
	return 0;
}

/* ---- all at once ---- */

/* The codes of the column that s follows from, in the rows of s, or their shapes. */
static int source_codes(struct block *b, struct block_slot *s, uint32_t *to, struct err *err)
{
	struct block_slot *source = s->from == MAP_FROM_SHAPE ? NULL : block__slot(b, s->from);
	uint32_t at = 0;
	int rc;

	if (s->from == MAP_FROM_SHAPE) {
		for (uint32_t i = 0; i < s->count; i++)
			to[i] = b->shape[b->row_shape[block__row(b, s, i)]];
		return 0;
	}
	if (!source || source->kind != SLOT_DICT)
		return block__damaged(b, -1, err, "a column follows from one that is not there");
	rc = block__codes(b, source, err);
	if (rc >= 0 && s->count == b->info.rows && source->count == b->info.rows) {
		memcpy(to, source->code, s->count * sizeof(*to));
		return 0;
	}
	for (uint32_t i = 0; rc >= 0 && i < s->count; i++, at++) {
		uint32_t row = block__row(b, s, i);

		while (at < source->count && block__row(b, source, at) < row) /* both ascend */
			at++;
		if (at >= source->count || block__row(b, source, at) != row)
			return block__damaged(b, -1, err, "a row refers to a column it does not have");
		to[i] = source->code[at];
	}
	return rc;
}

static int derive_codes(struct block *b, struct block_slot *s, uint32_t *to, struct err *err)
{
	int rc = source_codes(b, s, to, err);

	for (uint32_t i = 0; rc >= 0 && i < s->count; i++) {
		if (to[i] >= s->dict->map_count)
			return block__damaged(b, -1, err, "a column's map is too short");
		to[i] = s->dict->map[to[i]];
	}
	return rc;
}

int block__codes(struct block *b, struct block_slot *s, struct err *err)
{
	uint32_t *code, count, wrong = 0;
	int rc = block__open_slot(b, s, err);

	if (rc < 0 || s->code)
		return rc;
	code = try_alloc(s->count * sizeof(*code));
	if (!code)
		return err_set(err, E_NO_MEMORY, "not enough memory for the codes of a column");
	count = s->dict->dict.count;
	if (s->kind == SLOT_DERIVED)
		rc = derive_codes(b, s, code, err);
	else
		ints_read_u32(&s->codes, 0, s->count, code);
	for (uint32_t i = 0; i < s->count && rc >= 0; i++)
		wrong |= code[i] >= count;
	if (rc >= 0 && wrong)
		rc = block__damaged(b, s->off, err, "a code is not in its dictionary");
	if (rc >= 0)
		s->code = code;
	else
		free(code);
	return rc;
}
