/*
 * Searching: from what a client wrote to a page of records.
 *
 * A page is fetched in steps of PAGE_STEP records, so that its size is known before it grows past PAGE_BYTES_MAX. The
 * first step counts; the snapshot is one for all steps.
 */
#include "query/search.h"

#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/time_text.h"
#include "query/tally.h"
#include "service/cursor.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

void page_release(struct page *p)
{
	buf_release(&p->records);
	free(p->len);
	gap_list_release(&p->damaged);
	buf_release(&p->explain);
	*p = (struct page)PAGE_INIT;
}

static int name_field(struct err *err, const char *field, int rc)
{
	err_set_field(err, field, strlen(field));
	return rc;
}

int service__parse_range(const struct search_params *p, int64_t now_us, struct search_request *r, struct err *err)
{
	int rc;

	r->from_us = INT64_MIN;
	r->to_us = INT64_MAX;
	if (p->from.len > 0 && (rc = time_text_parse(p->from, now_us, &r->from_us, err)) < 0)
		return name_field(err, "from", rc);
	if (p->to.len > 0 && (rc = time_text_parse(p->to, now_us, &r->to_us, err)) < 0)
		return name_field(err, "to", rc);
	if (r->from_us > r->to_us)
		return name_field(err, "from", err_set(err, E_INVALID, "'from' lies after 'to'"));
	return 0;
}

static void put_bound(struct buf *to, struct span text)
{
	buf_put_varint(to, text.len);
	buf_put_span(to, text);
}

/* The sort in its normal form: empty for the order of arrival. */
static struct span sort_of(const struct search_params *p)
{
	return span_eq_str(p->sort, "received") ? SPAN_LIT("") : p->sort;
}

/* What a cursor is bound to besides its fields. */
static int make_binding(const struct principal *who, const struct search_params *p, const struct query *query,
			struct buf *to, struct err *err)
{
	struct buf normal = BUF_INIT;

	query_print(query, &normal);
	put_bound(to, span_str(who->id));
	put_bound(to, p->from);
	put_bound(to, p->to);
	put_bound(to, buf_span(&normal));
	put_bound(to, sort_of(p));
	if (!buf_ok(&normal))
		to->failed = true;
	buf_release(&normal);
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the cursor");
}

static int apply_cursor(const struct principal *who, const struct search_params *p, struct span binding,
			struct search_request *r, struct err *err)
{
	struct cursor c;
	int rc;

	if (p->after.len > 0)
		return err_set(err, E_INVALID, "give 'cursor' or 'after', not both");
	if ((rc = cursor_get(p->cursor, &who->org->cursor_key, binding, &c, err)) < 0)
		return rc;
	if (c.oldest_first != p->oldest_first || c.is_self != (p->ledger == LEDGER_SELF))
		return err_set(err, E_INVALID, "the cursor was made for another order or ledger");
	r->size = c.size;
	r->after = c.after;
	r->from_us = c.from_us;
	r->to_us = c.to_us;
	return 0;
}

/* What is not there is no fault of the resource here, but of the parameter. */
static int apply_after(struct service *s, const struct principal *who, const struct search_params *p,
		       struct search_request *r, struct err *err)
{
	int rc = sight_index(s, who, p->ledger, p->after, &r->after, err);

	return rc == E_NOT_FOUND ? err_set(err, E_INVALID, "no event of this ledger has this id") : rc;
}

static int make_request(struct service *s, const struct principal *who, const struct search_params *p,
			struct span binding, int64_t now_us, struct search_request *r, struct err *err)
{
	int rc;

	if ((rc = service__parse_range(p, now_us, r, err)) < 0)
		return rc;
	r->oldest_first = p->oldest_first;
	r->size = UINT64_MAX;
	r->after = UINT64_MAX;
	if (p->cursor.len > 0 && (rc = apply_cursor(who, p, binding, r, err)) < 0)
		return name_field(err, "cursor", rc);
	if (p->cursor.len == 0 && p->after.len > 0 && (rc = apply_after(s, who, p, r, err)) < 0)
		return name_field(err, "after", rc);
	return 0;
}

/* Moves a step's answer to the end of the page. */
static int take_step(struct page *page, const struct search_answer *a, struct err *err)
{
	uint32_t *len = try_realloc(page->len, (page->count + a->count + 1) * sizeof(*len));

	if (len)
		page->len = len;
	buf_put_span(&page->records, buf_span(&a->events));
	if (!len || !buf_ok(&page->records))
		return err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
	if (a->count > 0)
		memcpy(page->len + page->count, a->len, a->count * sizeof(*len));
	page->count += a->count;
	return 0;
}

