/* Facets from beginning to end. */
#include "query/facet.h"

#include "base/mem.h"
#include "base/rand.h"
#include "query/facet_priv.h"
#include "query/tally_priv.h"

/* ---- beginning and end ---- */

static void find_columns(struct facets *f)
{
	const struct search_source *source = f->scan.source;

	f->columns = xarray(source->segment_count * f->field_count + 1, sizeof(*f->columns));
	for (size_t s = 0; s < source->segment_count; s++)
		for (uint32_t k = 0; k < f->field_count; k++)
			field_columns_find(&facet__columns(f, s, k)->columns, &f->r->fields->field[k],
					   source->segments[s]);
}

static void open_facets(struct facets *f, const struct search_source *source, const struct facet_request *r)
{
	unsigned members = team_size(source->team);
	uint64_t seed;

	memset(f, 0, sizeof(*f));
	f->r = r;
	f->field_count = r->fields->count;
	scan__open(&f->scan, source, r->query, r->from_us, r->to_us);
	rand_bytes(&seed, sizeof(seed));
	f->member = xarray(members, sizeof(*f->member));
	for (uint32_t k = 0; k < f->field_count; k++) {
		mutex_init(&f->mu[k]);
		value_table_init(&f->table[k], seed, r->values_max ? r->values_max : FACET_VALUES_MAX / f->field_count,
				 FACET_BYTES_MAX / f->field_count);
	}
	for (unsigned m = 0; m < members; m++) {
		f->member[m].all = f;
		f->member[m].segment = SIZE_MAX;
		for (uint32_t k = 0; k < f->field_count; k++)
			value_table_init(&f->member[m].table[k], seed, 0, 0);
	}
	find_columns(f);
}

static void release_member(struct facet_member *m)
{
	for (uint32_t k = 0; k < m->codes_count; k++)
		free(m->codes[k].count);
	free(m->codes);
	for (uint32_t k = 0; k < m->all->field_count; k++)
		value_table_release(&m->table[k]);
	buf_release(&m->text);
	buf_release(&m->plain);
}

static void close_facets(struct facets *f)
{
	for (unsigned m = 0; m < team_size(f->scan.source->team); m++)
		release_member(&f->member[m]);
	free(f->member);
	for (size_t k = 0; k < f->scan.source->segment_count * f->field_count; k++)
		field_columns_release(&f->columns[k].columns);
	free(f->columns);
	for (uint32_t k = 0; k < f->field_count; k++) {
		value_table_release(&f->table[k]);
		mutex_release(&f->mu[k]);
	}
	scan__close(&f->scan);
}

/* ---- parts ---- */

/* Counts all fields of a segment that matches as a whole, as far as its dictionaries allow. */
static int count_whole(struct facets *f, size_t segment, bool *ret_is_done, struct err *err)
{
	int rc = 0;

	*ret_is_done = true;
	for (uint32_t k = 0; k < f->field_count && rc == 0; k++) {
		struct err found = ERR_INIT;
		bool is_counted = false;

		rc = facet__count_dicts(&f->member[0], segment, k, &is_counted, &found);
		rc = tally__look_instead(rc, &found, err);
		facet__columns(f, segment, k)->is_counted = is_counted;
		*ret_is_done = *ret_is_done && is_counted;
	}
	return rc;
}

/* Counts a part, or adds the pieces that must be looked at. */
static int add_part(struct facets *f, size_t part, struct piece_list *pieces, struct err *err)
{
	enum part_match match;
	bool is_done = false;
	uint64_t n;
	int rc = tally__judge(&f->scan, part, &match, &n, err);

	if (rc == 0 && match == PART_ALL && part < f->scan.source->segment_count)
		rc = count_whole(f, part, &is_done, err);
	if (rc == 0 && is_done)
		f->member[0].total += n;
	else if (rc == 0)
		rc = tally__pieces(&f->scan, part, match, pieces, err);
	return rc;
}

struct counting {
	struct facets *f;
	struct piece_list pieces;
};

static int count_piece(void *user, struct scanner *x, unsigned member, size_t k, struct err *err)
{
	struct counting *c = user;

	return facet__count_piece(&c->f->member[member], x, &c->pieces.piece[k], err);
}

