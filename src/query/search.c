/* A search from beginning to end. */
#include "base/mem.h"
#include "query/scan_priv.h"

/* Part `k` in the order asked for. */
static int scan_part(struct scan *s, size_t k, struct err *err)
{
	const struct search_source *from = s->source;
	size_t at = s->r->oldest_first ? k : from->segment_count + from->tail_count - 1 - k;

	if (at < from->segment_count)
		return scan__segment(s, at, err);
	return scan__tail(s, &from->tails[at - from->segment_count], err);
}

static int scan_range(struct scan *s, struct range range, struct err *err)
{
	int rc = 0;

	s->range = range;
	for (size_t k = 0; k < s->source->segment_count + s->source->tail_count && rc == 0 && !s->has_stopped; k++)
		rc = scan_part(s, k, err);
	return rc;
}

static int scan_all(struct scan *s, struct err *err)
{
	uint64_t size = s->r->size < s->source->size ? s->r->size : s->source->size;
	bool oldest_first = s->r->oldest_first;
	uint64_t middle = oldest_first ? 0 : size; /* where the page starts */
	struct range low, high;
	int rc;

	if (s->r->after != UINT64_MAX)
		middle = oldest_first ? s->r->after + 1 : s->r->after;
	if (middle > size)
		middle = size;
	low = (struct range){0, middle};
	high = (struct range){middle, size};
	s->rest = oldest_first ? low : high;
	s->is_page = true;
	rc = scan_range(s, oldest_first ? high : low, err);
	s->is_page = false;
	if (rc == 0 && s->r->total != SEARCH_TOTAL_NONE && !s->has_stopped)
		rc = scan_range(s, s->rest, err);
	return rc;
}

static void release(struct scan *s)
{
	for (size_t k = 0; k < s->source->segment_count; k++) {
		if (s->view[k])
			view__release(s->view[k]);
		free(s->view[k]);
	}
	free(s->view);
	plan__release(&s->plan);
	buf_release(&s->scratch);
}

/* Nobody knows what matches among records that cannot be read. */
static bool has_gap(const struct search_source *source, const struct search_request *r)
{
	return source->gap_count > 0 && source->gap[0].first < r->size;
}

int search__run(const struct search_source *source, const struct search_request *r, struct search_answer *ret,
		struct err *err)
{
	struct scan s = {.source = source, .r = r, .answer = SEARCH_ANSWER_INIT};
	int rc;

	must(r->limit <= PAGE_MAX);
	s.view = xarray(source->segment_count + 1, sizeof(struct view *));
	plan__make(&s.plan, query_root(r->query), source);
	rc = scan_all(&s, err);
	if (rc == 0) {
		s.answer.total_exact = r->total != SEARCH_TOTAL_NONE && !s.has_stopped && !has_gap(source, r);
		if (r->total == SEARCH_TOTAL_NONE)
			s.answer.total = 0;
		*ret = s.answer;
	} else {
		search_answer_release(&s.answer);
	}
	release(&s);
	return rc;
}

static bool index_of_id(void *user, struct span id, uint64_t *ret_index)
{
	return ledger_index_of_id(user, id, ret_index);
}

int search_run(struct snapshot *s, const struct search_request *r, struct search_answer *ret, struct err *err)
{
	struct search_source source = {
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
	};

	return search__run(&source, r, ret, err);
}

void search_answer_release(struct search_answer *a)
{
	buf_release(&a->events);
	free(a->len);
	free(a->index);
	*a = (struct search_answer)SEARCH_ANSWER_INIT;
}
