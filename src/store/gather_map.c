/*
 * Columns that another column decides (a name and an e-mail from the actor's id; a kind of attribute from the shape)
 * cost nothing in the block: the mapping of codes is stored once in the segment. A segment has one source for each such
 * column, chosen in the first block where it holds; a block in which it does not hold stores the codes.
 */
#include "base/mem.h"
#include "store/gather.h"

#define SOURCES_TRIED 12u

/* The source code of value i of column c: a column's code in the same row, or the row's shape. */
struct source {
	uint32_t from;
	const struct gather_column *column; /* NULL: the shape */
	bool same_place;                    /* value i of both belongs to the same row */
	const uint16_t *at_row;             /* else: by row */
};

static uint32_t source_code(const struct gather *g, const struct source *s, const struct gather_column *c, uint32_t i)
{
	if (!s->column)
		return g->shape[c->row[i]];
	return s->column->code[s->same_place ? i : s->at_row[c->row[i]]];
}

/* Whether the source has a value wherever c has one. */
static bool set_source(const struct gather *g, const struct gather_column *c, struct gather_column *from,
		       struct source *s)
{
	s->column = from;
	if (!from) {
		s->from = MAP_FROM_SHAPE;
		return true;
	}
	s->from = from->column;
	s->same_place = from->count == c->count && memcmp(from->row, c->row, c->count * sizeof(*c->row)) == 0;
	if (s->same_place)
		return true;
	if (from->count < c->count)
		return false;
	s->at_row = gather_at_row(g, from);
	for (uint32_t i = 0; i < c->count; i++)
		if (s->at_row[c->row[i]] == 0xffff)
			return false;
	return true;
}

static bool follows(const struct gather *g, const struct source *s, const struct gather_column *c, uint32_t *seen,
		    size_t seen_len)
{
	memset(seen, 0xff, seen_len * sizeof(*seen));
	for (uint32_t i = 0; i < c->count; i++) {
		uint32_t from = source_code(g, s, c, i);

		if (seen[from] == MAP_UNKNOWN)
			seen[from] = c->code[i];
		else if (seen[from] != c->code[i])
			return false;
	}
	return true;
}

/* Whether the segment's map agrees with what this block needs. */
static bool agrees(const struct draft_map *m, const uint32_t *seen, size_t seen_len)
{
	for (size_t k = 0; k < seen_len && k < m->cap; k++)
		if (seen[k] != MAP_UNKNOWN && m->to[k] != MAP_UNKNOWN && m->to[k] != seen[k])
			return false;
	return true;
}

static bool try_source(struct gather *g, struct gather_column *c, struct gather_column *from)
{
	struct draft_map *m = g->d->map[c->column];
	struct source s = {0};
	size_t len = from ? g->d->dict[from->column]->count : shape_set_count(g->d->shapes);
	uint32_t *seen;
	bool ok;

	if (m && m->from != (from ? from->column : MAP_FROM_SHAPE))
		return false;
	if (!set_source(g, c, from, &s))
		return false;
	seen = xarray(len, sizeof(*seen));
	ok = follows(g, &s, c, seen, len) && (!m || agrees(m, seen, len));
	if (ok) {
		m = m ? m : draft_map_new(g->d, c->column, s.from);
		for (size_t k = 0; k < len; k++)
			if (seen[k] != MAP_UNKNOWN)
				must(draft_map_set(m, (uint32_t)k, seen[k]));
		c->kind = SLOT_DERIVED;
		c->from = s.from;
		if (from)
			from->pinned = true;
	}
	free(seen);
	return ok;
}

static bool may_be_source(const struct gather_column *c, const struct gather_column *of)
{
	return c != of && c->decided && c->kind == SLOT_DICT && c->distinct >= of->distinct && c->count >= of->count;
}

static void find_source(struct gather *g, struct gather_column *c)
{
	struct draft_map *m = g->d->map[c->column];
	uint32_t tried = 0;

	if (m && m->from != MAP_FROM_SHAPE) {
		struct gather_column *from = m->from < g->column_cap ? g->column[m->from] : NULL;

		if (from && from != c && from->decided && from->kind == SLOT_DICT)
			try_source(g, c, from);
		return;
	}
	if (g->shapes_used > 1 && try_source(g, c, NULL))
		return;
	if (m)
		return;
	for (uint32_t k = 0; k < g->present_count && tried < SOURCES_TRIED; k++) {
		struct gather_column *from = g->column[g->present[k]];

		if (!may_be_source(from, c))
			continue;
		tried++;
		if (try_source(g, c, from))
			return;
	}
}

void gather_make_maps(struct gather *g)
{
	for (uint32_t k = 0; k < g->present_count; k++) {
		struct gather_column *c = g->column[g->present[k]];

		/* a constant costs three bytes as it is */
		if (c->decided && c->kind == SLOT_DICT && !c->pinned && c->distinct > 1)
			find_source(g, c);
	}
}
