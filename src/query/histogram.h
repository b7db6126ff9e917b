/*
 * Histograms: how many of the records that match a query lie in each interval of time, and, split by a field, how many
 * of those have each of its most frequent values. The period reaches from the first to the last bucket; where its
 * beginning or end is not given it is that of what is there, or of what may be seen of it. Buckets without records are
 * there as well.
 */
#ifndef STELE_QUERY_HISTOGRAM_H
#define STELE_QUERY_HISTOGRAM_H

#include "query/facet.h"
#include "query/interval.h"

struct histogram_request {
	const struct query *query;
	int64_t from_us, to_us;         /* of the record's time, as in search.h */
	int64_t interval_us;            /* 0: the shortest round one with at most so many buckets: */
	uint32_t buckets;               /* 1 … HISTOGRAM_BUCKETS_MAX */
	const struct field_list *split; /* of one field; NULL: none */
	const struct query *seen;       /* nothing else is told of, the period's ends included; NULL: all is seen */
	struct team *team;
};

struct histogram_answer {
	int64_t first_us; /* where the first bucket begins */
	int64_t interval_us;
	uint32_t bucket_count;
	uint64_t *count; /* [bucket_count] owned */
	/* [bucket_count][split.value_count + 1] records with each value of the split, and last those with any other;
	 * owned; NULL: not split */
	uint64_t *split_count;
	struct facet_answer split; /* the values, over the whole period; of no field: not split */
	struct tally tally;
};

#define HISTOGRAM_ANSWER_INIT                                                                                          \
	{                                                                                                              \
		.split = FACET_ANSWER_INIT, .tally = TALLY_INIT                                                        \
	}

/* E_INVALID past HISTOGRAM_BUCKETS_MAX, with an interval that would do; E_IO, E_NO_MEMORY. */
int histogram_run(struct snapshot *s, const struct histogram_request *r, struct histogram_answer *ret, struct err *err)
	__attribute__((warn_unused_result));
void histogram_answer_release(struct histogram_answer *a);

int histogram__run(const struct search_source *source, const struct histogram_request *r, struct histogram_answer *ret,
		   struct err *err) __attribute__((warn_unused_result));

#endif
