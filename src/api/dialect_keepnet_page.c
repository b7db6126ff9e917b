/*
 * What a search asks for, and its page. Pages come by number: one that follows another goes on where that ended, over
 * the same records (api/paging.h); others are counted from the nearest place that is known, from the beginning, or, in
 * the order of the log date, from the end. Further in than PAGE_MAX rows from any of these a page is not looked for.
 *
 * In ascending order the last page is where new rows come: who asks for it again, or for the one behind it, waits for
 * them, so it is looked for in the ledger as it is now.
 */
#include <inttypes.h>
#include <string.h>

#include "api/dialect_keepnet.h"
#include "api/dialect_keepnet_filter.h"
#include "api/json_body.h"
#include "api/paging.h"

#define PAGE_SIZE_DEFAULT 10u /* what the vendor's interface asks for */

/* ---- what is asked for ---- */

static int take_number(yyjson_val *body, const char *name, uint32_t max, uint32_t fallback, uint32_t *ret,
		       struct err *err)
{
	uint64_t n;
	int rc = json_body_number(body, name, max, fallback, &n, err);

	if (rc < 0)
		return rc;
	*ret = (uint32_t)n;
	if (n > 0)
		return 0;
	err_set_field(err, name, strlen(name));
	return err_set(err, E_INVALID, "'%s' begins with 1", name);
}

static int take_ascending(yyjson_val *body, bool *ret, struct err *err)
{
	yyjson_val *v = json_body_member(body, "ascending");

	*ret = yyjson_is_true(v);
	if (!v || yyjson_is_bool(v))
		return 0;
	err_set_field(err, "ascending", strlen("ascending"));
	return err_set(err, E_INVALID, "'ascending' takes true or false, not %s", yyjson_get_type_desc(v));
}

/* A cell that comes from several members is sorted by the first; those that are kept as text, by what is kept. */
static int parse_sort(enum keepnet_cell cell, struct keepnet_search *ret, struct err *err)
{
	char path[ROW_PATH_TEXT_MAX] = "";

	ret->is_time = cell == KEEPNET_LOG_DATE;
	ret->has_sort = cell != KEEPNET_RESOURCE_ID; /* ids have no order: in that of arrival */
	if (cell == KEEPNET_OLD_VALUE)
		return field_parse(SPAN_LIT("attributes.keepnet.oldValue"), &ret->sort, err);
	if (cell == KEEPNET_NEW_VALUE)
		return field_parse(SPAN_LIT("attributes.keepnet.newValue"), &ret->sort, err);
	row_path_text(&keepnet_row.cell[cell].from[0], path);
	return ret->has_sort ? field_parse(span_str(path), &ret->sort, err) : 0;
}

static bool is_there(yyjson_val *body, const char *name)
{
	size_t len = strlen(name);
	yyjson_obj_iter members;
	yyjson_val *key;

	yyjson_obj_iter_init(body, &members);
	while ((key = yyjson_obj_iter_next(&members))) {
		if (yyjson_get_len(key) == len && strncasecmp(yyjson_get_str(key), name, len) == 0)
			return true;
	}
	return false;
}

static int take_sort(yyjson_val *body, struct keepnet_search *ret, struct err *err)
{
	struct span name;
	int cell = KEEPNET_LOG_DATE;
	int rc = json_body_string(body, "orderBy", &name, err);

	if (rc < 0)
		return rc;
	if (is_there(body, "orderBy"))
		cell = keepnet__field(name);
	if (cell >= 0)
		return parse_sort((enum keepnet_cell)cell, ret, err);
	err_set_field(err, "orderBy", strlen("orderBy"));
	return err_set(err, E_INVALID,
		       "'orderBy' takes the name of a field of the rows, such as LogDate, and not null");
}

bool keepnet__has_null_filter(yyjson_val *body)
{
	return is_there(body, "filter") && !json_body_member(body, "filter");
}

