/* A block from records: cut, choose, write; and the proof that it gives the records back. */
#include "base/mem.h"
#include "store/gather.h"

static void fill_slot(const struct gather_column *c, struct draft_slot *slot)
{
	*slot = (struct draft_slot){.column = c->column,
				    .kind = c->kind,
				    .from = c->from,
				    .refs = c->refs,
				    .ref_count = c->ref_count,
				    .chunk = buf_span(&c->chunk)};
}

static int write_block(struct gather *g, struct err *err)
{
	struct draft_slot *slots = xarray(g->present_count + 1, sizeof(*slots));
	int rc;

	for (uint32_t k = 0; k < g->present_count; k++)
		fill_slot(g->column[g->present[k]], &slots[k]);
	rc = draft_put_block(g->d, g->shape, g->rows, slots, g->present_count, g->time, g->received, err);
	free(slots);
	return rc;
}

/* 1: the columns do not give the records back. */
static int add_block(struct draft *d, const struct span *records, size_t count, bool raw, struct err *err)
{
	struct gather g;
	int rc = gather_records(&g, d, records, count, raw, err);

	if (rc == 0) {
		gather_make_dicts(&g);
		gather_make_maps(&g);
		gather_put_codes(&g);
		rc = gather_make_columns(&g, err);
	}
	if (rc == 0 && !gather_check(&g)) {
		for (uint32_t k = 0; k < g.present_count; k++) /* the records come again and would count twice */
			draft_dict(d, g.present[k])->partial = true;
		rc = 1;
	}
	if (rc == 0)
		rc = gather_make_keys(&g, (uint16_t)d->block_count, err);
	if (rc == 0)
		rc = write_block(&g, err);
	gather_release(&g);
	return rc;
}

int draft_add_records(struct draft *d, const struct span *records, size_t count, struct err *err)
{
	int rc;

	must(count > 0 && count <= BLOCK_ROWS_MAX);
	rc = add_block(d, records, count, false, err);
	if (rc == 1)
		rc = add_block(d, records, count, true, err);
	return rc == 1 ? err_set(err, E_INTERNAL, "a block does not give back the records it was made of") : rc;
}
