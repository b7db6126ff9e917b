/*
 * Cutting and reading parts.
 *
 * A period by `time` is found by the indexes of blocks; one by `received`, which never goes back along a ledger, is a
 * run of numbers itself and found by halving.
 */
#include "service/part.h"

#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "codec/record_path.h"
#include "query/query_build.h"
#include "query/search_stream.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

/* What both need: a snapshot, what is looked for in it, and where. */
struct scope {
	struct snapshot *snapshot;
	struct query *query;
	struct search_request request;
};

static void close_scope(struct scope *x)
{
	snapshot_free(x->snapshot);
	query_free(x->query);
}

/* All of a ledger that matches and that who asks may see, oldest first. Takes the query over. */
static int open_scope(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		      struct query *query, struct scope *ret, struct err *err)
{
	struct scope x = {.query = query};
	int rc;

	query_narrow(x.query, who->narrow);
	if ((rc = sight_ledger(who, ledger, err)) < 0 ||
	    (rc = ledger_snapshot(who->org->ledger[ledger], &x.snapshot, err)) < 0) {
		close_scope(&x);
		return rc;
	}
	x.request = (struct search_request){.query = x.query,
					    .from_us = INT64_MIN,
					    .to_us = INT64_MAX,
					    .oldest_first = true,
					    .size = x.snapshot->size,
					    .after = UINT64_MAX,
					    .total = SEARCH_TOTAL_NONE,
					    .team = s->team};
	*ret = x;
	return 0;
}

static int open_period(struct service *s, const struct principal *who, const struct period *p, struct scope *ret,
		       struct err *err)
{
	int rc = open_scope(s, who, p->ledger, query_new(), ret, err);

	if (rc == 0 && p->clock == PERIOD_TIME) {
		ret->request.from_us = p->from_us;
		ret->request.to_us = p->to_us;
	}
	return rc;
}

/* `part` NULL: what parts there are. */
static int tell(struct service *s, const struct principal *who, const struct period *p, const struct scope *x,
		const struct part *part, struct err *err)
{
	const struct read_event e = {.action = part ? "events.exported" : "events.counted", .ledger = p->ledger};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, span_of(NULL, 0), x->query, p->from_us, p->to_us);
	read_event__put_text(&event, "clock", span_str(p->clock == PERIOD_TIME ? "time" : "received"));
	if (part) {
		read_event__put_number(&event, "first_index", part->first);
		read_event__put_number(&event, "last_index", part->next > 0 ? part->next - 1 : 0);
	}
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

/* Begins at this number, which `after` says by the one before it. */
static void begin_at(struct search_request *r, uint64_t first)
{
	r->after = first > 0 ? first - 1 : UINT64_MAX;
}

/* ---- halving, for periods by `received` ---- */

/* When the first record from `index` on that can be read was received, and its number; `size` when there is none. */
static int find_received(const struct scope *x, const struct query *all, uint64_t index, uint64_t *ret_index,
			 int64_t *ret_us, struct err *err)
{
	struct search_request r = x->request;
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct span json;
	int rc;

	r.query = all;
	r.limit = 1;
	begin_at(&r, index);
	rc = search_run(x->snapshot, &r, &a, err);
	*ret_index = r.size;
	*ret_us = INT64_MAX;
	if (rc == 0 && a.count > 0) {
		*ret_index = a.index[0];
		if (!record_path_get(span_of(a.events.p, a.len[0]), SPAN_LIT("received"), &json) ||
		    json.len != TIMESTAMP_LEN + 2 || !timestamp_parse_canonical(json.p + 1, ret_us))
			rc = err_set(err, E_CORRUPT, "a record does not say when it was received");
	}
	search_answer_release(&a);
	return rc;
}

/* The first number whose record was received at `us` or later. */
static int halve(const struct scope *x, const struct query *all, int64_t us, uint64_t *ret, struct err *err)
{
	uint64_t low = x->snapshot->first, high = x->request.size, at;
	int64_t received_us;
	int rc;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if ((rc = find_received(x, all, middle, &at, &received_us, err)) < 0)
			return rc;
		if (received_us >= us)
			high = middle;
		else
			low = at + 1;
	}
	*ret = low;
	return 0;
}

/* Turns the period into a run of numbers. */
static int find_run(const struct scope *x, const struct period *p, uint64_t *ret_first, uint64_t *ret_next,
		    struct err *err)
{
	struct query *all;
	int rc;

	*ret_first = 0;
	*ret_next = x->request.size;
	if (p->clock == PERIOD_TIME)
		return 0;
	all = query_new();
	rc = halve(x, all, p->from_us, ret_first, err);
	if (rc == 0)
		rc = halve(x, all, p->to_us, ret_next, err);
	query_free(all);
	return rc;
}

/* ---- cutting ---- */

