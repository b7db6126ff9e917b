/* A search from beginning to end. */
#include "query/search.h"

#include "base/clock.h"
#include "base/mem.h"
#include "query/page_priv.h"

/* Where the page begins, and what lies on either side of it. */
static void set_ranges(struct search *q)
{
	const struct search_request *r = q->r;
	uint64_t size = r->size < q->scan.source->size ? r->size : q->scan.source->size;
	uint64_t middle = r->oldest_first ? 0 : size;
	struct range low, high;

	if (r->after != UINT64_MAX)
		middle = r->oldest_first ? r->after + 1 : r->after;
	if (middle > size)
		middle = size;
	low = (struct range){0, middle};
	high = (struct range){middle, size};
	q->ahead = r->oldest_first ? high : low;
	q->behind = r->oldest_first ? low : high;
}

/* Nobody knows what matches among records that cannot be read. */
static bool has_gap(const struct search *q)
{
	const struct search_source *source = q->scan.source;

	return q->scan.gaps.count > 0 || (source->gap_count > 0 && source->gap[0].first < q->r->size);
}

static int run(struct search *q, struct err *err)
{
	int64_t begin_ns = clock_mono_ns(), page_ns;
	bool is_sorted = q->r->sort && q->r->limit > 0;
	int rc = is_sorted ? search__fill_sorted(q, err) : search__fill_page(q, err);

	page_ns = clock_mono_ns();
	if (rc == 0 && !q->is_counted)
		rc = search__count(q, err);
	q->scan.figures.page_ns = page_ns - begin_ns;
	q->scan.figures.count_ns = clock_mono_ns() - page_ns;
	return rc;
}

/* Moves what the scan knows into the answer. */
static void finish(struct search *q, struct search_answer *ret)
{
	struct search_answer *a = &q->answer;

	a->total_exact = q->r->total != SEARCH_TOTAL_NONE && !q->is_incomplete && !has_gap(q);
	if (q->r->total == SEARCH_TOTAL_NONE)
		a->total = 0;
	scan__sum_up(&q->scan);
	a->figures = q->scan.figures;
	a->damage = q->scan.damage;
	if (q->r->explain)
		explain__put(q, q->r->explain);
	a->gaps = q->scan.gaps;
	q->scan.gaps = (struct gap_list){0};
	*ret = *a;
}

int search__run(const struct search_source *source, const struct search_request *r, struct search_answer *ret,
		struct err *err)
{
	struct search q = {.r = r, .answer = SEARCH_ANSWER_INIT};
	int64_t begin_ns = clock_mono_ns();
	int rc;

	must(r->limit <= PAGE_MAX);
	scan__open(&q.scan, source, r->query, r->from_us, r->to_us);
	q.scan.is_timed = r->explain != NULL;
	q.found = xarray(scan__part_count(&q.scan) + 1, sizeof(*q.found));
	set_ranges(&q);
	q.scan.figures.plan_ns = clock_mono_ns() - begin_ns;
	rc = run(&q, err);
	if (rc == 0)
		finish(&q, ret);
	else
		search_answer_release(&q.answer);
	piece_list_release(&q.left);
	free(q.found);
	scan__close(&q.scan);
	return rc;
}

static bool index_of_id(void *user, struct span id, uint64_t *ret_index)
{
	return ledger_index_of_id(user, id, ret_index);
}

void search__source_of(struct snapshot *s, struct team *team, struct search_source *ret)
{
	*ret = (struct search_source){
		.segments = s->segments,
		.segment_count = s->segment_count,
		.tails = s->tails,
		.tail_count = s->tail_count,
		.size = s->size,
		.gap = s->damaged,
		.gap_count = s->damaged_count,
		.record = snapshot_tail_record,
		.index_of_id = index_of_id,
		.user = s->ledger,
		.team = team,
	};
}

int search_run(struct snapshot *s, const struct search_request *r, struct search_answer *ret, struct err *err)
{
	struct search_source source;

	search__source_of(s, r->team, &source);
	return search__run(&source, r, ret, err);
}

void search_answer_release(struct search_answer *a)
{
	buf_release(&a->events);
	free(a->len);
	free(a->index);
	gap_list_release(&a->gaps);
	*a = (struct search_answer)SEARCH_ANSWER_INIT;
}
