/*
 * Following a ledger: what matches among the records that have come since. A position is the number of the first record
 * not looked at yet; it moves over records that do not match as well, so that nobody looks at one twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

uint64_t service_size(struct service *s, const struct principal *who, enum control_ledger_name ledger)
{
	(void)s;
	return ledger_size(who->org->ledger[ledger]);
}

int service_position(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		     uint64_t *ret, struct err *err)
{
	uint64_t index;
	int rc = sight_index(s, who, ledger, id, &index, err);

	if (rc == E_NOT_FOUND)
		return err_set(err, E_INVALID, "no event of this ledger has this id");
	if (rc == 0)
		*ret = index + 1;
	return rc;
}

void service_id(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t index,
		uint8_t to[RECORD_ID_LEN])
{
	(void)s;
	ledger_ids(who->org->ledger[ledger], index, 1, to);
}

int service_tail_begin(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		       struct span text, const struct query *query, struct err *err)
{
	const struct read_event e = {.action = "tail.begun", .ledger = ledger};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_scope(&event, text, query, INT64_MIN, INT64_MAX);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

void service_tail_end(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t events)
{
	const struct read_event e = {.action = "tail.ended", .ledger = ledger};
	struct buf event = BUF_INIT;

	read_event__begin(&event, who, &e);
	read_event__put_number(&event, "events", events);
	buf_put_str(&event, "}}");
	service__tell_later(s, who->org, &event);
	buf_release(&event);
}

void follow_release(struct follow *f)
{
	page_release(&f->page);
	free(f->id);
	*f = (struct follow)FOLLOW_INIT;
}

/* How many of the records to take: all, or those that reach `bytes_max`. */
static uint32_t count_within(const struct search_answer *a, size_t bytes_max)
{
	uint32_t count = 0;
	size_t bytes = 0;

	while (count < a->count && bytes < bytes_max)
		bytes += a->len[count++];
	return count;
}

/* Moves the records over; the memory of the answer becomes the page's. */
static int take_records(struct follow *f, struct search_answer *a, struct ledger *l, uint32_t count, struct err *err)
{
	f->id = try_array(count + 1, sizeof(f->id[0]));
	if (!f->id)
		return err_set(err, E_NO_MEMORY, "not enough memory for what has come");
	for (uint32_t i = 0; i < count; i++)
		ledger_ids(l, a->index[i], 1, f->id[i]);
	f->page.records = a->events;
	f->page.len = a->len;
	f->page.count = count;
	a->events = (struct buf)BUF_INIT;
	a->len = NULL;
	return 0;
}

/* Of all that is damaged, what lies where this step has looked. */
static int take_damaged(struct follow *f, const struct search_answer *a, const struct snapshot *snapshot, uint64_t from,
			struct err *err)
{
	struct gap_list *gaps = &f->page.damaged;
	size_t count = 0;
	int rc = service__take_gaps(&f->page, a, err);

	for (size_t i = 0; i < snapshot->damaged_count && rc == 0; i++)
		rc = gap_list_add(gaps, snapshot->damaged[i].first, snapshot->damaged[i].next, err);
	for (size_t i = 0; i < gaps->count; i++) {
		if (gaps->gap[i].next > from && gaps->gap[i].first < f->position)
			gaps->gap[count++] = gaps->gap[i];
	}
	gaps->count = count;
	return rc;
}

static int run(struct snapshot *snapshot, const struct search_request *r, uint64_t position, size_t bytes_max,
	       struct follow *ret, struct err *err)
{
	struct search_answer answer = SEARCH_ANSWER_INIT;
	uint32_t count;
	int rc;

	if ((rc = search_run(snapshot, r, &answer, err)) < 0)
		goto out;
	count = count_within(&answer, bytes_max);
	ret->position = r->size;
	if (count > 0 && (count < answer.count || answer.more))
		ret->position = answer.index[count - 1] + 1;
	if ((rc = take_records(ret, &answer, snapshot->ledger, count, err)) < 0)
		goto out;
	rc = take_damaged(ret, &answer, snapshot, position, err);
out:
	search_answer_release(&answer);
	return rc;
}

int service__follow(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		    const struct query *query, uint64_t position, uint64_t end, uint32_t limit, size_t bytes_max,
		    struct follow *ret, struct err *err)
{
	struct search_request r = {.query = query,
				   .from_us = INT64_MIN,
				   .to_us = INT64_MAX,
				   .oldest_first = true,
				   .limit = limit,
				   .after = position > 0 ? position - 1 : UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE,
				   .team = s->team};
	struct follow f = FOLLOW_INIT;
	struct snapshot *snapshot = NULL;
	int rc;

	if ((rc = sight_ledger(who, ledger, err)) < 0)
		return rc;
	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	r.size = snapshot->size < end ? snapshot->size : end;
	rc = run(snapshot, &r, position, bytes_max, &f, err);
	snapshot_free(snapshot);
	if (rc < 0)
		follow_release(&f);
	else
		*ret = f;
	return rc;
}

int service_follow(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		   const struct query *query, uint64_t position, uint32_t limit, size_t bytes_max, struct follow *ret,
		   struct err *err)
{
	return service__follow(s, who, ledger, query, position, UINT64_MAX, limit, bytes_max, ret, err);
}