int keepnet__search_take(yyjson_val *body, bool has_filter, struct keepnet_search *ret, struct err *err)
{
	yyjson_val *filter = NULL;
	int rc;

	if ((rc = take_number(body, "pageNumber", INT32_MAX, 1, &ret->page_number, err)) < 0)
		return rc;
	if ((rc = take_number(body, "pageSize", PAGE_MAX, PAGE_SIZE_DEFAULT, &ret->page_size, err)) < 0)
		return rc;
	if ((rc = take_ascending(body, &ret->ascending, err)) < 0)
		return rc;
	if ((rc = take_sort(body, ret, err)) < 0)
		return rc;
	if (has_filter && (rc = json_body_object(body, "filter", &filter, err)) < 0)
		return rc;
	return keepnet__filter(filter, &ret->query, err);
}

void keepnet__search_release(struct keepnet_search *s)
{
	query_free(s->query);
	if (s->has_sort)
		field_release(&s->sort);
}

/* ---- its page ---- */

struct finding {
	struct request *request;
	struct keepnet_search *search;
	struct buf binding;        /* of api/paging.h */
	uint64_t start;            /* the page's first row */
	struct paging_place place; /* where to count from */
	bool is_known;             /* how many rows there are */
};

static int make_binding(struct finding *f, struct err *err)
{
	struct buf *to = &f->binding;
	const struct keepnet_search *s = f->search;

	buf_put_str(to, "keepnet ");
	buf_put_str(to, f->request->who.id);
	buf_printf(to, " %u%c", s->page_size, s->ascending ? '+' : '-');
	buf_put_span(to, s->has_sort ? s->sort.path : SPAN_LIT(""));
	buf_put_u8(to, 0);
	query_print(s->query, to);
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a search");
}

/* `limit` 0: only counts. */
static int run(struct finding *f, bool is_turned, uint64_t after, uint64_t skip, uint64_t limit, struct window *ret,
	       struct err *err)
{
	struct keepnet_search *s = f->search;
	const struct window_params w = {.ledger = LEDGER_MAIN,
					.query = s->query,
					.from_us = INT64_MIN,
					.to_us = INT64_MAX,
					.oldest_first = s->ascending != is_turned,
					.sort = s->has_sort ? &s->sort : NULL,
					.size = f->place.size,
					.after = after,
					.skip = (uint32_t)skip,
					.limit = (uint32_t)limit,
					.total_max = f->is_known ? 0 : UINT64_MAX,
					.telling = s->is_export ? WINDOW_EXPORT : WINDOW_SEARCH};

	return service_window(f->request->server->service, &f->request->who, &w, ret, err);
}

static int count(struct finding *f, struct err *err)
{
	struct window w;
	int rc = run(f, false, UINT64_MAX, 0, 0, &w, err);

	if (rc < 0)
		return rc;
	f->place.size = w.size;
	f->place.total = w.page.total;
	f->is_known = true;
	window_release(&w);
	return 0;
}

static int refuse_far(const struct finding *f, struct err *err)
{
	err_set_field(err, "pageNumber", strlen("pageNumber"));
	return err_set(err, E_INVALID,
		       "page %u begins with row %" PRIu64 " of %" PRIu64
		       "; one that far in is found behind the page before it, or within %u rows of the first or, by "
		       "LogDate, of the last; ask for the pages one after the other, or narrow the filter",
		       f->search->page_number, f->start, f->place.total, PAGE_MAX);
}

/* The page from the other end, where `left` rows and no more are behind its beginning. */
static int find_turned(struct finding *f, uint64_t left, struct keepnet_page *ret, struct err *err)
{
	uint64_t rows = left < f->search->page_size ? left : f->search->page_size;

	if (!f->search->is_time || left > PAGE_MAX)
		return refuse_far(f, err);
	ret->is_turned = true;
	return run(f, true, UINT64_MAX, left - rows, rows, &ret->window, err);
}

