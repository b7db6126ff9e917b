/*
 * The scan: parts of the ledger in the order asked for, blocks in stripes of rows that grow as long as the page is not
 * full, so that a page of frequent matches looks at few rows and one of rare ones wastes nothing.
 *
 * It has two phases. The first goes over what lies behind `after`: it fills the page, looks for one match more, and
 * then counts. The second counts what lies before. When an exact total was not asked for, counting begins only if the
 * index leaves no more than COUNT_ROWS_MAX rows to look at, and ends after so much work as they should take.
 */
#include "query/search.h"

#include "base/mem.h"
#include "codec/timestamp.h"
#include "query/search_priv.h"

#define STRIPE_ROWS 512u
/* What a record in the tail takes, in rows looked at by code. */
#define RECORD_WORK 25u

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

/* ---- the page ---- */

/* The page is full and it is known that there is more, or it lies behind. */
static bool has_page(const struct scan *s)
{
	return !s->is_page || (s->answer.count == s->r->limit && s->answer.more);
}

static void spend(struct scan *s, uint64_t work)
{
	if (has_page(s))
		s->spent += work;
}

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

/* Counts the record that was appended to the page's events behind `start`. */
static int take_record(struct scan *s, uint64_t index, size_t start, struct err *err)
{
	struct search_answer *a = &s->answer;

	if (!buf_ok(&a->events) || !make_room(s))
		return err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
	a->len[a->count] = (uint32_t)(a->events.len - start);
	a->index[a->count++] = index;
	return 0;
}

/* ---- time ---- */

static bool has_time_range(const struct scan *s)
{
	return s->r->from_us != INT64_MIN || s->r->to_us != INT64_MAX;
}

static bool is_in_time(const struct scan *s, int64_t us)
{
	return us >= s->r->from_us && (us < s->r->to_us || s->r->to_us == INT64_MAX);
}

static bool touches_time(const struct scan *s, int64_t min, int64_t max)
{
	return max >= s->r->from_us && (min < s->r->to_us || s->r->to_us == INT64_MAX);
}

/* The quote that opens the string which ends with the quote at `close`; `p` when there is none. */
static const uint8_t *find_open(const uint8_t *p, const uint8_t *close)
{
	while (--close > p)
		if (*close == '"' && close[-1] != '\\')
			break;
	return close;
}

/* In a canonical record `time` is the last member, or the last but `type`. 0 when it is neither, as in segments. */
static int64_t find_time(struct span record)
{
	static const char name[] = ",\"time\":\"", type[] = ",\"type\":";
	const size_t name_len = sizeof(name) - 1, type_len = sizeof(type) - 1;
	const uint8_t *start = record.p, *close;
	int64_t us;

	if (record.len < name_len + TIMESTAMP_LEN + 2 || record.p[record.len - 2] != '"')
		return 0;
	close = record.p + record.len - 2;
	if (memcmp(close - TIMESTAMP_LEN - name_len, name, name_len) != 0) {
		close = find_open(start, close);
		if ((size_t)(close - start) < type_len + 1 + name_len + TIMESTAMP_LEN)
			return 0;
		close -= type_len + 1;
		if (memcmp(close + 1, type, type_len) != 0 ||
		    memcmp(close - TIMESTAMP_LEN - name_len, name, name_len) != 0)
			return 0;
	}
	return timestamp_parse_canonical(close - TIMESTAMP_LEN, &us) ? us : 0;
}

/* ---- how far to go ---- */

static uint64_t count_within(struct range range, uint64_t first, uint64_t count)
{
	uint64_t from = first > range.from ? first : range.from;
	uint64_t to = first + count < range.to ? first + count : range.to;

	return to > from ? to - from : 0;
}

/* The whole block matches, for all that is asked. */
static bool is_free(const struct scan *s, const struct segment_block_info *info)
{
	return s->plan.root.kind == QUERY_ALL && is_in_time(s, info->time_min) && is_in_time(s, info->time_max);
}

static bool may_match(const struct scan *s, const struct view *v, uint32_t block)
{
	const struct segment_block_info *info = segment_block_info(v->segment, block);

	return block_is_set(v->blocks, block) && touches_time(s, info->time_min, info->time_max);
}

static int need_view(struct scan *s, size_t k, struct view **ret, struct err *err)
{
	int rc = 0;

	if (!s->view[k]) {
		s->view[k] = xalloc(sizeof(*s->view[k]));
		rc = view__open(s->view[k], &s->plan, s->source->segments[k], err);
	}
	*ret = s->view[k];
	return rc;
}

static bool is_outside(const struct scan *s, const struct segment *segment, struct range range)
{
	return count_within(range, segment_first(segment), segment_next(segment) - segment_first(segment)) == 0 ||
	       !touches_time(s, segment_time_min(segment), segment_time_max(segment));
}

