/* A page in the order of a field, from beginning to end. */
#include "base/mem.h"
#include "query/search_sort_priv.h"

/* Records of the page that are rebuilt at a time, each block opened once: bounds what is rebuilt beyond bytes_max. */
#define REBUILD_MAX 256u

/* ---- pieces ---- */

static const struct segment_block_info *info_of(const struct sorting *s, const struct piece *p)
{
	return p->segment == PIECE_OF_TAIL ? NULL
					   : segment_block_info(s->q->scan.source->segments[p->segment], p->number);
}

/* The time of a piece's records that is listed first; of the tail, whose times are not known, the very first. */
static int64_t best_time(const struct sorting *s, const struct piece *p)
{
	const struct segment_block_info *info = info_of(s, p);
	bool ascending = s->q->r->oldest_first;

	if (!info)
		return ascending ? INT64_MIN : INT64_MAX;
	return ascending ? info->time_min : info->time_max;
}

struct timed_piece {
	int64_t us;
	struct piece piece;
};

static int earlier_first(const void *a, const void *b)
{
	const struct timed_piece *x = a, *y = b;

	if (x->us != y->us)
		return x->us < y->us ? -1 : 1;
	return (x->piece.first > y->piece.first) - (x->piece.first < y->piece.first);
}

static int order_by_time(const struct sorting *s, struct piece_list *pieces, struct err *err)
{
	struct timed_piece *timed = try_array(pieces->count + 1, sizeof(*timed));

	if (!timed)
		return err_set(err, E_NO_MEMORY, "not enough memory for sorting");
	for (size_t k = 0; k < pieces->count; k++)
		timed[k] = (struct timed_piece){best_time(s, &pieces->piece[k]), pieces->piece[k]};
	qsort(timed, pieces->count, sizeof(*timed), earlier_first);
	for (size_t k = 0; k < pieces->count; k++)
		pieces->piece[k] = timed[k].piece;
	free(timed);
	return 0;
}

static void reverse(struct piece_list *pieces)
{
	for (size_t low = 0, high = pieces->count; high > low + 1; low++) {
		struct piece p = pieces->piece[--high];

		pieces->piece[high] = pieces->piece[low];
		pieces->piece[low] = p;
	}
}

/* All pieces, those first that are likely to be listed first: then the others need little. */
static int find_pieces(struct sorting *s, struct err *err)
{
	struct search *q = s->q;
	int rc = 0;

	for (size_t part = 0; part < scan__part_count(&q->scan) && rc == 0; part++)
		rc = scan__pieces(&q->scan, part, q->ahead, &s->pieces, err);
	if (rc == 0 && s->is_time)
		rc = order_by_time(s, &s->pieces, err);
	if (rc == 0 && !q->r->oldest_first)
		reverse(&s->pieces);
	return rc;
}

/* Whether all of a piece lies behind the page, or before it. */
static bool is_off_page(struct sorting *s, const struct piece *p)
{
	const struct segment_block_info *info = info_of(s, p);
	int64_t bound = atomic_load(&s->bound_us);

	if (!s->is_time || !info)
		return false;
	if (s->q->r->oldest_first)
		return info->time_min > bound || (s->has_after && info->time_max < s->after.whole);
	return info->time_max < bound || (s->has_after && info->time_min > s->after.whole);
}

/* A full heap's last is a bound for all members. */
static void tell_bound(struct sorting *s, const struct sort_heap *h)
{
	int64_t bound = atomic_load(&s->bound_us), us;

	if (!s->is_time || !sort_heap_is_full(h))
		return;
	us = h->key[0].whole;
	while (h->ascending ? us < bound : us > bound)
		if (atomic_compare_exchange_weak(&s->bound_us, &bound, us))
			break;
}

static int take_piece(void *user, struct scanner *x, unsigned member, size_t k, struct err *err)
{
	struct sorting *s = user;
	struct sort_member *m = &s->member[member];
	const struct piece *p = &s->pieces.piece[s->from + k];
	struct row_set rows;
	int rc;

	if (is_off_page(s, p)) {
		atomic_store(&s->is_cut, true);
		return 0;
	}
	rc = scanner__match(x, p, p->from, p->to, &rows, err);
	if (rc == 0 && !row_set_is_empty(&rows))
		rc = sort__take_piece(m, x, p, &rows, err);
	if (rc == 0)
		m->found += row_set_count(&rows);
	tell_bound(s, &m->heap);
	return rc;
}

/* ---- single records ---- */

