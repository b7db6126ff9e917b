/* Opening a scan, the pieces of its parts, and going over pieces on several threads. */
#include "query/scan_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "query/match_priv.h"

#define NS_PER_S INT64_C(1000000000)

void scan__open(struct scan *s, const struct search_source *source, const struct query *query, int64_t from_us,
		int64_t to_us)
{
	memset(s, 0, sizeof(*s));
	s->source = source;
	s->from_us = from_us;
	s->to_us = to_us;
	s->deadline_ns = source->deadline_ns ? source->deadline_ns : clock_mono_ns() + SCAN_SECONDS_MAX * NS_PER_S;
	mutex_init(&s->mu);
	plan__make(&s->plan, query_root(query), source);
	s->segment = xarray(source->segment_count + 1, sizeof(*s->segment));
	s->scanner = xarray(team_size(source->team), sizeof(*s->scanner));
	for (unsigned m = 0; m < team_size(source->team); m++) {
		s->scanner[m].scan = s;
		s->scanner[m].view_of = SIZE_MAX;
	}
	s->figures.segments = (uint32_t)source->segment_count;
}

static void release_scanner(struct scanner *x)
{
	block_close(x->block);
	if (x->view_of != SIZE_MAX)
		view__release(&x->view);
	match__release(&x->scratch);
}

void scan__close(struct scan *s)
{
	for (unsigned m = 0; m < team_size(s->source->team); m++)
		release_scanner(&s->scanner[m]);
	free(s->scanner);
	free(s->segment);
	plan__release(&s->plan);
	gap_list_release(&s->gaps);
	mutex_release(&s->mu);
}

void scan__sum_up(struct scan *s)
{
	for (unsigned m = 0; m < team_size(s->source->team); m++) {
		struct scanner *x = &s->scanner[m];

		s->figures.rows_examined += x->rows_examined;
		s->figures.blocks_read += x->blocks_read;
		s->figures.pieces_matched += x->pieces_matched;
		s->figures.match_ns += x->match_ns;
		s->figures.rebuild_ns += x->rebuild_ns;
		x->rows_examined = 0;
		x->blocks_read = 0;
		x->pieces_matched = 0;
		x->match_ns = 0;
		x->rebuild_ns = 0;
	}
}

int scan__check_time(const struct scan *s, struct err *err)
{
	if (s->deadline_ns == 0 || clock_mono_ns() <= s->deadline_ns)
		return 0;
	return match__fail_late(err);
}

/* ---- time ---- */

static bool has_time_range(const struct scan *s)
{
	return s->from_us != INT64_MIN || s->to_us != INT64_MAX;
}

static bool is_in_time(const struct scan *s, int64_t us)
{
	return us >= s->from_us && (us < s->to_us || s->to_us == INT64_MAX);
}

static bool touches_time(const struct scan *s, int64_t min, int64_t max)
{
	return max >= s->from_us && (min < s->to_us || s->to_us == INT64_MAX);
}

/* ---- parts ---- */

struct range scan__part_range(const struct scan *s, size_t part)
{
	const struct search_source *from = s->source;
	const struct snapshot_tail *t;

	if (part < from->segment_count)
		return (struct range){segment_first(from->segments[part]), segment_next(from->segments[part])};
	t = &from->tails[part - from->segment_count];
	return (struct range){t->first, t->first + t->count};
}

void piece_list_release(struct piece_list *l)
{
	free(l->piece);
	*l = (struct piece_list){0};
}

static void add_piece(struct piece_list *to, const struct piece *p)
{
	if (to->count == to->cap) {
		to->cap = to->cap ? to->cap * 2 : 64;
		to->piece = xrealloc(to->piece, to->cap * sizeof(*to->piece));
	}
	to->piece[to->count++] = *p;
}

void piece_list_add(struct piece_list *to, const struct piece_list *from)
{
	for (size_t k = 0; k < from->count; k++)
		add_piece(to, &from->piece[k]);
}

/* The rows of [first, first + rows) that lie in the range. */
static void clip(struct piece *p, struct range range, uint64_t rows)
{
	p->from = range.from > p->first ? (uint32_t)(range.from - p->first) : 0;
	p->to = range.to < p->first + rows ? (uint32_t)(range.to - p->first) : (uint32_t)rows;
}

/* A damaged index prunes nothing: what it would have said is found by looking. */
static int prune(struct scan *s, size_t k, struct err *err)
{
	struct err found = ERR_INIT;
	int64_t begin_ns = clock_mono_ns();
	int rc = 0;

	if (s->segment[k].is_pruned)
		return 0;
	rc = plan__prune(&s->plan, s->source->segments[k], s->segment[k].blocks, &found);
	if (rc == E_CORRUPT) {
		plan__prune_nothing(s->source->segments[k], s->segment[k].blocks);
		if (s->damage.code == 0)
			s->damage = found;
		rc = 0;
	} else if (rc < 0 && err) {
		*err = found;
	}
	s->segment[k].is_pruned = rc == 0;
	s->figures.prune_ns += clock_mono_ns() - begin_ns;
	return rc;
}