/* Adds the rows of the range that would have to be looked at, until they are too many. */
static int add_estimate(struct scan *s, struct range range, uint64_t *rows, struct err *err)
{
	const struct search_source *from = s->source;
	struct view *v;
	int rc = 0;

	for (size_t t = 0; t < from->tail_count && s->plan.root.kind != QUERY_ALL; t++)
		*rows += count_within(range, from->tails[t].first, from->tails[t].count) * RECORD_WORK;
	for (size_t k = from->segment_count; k-- > 0 && rc == 0 && *rows <= COUNT_ROWS_MAX;) {
		if (is_outside(s, from->segments[k], range))
			continue;
		rc = need_view(s, k, &v, err);
		for (uint32_t b = 0; rc == 0 && b < segment_block_count(v->segment); b++) {
			const struct segment_block_info *info = segment_block_info(v->segment, b);

			if (may_match(s, v, b) && !is_free(s, info))
				*rows += count_within(range, info->first, info->rows);
		}
	}
	return rc;
}

/* Whether the answer is complete, as far as it was asked for. */
static int check_done(struct scan *s, bool *ret, struct err *err)
{
	uint64_t rows = 0;
	int rc = 0;

	*ret = has_page(s) && s->r->total == SEARCH_TOTAL_NONE;
	if (!has_page(s) || s->r->total != SEARCH_TOTAL_CHEAP)
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

/* Takes what was looked at off the range. */
static void pass(struct scan *s, uint64_t from, uint64_t to)
{
	if (s->r->oldest_first)
		s->range.from = to;
	else
		s->range.to = from;
}

/* ---- the tail ---- */

static bool tail_matches(struct scan *s, uint64_t index, struct span record)
{
	if (has_time_range(s) && !is_in_time(s, find_time(record)))
		return false;
	return plan__matches(&s->plan, &s->plan.root, index, record, &s->scratch);
}

static int scan_record(struct scan *s, uint64_t index, struct span record, struct err *err)
{
	size_t start = s->answer.events.len;

	if (s->plan.root.kind != QUERY_ALL || has_time_range(s)) {
		spend(s, RECORD_WORK);
		s->answer.figures.rows_examined++;
		if (!tail_matches(s, index, record))
			return 0;
	}
	s->answer.total++;
	if (!s->is_page)
		return 0;
	if (s->answer.count == s->r->limit) {
		s->answer.more = true;
		return 0;
	}
	buf_put_span(&s->answer.events, record);
	return take_record(s, index, start, err);
}

static int scan_tail(struct scan *s, const struct snapshot_tail *t, struct err *err)
{
	bool is_done = false;
	int rc = 0;

	while (rc == 0 && count_within(s->range, t->first, t->count) > 0) {
		uint64_t last = t->first + t->count < s->range.to ? t->first + t->count - 1 : s->range.to - 1;
		uint64_t index = t->first > s->range.from ? t->first : s->range.from;

		rc = check_done(s, &is_done, err);
		if (rc < 0 || is_done)
			break;
		if (!s->r->oldest_first)
			index = last;
		rc = scan_record(s, index, s->source->record(t, (uint32_t)(index - t->first)), err);
		pass(s, index, index + 1);
	}
	s->has_stopped |= is_done;
	return rc;
}

/* ---- blocks ---- */

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

static uint32_t count_rows(const struct row_set *rows)
{
	uint32_t n = 0;

	for (uint32_t w = rows->from; w < rows->to; w++)
		n += (uint32_t)__builtin_popcountll(rows->bit[w]);
	return n;
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
			if (!is_in_time(s, time[w * 64 + (uint32_t)__builtin_ctzll(bits)]))
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
	s->answer.figures.rows_examined += count_rows(rows);
	rc = need_block(b, err);
	if (rc == 0 && b->needs_time) {
		b->view->work += count_rows(rows);
		rc = filter_times(s, b, rows, err);
	}
	if (rc == 0 && b->needs_match)
		rc = view__match(b->view, b->block, b->info->first, rows, err);
	spend(s, b->view->work - before);
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
	uint32_t left = count_rows(rows);
	int rc = 0;

	s->answer.total += left;
	for (; left > 0 && rc == 0 && !has_page(s); left--) {
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
			rc = take_record(s, b->info->first + row, start, err);
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

		rc = check_done(s, &is_done, err);
		if (rc < 0 || is_done)
			break;
		if (has_page(s) && !b->needs_match && !b->needs_time) {
			s->answer.total += b->to - b->from;
			b->from = b->to;
			break;
		}
		next_stripe(s, b, has_page(s) ? BLOCK_ROWS_MAX : size, &rows);
		rc = match_rows(s, b, &rows, err);
		if (rc == 0)
			rc = take_rows(s, b, &rows, err);
		pass(s, first + b->to, first + b->from);
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

	if (count_within(s->range, info->first, info->rows) == 0)
		return 0;
	if (s->range.from > info->first)
		b.from = (uint32_t)(s->range.from - info->first);
	if (s->range.to < info->first + info->rows)
		b.to = (uint32_t)(s->range.to - info->first);
	s->answer.figures.blocks++;
	if (!may_match(s, v, number)) {
		s->answer.figures.blocks_pruned++;
		return 0;
	}
	b.needs_match = s->plan.root.kind != QUERY_ALL;
	b.needs_time = !is_in_time(s, info->time_min) || !is_in_time(s, info->time_max);
	rc = scan_stripes(s, &b, err);
	block_close(b.block);
	return rc;
}

static int scan_segment(struct scan *s, size_t k, struct err *err)
{
	struct segment *segment = s->source->segments[k];
	struct search_figures *f = &s->answer.figures;
	uint32_t count = segment_block_count(segment), pruned = f->blocks_pruned;
	struct view *v;
	int rc;

	if (count_within(s->range, segment_first(segment), segment_next(segment) - segment_first(segment)) == 0)
		return 0;
	f->segments++;
	if (is_outside(s, segment, s->range)) {
		f->segments_pruned++;
		f->blocks += count;
		f->blocks_pruned += count;
		return 0;
	}
	rc = need_view(s, k, &v, err);
	for (uint32_t b = 0; b < count && rc == 0 && !s->has_stopped; b++)
		rc = scan_block(s, v, s->r->oldest_first ? b : count - 1 - b, err);
	f->segments_pruned += f->blocks_pruned - pruned == count;
	return rc;
}

/* ---- the whole ---- */

/* Part `k` in the order asked for. */
static int scan_part(struct scan *s, size_t k, struct err *err)
{
	const struct search_source *from = s->source;
	size_t at = s->r->oldest_first ? k : from->segment_count + from->tail_count - 1 - k;

	if (at < from->segment_count)
		return scan_segment(s, at, err);
	return scan_tail(s, &from->tails[at - from->segment_count], err);
}

static int scan_range(struct scan *s, struct range range, struct err *err)
{
	int rc = 0;

	s->range = range;
	for (size_t k = 0; k < s->source->segment_count + s->source->tail_count && rc == 0 && !s->has_stopped; k++)
		rc = scan_part(s, k, err);
	return rc;
}

static int scan_all(struct scan *s, struct err *err)
{
	uint64_t size = s->r->size < s->source->size ? s->r->size : s->source->size;
	bool oldest_first = s->r->oldest_first;
	uint64_t middle = oldest_first ? 0 : size; /* where the page starts */
	struct range low, high;
	int rc;

	if (s->r->after != UINT64_MAX)
		middle = oldest_first ? s->r->after + 1 : s->r->after;
	if (middle > size)
		middle = size;
	low = (struct range){0, middle};
	high = (struct range){middle, size};
	s->rest = oldest_first ? low : high;
	s->is_page = true;
	rc = scan_range(s, oldest_first ? high : low, err);
	s->is_page = false;
	if (rc == 0 && s->r->total != SEARCH_TOTAL_NONE && !s->has_stopped)
		rc = scan_range(s, s->rest, err);
	return rc;
}

static void release(struct scan *s)
{
	for (size_t k = 0; k < s->source->segment_count; k++) {
		if (s->view[k])
			view__release(s->view[k]);
		free(s->view[k]);
	}
	free(s->view);
	plan__release(&s->plan);
	buf_release(&s->scratch);
}

int search__run(const struct search_source *source, const struct search_request *r, struct search_answer *ret,
		struct err *err)
{
	struct scan s = {.source = source, .r = r, .answer = SEARCH_ANSWER_INIT};
	int rc;

	must(r->limit <= PAGE_MAX);
	s.view = xarray(source->segment_count + 1, sizeof(struct view *));
	plan__make(&s.plan, query_root(r->query), source);
	rc = scan_all(&s, err);
	if (rc == 0) {
		s.answer.total_exact = r->total != SEARCH_TOTAL_NONE && !s.has_stopped;
		if (r->total == SEARCH_TOTAL_NONE)
			s.answer.total = 0;
		*ret = s.answer;
	} else {
		search_answer_release(&s.answer);
	}
	release(&s);
	return rc;
}

static bool index_of_id(void *user, struct span id, uint64_t *ret_index)
{
	return ledger_index_of_id(user, id, ret_index);
}

int search_run(struct snapshot *s, const struct search_request *r, struct search_answer *ret, struct err *err)
{
	struct search_source source = {s->segments, s->segment_count,     s->tails,    s->tail_count,
				       s->size,     snapshot_tail_record, index_of_id, s->ledger};

	return search__run(&source, r, ret, err);
}

void search_answer_release(struct search_answer *a)
{
	buf_release(&a->events);
	free(a->len);
	free(a->index);
	*a = (struct search_answer)SEARCH_ANSWER_INIT;
}
