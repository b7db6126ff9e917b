/*
 * A scan goes over the parts of a source in the order asked for and puts the answer together.
 *
 * It has two phases. The first goes over what lies behind `after`: it fills the page, looks for one match more, and
 * then counts. The second counts what lies before. When an exact total was not asked for, counting begins only if the
 * index leaves no more than COUNT_ROWS_MAX rows to look at, and ends after so much work as they should take.
 */
#ifndef STELE_QUERY_SCAN_PRIV_H
#define STELE_QUERY_SCAN_PRIV_H

#include "query/view_priv.h"

/* What a record in the tail takes, in rows looked at by code. */
#define RECORD_WORK 10u

struct range {
	uint64_t from, to; /* indices */
};

struct scan {
	const struct search_source *source;
	const struct search_request *r;
	struct plan plan;
	struct view **view; /* [segment_count], opened when needed */
	struct range range; /* what is left of this phase */
	struct range rest;  /* the second phase */
	bool is_page;       /* the first phase */
	bool has_stopped;   /* before the end */
	bool has_estimate;
	uint64_t spent; /* work done since the page was complete, at first the least that counting will take */
	struct search_answer answer;
	uint32_t cap;
	struct buf scratch;
};

/* The page is full and it is known that there is more, or it lies behind. */
static inline bool scan__has_page(const struct scan *s)
{
	return !s->is_page || (s->answer.count == s->r->limit && s->answer.more);
}

static inline void scan__spend(struct scan *s, uint64_t work)
{
	if (scan__has_page(s))
		s->spent += work;
}

static inline bool scan__has_time_range(const struct scan *s)
{
	return s->r->from_us != INT64_MIN || s->r->to_us != INT64_MAX;
}

static inline bool scan__is_in_time(const struct scan *s, int64_t us)
{
	return us >= s->r->from_us && (us < s->r->to_us || s->r->to_us == INT64_MAX);
}

static inline bool scan__touches_time(const struct scan *s, int64_t min, int64_t max)
{
	return max >= s->r->from_us && (min < s->r->to_us || s->r->to_us == INT64_MAX);
}

static inline uint64_t scan__count_within(struct range range, uint64_t first, uint64_t count)
{
	uint64_t from = first > range.from ? first : range.from;
	uint64_t to = first + count < range.to ? first + count : range.to;

	return to > from ? to - from : 0;
}

/* Takes what was looked at off the range. */
static inline void scan__pass(struct scan *s, uint64_t from, uint64_t to)
{
	if (s->r->oldest_first)
		s->range.from = to;
	else
		s->range.to = from;
}

/* ---- scan.c ---- */

/* Counts the record that was appended to the page's events behind `start`. */
int scan__take_record(struct scan *s, uint64_t index, size_t start, struct err *err)
	__attribute__((warn_unused_result));

/* The view of segment k. */
int scan__need_view(struct scan *s, size_t k, struct view **ret, struct err *err) __attribute__((warn_unused_result));

/* Whether a segment has no record in the range and in the time asked for; whether a block can have a match. */
bool scan__is_outside(const struct scan *s, const struct segment *segment, struct range range);
bool scan__may_match(const struct scan *s, const struct view *v, uint32_t block);

/* Whether the answer is complete, as far as it was asked for. */
int scan__check_done(struct scan *s, bool *ret, struct err *err) __attribute__((warn_unused_result));

/* ---- scan_tail.c, scan_segment.c ---- */

/* Go over what lies in s->range, until has_stopped. */
int scan__tail(struct scan *s, const struct snapshot_tail *t, struct err *err) __attribute__((warn_unused_result));
int scan__segment(struct scan *s, size_t k, struct err *err) __attribute__((warn_unused_result));

#endif
