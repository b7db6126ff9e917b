/*
 * Which columns get a dictionary: those whose values repeat (at most half as many different ones as values), and those
 * so small that a dictionary, packed with the others of the segment, beats a chunk of its own. A column that is written
 * from others (a description) is tried as references first, since that costs nothing at all.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "codec/ints.h"
#include "store/gather.h"

#define SMALL_COLUMN_BYTES 4096u /* a column of a block below this always gets a dictionary */
#define TRIAL_VALUES       512u  /* after so many values … */
#define TRIAL_DISTINCT     448u  /* … with so many different ones a column does not repeat itself */
#define REFS_DISTINCT_MIN  64u   /* fewer different values are cheap anyway */

struct distinct {
	uint32_t *slot; /* hash table of place in `value` + 1 */
	uint32_t mask;
	uint32_t *first; /* [count] index of the first value that has it */
	uint64_t *hash;
	uint32_t count;
	uint32_t *place; /* per value */
};

static bool give_up(const struct gather_column *c, const struct distinct *x, uint32_t i)
{
	if (c->bytes <= SMALL_COLUMN_BYTES)
		return false;
	return (i == TRIAL_VALUES && x->count > TRIAL_DISTINCT) || x->count * 2 > c->count;
}

/* Numbers the different values; false when there are too many for a dictionary to pay. */
static bool find_distinct(const struct gather_column *c, struct distinct *x)
{
	for (uint32_t i = 0; i < c->count; i++) {
		struct span v = c->value[i];
		uint64_t hash;
		uint32_t at;

		if (i && span_eq(v, c->value[i - 1])) {
			x->place[i] = x->place[i - 1];
			continue;
		}
		hash = hash64(v.p, v.len, 0);
		for (at = (uint32_t)hash & x->mask; x->slot[at]; at = (at + 1) & x->mask) {
			uint32_t k = x->slot[at] - 1;

			if (x->hash[k] == hash && span_eq(c->value[x->first[k]], v))
				break;
		}
		if (!x->slot[at]) {
			x->hash[x->count] = hash;
			x->first[x->count] = i;
			x->slot[at] = ++x->count;
			if (give_up(c, x, i))
				return false;
		}
		x->place[i] = x->slot[at] - 1;
	}
	return true;
}

/* Takes the values' codes from the draft's dictionary; false when it is full. */
static bool take_codes(struct gather *g, struct gather_column *c, const struct distinct *x)
{
	struct draft_dict *dict = draft_dict(g->d, c->column);
	uint32_t *code = xarray(x->count, sizeof(*code));
	bool ok = true;

	for (uint32_t k = 0; k < x->count && ok; k++)
		ok = draft_dict_intern(dict, c->value[x->first[k]], x->hash[k], &code[k]);
	if (ok) {
		c->code = xarray(c->count, sizeof(*c->code));
		for (uint32_t i = 0; i < c->count; i++) {
			c->code[i] = code[x->place[i]];
			dict->rows[c->code[i]]++;
		}
		c->kind = SLOT_DICT;
		c->decided = true;
	}
	free(code);
	return ok;
}

/* The keys of a column with codes: once a different value. */
static void take_keys(const struct gather *g, struct gather_column *c, const struct distinct *x, struct buf *scratch)
{
	for (uint32_t k = 0; k < x->count; k++)
		gather_value_keys(g, c, c->value[x->first[k]], scratch, &c->keys);
}

static void try_dict(struct gather *g, struct gather_column *c, struct distinct *x, struct buf *scratch)
{
	uint32_t slots = 16;

	while (slots < c->count * 2)
		slots *= 2;
	memset(x->slot, 0, slots * sizeof(*x->slot));
	x->mask = slots - 1;
	x->count = 0;
	if (c->column != COLUMN_RAW && find_distinct(c, x)) {
		c->distinct = x->count;
		if (x->count > REFS_DISTINCT_MIN && gather_try_refs(g, c))
			return;
		if (take_codes(g, c, x))
			take_keys(g, c, x, scratch);
	}
}

void gather_make_dicts(struct gather *g)
{
	struct distinct x = {0};
	struct buf scratch = BUF_INIT;
	size_t slots = 16;

	while (slots < g->rows * 2)
		slots *= 2;
	x.slot = xarray(slots, sizeof(*x.slot));
	x.first = xarray(g->rows, sizeof(*x.first));
	x.hash = xarray(g->rows, sizeof(*x.hash));
	x.place = xarray(g->rows, sizeof(*x.place));
	for (uint32_t k = 0; k < g->present_count; k++)
		try_dict(g, g->column[g->present[k]], &x, &scratch);
	free(x.slot);
	free(x.first);
	free(x.hash);
	free(x.place);
	buf_release(&scratch);
}

void gather_put_codes(struct gather *g)
{
	int64_t *code = xarray(g->rows, sizeof(*code));

	for (uint32_t k = 0; k < g->present_count; k++) {
		struct gather_column *c = g->column[g->present[k]];

		if (!c->decided || c->kind != SLOT_DICT)
			continue;
		for (uint32_t i = 0; i < c->count; i++)
			code[i] = c->code[i];
		ints_encode(code, c->count, &c->chunk);
	}
	free(code);
}
