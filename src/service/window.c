/* Pages by number. Fetched in steps, as other pages are. */
#include "service/window.h"

#include <string.h>

#include "base/mem.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

struct walk {
	struct search_request request;
	uint32_t skip, limit; /* still to be passed over and to be taken */
	bool more;
};

void window_release(struct window *w)
{
	page_release(&w->page);
}

/* Moves what a step found behind the rows that are passed over to the end of the page. */
static int take_step(struct walk *k, const struct search_answer *a, struct page *page, struct err *err)
{
	uint32_t passed = a->count < k->skip ? a->count : k->skip, taken = a->count - passed;
	uint32_t *len = try_realloc(page->len, (page->count + taken + 1) * sizeof(*len));
	size_t off = 0;

	if (len)
		page->len = len;
	for (uint32_t i = 0; i < passed; i++)
		off += a->len[i];
	buf_put_span(&page->records, span_from(buf_span(&a->events), off));
	if (!len || !buf_ok(&page->records))
		return err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for fewer rows");
	if (taken > 0)
		memcpy(page->len + page->count, a->len + passed, taken * sizeof(*len));
	page->count += taken;
	k->skip -= passed;
	k->limit -= taken;
	k->more = a->more && a->count > 0;
	if (a->count > 0)
		k->request.after = a->index[a->count - 1];
	return 0;
}

static uint32_t step_of(const struct walk *k)
{
	uint32_t left = k->skip + k->limit;

	return k->request.sort || left < PAGE_STEP ? left : PAGE_STEP; /* sorting in steps would sort for each */
}

static int run_steps(struct walk *k, struct snapshot *snapshot, struct page *page, struct err *err)
{
	int rc = 0;

	while (rc == 0 && k->more && k->limit > 0 && page->records.len < PAGE_BYTES_MAX) {
		struct search_answer a = SEARCH_ANSWER_INIT;

		k->request.limit = step_of(k);
		rc = search_run(snapshot, &k->request, &a, err);
		if (rc == 0)
			rc = take_step(k, &a, page, err);
		if (rc == 0)
			rc = service__take_gaps(page, &a, err);
		search_answer_release(&a);
	}
	return rc;
}

/* Exactly, unless there are `max` in any case. */
static int count(const struct search_request *page_request, struct snapshot *snapshot, uint64_t max, struct page *page,
		 struct err *err)
{
	struct search_request r = *page_request;
	struct search_answer a = SEARCH_ANSWER_INIT;
	int rc;

	r.limit = 0;
	r.sort = NULL;
	r.after = UINT64_MAX;
	r.total = SEARCH_TOTAL_CHEAP;
	rc = search_run(snapshot, &r, &a, err);
	if (rc == 0 && !a.total_exact && a.total < max) {
		search_answer_release(&a);
		a = (struct search_answer)SEARCH_ANSWER_INIT;
		r.total = SEARCH_TOTAL_EXACT;
		rc = search_run(snapshot, &r, &a, err);
	}
	page->has_total = rc == 0;
	page->total = a.total;
	page->total_exact = a.total_exact;
	search_answer_release(&a);
	return rc;
}

static int run(struct walk *k, const struct window_params *p, struct snapshot *snapshot, struct window *w,
	       struct err *err)
{
	int rc = 0;

	if (p->total_max > 0 && (rc = count(&k->request, snapshot, p->total_max, &w->page, err)) < 0)
		return rc;
	if ((rc = run_steps(k, snapshot, &w->page, err)) < 0)
		return rc;
	for (size_t i = 0; i < snapshot->damaged_count && rc == 0; i++)
		rc = gap_list_add(&w->page.damaged, snapshot->damaged[i].first, snapshot->damaged[i].next, err);
	w->last = k->request.after;
	return rc;
}

static int tell(struct service *s, const struct principal *who, const struct window_params *p, struct err *err)
{
	const struct read_event e = {.action = p->telling == WINDOW_EXPORT ? "events.exported" : "events.searched",
				     .ledger = p->ledger};
	struct buf event = BUF_INIT, sort = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, span_of(NULL, 0), p->query, p->from_us, p->to_us);
	buf_printf(&event, ",\"order\":\"%s\"", p->oldest_first ? "oldest" : "newest");
	if (p->sort) {
		field_print(p->sort->path, &sort);
		read_event__put_text(&event, "sort", buf_span(&sort));
		event.failed = event.failed || !buf_ok(&sort);
		buf_release(&sort);
	}
	read_event__put_number(&event, "limit", p->limit);
	read_event__put_number(&event, "skip", p->skip);
	if (p->after != UINT64_MAX)
		read_event__put_number(&event, "after_index", p->after);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

int service_window(struct service *s, const struct principal *who, const struct window_params *p, struct window *ret,
		   struct err *err)
{
	struct walk k = {.request = {.query = p->query,
				     .from_us = p->from_us,
				     .to_us = p->to_us,
				     .oldest_first = p->oldest_first,
				     .after = p->after,
				     .total = SEARCH_TOTAL_NONE,
				     .team = s->team,
				     .sort = p->sort,
				     .bytes_max = PAGE_BYTES_MAX},
			 .skip = p->skip,
			 .limit = p->limit,
			 .more = true};
	struct window w = {.page = PAGE_INIT};
	struct snapshot *snapshot = NULL;
	int rc;

	if ((rc = sight_ledger(who, p->ledger, err)) < 0)
		return rc;
	if (p->telling != WINDOW_GOES_ON)
		query_narrow(p->query, who->narrow);
	if ((rc = ledger_snapshot(who->org->ledger[p->ledger], &snapshot, err)) < 0)
		return rc;
	w.size = k.request.size = p->size < snapshot->size ? p->size : snapshot->size;
	rc = p->telling == WINDOW_GOES_ON ? 0 : tell(s, who, p, err);
	if (rc == 0)
		rc = run(&k, p, snapshot, &w, err);
	snapshot_free(snapshot);
	if (rc < 0)
		window_release(&w);
	else
		*ret = w;
	return rc;
}