/* The number of the next match from `first` on; UINT64_MAX when there is none. */
static int find_match(const struct scope *x, uint64_t first, uint64_t *ret, struct err *err)
{
	struct search_request r = x->request;
	struct search_answer a = SEARCH_ANSWER_INIT;
	int rc;

	r.limit = 1;
	begin_at(&r, first);
	rc = search_run(x->snapshot, &r, &a, err);
	*ret = rc == 0 && a.count > 0 ? a.index[0] : UINT64_MAX;
	search_answer_release(&a);
	return rc;
}

/* Makes room by parts of twice as many numbers: two that become one are merged. */
static void widen(struct part_list *list, uint64_t width)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		uint64_t first = list->part[i].first - list->part[i].first % width;

		if (kept == 0 || list->part[kept - 1].first != first)
			list->part[kept++] = (struct part){first, first + width};
	}
	list->count = kept;
}

static int cut(const struct scope *x, uint64_t width, uint64_t first, uint64_t next, struct part_list *ret,
	       struct err *err)
{
	uint64_t at = first, match;
	int rc;

	ret->count = 0;
	while (at < next) {
		if ((rc = find_match(x, at, &match, err)) < 0)
			return rc;
		if (match >= next)
			break;
		while (ret->count == PARTS_MAX)
			widen(ret, width *= 2);
		match -= match % width;
		if (ret->count == 0 || ret->part[ret->count - 1].first != match)
			ret->part[ret->count++] = (struct part){match, match + width};
		at = match + width;
	}
	return 0;
}

/* Round numbers stop where the period and the ledger do. */
static void trim(struct part_list *list, uint64_t first, uint64_t next)
{
	for (size_t i = 0; i < list->count; i++) {
		struct part *p = &list->part[i];

		p->first = p->first > first ? p->first : first;
		p->next = p->next < next ? p->next : next;
	}
}

int service_parts(struct service *s, const struct principal *who, const struct period *period, struct part_list *ret,
		  struct err *err)
{
	struct scope x;
	uint64_t first, next;
	int rc;

	if ((rc = open_period(s, who, period, &x, err)) < 0)
		return rc;
	if ((rc = tell(s, who, period, &x, NULL, err)) < 0)
		goto out;
	if ((rc = find_run(&x, period, &first, &next, err)) < 0)
		goto out;
	x.request.size = next;
	rc = cut(&x, period->width > 0 ? period->width : PART_RECORDS, first, next, ret, err);
	trim(ret, first, next);
out:
	close_scope(&x);
	return rc;
}

/* ---- reading ---- */

struct part_reader {
	struct scope scope;
	struct search_stream *source;
};

/* Reads what the scope's request says from here on. */
static struct part_reader *start(const struct scope *scope)
{
	struct part_reader *x = xalloc(sizeof(*x));

	x->scope = *scope;
	x->source = search_stream_open(x->scope.snapshot, &x->scope.request);
	return x;
}

int part_open(struct service *s, const struct principal *who, const struct period *period, const struct part *part,
	      struct part_reader **ret, struct err *err)
{
	struct scope scope;
	int rc = open_period(s, who, period, &scope, err);

	if (rc < 0)
		return rc;
	if ((rc = tell(s, who, period, &scope, part, err)) < 0) {
		close_scope(&scope);
		return rc;
	}
	if (scope.request.size > part->next)
		scope.request.size = part->next;
	begin_at(&scope.request, part->first);
	*ret = start(&scope);
	return 0;
}

/* Everything that matches is told of as one export. */
static int tell_search(struct service *s, const struct principal *who, const struct scope *x, struct err *err)
{
	const struct read_event e = {.action = "events.exported", .ledger = LEDGER_MAIN};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, span_of(NULL, 0), x->query, x->request.from_us, x->request.to_us);
	read_event__put_number(&event, "ledger_size", x->request.size);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

int part_open_search(struct service *s, const struct principal *who, struct query *query, int64_t from_us,
		     int64_t to_us, struct part_reader **ret, struct err *err)
{
	struct scope scope;
	int rc = open_scope(s, who, LEDGER_MAIN, query, &scope, err);

	if (rc < 0)
		return rc;
	scope.request.from_us = from_us;
	scope.request.to_us = to_us;
	scope.request.oldest_first = false;
	if ((rc = tell_search(s, who, &scope, err)) < 0) {
		close_scope(&scope);
		return rc;
	}
	*ret = start(&scope);
	return 0;
}

struct part_reader *part_close(struct part_reader *x)
{
	if (!x)
		return NULL;
	search_stream_close(x->source);
	close_scope(&x->scope);
	free(x);
	return NULL;
}

int part_next(struct part_reader *x, size_t bytes, struct search_answer *ret, struct err *err)
{
	int rc = search_stream_next(x->source, bytes, ret, err);

	if (rc == 0 && ret->damage.code != 0)
		diag(DIAG_ERROR, "store", "records are left out of a file: %s file=%s offset=%lld", ret->damage.message,
		     ret->damage.field, (long long)ret->damage.offset);
	return rc;
}
