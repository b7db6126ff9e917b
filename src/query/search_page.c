/*
 * Filling a page.
 *
 * A piece is looked at in stripes of rows that grow: so a page of frequent matches looks at few rows, and one of rare
 * ones wastes nothing. When the first pieces have not filled the page, matches are rare, and pieces go out in waves to
 * all members of the team: each finds the piece's matches and rebuilds the first of them; the page is then put together
 * in order.
 */
#include "base/mem.h"
#include "query/page_priv.h"

#define STRIPE_ROWS      512u
#define ALONE_PIECES     2u           /* looked at one by one before the first wave */
#define WAVE_MIN         4u           /* pieces of the first wave; each next one has twice as many */
#define WAVE_MAX         64u          /* bounds what is rebuilt in vain, and the memory of a wave */
#define WAVE_PIECE_BYTES (256u << 10) /* of records rebuilt ahead, a piece */

/* ---- records ---- */

static bool make_room(struct search *q)
{
	struct search_answer *a = &q->answer;
	uint32_t cap = q->cap ? q->cap * 2 : 128;
	uint32_t *len;
	uint64_t *index;

	if (a->count < q->cap)
		return true;
	len = try_realloc(a->len, cap * sizeof(*len));
	if (len)
		a->len = len;
	index = try_realloc(a->index, cap * sizeof(*index));
	if (index)
		a->index = index;
	if (!len || !index)
		return false;
	q->cap = cap;
	return true;
}

int search__take_record(struct search *q, uint64_t index, size_t start, struct err *err)
{
	struct search_answer *a = &q->answer;

	if (!buf_ok(&a->events) || !make_room(q))
		return err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
	a->len[a->count] = (uint32_t)(a->events.len - start);
	a->index[a->count++] = index;
	return 0;
}

/* Puts matches on the page as long as there is room; all of them count. */
static int take_matches(struct search *q, struct matches *m, struct err *err)
{
	uint32_t left = row_set_count(&m->rows);
	uint64_t index;
	int rc = 0;

	for (; left > 0 && rc == 0 && !search__has_page(q); left -= rc == 0) {
		size_t start = q->answer.events.len;

		if (q->answer.count == q->r->limit) {
			q->answer.more = true;
			break;
		}
		rc = matches_take(m, scan__main(&q->scan), &q->answer.events, &index, err);
		if (rc == 0)
			rc = search__take_record(q, index, start, err);
		q->answer.total += rc == 0;
	}
	if (rc == 0)
		q->answer.total += left;
	return rc;
}

/* ---- one piece ---- */

/* Takes the next rows in order out of those that are left. */
static void next_stripe(const struct search *q, struct piece *p, uint32_t size, uint32_t *ret_from, uint32_t *ret_to)
{
	if (size > p->to - p->from)
		size = p->to - p->from;
	if (q->r->oldest_first) {
		*ret_from = p->from;
		p->from += size;
	} else {
		*ret_from = p->to - size;
		p->to -= size;
	}
	*ret_to = *ret_from + size;
}

/* What is left of *p then was not looked at. */
static int take_piece(struct search *q, struct piece *p, struct err *err)
{
	struct matches m = {0};
	uint32_t size = STRIPE_ROWS, from, to;
	int rc = 0;

	while (p->from < p->to && rc == 0 && !search__has_page(q)) {
		rc = scan__check_time(&q->scan, err);
		if (rc < 0)
			break;
		next_stripe(q, p, size, &from, &to);
		rc = matches_find(&m, scan__main(&q->scan), p, from, to, q->r->oldest_first, err);
		if (rc == 0)
			rc = take_matches(q, &m, err);
		size *= 2;
	}
	matches_release(&m);
	return rc;
}

/* ---- several pieces at once ---- */

struct wave {
	bool oldest_first;
	struct piece_list pieces;
	struct matches *matches; /* of each piece */
	uint32_t wanted;         /* records that the page still takes */
};

static int match_piece(void *user, struct scanner *x, unsigned member, size_t k, struct err *err)
{
	struct wave *w = user;
	const struct piece *p = &w->pieces.piece[k];
	int rc = matches_find(&w->matches[k], x, p, p->from, p->to, w->oldest_first, err);

	(void)member;
	return rc < 0 ? rc : matches_rebuild(&w->matches[k], x, w->wanted, WAVE_PIECE_BYTES, err);
}

static int take_wave(struct search *q, const struct wave *w, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->pieces.count && rc == 0; i++) {
		size_t k = q->r->oldest_first ? i : w->pieces.count - 1 - i;
		struct err found = ERR_INIT;

		rc = take_matches(q, &w->matches[k], &found);
		rc = scan__leave_out(&q->scan, &w->pieces.piece[k], rc, &found, err);
	}
	return rc;
}

static int run_wave(struct search *q, struct piece *piece, size_t count, struct err *err)
{
	struct wave w = {q->r->oldest_first, {piece, count, count}, NULL, q->r->limit - q->answer.count};
	int rc;

	w.matches = xarray(count, sizeof(*w.matches));
	rc = scan__each(&q->scan, &w.pieces, match_piece, &w, err);
	if (rc == 0)
		rc = take_wave(q, &w, err);
	for (size_t k = 0; k < count; k++)
		matches_release(&w.matches[k]);
	free(w.matches);
	return rc;
}

/* ---- the parts ---- */

struct filling {
	size_t alone; /* pieces looked at one by one */
	size_t wave;  /* pieces of the next wave */
};

/* The next pieces in order, at the end or the beginning of the list; they leave it. */
static struct piece *next_pieces(const struct search *q, struct piece_list *l, size_t *from, size_t count)
{
	l->count -= q->r->oldest_first ? 0 : count;
	*from += q->r->oldest_first ? count : 0;
	return q->r->oldest_first ? l->piece + *from - count : l->piece + l->count;
}

static int fill_from(struct search *q, struct piece_list *l, struct filling *f, struct err *err)
{
	bool may_share = team_size(q->scan.source->team) > 1;
	size_t from = 0;
	int rc = 0;

	while (from < l->count && rc == 0 && !search__has_page(q)) {
		size_t count = l->count - from;
		struct err found = ERR_INIT;
		struct piece *p;

		if (may_share && f->alone >= ALONE_PIECES && count > 1) {
			count = count < f->wave ? count : f->wave;
			f->wave = f->wave < WAVE_MAX ? f->wave * 2 : WAVE_MAX;
			rc = run_wave(q, next_pieces(q, l, &from, count), count, err);
			continue;
		}
		f->alone++;
		p = next_pieces(q, l, &from, 1);
		rc = take_piece(q, p, &found);
		if (rc == 0 && p->from < p->to) { /* the rest of it is for counting */
			l->count += !q->r->oldest_first;
			from -= q->r->oldest_first;
			break;
		}
		rc = scan__leave_out(&q->scan, p, rc, &found, err);
	}
	if (from > 0)
		memmove(l->piece, l->piece + from, (l->count - from) * sizeof(*l->piece));
	l->count -= from;
	return rc;
}

int search__fill_page(struct search *q, struct err *err)
{
	struct filling f = {0, WAVE_MIN};
	int rc = 0;

	while (q->parts_done < scan__part_count(&q->scan) && rc == 0 && !search__has_page(q)) {
		size_t part = search__part(q, q->parts_done++);
		uint64_t before = q->answer.total;

		q->left.count = 0;
		rc = scan__pieces(&q->scan, part, q->ahead, &q->left, err);
		if (rc == 0)
			rc = fill_from(q, &q->left, &f, err);
		q->found[part] = q->answer.total - before;
	}
	return rc;
}
