/*
 * Segments, block by block, and blocks in stripes of rows that grow as long as the page is not full: so a page of
 * frequent matches looks at few rows, and one of rare ones wastes nothing.
 */
#include "query/scan_priv.h"

#define STRIPE_ROWS 512u

struct block_scan {
	struct view *view;
	const struct segment_block_info *info;
	uint32_t number;
	struct block *block; /* once it is needed */
	uint32_t from, to;   /* rows still to be looked at */
	bool needs_match, needs_time;
};

static int need_block(struct block_scan *b, struct err *err)
{
	return b->block ? 0 : block_open(b->view->segment, b->number, &b->block, err);
}

static void set_rows(struct row_set *rows, uint32_t from, uint32_t to)
{
	memset(rows->bit, 0, sizeof(rows->bit));
	rows->from = from / 64;
	rows->to = (to + 63) / 64;
	for (uint32_t w = rows->from; w < rows->to; w++)
		rows->bit[w] = UINT64_MAX;
	rows->bit[rows->from] &= UINT64_MAX << from % 64;
	if (to % 64)
		rows->bit[rows->to - 1] &= (UINT64_C(1) << to % 64) - 1;
}

/* Takes the next rows in order out of those that are left. */
static void next_stripe(const struct scan *s, struct block_scan *b, uint32_t size, struct row_set *ret)
{
	if (size > b->to - b->from)
		size = b->to - b->from;
	if (s->r->oldest_first) {
		set_rows(ret, b->from, b->from + size);
		b->from += size;
	} else {
		set_rows(ret, b->to - size, b->to);
		b->to -= size;
	}
}

static int filter_times(const struct scan *s, struct block_scan *b, struct row_set *rows, struct err *err)
{
	const int64_t *time;
	int rc = block_times(b->block, &time, err);

	for (uint32_t w = rows->from; rc == 0 && w < rows->to; w++)
		for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1)
			if (!scan__is_in_time(s, time[w * 64 + (uint32_t)__builtin_ctzll(bits)]))
				rows->bit[w] &= ~(bits & -bits);
	return rc;
}

/* Keeps those rows that match. */
static int match_rows(struct scan *s, struct block_scan *b, struct row_set *rows, struct err *err)
{
	uint64_t before = b->view->work;
	int rc;

	if (!b->needs_match && !b->needs_time)
		return 0;
	s->answer.figures.rows_examined += row_set__count(rows);
	rc = need_block(b, err);
	if (rc == 0 && b->needs_time) {
		b->view->work += row_set__count(rows);
		rc = filter_times(s, b, rows, err);
	}
	if (rc == 0 && b->needs_match)
		rc = view__match(b->view, b->block, b->info->first, rows, err);
	scan__spend(s, b->view->work - before);
	return rc;
}

/* The first row in order; the set is not empty. */
static uint32_t first_row(const struct scan *s, const struct row_set *rows)
{
	uint32_t w = rows->from;

	if (s->r->oldest_first) {
		while (!rows->bit[w])
			w++;
		return w * 64 + (uint32_t)__builtin_ctzll(rows->bit[w]);
	}
	for (w = rows->to - 1; !rows->bit[w];)
		w--;
	return w * 64 + 63 - (uint32_t)__builtin_clzll(rows->bit[w]);
}

/* Puts matching rows on the page as long as there is room. */
static int take_rows(struct scan *s, struct block_scan *b, struct row_set *rows, struct err *err)
{
	uint32_t left = row_set__count(rows);
	int rc = 0;

	s->answer.total += left;
	for (; left > 0 && rc == 0 && !scan__has_page(s); left--) {
		uint32_t row = first_row(s, rows);
		size_t start = s->answer.events.len;

		rows->bit[row / 64] &= ~(UINT64_C(1) << row % 64);
		if (s->answer.count == s->r->limit) {
			s->answer.more = true;
			continue;
		}
		rc = need_block(b, err);
		if (rc == 0)
			rc = block_record(b->block, row, &s->answer.events, err);
		if (rc == 0)
			rc = scan__take_record(s, b->info->first + row, start, err);
	}
	return rc;
}

static int scan_stripes(struct scan *s, struct block_scan *b, struct err *err)
{
	uint64_t first = b->info->first;
	uint32_t size = STRIPE_ROWS;
	bool is_done = false;
	int rc = 0;

	while (b->from < b->to && rc == 0) {
		struct row_set rows;

		rc = scan__check_done(s, &is_done, err);
		if (rc < 0 || is_done)
			break;
		if (scan__has_page(s) && !b->needs_match && !b->needs_time) {
			s->answer.total += b->to - b->from;
			b->from = b->to;
			break;
		}
		next_stripe(s, b, scan__has_page(s) ? BLOCK_ROWS_MAX : size, &rows);
		rc = match_rows(s, b, &rows, err);
		if (rc == 0)
			rc = take_rows(s, b, &rows, err);
		scan__pass(s, first + b->to, first + b->from);
		size *= 2;
	}
	s->has_stopped |= is_done;
	return rc;
}

static int scan_block(struct scan *s, struct view *v, uint32_t number, struct err *err)
{
	const struct segment_block_info *info = segment_block_info(v->segment, number);
	struct block_scan b = {v, info, number, NULL, 0, info->rows, false, false};
	int rc;

	if (scan__count_within(s->range, info->first, info->rows) == 0)
		return 0;
	if (s->range.from > info->first)
		b.from = (uint32_t)(s->range.from - info->first);
	if (s->range.to < info->first + info->rows)
		b.to = (uint32_t)(s->range.to - info->first);
	s->answer.figures.blocks++;
	if (!scan__may_match(s, v, number)) {
		s->answer.figures.blocks_pruned++;
		return 0;
	}
	b.needs_match = s->plan.root.kind != QUERY_ALL;
	b.needs_time = !scan__is_in_time(s, info->time_min) || !scan__is_in_time(s, info->time_max);
	rc = scan_stripes(s, &b, err);
	block_close(b.block);
	return rc;
}

int scan__segment(struct scan *s, size_t k, struct err *err)
{
	struct segment *segment = s->source->segments[k];
	struct search_figures *f = &s->answer.figures;
	uint32_t count = segment_block_count(segment), pruned = f->blocks_pruned;
	struct view *v;
	int rc;

	if (scan__count_within(s->range, segment_first(segment), segment_next(segment) - segment_first(segment)) == 0)
		return 0;
	f->segments++;
	if (scan__is_outside(s, segment, s->range)) {
		f->segments_pruned++;
		f->blocks += count;
		f->blocks_pruned += count;
		return 0;
	}
	rc = scan__need_view(s, k, &v, err);
	for (uint32_t b = 0; b < count && rc == 0 && !s->has_stopped; b++)
		rc = scan_block(s, v, s->r->oldest_first ? b : count - 1 - b, err);
	view__forget(v); /* one segment's knowledge of values at a time */
	f->segments_pruned += f->blocks_pruned - pruned == count;
	return rc;
}
