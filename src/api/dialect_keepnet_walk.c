/*
 * All rows of a search: windows one behind the other over the records that were there for the first. Of one page the
 * walk has one window, found as that of a search is.
 */
#include <stdlib.h>

#include "api/dialect_keepnet.h"
#include "api/limits.h"
#include "base/mem.h"

struct keepnet_walk {
	struct service *service;
	struct principal who; /* what it borrows of the request is looked at by the first window alone */
	struct keepnet_search search;
	struct keepnet_page page; /* what is looked at */
	uint32_t at;              /* the next row of it */
	size_t off;               /* where it is, or with is_turned where it ends */
	bool is_last;
};

static int fetch(struct keepnet_walk *w, uint64_t size, uint64_t after, struct err *err)
{
	struct keepnet_search *s = &w->search;
	const struct window_params p = {.ledger = LEDGER_MAIN,
					.query = s->query,
					.from_us = INT64_MIN,
					.to_us = INT64_MAX,
					.oldest_first = s->ascending,
					.sort = s->has_sort ? &s->sort : NULL,
					.size = size,
					.after = after,
					.limit = EXPORT_WINDOW_ROWS,
					.telling = after == UINT64_MAX ? WINDOW_EXPORT : WINDOW_GOES_ON};
	int rc = service_window(w->service, &w->who, &p, &w->page.window, err);

	w->at = 0;
	w->off = 0;
	w->is_last = rc < 0 || w->page.window.page.count == 0;
	return rc;
}

int keepnet__walk_open(struct request *r, const struct keepnet_search *s, bool all_pages, struct keepnet_walk **ret,
		       struct err *err)
{
	struct keepnet_walk *w = xalloc(sizeof(*w));
	int rc;

	w->service = r->server->service;
	w->who = r->who;
	w->search = *s;
	w->page.window.page = (struct page)PAGE_INIT;
	if (all_pages) {
		rc = fetch(w, UINT64_MAX, UINT64_MAX, err);
	} else {
		rc = keepnet__page_find(r, &w->search, &w->page, err);
		w->is_last = true;
		w->off = w->page.is_turned ? w->page.window.page.records.len : 0;
	}
	if (rc < 0)
		keepnet__walk_close(w);
	else
		*ret = w;
	return rc;
}

struct keepnet_walk *keepnet__walk_close(struct keepnet_walk *w)
{
	if (!w)
		return NULL;
	keepnet__page_release(&w->page);
	keepnet__search_release(&w->search);
	free(w);
	return NULL;
}

const struct gap_list *keepnet__walk_damaged(const struct keepnet_walk *w)
{
	return &w->page.window.page.damaged;
}

/* The window behind the one that is at its end. */
static int go_on(struct keepnet_walk *w, struct err *err)
{
	uint64_t size = w->page.window.size, last = w->page.window.last;

	keepnet__page_release(&w->page);
	w->page.window.page = (struct page)PAGE_INIT;
	return fetch(w, size, last, err);
}

int keepnet__walk_next(struct keepnet_walk *w, struct span *ret_record, struct err *err)
{
	const struct page *page = &w->page.window.page;
	uint32_t len;
	int rc;

	if (w->at == page->count && !w->is_last && (rc = go_on(w, err)) < 0)
		return rc;
	if (w->at == page->count)
		return 1;
	len = page->len[w->page.is_turned ? page->count - 1 - w->at : w->at];
	w->at++;
	w->off -= w->page.is_turned ? len : 0;
	*ret_record = span_of(page->records.p + w->off, len);
	w->off += w->page.is_turned ? 0 : len;
	return 0;
}
