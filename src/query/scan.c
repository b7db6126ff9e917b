/* What all parts of a scan share: the page, and how far to go. */
#include "base/mem.h"
#include "query/scan_priv.h"

static bool make_room(struct scan *s)
{
	struct search_answer *a = &s->answer;
	uint32_t cap = s->cap ? s->cap * 2 : 128;
	uint32_t *len;
	uint64_t *index;

	if (a->count < s->cap)
		return true;
	len = try_realloc(a->len, cap * sizeof(*len));
	if (len)
		a->len = len;
	index = try_realloc(a->index, cap * sizeof(*index));
	if (index)
		a->index = index;
	if (!len || !index)
		return false;
	s->cap = cap;
	return true;
}

int scan__take_record(struct scan *s, uint64_t index, size_t start, struct err *err)
{
	struct search_answer *a = &s->answer;

	if (!buf_ok(&a->events) || !make_room(s))
		return err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
	a->len[a->count] = (uint32_t)(a->events.len - start);
	a->index[a->count++] = index;
	return 0;
}

/* ---- how far to go ---- */

/* The whole block matches, for all that is asked. */
static bool is_free(const struct scan *s, const struct segment_block_info *info)
{
	return s->plan.root.kind == QUERY_ALL && scan__is_in_time(s, info->time_min) &&
	       scan__is_in_time(s, info->time_max);
}

bool scan__may_match(const struct scan *s, const struct view *v, uint32_t block)
{
	const struct segment_block_info *info = segment_block_info(v->segment, block);

	return view__has_block(v, block) && scan__touches_time(s, info->time_min, info->time_max);
}

int scan__need_view(struct scan *s, size_t k, struct view **ret, struct err *err)
{
	int rc = 0;

	if (!s->view[k]) {
		s->view[k] = xalloc(sizeof(*s->view[k]));
		rc = view__open(s->view[k], &s->plan, s->source->segments[k], err);
	}
	*ret = s->view[k];
	return rc;
}

bool scan__is_outside(const struct scan *s, const struct segment *segment, struct range range)
{
	return scan__count_within(range, segment_first(segment), segment_next(segment) - segment_first(segment)) == 0 ||
	       !scan__touches_time(s, segment_time_min(segment), segment_time_max(segment));
}

/* Adds the rows of the range that would have to be looked at, until they are too many. */
static int add_estimate(struct scan *s, struct range range, uint64_t *rows, struct err *err)
{
	const struct search_source *from = s->source;
	struct view *v;
	int rc = 0;

	for (size_t t = 0; t < from->tail_count && s->plan.root.kind != QUERY_ALL; t++)
		*rows += scan__count_within(range, from->tails[t].first, from->tails[t].count) * RECORD_WORK;
	for (size_t k = from->segment_count; k-- > 0 && rc == 0 && *rows <= COUNT_ROWS_MAX;) {
		if (scan__is_outside(s, from->segments[k], range))
			continue;
		rc = scan__need_view(s, k, &v, err);
		for (uint32_t b = 0; rc == 0 && b < segment_block_count(v->segment); b++) {
			const struct segment_block_info *info = segment_block_info(v->segment, b);

			if (scan__may_match(s, v, b) && !is_free(s, info))
				*rows += scan__count_within(range, info->first, info->rows);
		}
	}
	return rc;
}

int scan__check_done(struct scan *s, bool *ret, struct err *err)
{
	uint64_t rows = 0;
	int rc = 0;

	*ret = scan__has_page(s) && s->r->total == SEARCH_TOTAL_NONE;
	if (!scan__has_page(s) || s->r->total != SEARCH_TOTAL_CHEAP)
		return 0;
	if (!s->has_estimate) {
		s->has_estimate = true;
		rc = add_estimate(s, s->range, &rows, err);
		if (rc == 0 && s->is_page)
			rc = add_estimate(s, s->rest, &rows, err);
		if (rows > COUNT_ROWS_MAX)
			s->spent = rows;
	}
	*ret = s->spent > COUNT_ROWS_MAX;
	return rc;
}
