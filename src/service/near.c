/* An event and its neighbours: two searches that go on from it, one in each direction. */
#include <string.h>

#include "base/clock.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

void near_release(struct near *n)
{
	page_release(&n->before);
	buf_release(&n->event);
	page_release(&n->after);
	gap_list_release(&n->damaged);
	*n = (struct near)NEAR_INIT;
}

static int search_side(struct service *s, const struct principal *who, const struct search_params *params,
		       struct span id, bool oldest_first, uint32_t limit, struct page *ret, struct err *err)
{
	struct search_params p = {.ledger = params->ledger,
				  .query = params->query,
				  .from = params->from,
				  .to = params->to,
				  .after = id,
				  .oldest_first = oldest_first,
				  .limit = limit,
				  .total = SEARCH_TOTAL_NONE};

	return service__search_told(s, who, &p, ret, err);
}

static int tell(struct service *s, const struct principal *who, const struct search_params *p, struct span id,
		uint32_t before, uint32_t after, struct err *err)
{
	const struct read_event e = {"event.read", p->ledger, "event", id};
	struct search_request r = {.query = NULL};
	struct buf event = BUF_INIT;
	struct query *query = NULL;
	int64_t now_us = clock_wall_us();
	int rc;

	if ((rc = service__parse_range(p, now_us, &r, err)) < 0)
		return rc;
	if ((rc = query_parse(p->query, now_us, &query, err)) < 0) {
		err_set_field(err, "query", strlen("query"));
		return rc;
	}
	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, p->query, query, r.from_us, r.to_us);
	read_event__put_number(&event, "before", before);
	read_event__put_number(&event, "after", after);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	query_free(query);
	return rc;
}

static int join_damaged(struct near *n, struct err *err)
{
	const struct gap_list *lists[] = {&n->before.damaged, &n->after.damaged};
	int rc = 0;

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < lists[k]->count && rc == 0; i++)
			rc = gap_list_add(&n->damaged, lists[k]->gap[i].first, lists[k]->gap[i].next, err);
	return rc;
}

int service_near(struct service *s, const struct principal *who, const struct search_params *params, struct span id,
		 uint32_t before, uint32_t after, struct near *ret, struct err *err)
{
	struct near n = NEAR_INIT;
	uint64_t index;
	int rc;

	must(before <= NEAR_MAX && after <= NEAR_MAX);
	if ((rc = sight_index(s, who, params->ledger, id, &index, err)) < 0)
		return rc;
	if ((rc = tell(s, who, params, id, before, after, err)) < 0)
		goto out;
	if ((rc = search_side(s, who, params, id, false, before, &n.before, err)) < 0)
		goto out;
	if ((rc = search_side(s, who, params, id, true, after, &n.after, err)) < 0)
		goto out;
	if ((rc = service__event_told(who, params->ledger, index, &n.event, err)) < 0)
		goto out;
	rc = join_damaged(&n, err);
out:
	if (rc < 0)
		near_release(&n);
	else
		*ret = n;
	return rc;
}