/* The piece and row of a record; false when no segment and no tail has it. */
static bool locate(const struct scan *s, uint64_t index, struct piece *ret, uint32_t *ret_row)
{
	size_t part = 0;

	while (part < scan__part_count(s) && index >= scan__part_range(s, part).to)
		part++;
	if (part == scan__part_count(s) || index < scan__part_range(s, part).from)
		return false;
	*ret = (struct piece){.segment = part};
	if (part >= s->source->segment_count) {
		ret->number = (uint32_t)(part - s->source->segment_count);
		ret->segment = PIECE_OF_TAIL;
		ret->first = scan__part_range(s, part).from;
		ret->rows = 1;
	}
	for (; ret->segment != PIECE_OF_TAIL; ret->number++) {
		const struct segment_block_info *info = segment_block_info(s->source->segments[part], ret->number);

		ret->first = info->first;
		ret->rows = info->rows;
		if (index < info->first + info->rows)
			break;
	}
	*ret_row = (uint32_t)(index - ret->first);
	return true;
}

/* The key of the record that the page lies behind. */
static int find_after(struct sorting *s, struct err *err)
{
	struct search *q = s->q;
	struct sort_member *m = &s->member[0];
	struct buf record = BUF_INIT;
	struct piece p;
	uint32_t row;
	int rc;

	if (q->r->after == UINT64_MAX)
		return 0;
	if (!locate(&q->scan, q->r->after, &p, &row))
		return err_set(err, E_NOT_FOUND, "the event to continue behind is not there any more");
	rc = scanner__record(scan__main(&q->scan), &p, row, &record, err);
	if (rc == 0) {
		sort__key_of_record(m, q->r->after, buf_span(&record));
		sort_key_copy(&m->key, s->after_text, &s->after);
		s->has_after = true;
	}
	buf_release(&record);
	return rc;
}

/* ---- the page ---- */

/* A record of the page. */
struct rebuilt {
	uint64_t index;
	uint32_t place; /* on the page */
	size_t off, len;
};