static int count_all(struct facets *f, struct err *err)
{
	struct counting c = {f, {0}};
	int rc = 0;

	for (size_t part = 0; part < scan__part_count(&f->scan) && rc == 0; part++)
		rc = add_part(f, part, &c.pieces, err);
	if (rc == 0)
		rc = scan__each(&f->scan, &c.pieces, count_piece, &c, err);
	for (unsigned m = 0; m < team_size(f->scan.source->team) && rc == 0; m++)
		facet__share(&f->member[m]);
	piece_list_release(&c.pieces);
	return rc;
}

/* ---- the answer ---- */

static void sum_up(struct facets *f, struct tally *to)
{
	uint64_t total = 0;

	for (unsigned m = 0; m < team_size(f->scan.source->team); m++)
		total += f->member[m].total;
	tally__finish(&f->scan, total, to);
}

static int list_values(const struct facets *f, uint32_t k, struct facet *to, struct buf *text, struct err *err)
{
	const struct value_table *t = &f->table[k];
	uint32_t *top = value_table_top(t, f->r->limit, &to->value_count);

	to->value = try_array((size_t)to->value_count + 1, sizeof(*to->value));
	for (uint32_t i = 0; top && to->value && i < to->value_count; i++) {
		const struct value_entry *e = &t->entry[top[i]];

		to->value[i] = (struct facet_value){span_of(NULL, e->len), e->count}; /* where, when all are there */
		buf_put_span(text, value_table_text(t, e));
		to->other -= e->count;
	}
	if (!top || !to->value || !buf_ok(text) || t->failed)
		to->value_count = 0;
	free(top);
	return !to->value || !buf_ok(text) || t->failed
		       ? err_set(err, E_NO_MEMORY, "not enough memory for the values; ask for fewer fields")
		       : 0;
}

static int fill_facet(const struct facets *f, uint32_t k, struct facet_answer *a, struct err *err)
{
	const struct value_table *t = &f->table[k];
	struct facet *to = &a->facet[k];
	uint64_t with_value = 0;

	for (unsigned m = 0; m < team_size(f->scan.source->team); m++)
		with_value += f->member[m].with_value[k];
	to->missing = a->tally.total > with_value ? a->tally.total - with_value : 0;
	to->other = t->sum;
	to->distinct = value_table_distinct(t);
	to->error = t->error;
	to->exact = t->error == 0 && a->tally.total_exact;
	return list_values(f, k, to, &a->text, err);
}

static void place_texts(struct facet_answer *a)
{
	size_t at = 0;

	for (uint32_t k = 0; k < a->count; k++) {
		for (uint32_t i = 0; i < a->facet[k].value_count; i++) {
			a->facet[k].value[i].text.p = a->text.p + at;
			at += a->facet[k].value[i].text.len;
		}
	}
}

int facet__run(const struct search_source *source, const struct facet_request *r, struct facet_answer *ret,
	       struct err *err)
{
	struct facet_answer a = FACET_ANSWER_INIT;
	struct facets f;
	int rc;

	must(r->fields->count > 0 && r->limit <= FACET_LIMIT_MAX);
	open_facets(&f, source, r);
	rc = count_all(&f, err);
	a.count = f.field_count;
	if (rc == 0)
		sum_up(&f, &a.tally);
	for (uint32_t k = 0; k < f.field_count && rc == 0; k++)
		rc = fill_facet(&f, k, &a, err);
	close_facets(&f);
	if (rc < 0) {
		facet_answer_release(&a);
		return rc;
	}
	place_texts(&a);
	*ret = a;
	return 0;
}

int facet_run(struct snapshot *s, const struct facet_request *r, struct facet_answer *ret, struct err *err)
{
	struct search_source source;

	search__source_of(s, r->team, &source);
	return facet__run(&source, r, ret, err);
}

void facet_answer_release(struct facet_answer *a)
{
	for (uint32_t k = 0; k < a->count; k++)
		free(a->facet[k].value);
	buf_release(&a->text);
	gap_list_release(&a->tally.gaps);
	*a = (struct facet_answer)FACET_ANSWER_INIT;
}