static int find_page(struct finding *f, struct keepnet_page *ret, struct err *err)
{
	uint64_t skip = f->start - f->place.next, limit = f->search->page_size;
	int rc;

	if (skip + limit > PAGE_MAX && !f->is_known && (rc = count(f, err)) < 0)
		return rc;
	if (f->is_known && f->start >= f->place.total)
		return run(f, false, UINT64_MAX, 0, 0, &ret->window, err);
	if (skip + limit > PAGE_MAX)
		return find_turned(f, f->place.total - f->start, ret, err);
	return run(f, false, f->place.after, skip, limit, &ret->window, err);
}

/* Rows that are left out because a page is too large would be lost to who goes on with the next. */
static int check_whole(const struct finding *f, const struct keepnet_page *p, struct err *err)
{
	uint64_t left = p->total > f->start ? p->total - f->start : 0;
	uint64_t expected = left < f->search->page_size ? left : f->search->page_size;

	if (p->window.page.count >= expected || p->window.page.records.len < PAGE_BYTES_MAX)
		return 0;
	err_set_field(err, "pageSize", strlen("pageSize"));
	return err_set(err, E_TOO_LARGE, "the rows of this page have more than %u MiB; ask for fewer by 'pageSize'",
		       PAGE_BYTES_MAX >> 20);
}

static int find(struct finding *f, struct keepnet_page *ret, struct err *err)
{
	struct paging *paging = f->request->server->paging;
	struct paging_place place;
	int rc = find_page(f, ret, err);

	if (rc < 0)
		return rc;
	ret->total = f->is_known ? f->place.total : ret->window.page.total;
	if ((rc = check_whole(f, ret, err)) < 0)
		return rc;
	place = (struct paging_place){.size = ret->window.size,
				      .total = ret->total,
				      .next = f->start + ret->window.page.count,
				      .after = ret->window.last};
	if (ret->is_turned || ret->window.page.count == 0) {
		place.next = 0; /* only the records that are looked at are worth keeping */
		place.after = UINT64_MAX;
	}
	paging_put(paging, buf_span(&f->binding), f->start, &place);
	return 0;
}

/* Where to count from. */
static void find_place(struct finding *f)
{
	uint64_t end = f->start + f->search->page_size;

	f->is_known =
		f->start > 0 && paging_near(f->request->server->paging, buf_span(&f->binding), f->start, &f->place);
	if (!f->is_known || !f->search->ascending || f->place.after == UINT64_MAX || end <= f->place.total)
		return;
	f->place.size = UINT64_MAX;
	f->is_known = false;
}

int keepnet__page_find(struct request *r, struct keepnet_search *s, struct keepnet_page *ret, struct err *err)
{
	struct finding f = {.request = r,
			    .search = s,
			    .start = (uint64_t)(s->page_number - 1) * s->page_size,
			    .place = {.size = UINT64_MAX, .after = UINT64_MAX}};
	int rc = make_binding(&f, err);

	*ret = (struct keepnet_page){.window = {.page = PAGE_INIT}};
	if (rc == 0) {
		find_place(&f);
		rc = find(&f, ret, err);
	}
	if (rc == E_NOT_FOUND) { /* the record that the place is behind has expired */
		f.place = (struct paging_place){.size = UINT64_MAX, .after = UINT64_MAX};
		f.is_known = false;
		rc = find(&f, ret, err);
	}
	if (rc < 0)
		keepnet__page_release(ret);
	buf_release(&f.binding);
	return rc;
}

void keepnet__page_release(struct keepnet_page *p)
{
	window_release(&p->window);
}

void keepnet__page_each(const struct keepnet_page *p, keepnet_row_fn *put, void *user)
{
	const struct page *page = &p->window.page;
	size_t at = p->is_turned ? page->records.len : 0;

	for (uint32_t k = 0; k < page->count; k++) {
		uint32_t len = page->len[p->is_turned ? page->count - 1 - k : k];

		at -= p->is_turned ? len : 0;
		put(user, span_of(page->records.p + at, len));
		at += p->is_turned ? 0 : len;
	}
}
