/*
 * A search: first its page, then its total.
 *
 * The page goes over the parts that lie behind `after` in the order asked for, piece by piece; when a few pieces have
 * not filled it, several at once (search_page.c). What is then left to be counted are the pieces that were not looked
 * at, and what lies before `after` (search_count.c).
 */
#ifndef STELE_QUERY_PAGE_PRIV_H
#define STELE_QUERY_PAGE_PRIV_H

#include "query/matches_priv.h"

struct search {
	struct scan scan;
	const struct search_request *r;
	struct range ahead;     /* behind `after`, in the order asked for: where the page comes from */
	struct range behind;    /* the other records below `size`: only counted */
	size_t parts_done;      /* that the page has gone over, in the order asked for; the last one not to its end */
	uint64_t *found;        /* [part] matches that the page met */
	struct piece_list left; /* of the part that the page ended in: still to be counted */
	struct search_answer answer;
	uint32_t cap;       /* of answer.len and answer.index */
	bool is_counted;    /* the total is known with the page */
	bool is_incomplete; /* the total: counting was not worth it */
};

/* Part `k` in the order asked for. */
static inline size_t search__part(const struct search *q, size_t k)
{
	return q->r->oldest_first ? k : scan__part_count(&q->scan) - 1 - k;
}

/* The page is full, and it is known whether there is more. */
static inline bool search__has_page(const struct search *q)
{
	return q->answer.count == q->r->limit && q->answer.more;
}

int search__fill_page(struct search *q, struct err *err) __attribute__((warn_unused_result));

/* Counts the record that was appended to the page's events behind `start`. */
int search__take_record(struct search *q, uint64_t index, size_t start, struct err *err)
	__attribute__((warn_unused_result));

/* Fills the page in the order of a field, and counts on the way unless some pieces needed no look. search_sort.c */
int search__fill_sorted(struct search *q, struct err *err) __attribute__((warn_unused_result));

/* Adds what was not looked at to the total, as far as it was asked for. */
int search__count(struct search *q, struct err *err) __attribute__((warn_unused_result));

/* Appends what is told of a search when it is over: explain.c. */
void explain__put(const struct search *q, struct buf *to);

#endif
