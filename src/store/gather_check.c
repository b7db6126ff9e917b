/*
 * A block is written only when its columns give back what was put in: each chunk is opened again and compared value by
 * value. A fault in an encoder then costs space (the records are stored raw), never a record.
 */
#include "base/mem.h"
#include "codec/template.h"
#include "store/gather.h"

static bool check_codes(const struct gather *g, const struct gather_column *c)
{
	const struct draft_dict *x = g->d->dict[c->column];
	struct reader from = reader_of(buf_span(&c->chunk));
	struct ints run;
	bool same = true;

	if (c->kind == SLOT_DICT) {
		if (ints_open(&run, &from, c->count, NULL) < 0)
			return false;
		for (uint32_t i = 0; i < c->count && same; i++)
			same = ints_get(&run, i) == c->code[i];
		ints_release(&run);
	}
	for (uint32_t i = 0; i < c->count && same; i++) {
		uint32_t code = c->code[i];

		if (i && code == c->code[i - 1] && c->value[i].len == c->value[i - 1].len)
			same = span_eq(c->value[i], c->value[i - 1]);
		else
			same = span_eq(c->value[i],
				       span_of(x->text.p + x->offset[code], x->offset[code + 1] - x->offset[code]));
	}
	return same;
}

static bool check_column(const struct gather_column *c, struct buf *scratch)
{
	struct reader from = reader_of(buf_span(&c->chunk));
	struct column run;
	bool same = true;

	if (column_open(&run, &from, c->count, NULL) < 0)
		return false;
	for (uint32_t i = 0; i < c->count && same; i++) {
		buf_reset(scratch);
		column_get(&run, i, scratch);
		same = span_eq(buf_span(scratch), c->value[i]);
	}
	column_release(&run);
	return same;
}

struct ref_context {
	const struct gather *g;
	const struct gather_column *c;
};

static int get_ref(void *user, size_t ref, size_t i, struct buf *to, struct err *err)
{
	const struct ref_context *x = user;
	struct gather_column *of = x->g->column[x->c->refs[ref]];
	uint16_t at = gather_is_full(x->g, of) ? x->c->row[i] : gather_at_row(x->g, of)[x->c->row[i]];

	if (at == 0xffff)
		return err_set(err, E_INTERNAL, "a text refers to a column its record does not have");
	buf_put_span(to, of->value[at]);
	return 0;
}

static bool check_templates(const struct gather *g, const struct gather_column *c, struct buf *scratch)
{
	struct ref_context x = {g, c};
	struct template_run *run = NULL;
	bool same = template_open(buf_span(&c->chunk), c->count, c->ref_count, &run, NULL) == 0;

	for (uint32_t i = 0; i < c->count && same; i++) {
		buf_reset(scratch);
		same = template_get(run, i, get_ref, &x, scratch, NULL) == 0 && span_eq(buf_span(scratch), c->value[i]);
	}
	template_close(run);
	return same;
}

bool gather_check(const struct gather *g)
{
	struct buf scratch = BUF_INIT;
	bool same = true;

	for (uint32_t k = 0; k < g->present_count && same; k++) {
		const struct gather_column *c = g->column[g->present[k]];

		if (c->kind == SLOT_COLUMN)
			same = check_column(c, &scratch);
		else if (c->kind == SLOT_TEMPLATE)
			same = check_templates(g, c, &scratch);
		else
			same = check_codes(g, c);
	}
	buf_release(&scratch);
	return same;
}
