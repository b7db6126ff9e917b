/*
 * A stream has some pieces' matches at hand, found and rebuilt by all members of the team, and hands them out in order;
 * when they are used up it goes on with the next pieces.
 */
#include "query/search_stream.h"

#include "base/mem.h"
#include "query/matches_priv.h"

#define HAND_PIECES 8u            /* pieces at hand */
#define HAND_BYTES  (1024u << 10) /* rebuilt ahead, a piece */

struct search_stream {
	struct search_source source;
	struct scan scan;
	bool oldest_first;
	struct range range;
	size_t part;              /* the next, in the order asked for */
	struct piece_list pieces; /* of the part before it, not yet at hand */
	size_t from;              /* oldest first: those before are done */
	struct matches hand[HAND_PIECES];
	size_t hand_count;
	size_t hand_at;
	uint32_t cap;
};

struct search_stream *search_stream__open(const struct search_source *source, const struct search_request *r)
{
	struct search_stream *x = xalloc(sizeof(*x));
	uint64_t size = r->size < source->size ? r->size : source->size;

	x->source = *source;
	scan__open(&x->scan, &x->source, r->query, r->from_us, r->to_us);
	x->scan.deadline_ns = 0; /* it may go on as long as somebody takes what it finds */
	x->oldest_first = r->oldest_first;
	x->range = (struct range){0, size};
	if (r->after != UINT64_MAX && r->oldest_first)
		x->range.from = r->after < size ? r->after + 1 : size;
	else if (r->after < size)
		x->range.to = r->after;
	return x;
}

struct search_stream *search_stream_open(struct snapshot *s, const struct search_request *r)
{
	struct search_source source;

	search__source_of(s, r->team, &source);
	return search_stream__open(&source, r);
}

struct search_stream *search_stream_close(struct search_stream *x)
{
	if (!x)
		return NULL;
	for (size_t k = 0; k < HAND_PIECES; k++)
		matches_release(&x->hand[k]);
	piece_list_release(&x->pieces);
	scan__close(&x->scan);
	free(x);
	return NULL;
}

void search_stream_progress(const struct search_stream *x, uint64_t *ret_passed, uint64_t *ret_all)
{
	const struct piece *p = x->hand_at < x->hand_count ? &x->hand[x->hand_at].piece : NULL;
	uint64_t all = x->range.to - x->range.from;
	uint64_t passed = all;

	if (p)
		passed = x->oldest_first ? p->first + p->from - x->range.from : x->range.to - p->first - p->to;
	*ret_passed = passed < all ? passed : all;
	*ret_all = all;
}

/* ---- filling the hand ---- */

static int match_piece(void *user, struct scanner *s, unsigned member, size_t k, struct err *err)
{
	struct search_stream *x = user;
	struct matches *m = &x->hand[k];
	struct piece p = m->piece;
	int rc = matches_find(m, s, &p, p.from, p.to, x->oldest_first, err);

	(void)member;
	return rc < 0 ? rc : matches_rebuild(m, s, BLOCK_ROWS_MAX, HAND_BYTES, err);
}

/* The pieces of the next part that has some; false when there is none. */
static int next_part(struct search_stream *x, bool *ret, struct err *err)
{
	size_t count = scan__part_count(&x->scan);
	int rc = 0;

	while (x->from == x->pieces.count && x->part < count && rc == 0) {
		size_t part = x->oldest_first ? x->part : count - 1 - x->part;

		x->pieces.count = 0;
		x->from = 0;
		x->part++;
		rc = scan__pieces(&x->scan, part, x->range, &x->pieces, err);
	}
	*ret = x->from < x->pieces.count;
	return rc;
}

static int fill_hand(struct search_stream *x, bool *ret, struct err *err)
{
	struct piece_list taken = {0};
	int rc = next_part(x, ret, err);

	x->hand_at = 0;
	x->hand_count = 0;
	while (rc == 0 && x->hand_count < HAND_PIECES && x->from < x->pieces.count) {
		size_t at = x->oldest_first ? x->from++ : --x->pieces.count;

		x->hand[x->hand_count++].piece = x->pieces.piece[at];
		piece_list_add(&taken, &(struct piece_list){&x->pieces.piece[at], 1, 1});
	}
	if (rc == 0)
		rc = scan__each(&x->scan, &taken, match_piece, x, err);
	piece_list_release(&taken);
	return rc;
}

/* ---- taking from it ---- */

static int make_room(struct search_stream *x, struct search_answer *a, struct err *err)
{
	uint32_t cap = x->cap ? x->cap * 2 : 1024;
	uint32_t *len = try_realloc(a->len, cap * sizeof(*len));
	uint64_t *index;

	if (len)
		a->len = len;
	index = try_realloc(a->index, cap * sizeof(*index));
	if (index)
		a->index = index;
	if (!len || !index)
		return err_set(err, E_NO_MEMORY, "not enough memory for the records of a stream");
	x->cap = cap;
	return 0;
}

static int take_one(struct search_stream *x, struct matches *m, struct search_answer *ret, struct err *err)
{
	size_t start = ret->events.len;
	int rc = ret->count < x->cap ? 0 : make_room(x, ret, err);

	if (rc == 0)
		rc = matches_take(m, scan__main(&x->scan), &ret->events, &ret->index[ret->count], err);
	if (rc == 0 && !buf_ok(&ret->events))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the records of a stream");
	if (rc == 0)
		ret->len[ret->count++] = (uint32_t)(ret->events.len - start);
	return rc;
}

static int take_hand(struct search_stream *x, size_t bytes, struct search_answer *ret, struct err *err)
{
	int rc = 0;

	while (x->hand_at < x->hand_count && rc == 0 && ret->events.len < bytes) {
		struct matches *m = &x->hand[x->hand_at];
		struct err found = ERR_INIT;

		if (row_set_is_empty(&m->rows)) {
			x->hand_at++;
			continue;
		}
		rc = take_one(x, m, ret, &found);
		if (rc == E_CORRUPT)
			matches_forget(m);
		rc = scan__leave_out(&x->scan, &m->piece, rc, &found, err);
	}
	return rc;
}

int search_stream_next(struct search_stream *x, size_t bytes, struct search_answer *ret, struct err *err)
{
	bool more = true;
	int rc = 0;

	buf_reset(&ret->events);
	ret->count = 0;
	while (more && rc == 0 && ret->events.len < bytes) {
		rc = take_hand(x, bytes, ret, err);
		if (rc == 0 && x->hand_at == x->hand_count)
			rc = fill_hand(x, &more, err);
	}
	gap_list_release(&ret->gaps);
	ret->gaps = x->scan.gaps;
	ret->damage = x->scan.damage;
	x->scan.gaps = (struct gap_list){0};
	x->scan.damage = (struct err)ERR_INIT;
	return rc;
}