static int by_index(const void *a, const void *b)
{
	const struct rebuilt *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static int by_place(const void *a, const void *b)
{
	const struct rebuilt *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* Of a record that cannot be read the piece is left out, and the page begun anew. */
static int rebuild_one(struct sorting *s, struct rebuilt *r, struct buf *to, struct err *err)
{
	struct search *q = s->q;
	struct err found = ERR_INIT;
	struct piece p;
	uint32_t row;
	int rc;

	must(locate(&q->scan, r->index, &p, &row));
	r->off = to->len;
	rc = scanner__record(scan__main(&q->scan), &p, row, to, &found);
	r->len = to->len - r->off;
	s->has_lost = s->has_lost || rc == E_CORRUPT;
	return scan__leave_out(&q->scan, &p, rc, &found, err);
}

static int take_rebuilt(struct search *q, const struct rebuilt *r, uint32_t n, const struct buf *from, struct err *err)
{
	struct search_answer *a = &q->answer;
	int rc = 0;

	for (uint32_t k = 0; k < n && rc == 0; k++) {
		size_t start = a->events.len;

		if (q->r->bytes_max && start >= q->r->bytes_max) {
			a->more = true;
			break;
		}
		buf_put(&a->events, from->p + r[k].off, r[k].len);
		rc = search__take_record(q, r[k].index, start, err);
	}
	return rc;
}

static int rebuild(struct sorting *s, const struct sort_key *key, uint32_t n, struct err *err)
{
	struct rebuilt list[REBUILD_MAX];
	struct buf records = BUF_INIT;
	int rc = 0;

	for (uint32_t k = 0; k < n; k++)
		list[k] = (struct rebuilt){.index = key[k].index, .place = k};
	qsort(list, n, sizeof(*list), by_index);
	for (uint32_t k = 0; k < n && rc == 0; k++)
		rc = rebuild_one(s, &list[k], &records, err);
	qsort(list, n, sizeof(*list), by_place);
	if (rc == 0 && !s->has_lost)
		rc = take_rebuilt(s->q, list, n, &records, err);
	buf_release(&records);
	return rc;
}

static bool is_full(const struct search *q)
{
	return q->r->bytes_max && q->answer.events.len >= q->r->bytes_max;
}

static int make_page(struct sorting *s, struct err *err)
{
	struct sort_heap *h = &s->member[0].heap;
	struct search *q = s->q;
	uint32_t count;
	int rc = 0;

	sort_heap_finish(h);
	q->answer.more = h->count > q->r->limit;
	count = q->answer.more ? q->r->limit : h->count;
	for (uint32_t k = 0, n; k < count && rc == 0 && !s->has_lost; k += n) {
		n = count - k < REBUILD_MAX ? count - k : REBUILD_MAX;
		if (is_full(q)) {
			q->answer.more = true;
			break;
		}
		rc = rebuild(s, h->key + k, n, err);
	}
	return rc;
}

/* ---- all of it ---- */

static int open_members(struct sorting *s, struct err *err)
{
	const struct search_request *r = s->q->r;
	int rc = 0;

	for (unsigned m = 0; m < team_size(s->q->scan.source->team) && rc == 0; m++) {
		s->member[m] = (struct sort_member){.all = s, .segment = SIZE_MAX};
		rc = sort_heap_init(&s->member[m].heap, r->limit + 1, r->oldest_first, err);
	}
	s->bound_us = r->oldest_first ? INT64_MAX : INT64_MIN;
	return rc;
}

static void close_members(struct sorting *s)
{
	for (unsigned m = 0; m < team_size(s->q->scan.source->team); m++)
		sort__release_member(&s->member[m]);
}

static int open_sorting(struct sorting *s, struct search *q, struct err *err)
{
	s->q = q;
	s->field = q->r->sort;
	s->is_time = span_eq_str(s->field->path, "time");
	s->member = xarray(team_size(q->scan.source->team), sizeof(*s->member));
	return open_members(s, err);
}

static void close_sorting(struct sorting *s)
{
	close_members(s);
	free(s->member);
	piece_list_release(&s->pieces);
}

static bool is_in_gap(const struct gap_list *gaps, uint64_t index)
{
	for (size_t k = 0; k < gaps->count; k++)
		if (index >= gaps->gap[k].first && index < gaps->gap[k].next)
			return true;
	return false;
}

/* Forgets the page, and the pieces that turned out to be damaged: at least one, so this ends. */
static int begin_anew(struct sorting *s, struct err *err)
{
	struct search_answer *a = &s->q->answer;
	size_t kept = 0;

	for (size_t k = 0; k < s->pieces.count; k++)
		if (!is_in_gap(&s->q->scan.gaps, s->pieces.piece[k].first))
			s->pieces.piece[kept++] = s->pieces.piece[k];
	s->pieces.count = kept;
	s->has_lost = false;
	a->count = 0;
	a->more = false;
	buf_reset(&a->events);
	close_members(s);
	return open_members(s, err);
}

/* Puts the keys of all members into the first one's heap. */
static int gather(struct sorting *s, struct err *err)
{
	struct sort_heap *to = &s->member[0].heap;
	int rc = 0;

	for (unsigned m = 1; m < team_size(s->q->scan.source->team); m++)
		for (uint32_t k = 0; k < s->member[m].heap.count && rc == 0; k++)
			rc = sort_heap_offer(to, &s->member[m].heap.key[k], err);
	return rc;
}

/* All pieces were matched, or the total is left to search__count, which then has all of it to do. */
static void set_total(struct sorting *s)
{
	struct search *q = s->q;

	q->is_counted = !atomic_load(&s->is_cut);
	q->answer.total = (uint64_t)q->answer.count + q->answer.more;
	if (!q->is_counted)
		return;
	q->answer.total = 0;
	for (unsigned m = 0; m < team_size(q->scan.source->team); m++)
		q->answer.total += s->member[m].found;
}

/* Pieces [*from, *to) of those that are left, less the ones at both ends that lie off the page. */
static void trim_pieces(struct sorting *s, size_t *from, size_t *to)
{
	size_t first = *from, last = *to;

	while (first < last && is_off_page(s, &s->pieces.piece[first]))
		first++;
	while (first < last && is_off_page(s, &s->pieces.piece[last - 1]))
		last--;
	if (last - first < *to - *from)
		atomic_store(&s->is_cut, true);
	*from = first;
	*to = last;
}

static int take_pieces(struct sorting *s, size_t from, size_t to, struct err *err)
{
	const struct piece_list list = {s->pieces.piece + from, to - from, to - from};

	s->from = from;
	return from < to ? scan__each(&s->q->scan, &list, take_piece, s, err) : 0;
}

/* By time the first piece is looked at alone: it often fills the page, and nobody else need begin. */
static int look(struct sorting *s, struct err *err)
{
	size_t from = 0, to = s->pieces.count;
	int rc = 0;

	trim_pieces(s, &from, &to);
	if (s->is_time && from < to) {
		rc = take_pieces(s, from, from + 1, err);
		from++;
		trim_pieces(s, &from, &to);
	}
	return rc < 0 ? rc : take_pieces(s, from, to, err);
}

static int find_page(struct sorting *s, struct err *err)
{
	int rc = look(s, err);

	if (rc == 0)
		rc = gather(s, err);
	return rc < 0 ? rc : make_page(s, err);
}

int search__fill_sorted(struct search *q, struct err *err)
{
	struct sorting s = {.q = q};
	int rc = open_sorting(&s, q, err);

	q->ahead = (struct range){0, q->ahead.to > q->behind.to ? q->ahead.to : q->behind.to};
	q->behind = (struct range){0, 0};
	if (rc == 0)
		rc = find_after(&s, err);
	if (rc == 0)
		rc = find_pieces(&s, err);
	if (rc == 0)
		rc = find_page(&s, err);
	while (rc == 0 && s.has_lost) {
		rc = begin_anew(&s, err);
		if (rc == 0)
			rc = find_page(&s, err);
	}
	if (rc == 0)
		set_total(&s);
	close_sorting(&s);
	return rc;
}
