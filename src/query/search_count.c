/*
 * Totals. Parts whose dictionaries have counted, and those where everything matches, cost nothing; the rest is looked
 * at, by all members of the team. When an exact total was not asked for, that is done only if the index leaves no more
 * than COUNT_ROWS_MAX rows to look at, and ends after so much work as they should take.
 */
#include "base/mem.h"
#include "query/page_priv.h"

struct count {
	struct search *q;
	struct piece_list pieces;
	uint64_t rows;          /* to be looked at */
	_Atomic uint64_t spent; /* work */
	_Atomic uint64_t found;
	_Atomic bool is_cut;
};

static bool is_cheap(const struct count *c)
{
	return c->q->r->total == SEARCH_TOTAL_CHEAP;
}

static bool is_too_much(const struct count *c)
{
	return is_cheap(c) && c->rows > COUNT_ROWS_MAX;
}

/* Sorts the pieces behind `from` into those that are counted by now and those that must be looked at. */
static void add_up(struct count *c, size_t from)
{
	size_t kept = from;

	for (size_t k = from; k < c->pieces.count; k++) {
		const struct piece *p = &c->pieces.piece[k];
		uint32_t rows = p->to - p->from;

		if (piece_is_free(p)) {
			c->q->answer.total += rows;
			c->q->scan.figures.records_counted_free += rows;
			continue;
		}
		c->rows += (uint64_t)rows * (p->segment == PIECE_OF_TAIL ? RECORD_WORK : 1);
		c->pieces.piece[kept++] = *p;
	}
	c->pieces.count = kept;
}

/* The pieces of a part that the page did not look at. */
static int add_pieces(struct count *c, size_t k, struct err *err)
{
	struct search *q = c->q;
	size_t part = search__part(q, k), from = c->pieces.count;
	int rc = 0;

	q->answer.total += q->found[part];
	if (k + 1 == q->parts_done)
		piece_list_add(&c->pieces, &q->left);
	else if (k >= q->parts_done)
		rc = scan__pieces(&q->scan, part, q->ahead, &c->pieces, err);
	if (rc == 0)
		rc = scan__pieces(&q->scan, part, q->behind, &c->pieces, err);
	if (rc == 0)
		add_up(c, from);
	return rc;
}

/* Whether the page has looked at all of a part. */
static bool is_seen(const struct search *q, size_t k)
{
	struct range whole = scan__part_range(&q->scan, search__part(q, k));

	return (k + 1 < q->parts_done || (k + 1 == q->parts_done && q->left.count == 0)) &&
	       range_count_within(q->behind, whole.from, whole.to - whole.from) == 0;
}

static int add_part(struct count *c, size_t k, struct err *err)
{
	struct search *q = c->q;
	struct range all = {0, q->ahead.to > q->behind.to ? q->ahead.to : q->behind.to};
	struct err found = ERR_INIT;
	uint64_t n = 0, before = scan__main(&q->scan)->work;
	bool is_known = false;
	int rc = is_seen(q, k) ? 0 : scan__count_free(&q->scan, search__part(q, k), all, &is_known, &n, &found);

	c->rows += scan__main(&q->scan)->work - before;
	if (rc < 0 && rc != E_CORRUPT) {
		if (err)
			*err = found;
		return rc;
	}
	if (!is_known)
		return add_pieces(c, k, err);
	q->answer.total += n;
	q->scan.figures.records_counted_free += n;
	return 0;
}

static int add_parts(struct count *c, struct err *err)
{
	struct search *q = c->q;
	uint64_t seen = q->answer.total; /* a lower bound, should counting not be worth it */
	int rc = 0;

	q->answer.total = 0;
	for (size_t k = 0; k < scan__part_count(&q->scan) && rc == 0 && !is_too_much(c); k++)
		rc = add_part(c, k, err);
	if (is_too_much(c) && q->answer.total < seen)
		q->answer.total = seen;
	return rc;
}

static int count_piece(void *user, struct scanner *x, unsigned member, size_t k, struct err *err)
{
	struct count *c = user;
	const struct piece *p = &c->pieces.piece[k];
	uint64_t before = x->work;
	struct row_set rows;
	int rc;

	(void)member;
	if (is_cheap(c) && atomic_load(&c->spent) > COUNT_ROWS_MAX) {
		atomic_store(&c->is_cut, true);
		return 0;
	}
	rc = scanner__match(x, p, p->from, p->to, &rows, err);
	if (rc == 0)
		atomic_fetch_add(&c->found, row_set_count(&rows));
	atomic_fetch_add(&c->spent, x->work - before);
	return rc;
}

int search__count(struct search *q, struct err *err)
{
	struct count c = {.q = q};
	int rc;

	if (q->r->total == SEARCH_TOTAL_NONE)
		return 0;
	rc = add_parts(&c, err);
	q->is_incomplete = is_too_much(&c);
	if (rc == 0 && !q->is_incomplete) {
		rc = scan__each(&q->scan, &c.pieces, count_piece, &c, err);
		q->answer.total += c.found;
		q->is_incomplete = c.is_cut;
	}
	piece_list_release(&c.pieces);
	return rc;
}