static int segment_pieces(struct scan *s, size_t k, struct range range, struct piece_list *to, struct err *err)
{
	struct segment *segment = s->source->segments[k];
	uint32_t count = segment_block_count(segment);
	int rc;

	if (!touches_time(s, segment_time_min(segment), segment_time_max(segment))) {
		s->figures.segments_pruned++;
		s->figures.blocks += count;
		s->figures.blocks_pruned += count;
		return 0;
	}
	rc = prune(s, k, err);
	for (uint32_t b = 0; b < count && rc == 0; b++) {
		const struct segment_block_info *info = segment_block_info(segment, b);
		struct piece p = {.segment = k, .number = b, .first = info->first, .rows = info->rows};

		if (range_count_within(range, info->first, info->rows) == 0)
			continue;
		s->figures.blocks++;
		if (!(s->segment[k].blocks[b / 64] >> b % 64 & 1) || !touches_time(s, info->time_min, info->time_max)) {
			s->figures.blocks_pruned++;
			continue;
		}
		clip(&p, range, info->rows);
		p.needs_match = s->plan.root.kind != QUERY_ALL;
		p.needs_time = !is_in_time(s, info->time_min) || !is_in_time(s, info->time_max);
		add_piece(to, &p);
	}
	return rc;
}

static void tail_pieces(const struct scan *s, size_t t, struct range range, struct piece_list *to)
{
	const struct snapshot_tail *tail = &s->source->tails[t];

	for (uint32_t at = 0; at < tail->count; at += BLOCK_ROWS_MAX) {
		uint32_t rows = tail->count - at < BLOCK_ROWS_MAX ? tail->count - at : BLOCK_ROWS_MAX;
		struct piece p = {
			PIECE_OF_TAIL,    (uint32_t)t, at, tail->first + at, rows, 0, 0, s->plan.root.kind != QUERY_ALL,
			has_time_range(s)};

		if (range_count_within(range, p.first, rows) == 0)
			continue;
		clip(&p, range, rows);
		add_piece(to, &p);
	}
}

int scan__pieces(struct scan *s, size_t part, struct range range, struct piece_list *to, struct err *err)
{
	struct range whole = scan__part_range(s, part);

	if (range_count_within(range, whole.from, whole.to - whole.from) == 0)
		return 0;
	if (part < s->source->segment_count)
		return segment_pieces(s, part, range, to, err);
	tail_pieces(s, part - s->source->segment_count, range, to);
	return 0;
}

int scan__count_free(struct scan *s, size_t part, struct range range, bool *ret_is_known, uint64_t *ret,
		     struct err *err)
{
	struct range whole = scan__part_range(s, part);
	bool is_segment = part < s->source->segment_count;
	struct segment *segment = is_segment ? s->source->segments[part] : NULL;

	*ret_is_known = false;
	if (range_count_within(range, whole.from, whole.to - whole.from) == 0) {
		*ret_is_known = true;
		*ret = 0;
		return 0;
	}
	if (is_segment ? !is_in_time(s, segment_time_min(segment)) || !is_in_time(s, segment_time_max(segment))
		       : has_time_range(s))
		return 0;
	if (s->plan.root.kind == QUERY_ALL) {
		*ret_is_known = true;
		*ret = range_count_within(range, whole.from, whole.to - whole.from);
		return 0;
	}
	if (!is_segment || range.from > whole.from || range.to < whole.to)
		return 0;
	return scanner__count_free(scan__main(s), part, ret_is_known, ret, err);
}

/* ---- all pieces, on all threads ---- */

int scan__leave_out(struct scan *s, const struct piece *p, int rc, const struct err *found, struct err *err)
{
	if (rc == E_CORRUPT) {
		mutex_lock(&s->mu);
		if (s->damage.code == 0)
			s->damage = *found;
		rc = gap_list_add(&s->gaps, p->first, p->first + p->rows, err);
		mutex_unlock(&s->mu);
	} else if (rc < 0 && err) {
		*err = *found;
	}
	return rc;
}

struct each {
	struct scan *scan;
	const struct piece_list *pieces;
	scan_piece_fn *fn;
	void *user;
	_Atomic size_t next;
	struct mutex mu; /* guards rc and err */
	int rc;
	struct err err;
};

static void end_with(struct each *e, int rc, const struct err *err)
{
	mutex_lock(&e->mu);
	if (e->rc == 0) {
		e->rc = rc;
		e->err = *err;
	}
	mutex_unlock(&e->mu);
	atomic_store(&e->next, e->pieces->count);
}

static void take_pieces(void *user, unsigned member)
{
	struct each *e = user;
	struct scanner *x = &e->scan->scanner[member];
	size_t k;

	while ((k = atomic_fetch_add(&e->next, 1)) < e->pieces->count) {
		struct err found = ERR_INIT, err = ERR_INIT;
		int rc = scan__check_time(e->scan, &found);

		if (rc == 0)
			rc = e->fn(e->user, x, member, k, &found);

		rc = scan__leave_out(e->scan, &e->pieces->piece[k], rc, &found, &err);
		if (rc < 0)
			end_with(e, rc, &err);
	}
}

int scan__each(struct scan *s, const struct piece_list *pieces, scan_piece_fn *fn, void *user, struct err *err)
{
	struct each e = {.scan = s, .pieces = pieces, .fn = fn, .user = user};

	mutex_init(&e.mu);
	if (pieces->count > 1)
		team_run(s->source->team, take_pieces, &e);
	else
		take_pieces(&e, 0);
	mutex_release(&e.mu);
	if (e.rc < 0 && err)
		*err = e.err;
	return e.rc;
}
