/* Searching part by part. One record more than asked for is looked for: it says whether there is a next page. */
#include "service/search_around.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

struct around {
	const struct snapshot *snapshot;
	const struct search_request *r;
	struct search_answer answer;
	uint32_t wanted; /* records: those of the page and one more */
	struct gap_list *gaps;
};

/* ---- gaps ---- */

int gap_list_add(struct gap_list *gaps, uint64_t first, uint64_t next, struct err *err)
{
	struct snapshot_gap *grown = try_realloc(gaps->gap, (gaps->count + 1) * sizeof(*grown));
	size_t from = 0, to;

	if (!grown)
		return err_set(err, E_NO_MEMORY, "not enough memory for the list of damaged records");
	gaps->gap = grown;
	while (from < gaps->count && grown[from].next < first)
		from++;
	for (to = from; to < gaps->count && grown[to].first <= next; to++) { /* those it touches become one with it */
		first = grown[to].first < first ? grown[to].first : first;
		next = grown[to].next > next ? grown[to].next : next;
	}
	memmove(grown + from + 1, grown + to, (gaps->count - to) * sizeof(*grown));
	grown[from] = (struct snapshot_gap){first, next};
	gaps->count = gaps->count - (to - from) + 1;
	return 0;
}

void gap_list_release(struct gap_list *gaps)
{
	free(gaps->gap);
	*gaps = (struct gap_list){0};
}

/* ---- records ---- */

static int make_room(struct search_answer *a, uint32_t count, struct err *err)
{
	uint32_t *len = try_realloc(a->len, (size_t)count * sizeof(*len));
	uint64_t *index;

	if (len)
		a->len = len;
	index = try_realloc(a->index, (size_t)count * sizeof(*index));
	if (index)
		a->index = index;
	return len && index ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
}

static void take_record(struct around *a, struct span record, uint64_t index)
{
	if (a->answer.count == a->wanted)
		return;
	buf_put_span(&a->answer.events, record);
	a->answer.len[a->answer.count] = (uint32_t)record.len;
	a->answer.index[a->answer.count++] = index;
}

static bool is_behind(const struct search_request *r, uint64_t index)
{
	return r->after == UINT64_MAX || (r->oldest_first ? index > r->after : index < r->after);
}

/* Takes what a part yielded, in the order asked for. `is_turned`: it came the other way round. */
static void take_answer(struct around *a, const struct search_answer *part, bool is_turned)
{
	const uint8_t *at = is_turned ? part->events.p + part->events.len : part->events.p;

	for (uint32_t k = 0; k < part->count; k++) {
		uint32_t i = is_turned ? part->count - 1 - k : k;
		const uint8_t *record = is_turned ? at - part->len[i] : at;

		if (is_behind(a->r, part->index[i]))
			take_record(a, span_of(record, part->len[i]), part->index[i]);
		at = is_turned ? record : at + part->len[i];
	}
}

/* ---- parts ---- */

static bool is_complete(const struct around *a)
{
	return a->answer.count == a->wanted && a->r->total != SEARCH_TOTAL_EXACT;
}

/* The records [first, next) of a part that has one segment, all of them that match, oldest first. */
static int search_block(struct around *a, struct snapshot *part, const struct segment_block_info *info, struct err *err)
{
	struct search_answer answer = SEARCH_ANSWER_INIT;
	struct search_request r = *a->r;
	struct err found = ERR_INIT;
	int rc;

	r.oldest_first = true;
	r.after = info->first > 0 ? info->first - 1 : UINT64_MAX;
	r.size = info->first + info->rows < r.size ? info->first + info->rows : r.size;
	r.limit = info->rows;
	r.total = SEARCH_TOTAL_NONE;
	if (info->first >= r.size)
		return 0;
	rc = search_run(part, &r, &answer, &found);
	if (rc == E_CORRUPT) {
		diag(DIAG_ERROR, "store", "records are left out of a search: %s file=%s offset=%lld first=%llu rows=%u",
		     found.message, found.field, (long long)found.offset, (unsigned long long)info->first, info->rows);
		rc = gap_list_add(a->gaps, info->first, info->first + info->rows, err);
	} else if (rc == 0) {
		take_answer(a, &answer, !a->r->oldest_first);
		a->answer.total += answer.count;
	} else if (err) {
		*err = found;
	}
	search_answer_release(&answer);
	return rc;
}

static int search_blocks(struct around *a, struct snapshot *part, struct err *err)
{
	uint32_t count = segment_block_count(part->segments[0]);
	int rc = 0;

	for (uint32_t k = 0; k < count && rc == 0 && !is_complete(a); k++)
		rc = search_block(a, part,
				  segment_block_info(part->segments[0], a->r->oldest_first ? k : count - 1 - k), err);
	return rc;
}

static int search_part(struct around *a, struct snapshot *part, struct err *err)
{
	struct search_answer answer = SEARCH_ANSWER_INIT;
	struct search_request r = *a->r;
	int rc;

	r.limit = a->wanted - a->answer.count;
	r.total = r.total == SEARCH_TOTAL_EXACT ? SEARCH_TOTAL_EXACT : SEARCH_TOTAL_NONE;
	rc = search_run(part, &r, &answer, err);
	if (rc == E_CORRUPT && part->segment_count == 1)
		rc = search_blocks(a, part, err);
	else if (rc == 0) {
		take_answer(a, &answer, false);
		a->answer.total += r.total == SEARCH_TOTAL_EXACT ? answer.total : answer.count;
	}
	search_answer_release(&answer);
	return rc;
}

/* Part k in order: a segment, or all tails together. */
static int search_number(struct around *a, size_t k, struct err *err)
{
	struct snapshot part = *a->snapshot;

	if (k < part.segment_count) {
		part.segments += k;
		part.segment_count = 1;
		part.tail_count = 0;
	} else {
		part.segment_count = 0;
	}
	return search_part(a, &part, err);
}

static void cut_page(struct around *a)
{
	struct search_answer *answer = &a->answer;

	answer->more = answer->count > a->r->limit;
	if (answer->more)
		answer->events.len -= answer->len[--answer->count];
	answer->total_exact = a->r->total == SEARCH_TOTAL_EXACT;
}

int search_around_damage(struct snapshot *s, const struct search_request *r, struct search_answer *ret,
			 struct gap_list *gaps, struct err *err)
{
	struct around a = {.snapshot = s, .r = r, .wanted = r->limit + 1, .gaps = gaps};
	int rc = make_room(&a.answer, a.wanted, err);

	for (size_t k = 0; k <= s->segment_count && rc == 0 && !is_complete(&a); k++)
		rc = search_number(&a, r->oldest_first ? k : s->segment_count - k, err);
	if (rc == 0 && !buf_ok(&a.answer.events))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
	if (rc < 0) {
		search_answer_release(&a.answer);
		return rc;
	}
	cut_page(&a);
	*ret = a.answer;
	return 0;
}