int service__take_gaps(struct page *page, const struct search_answer *a, struct err *err)
{
	int rc = 0;

	if (a->damage.code != 0)
		diag(DIAG_ERROR, "store", "records are left out of a search: %s file=%s offset=%lld", a->damage.message,
		     a->damage.field, (long long)a->damage.offset);
	for (size_t i = 0; i < a->gaps.count && rc == 0; i++)
		rc = gap_list_add(&page->damaged, a->gaps.gap[i].first, a->gaps.gap[i].next, err);
	return rc;
}

/* Fetches the steps; *ret_more says whether there is a next page. */
static int run_steps(struct snapshot *snapshot, struct search_request *r, uint32_t limit, struct page *page,
		     bool *ret_more, struct err *err)
{
	int rc;

	*ret_more = true;
	while (*ret_more && page->count < limit && page->records.len < PAGE_BYTES_MAX) {
		struct search_answer answer = SEARCH_ANSWER_INIT;
		uint32_t left = limit - page->count;

		r->limit = r->sort || left < PAGE_STEP ? left : PAGE_STEP; /* sorting in steps would sort for each */
		rc = search_run(snapshot, r, &answer, err);
		if (rc == 0)
			rc = take_step(page, &answer, err);
		if (rc == 0)
			rc = service__take_gaps(page, &answer, err);
		if (rc == 0 && r->total != SEARCH_TOTAL_NONE) {
			page->has_total = true;
			page->total = answer.total;
			page->total_exact = answer.total_exact;
			r->total = SEARCH_TOTAL_NONE;
		}
		r->explain = NULL; /* the first step says it */
		*ret_more = answer.more && answer.count > 0;
		if (answer.count > 0)
			r->after = answer.index[answer.count - 1];
		search_answer_release(&answer);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What cannot be read is said: an answer with holes must not look whole. */
static int take_damaged(struct page *page, const struct snapshot *snapshot, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < snapshot->damaged_count && rc == 0; i++)
		rc = gap_list_add(&page->damaged, snapshot->damaged[i].first, snapshot->damaged[i].next, err);
	return rc;
}

static void make_next(const struct principal *who, const struct search_params *p, const struct search_request *r,
		      struct span binding, int64_t now_us, struct page *page)
{
	struct cursor next = {.oldest_first = p->oldest_first,
			      .is_self = p->ledger == LEDGER_SELF,
			      .size = r->size,
			      .after = r->after,
			      .from_us = r->from_us,
			      .to_us = r->to_us,
			      .now_us = now_us};

	cursor_put(&next, &who->org->cursor_key, binding, page->next_cursor);
}

/* One event for each page: each gives out other records. */
static int tell(struct service *s, const struct principal *who, const struct search_params *p,
		const struct query *query, const struct search_request *r, struct err *err)
{
	const struct read_event e = {.action = "events.searched", .ledger = p->ledger};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, p->query, query, r->from_us, r->to_us);
	read_event__put_text(&event, "sort", sort_of(p));
	buf_printf(&event, ",\"order\":\"%s\"", p->oldest_first ? "oldest" : "newest");
	read_event__put_number(&event, "limit", p->limit);
	if (p->cursor.len > 0 || p->after.len > 0)
		read_event__put_number(&event, "after_index", r->after);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

/* The snapshot is taken before the search is told of, so that one of `self` does not find itself. */
static int run(struct service *s, const struct principal *who, const struct search_params *p, const struct query *query,
	       const struct field *sort, bool is_told, int64_t now_us, struct page *page, struct err *err)
{
	struct search_request r = {
		.query = query, .total = p->total, .team = s->team, .sort = sort, .bytes_max = PAGE_BYTES_MAX};
	struct snapshot *snapshot = NULL;
	struct buf binding = BUF_INIT;
	bool more;
	int rc;

	if ((rc = make_binding(who, p, query, &binding, err)) < 0)
		goto out;
	if ((rc = make_request(s, who, p, buf_span(&binding), now_us, &r, err)) < 0)
		goto out;
	if ((rc = ledger_snapshot(who->org->ledger[p->ledger], &snapshot, err)) < 0)
		goto out;
	if (!is_told && (rc = tell(s, who, p, query, &r, err)) < 0)
		goto out;
	r.explain = p->explain ? &page->explain : NULL;
	if (r.size > snapshot->size)
		r.size = snapshot->size; /* the pages of one search see one ledger */
	if ((rc = run_steps(snapshot, &r, p->limit, page, &more, err)) < 0)
		goto out;
	if ((rc = take_damaged(page, snapshot, err)) < 0)
		goto out;
	if (more)
		make_next(who, p, &r, buf_span(&binding), now_us, page);
out:
	buf_release(&binding);
	snapshot_free(snapshot);
	return rc;
}

/* The field to sort by; *ret_is_given says whether there is one. */
static int parse_sort(const struct search_params *p, struct field *ret, bool *ret_is_given, struct err *err)
{
	int rc = 0;

	*ret_is_given = sort_of(p).len > 0;
	if (*ret_is_given)
		rc = field_parse(p->sort, ret, err);
	if (rc == 0 && *ret_is_given && span_eq_str(ret->path, "id")) {
		field_release(ret);
		rc = err_set(err, E_INVALID, "ids have no order; sort by received, time or another field");
	}
	return rc < 0 ? name_field(err, "sort", rc) : 0;
}

static int search(struct service *s, const struct principal *who, const struct search_params *params, bool is_told,
		  struct page *ret, struct err *err)
{
	struct page page = PAGE_INIT;
	struct query *query = NULL;
	struct field sort = {{NULL, 0}, NULL, 0};
	bool is_sorted;
	int64_t now_us;
	int rc;

	if (params->cursor.len == 0 || !cursor_now(params->cursor, &now_us))
		now_us = clock_wall_us();
	if ((rc = parse_sort(params, &sort, &is_sorted, err)) < 0)
		return rc;
	if ((rc = sight_query(who, params->ledger, params->query, now_us, &query, err)) < 0) {
		field_release(&sort);
		return rc;
	}
	rc = run(s, who, params, query, is_sorted ? &sort : NULL, is_told, now_us, &page, err);
	query_free(query);
	field_release(&sort);
	if (rc < 0)
		page_release(&page);
	else
		*ret = page;
	return rc;
}

int service_search(struct service *s, const struct principal *who, const struct search_params *params, struct page *ret,
		   struct err *err)
{
	return search(s, who, params, false, ret, err);
}

int service__search_told(struct service *s, const struct principal *who, const struct search_params *params,
			 struct page *ret, struct err *err)
{
	return search(s, who, params, true, ret, err);
}

/* ---- for what counts instead of listing ---- */

static int tell_count(struct service *s, const struct principal *who, const struct search_params *p,
		      const struct search_scope *scope, struct span fields, struct err *err)
{
	const struct read_event e = {.action = "events.counted", .ledger = p->ledger};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, p->query, scope->query, scope->from_us, scope->to_us);
	read_event__put_text(&event, "fields", fields);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

int service__scope_open(struct service *s, const struct principal *who, const struct search_params *params,
			struct span fields, struct search_scope *ret, struct err *err)
{
	struct search_request r = {.query = NULL};
	struct search_scope scope = {.query = NULL};
	int64_t now_us = clock_wall_us();
	int rc;

	if ((rc = service__parse_range(params, now_us, &r, err)) < 0)
		return rc;
	scope.from_us = r.from_us;
	scope.to_us = r.to_us;
	if ((rc = sight_query(who, params->ledger, params->query, now_us, &scope.query, err)) < 0)
		return rc;
	rc = ledger_snapshot(who->org->ledger[params->ledger], &scope.snapshot, err);
	if (rc == 0)
		rc = tell_count(s, who, params, &scope, fields, err);
	if (rc < 0)
		service__scope_close(&scope);
	else
		*ret = scope;
	return rc;
}

void service__scope_close(struct search_scope *scope)
{
	query_free(scope->query);
	snapshot_free(scope->snapshot);
}

int service__take_damage(struct tally *tally, const struct snapshot *snapshot, struct err *err)
{
	int rc = 0;

	if (tally->damage.code != 0)
		diag(DIAG_ERROR, "store", "records are left out of a count: %s file=%s offset=%lld",
		     tally->damage.message, tally->damage.field, (long long)tally->damage.offset);
	for (size_t i = 0; i < snapshot->damaged_count && rc == 0; i++)
		rc = gap_list_add(&tally->gaps, snapshot->damaged[i].first, snapshot->damaged[i].next, err);
	return rc;
}

static int tell_event(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		      struct err *err)
{
	const struct read_event e = {"event.read", ledger, "event", id};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

int service_event(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		  struct buf *to, struct err *err)
{
	uint64_t index;
	int rc;

	if ((rc = sight_index(s, who, ledger, id, &index, err)) < 0)
		return rc;
	rc = tell_event(s, who, ledger, id, err);
	return rc < 0 ? rc : service__event_told(who, ledger, index, to, err);
}

int service__event_told(const struct principal *who, enum control_ledger_name ledger, uint64_t index, struct buf *to,
			struct err *err)
{
	struct snapshot *snapshot = NULL;
	int rc;

	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	rc = snapshot_record(snapshot, index, to, err);
	snapshot_free(snapshot);
	return rc;
}
