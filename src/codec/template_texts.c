/*
 * All values of a run of templates at once. Values are made of few short pieces, so what counts is what a piece costs:
 * it is copied in steps of 32 bytes without looking at its length first, which is why texts, literals and the result
 * have room behind their ends (COLUMN_SLACK). No place among the values of a template is looked up: they are counted
 * along.
 */
#include "base/mem.h"
#include "codec/column_priv.h"
#include "codec/limits.h"
#include "codec/template_priv.h"

#define COPY_STEP 32u
_Static_assert(COPY_STEP <= COLUMN_SLACK, "pieces are read and written to the end of a step");

/* Where the next piece goes: two pointers that nobody else knows of, so that they stay in registers. */
struct room {
	uint8_t *at;
	uint8_t *end; /* less the slack */
};

#define HOT static inline __attribute__((always_inline))

/* Commits what was written and has room for `len` more, and the slack; no `at` when memory is out. */
static __attribute__((noinline)) struct room more_room(struct buf *to, uint8_t *at, size_t len)
{
	uint8_t *room;

	buf_commit(to, (size_t)(at - to->p) - to->len);
	room = buf_room(to, len + COLUMN_SLACK);
	return (struct room){room, room ? to->p + to->cap - COLUMN_SLACK : NULL};
}

HOT bool has_room(struct room *r, struct buf *to, size_t len)
{
	if (__builtin_expect((size_t)(r->end - r->at) < len, 0))
		*r = more_room(to, r->at, len);
	return r->at != NULL;
}

HOT bool put_piece(struct room *r, struct buf *to, const uint8_t *p, size_t len)
{
	if (!has_room(r, to, len))
		return false;
	memcpy(r->at, p, COPY_STEP);
	for (size_t i = COPY_STEP; __builtin_expect(i < len, 0); i += COPY_STEP)
		memcpy(r->at + i, p + i, COPY_STEP);
	r->at += len;
	return true;
}

/* Texts that may be read past their end are pieces; of the others only CONST and TEXT can be long. */
HOT bool put_hole(struct room *r, struct buf *to, const struct column *c, size_t i)
{
	if (c->encoding == COLUMN_TEXT && c->inflated)
		return put_piece(r, to, c->inflated + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
	if (c->encoding == COLUMN_TEXT || c->encoding == COLUMN_CONST) {
		*r = more_room(to, r->at, 0);
		column_get(c, i, to);
		*r = r->at && buf_ok(to) ? more_room(to, to->p + to->len, 0) : (struct room){NULL, NULL};
		return r->at != NULL;
	}
	if (!has_room(r, to, COLUMN_TYPED_MAX))
		return false;
	r->at += column__write(c, i, r->at);
	return true;
}

static int fail_memory(struct err *err)
{
	return err_set(err, E_NO_MEMORY, "not enough memory for the texts of a column");
}

static int fail_ref(struct err *err)
{
	return err_corrupt(err, 0, "a text refers to a value that cannot be");
}

HOT int put_value(struct room *r, struct buf *to, const struct read_template *t, size_t i, size_t rank,
		  const struct template_texts *refs, struct err *err)
{
	const struct column *hole = t->hole;
	const struct template_part *part = t->part, *last = part + t->part_count;
	bool fits = true;

	for (; part < last && fits; part++) {
		if (part->kind == PART_REF) {
			const struct template_texts *x = &refs[part->ref];
			const uint32_t *n = x->number;
			uint32_t number = n ? n[i] : (uint32_t)i, start;

			if (number == TEMPLATE_REF_NONE)
				return fail_ref(err);
			start = x->offset[number];
			number = x->offset[number + 1] - start;
			if (number == 0)
				return fail_ref(err);
			fits = put_piece(r, to, x->text + start, number);
		} else if (part->kind == PART_LITERAL) {
			fits = put_piece(r, to, part->literal.p, part->literal.len);
		} else {
			fits = put_hole(r, to, hole++, rank);
		}
	}
	return fits ? 0 : fail_memory(err);
}

int template_get_all(const struct template_run *r, const struct template_texts *refs, size_t bytes_max, struct buf *to,
		     uint32_t *offset, struct err *err)
{
	uint8_t *start = buf_room(to, r->n * COPY_STEP + COLUMN_SLACK);
	struct room room = {start, start};
	size_t before = to->len, at = 0;
	uint32_t next[TEMPLATE_MAX] = {0};

	if (!start)
		return fail_memory(err);
	offset[0] = 0;
	for (size_t i = 0; i < r->n; i++) {
		uint8_t number = r->number[i];
		int rc = put_value(&room, to, &r->template[number], i, next[number]++, refs, err);
		size_t end;

		if (rc < 0)
			return rc;
		end = (size_t)(room.at - to->p) - before;
		if (end > bytes_max || end - at > RECORD_BYTES_MAX)
			return 1;
		offset[i + 1] = (uint32_t)end;
		at = end;
	}
	room = more_room(to, room.at, 0);
	if (!room.at)
		return fail_memory(err);
	memset(room.at, 0, COLUMN_SLACK);
	return 0;
}
