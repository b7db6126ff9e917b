/*
 * All values of a run of templates at once. Values are made of few short pieces, so what counts is what a piece costs:
 * it is copied in steps of 32 bytes without looking at its length first, which is why texts, literals and the result
 * have room behind their ends (COLUMN_SLACK). No place among the values of a template is looked up: they are counted
 * along.
 */
#include "base/mem.h"
#include "codec/limits.h"
#include "codec/template_priv.h"

#define COPY_STEP 32u
_Static_assert(COPY_STEP <= COLUMN_SLACK, "pieces are read and written to the end of a step");

/* Where the next piece goes. */
struct output {
	struct buf *to;
	uint8_t *at;
	uint8_t *end; /* of the room, less the slack */
};

static bool make_room(struct output *o, size_t len)
{
	uint8_t *room;

	buf_commit(o->to, (size_t)(o->at - o->to->p) - o->to->len);
	room = buf_room(o->to, len + COLUMN_SLACK);
	if (!room)
		return false;
	o->at = room;
	o->end = o->to->p + o->to->cap - COLUMN_SLACK;
	return true;
}

static inline bool put_piece(struct output *o, const uint8_t *p, size_t len)
{
	if ((size_t)(o->end - o->at) < len && !make_room(o, len))
		return false;
	for (size_t i = 0; i < len; i += COPY_STEP)
		memcpy(o->at + i, p + i, COPY_STEP);
	o->at += len;
	return true;
}

static inline bool put_hole(struct output *o, const struct column *c, size_t i)
{
	if (c->encoding == COLUMN_TEXT && c->inflated)
		return put_piece(o, c->inflated + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
	if (!make_room(o, 0))
		return false;
	column_get(c, i, o->to);
	o->at = o->to->p + o->to->len;
	return make_room(o, 0);
}

static int fail_memory(struct err *err)
{
	return err_set(err, E_NO_MEMORY, "not enough memory for the texts of a column");
}

static int fail_ref(struct err *err)
{
	return err_corrupt(err, 0, "a text refers to a value that cannot be");
}

static inline int put_value(struct output *o, const struct read_template *t, size_t i, size_t rank,
			    const struct template_texts *refs, struct err *err)
{
	const struct column *hole = t->hole;
	bool fits = true;

	for (uint32_t k = 0; k < t->part_count && fits; k++) {
		const struct template_part *part = &t->part[k];

		if (part->kind == PART_LITERAL) {
			fits = put_piece(o, part->literal.p, part->literal.len);
		} else if (part->kind == PART_REF) {
			const struct template_texts *x = &refs[part->ref];
			uint32_t n = x->number ? x->number[i] : (uint32_t)i;

			if (n == TEMPLATE_REF_NONE || x->offset[n] == x->offset[n + 1])
				return fail_ref(err);
			fits = put_piece(o, x->text + x->offset[n], x->offset[n + 1] - x->offset[n]);
		} else {
			fits = put_hole(o, hole++, rank);
		}
	}
	return fits ? 0 : fail_memory(err);
}

int template_get_all(const struct template_run *r, const struct template_texts *refs, size_t bytes_max, struct buf *to,
		     uint32_t *offset, struct err *err)
{
	uint8_t *room = buf_room(to, r->n * COPY_STEP + COLUMN_SLACK);
	struct output o = {to, room, room};
	size_t start = to->len, at = 0;
	uint32_t next[TEMPLATE_MAX] = {0};

	if (!room)
		return fail_memory(err);
	offset[0] = 0;
	for (size_t i = 0; i < r->n; i++) {
		uint8_t number = r->number[i];
		int rc = put_value(&o, &r->template[number], i, next[number]++, refs, err);
		size_t end;

		if (rc < 0)
			return rc;
		end = (size_t)(o.at - to->p) - start;
		if (end > bytes_max || end - at > RECORD_BYTES_MAX)
			return 1;
		offset[i + 1] = (uint32_t)end;
		at = end;
	}
	if (!make_room(&o, 0))
		return fail_memory(err);
	memset(o.at, 0, COLUMN_SLACK);
	return 0;
}
